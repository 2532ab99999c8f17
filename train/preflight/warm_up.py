"""How long a run will take, from a few steps that are measured and thrown away."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..loop.objective import Objective, objective_of
from ..loop.trainer import fit
from ..loop.watch import Tally
from ..models.base_model import padding_token
from ..rows.batches import order_of
from ..rows.render import Rendered
from .batch_shapes import BatchShape, learning_shapes
from .preflight import Schedule
from .preparation import Prepared

# Batches that are measured: one of each fifth of a pass, by size.
_MEASURED = 5
_ROWS_VALIDATED = 16
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class TimeEstimate:
    """Seconds that a run will take on this machine, if nothing else comes in its way.

    Attributes:
        seconds: of training and validating; loading and writing are not counted.
        low: the lower end of the 95 % interval.
        high: its upper end.
        validating: the share of ``seconds`` for validations.
        a_step: seconds of a mean step.
        measured_steps: from how many.
    """

    seconds: float
    low: float
    high: float
    validating: float
    a_step: float
    measured_steps: int


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Batches in a fixed order, as Trainer wants them."""

    batches: Sequence[Sequence[int]]
    batch_size: int
    drop_last: bool = False

    def set_epoch(self, epoch: int) -> None:
        """Do nothing: there is one epoch."""

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the rows of each batch."""
        return (list(batch) for batch in self.batches)


@dataclass(slots=True)
class _Clock(TrainerCallback):
    """Takes the times of every step."""

    passes: list[float] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)
    _begin: float = 0.0
    _between: float = 0.0

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        """Begin with the forward pass."""
        self._begin = time.perf_counter()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        """End the backward pass; the optimizer begins."""
        self._between = time.perf_counter()
        self.passes.append(self._between - self._begin)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        """End the step."""
        self.updates.append(time.perf_counter() - self._between)


def measure_time(model: Any, prepared: Prepared) -> TimeEstimate:
    """Train a few steps at a learning rate of zero, and work out what all of them will take.

    The first one, on the largest batch, is not counted: it warms up the libraries, and shows
    whether the memory is enough. Those that count stand for a fifth of all batches each, from
    the smallest to the largest. A step's time goes with its tokens, padding included.

    Args:
        model: as :func:`~tunewise.train.models.loading.model_to_tune` gives it; its weights
            stay as they are.
        prepared: recipe, rows and schedule.

    Raises:
        torch.OutOfMemoryError: the largest batch does not fit.
    """
    recipe = prepared.recipe
    order = order_of(prepared.lessons, recipe)
    batches, shapes = list(order), learning_shapes(prepared.lessons, recipe)
    clock = _Clock()
    groups = size_groups(shapes)
    picked = [len(batches) - 1 if not groups else int(np.argmax([on.tokens for on in shapes]))]
    picked += [group[len(group) // 2] for group in groups]
    chosen: Any = _Chosen([batches[number] for number in picked], recipe.batch_size)
    padding = padding_token(prepared.tokenizer)
    objective = objective_of(model, prepared, padding)
    with tempfile.TemporaryDirectory() as folder:
        fit(
            model,
            prepared.lessons.rows,
            order=chosen,
            recipe=recipe.model_copy(update={"gradient_accumulation": 1, "weight_decay": 0.0}),
            schedule=Schedule(len(picked), len(picked), 0, len(picked)),
            hardware=prepared.hardware,
            padding=padding,
            tally=Tally(),
            callbacks=(clock,),
            objective=objective,
            folder=Path(folder),
            factor=lambda step: 0.0,
        )
    rates = [
        seconds / shapes[number].tokens
        for seconds, number in zip(clock.passes[1:], picked[1:], strict=True)
    ]
    a_pass = sum(
        rate * sum(shapes[number].tokens for number in group)
        for rate, group in zip(rates, groups, strict=True)
    )
    passes = a_pass * prepared.schedule.steps / prepared.schedule.steps_per_epoch
    updates = float(np.mean(clock.updates[1:])) * prepared.schedule.steps
    training = passes + updates
    validating = _validating(model, prepared, objective)
    margin = training * relative_margin(rates)
    return TimeEstimate(
        seconds=training + validating,
        low=max(0.0, training - margin) + validating,
        high=training + margin + validating,
        validating=validating,
        a_step=training / prepared.schedule.steps,
        measured_steps=len(rates),
    )


def size_groups(shapes: Sequence[BatchShape]) -> list[list[int]]:
    """Divide batches by their tokens into groups of about equally many.

    Returns:
        Their numbers by group, each from the smallest to the largest.
    """
    by_size = np.argsort([shape.tokens for shape in shapes], kind="stable")
    groups = np.array_split(by_size, min(_MEASURED, len(shapes)))
    return [group.tolist() for group in groups]


def relative_margin(rates: Sequence[float]) -> float:
    """Return half the width of the mean's interval (Student's t) as a share of the mean.

    With a single rate nothing is known of their spread, and the margin is the whole.
    """
    if len(rates) < 2:
        return 1.0
    quantile = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(rates) - 1))
    error = float(np.std(rates, ddof=1)) / len(rates) ** 0.5
    return quantile * error / float(np.mean(rates))


def _validating(model: Any, prepared: Prepared, objective: Objective) -> float:
    """Return the seconds that all validations take, by measuring a few rows."""
    recipe, schedule = prepared.recipe, prepared.schedule
    rows = [*prepared.val.rows, *prepared.train.rows][:_ROWS_VALIDATED]
    begin = time.perf_counter()
    objective.measure(model, rows)
    rate = (time.perf_counter() - begin) / _tokens(rows)
    measured = recipe.eval_rows or 0
    sizes = (
        (prepared.val.rows, measured),
        (prepared.train.rows, min(64, measured)),
        (prepared.probe.rows, len(prepared.probe.rows)),
    )
    each = sum(_tokens(part) / len(part) * min(count, len(part)) for part, count in sizes if part)
    validations = 1 + -(-schedule.steps // schedule.eval_every)
    return rate * each * validations


def _tokens(rows: Sequence[Rendered]) -> int:
    return sum(len(row.tokens) for row in rows)
