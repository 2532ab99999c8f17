"""A learning-rate range test: which rate this model learns fastest at on these rows.

The rate rises exponentially from step to step, from one at which nothing moves to one at which
the loss explodes (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017). Between
the two, the smoothed loss falls most steeply at the rate that is suggested; a tenth of the rate of
the lowest loss, the field's other rule, is told beside it. What was learned is thrown away.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...workspace.artifact import Artifact, Workspace
from ...workspace.events import Counter, Emit, ignore
from ..models.base_model import padding_token
from ..recipe import Recipe
from .preflight import Schedule
from .preparation import prepare

# Lowest and highest rate tried: an adapter learns at rates that break whole weights.
RANGES = {"full": (1e-8, 1e-1)}
_USUAL_RANGE = (1e-6, 1.0)
# Share of a smoothed loss that comes from the steps before.
_SMOOTHING = 0.9
# A smoothed loss beyond this many times the lowest has exploded.
_EXPLODED = 2.0
# Shares of the curve that say nothing: the first steps smooth over too few, the last explode.
_UNSURE_AT_FIRST = 0.1
_FEWEST_POINTS = 8


@dataclass(frozen=True, slots=True)
class RangeTest:
    """What was measured, and what follows from it.

    Attributes:
        rates: the learning rate of each step.
        losses: the training loss of each step, in nats a token.
        smoothed: their bias-corrected exponential mean.
        suggestion: the rate of the steepest fall; None where the loss did not fall.
        a_tenth_of_lowest: a tenth of the rate of the lowest smoothed loss.
        exploded: the test ended because the loss grew out of bounds.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    a_tenth_of_lowest: float | None
    exploded: bool


@dataclass(slots=True)
class _Curve:
    """The losses so far."""

    losses: list[float] = field(default_factory=list)

    @property
    def exploded(self) -> bool:
        """Whether the last loss is out of all bounds."""
        if not math.isfinite(self.losses[-1]):
            return True
        smoothed = smooth(self.losses)
        return smoothed[-1] > _EXPLODED * min(smoothed)


def find_learning_rate(
    workspace: Workspace,
    split_artifact: Artifact,
    recipe: Recipe,
    *,
    steps: int = 100,
    emit: Emit = ignore,
) -> dict[str, Any]:
    """Run a range test; nothing is written.

    Args:
        workspace: where names in the recipe begin.
        split_artifact: brings the rows to learn.
        recipe: of the run that a rate is sought for; its own rate and schedule play no part.
        steps: at most so many; the test ends where the loss explodes.
        emit: told of the rows and of every step.

    Returns:
        The fields of :class:`RangeTest`, ``method`` and ``model``.

    Raises:
        UsageError: model, recipe and data do not go together.
    """
    from transformers import TrainerCallback

    from ..inputs import find_inputs
    from ..loop.objective import objective_of
    from ..loop.trainer import fit
    from ..loop.watch import Tally
    from ..models.loading import model_to_tune
    from ..rows.batches import order_of

    base, general = find_inputs(workspace, recipe)
    prepared = prepare(split_artifact, base, recipe, emit, general)
    low, high = RANGES.get(recipe.method, _USUAL_RANGE)
    rates = ramp(low, high, steps)
    curve, counter = _Curve(), Counter(emit, "looking for a learning rate", steps, "steps")

    class Follow(TrainerCallback):
        """Keeps the losses and ends the test."""

        def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> Any:
            """Ask for the step's loss."""
            control.should_log = True
            return control

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **objects: Any
        ) -> Any:
            """Keep the step's loss."""
            if "loss" in (logs or {}):
                curve.losses.append(logs["loss"])
                counter.advance(1)
                control.should_training_stop = curve.exploded
            return control

    model = model_to_tune(base, prepared, emit)
    padding = padding_token(prepared.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        fit(
            model,
            prepared.lessons.rows,
            order=order_of(prepared.lessons, prepared.recipe),
            recipe=prepared.recipe.model_copy(update={"learning_rate": high}),
            schedule=Schedule(prepared.schedule.steps_per_epoch, steps, 0, steps),
            hardware=prepared.hardware,
            padding=padding,
            tally=Tally(),
            callbacks=(Follow(),),
            objective=objective_of(model, prepared, padding),
            folder=Path(folder),
            factor=lambda step: rates[min(step, steps - 1)] / high,
        )
    counter.report()
    found = read_curve(rates[: len(curve.losses)], curve.losses)
    return {**asdict(found), "method": recipe.method, "model": str(base.folder)}


def ramp(low: float, high: float, steps: int) -> list[float]:
    """Return rates that rise exponentially.

    Example:
        >>> [round(rate, 6) for rate in ramp(1e-3, 1e-1, 3)]
        [0.001, 0.01, 0.1]
    """
    return np.geomspace(low, high, steps).tolist()


def smooth(losses: Sequence[float]) -> list[float]:
    """Return the exponential mean of losses, corrected for its beginning at zero."""
    smoothed, mean = [], 0.0
    for number, loss in enumerate(losses, start=1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smoothed.append(mean / (1 - _SMOOTHING**number))
    return smoothed


def read_curve(rates: Sequence[float], losses: Sequence[float]) -> RangeTest:
    """Read a suggestion off the curve of a range test.

    Args:
        rates: of each step, rising.
        losses: of each step; those that are no numbers end the curve.
    """
    finite = next((n for n, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    kept, at = list(losses[:finite]), list(rates[:finite])
    smoothed = smooth(kept)
    exploded = finite < len(losses) or (bool(smoothed) and smoothed[-1] > _EXPLODED * min(smoothed))
    suggestion = tenth = None
    lowest = int(np.argmin(smoothed)) if smoothed else 0
    first = round(_UNSURE_AT_FIRST * len(kept))
    if lowest + 1 - first >= _FEWEST_POINTS:
        falling = slice(first, lowest + 1)
        slopes = np.gradient(np.array(smoothed[falling]), np.log10(at[falling]))
        if slopes.min() < 0:
            suggestion, tenth = at[first + int(np.argmin(slopes))], at[lowest] / 10
    return RangeTest(tuple(at), tuple(kept), tuple(smoothed), suggestion, tenth, exploded)
