"""What is watched while a model trains: losses, answers, the best state, and faults."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ...workspace.errors import JobError
from ...workspace.events import Counter, Emit, Note
from ..preflight.memory_use import memory_in_use
from ..preflight.preflight import Schedule
from ..recipe import Recipe
from .checkpoints import Checkpoints
from .failures import kept_so_far
from .interruption import finishing_the_step
from .team import team_facts
from .telling import LOSSES, Telling

__all__ = ["LOG_SCHEMA", "Losses", "Tally", "Watch", "finishing_the_step"]

LOG_SCHEMA = pl.Schema(
    {
        "step": pl.Int64,
        "epoch": pl.Float64,
        "train_loss": pl.Float64,
        "val_loss": pl.Float64,
        "train_eval_loss": pl.Float64,
        "general_loss": pl.Float64,
        "learning_rate": pl.Float64,
        "gradient_norm": pl.Float64,
        "divergence": pl.Float64,
        "reward_margin": pl.Float64,
        "reward_accuracy": pl.Float64,
        "tokens": pl.Int64,
        "supervised_tokens": pl.Int64,
        "seconds": pl.Float64,
        "memory_bytes": pl.Int64,
    }
)

_KEPT_IN_CHECKPOINTS = (
    "best_step",
    "best_loss",
    "saved_step",
    "evaluations_since_best",
    "measurements",
    "measuring_seconds",
    "training_seconds",
)


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean losses a token outside of training; None where there are no such rows.

    Attributes:
        train: of a sample of the training rows.
        val: of the validation rows.
        general: of the probe.
    """

    train: float | None
    val: float | None = None
    general: float | None = None


@dataclass(slots=True)
class Tally:
    """Tokens that the model has been trained on so far, without padding."""

    tokens: int = 0
    supervised: int = 0


@dataclass(slots=True, eq=False)
class Watch(TrainerCallback):
    """Follows a run: keeps the log, validates, keeps the best state, and ends what went wrong.

    Attributes:
        recipe: of the run.
        schedule: of the run.
        tally: counted by the trainer.
        measure: returns the losses of the model as it is.
        save: writes the model as it is to where the result belongs.
        checkpoints: what the run can go on from.
        emit: told of progress, and of why the run ends before its end.
        stop: set from outside to end the run after the step in progress.
        telling: told of every step, and of every answer.
        answer: returns the answers of the model as it is to the run's prompts.
        save_step: writes the model as it is to where the run's course is kept.
        log: the rows of ``log.parquet``; ``tokens``, ``supervised_tokens`` and ``seconds`` count
            from the beginning, ``memory_bytes`` is what was in use then.
        best_step: the step of the lowest validation loss so far; 0 before the first.
        measurements: validations so far, the one of the base included.
        measuring_seconds: time spent on them, which is part of the log's ``seconds``.
        training_seconds: time spent on all else, up to the last step.
        stopped_early: the recipe's patience or its forgetting budget ended the run.
        over_budget: by which share the probe's loss was above the base's when it ended the run.
        evaluations_since_best: validations without a new best.
    """

    recipe: Recipe
    schedule: Schedule
    tally: Tally
    measure: Callable[[], Losses]
    save: Callable[[], None]
    checkpoints: Checkpoints
    emit: Emit
    stop: threading.Event
    telling: Telling
    answer: Callable[[], Sequence[str]]
    save_step: Callable[[int], None]
    log: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = math.inf
    saved_step: int = 0
    measurements: int = 0
    measuring_seconds: float = 0.0
    training_seconds: float = 0.0
    stopped_early: bool = False
    over_budget: float | None = None
    evaluations_since_best: int = 0
    _started: float = field(default_factory=time.monotonic)
    _counter: Counter | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the training has come as far as its first step."""
        return self._counter is not None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **objects: Any,
    ) -> None:
        """Measure the model as it is before the first step, unless the run goes on from one."""
        done = self.log[-1]["step"] if self.log else 0
        self._counter = Counter(self.emit, "training", self.schedule.steps, "steps", done)
        self._counter.report()
        self._started = time.monotonic()
        if self.log:
            self._started -= self.log[-1]["seconds"]
            self.telling.again(self.log)
            return
        row = self._row(0, 0.0)
        self._validate(row)
        self._record(row)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **objects: Any,
    ) -> TrainerControl:
        """Ask for the step's loss."""
        control.should_log = True
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **objects: Any,
    ) -> TrainerControl:
        """Look at the step that has just been done, and decide whether to go on."""
        if logs is None or "loss" not in logs:
            return control
        step = state.global_step
        row = self._row(step, state.epoch or 0.0)
        row["train_loss"] = logs["loss"]
        row["learning_rate"] = logs.get("learning_rate")
        row["gradient_norm"] = logs.get("grad_norm")
        row["divergence"] = logs.get("divergence")
        row["reward_margin"] = logs.get("rewards/margins")
        row["reward_accuracy"] = logs.get("rewards/accuracies")
        self._refuse_nonsense(row)
        last = step == self.schedule.steps
        if last or (step % self.schedule.eval_every == 0 and not self.stop.is_set()):
            self._validate(row)
            if self.recipe.keep_checkpoints:
                self.save_step(step)
            self._judge(row)
        self._record(row)
        if self.stopped_early or self.stop.is_set():
            control.should_training_stop = True
        every = self.recipe.checkpoint_every or self.schedule.eval_every
        wanted = self.checkpoints.wanted()
        due = wanted or step % every == 0 or self.stop.is_set()
        control.should_save = due and not (last or self.stopped_early)
        if wanted and control.should_save:
            self.emit(Note(text=f"a checkpoint is written after step {step:,}, as somebody asked"))
        if control.should_save and "model" in objects:
            self._refuse_broken_weights(objects["model"], step)
        return control

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **objects: Any,
    ) -> None:
        """Make the checkpoint that has just been written a whole one."""
        self.checkpoints.complete(state.global_step, self.state())

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **objects: Any,
    ) -> None:
        """Report the last step, which may have been held back."""
        if self._counter is not None:
            self._counter.report()

    def state(self) -> dict[str, Any]:
        """Return what a run must know to go on, as JSON values."""
        return {
            **team_facts(),
            "log": self.log,
            "samples": self.telling.samples,
            "tokens": self.tally.tokens,
            "supervised_tokens": self.tally.supervised,
            **{name: getattr(self, name) for name in _KEPT_IN_CHECKPOINTS},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.log = list(state["log"])
        self.telling.samples = list(state["samples"])
        self.tally.tokens = state["tokens"]
        self.tally.supervised = state["supervised_tokens"]
        for name in _KEPT_IN_CHECKPOINTS:
            setattr(self, name, state[name])

    def keep_last(self) -> None:
        """Save the last state, if that is what the recipe keeps or nothing was saved yet.

        Raises:
            JobError: no state was within the recipe's forgetting budget.
        """
        if self.over_budget is not None:
            if not self.saved_step:
                raise self._nothing_within_budget()
        elif self.recipe.keep == "last" or not self.saved_step:
            self._keep(self.log[-1]["step"])

    def log_frame(self) -> pl.DataFrame:
        """Return the log."""
        return pl.DataFrame(self.log, schema=LOG_SCHEMA)

    def losses_at(self, step: int) -> dict[str, float | None]:
        """Return the losses measured after a step; none where there was no validation then."""
        row = next((row for row in self.log if row["step"] == step), {})
        names = {"train": "train_eval_loss", "val": "val_loss", "general": "general_loss"}
        return {name: row.get(column) for name, column in names.items()}

    def _row(self, step: int, epoch: float) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(LOG_SCHEMA)
        seconds = time.monotonic() - self._started
        self.training_seconds = seconds - self.measuring_seconds
        return row | {
            "step": step,
            "epoch": epoch,
            "tokens": self.tally.tokens,
            "supervised_tokens": self.tally.supervised,
            "seconds": seconds,
            "memory_bytes": memory_in_use(),
        }

    def _validate(self, row: dict[str, Any]) -> None:
        begin = time.monotonic()
        losses = self.measure()
        row["val_loss"], row["train_eval_loss"] = losses.val, losses.train
        row["general_loss"] = losses.general
        self._refuse_nonsense(row)
        if self.telling.questions and not self.stop.is_set():
            outputs = list(self.answer())
            self.telling.samples.append({"step": row["step"], "outputs": outputs})
        self.measurements += 1
        self.measuring_seconds += time.monotonic() - begin

    def _judge(self, row: dict[str, Any]) -> None:
        """Keep the state if it is to be kept so far; stop where the recipe says so."""
        budget, val = self.recipe.forgetting_budget, row["val_loss"]
        if budget is not None and self._increase(row) > budget:
            self._stop_over_budget(row, budget)
            return
        loss = math.inf if val is None else val
        is_best = loss < self.best_loss
        if is_best:
            self.best_step, self.best_loss = row["step"], loss
        self.evaluations_since_best = 0 if is_best else self.evaluations_since_best + 1
        # With a budget, the last state within it is kept in case the next is beyond.
        last_is_kept = self.recipe.keep == "last" or val is None
        if (budget is not None) if last_is_kept else is_best:
            self._keep(row["step"])
        if val is not None:
            self._lose_patience(row)

    def _increase(self, row: dict[str, Any]) -> float:
        """Return by which share the probe's loss is above the base's."""
        return row["general_loss"] / self.log[0]["general_loss"] - 1

    def _stop_over_budget(self, row: dict[str, Any], budget: float) -> None:
        self.stopped_early, self.over_budget = True, self._increase(row)
        self.emit(
            Note(
                text=f"stopped after step {row['step']:,}: the loss of the general rows is "
                f"{self.over_budget:.1%} above the base's, the forgetting budget is {budget:.1%}",
                level="warning",
            )
        )

    def _lose_patience(self, row: dict[str, Any]) -> None:
        patience = self.recipe.early_stopping_patience
        if not patience or self.evaluations_since_best < patience:
            return
        self.stopped_early = True
        self.emit(
            Note(
                text=f"stopped after step {row['step']:,}: no better validation loss since "
                f"step {self.best_step:,}"
            )
        )

    def _nothing_within_budget(self) -> JobError:
        step, rate = self.log[-1]["step"], self.recipe.peak_learning_rate
        return JobError(
            f"no state is within the forgetting budget: after step {step:,}, the first that was "
            f"measured, the loss of the general rows was {self.over_budget:.1%} above the base's",
            where=f"stop_if = {self.recipe.stop_if!r}",
            fix=f"try a lower learning rate, such as {rate / 4:g}, replay of general rows, a "
            "smaller eval_every, or a larger budget",
        )

    def _keep(self, step: int) -> None:
        """Save the state after a step; while that is under way, no state counts as saved."""
        self.saved_step = 0
        self.save()
        self.saved_step = step

    def _refuse_nonsense(self, row: dict[str, Any]) -> None:
        """End a run whose numbers are no numbers any more: it would never recover."""
        for name in (*LOSSES, "gradient_norm"):
            if row[name] is not None and not math.isfinite(row[name]):
                what = f"the {name.replace('_', ' ')} became {row[name]}"
                raise self._nonsense(what, row["step"])

    def _refuse_broken_weights(self, model: torch.nn.Module, step: int) -> None:
        """Let no checkpoint be written that holds no numbers: the step's loss came before them."""
        for weight in model.parameters():
            # Where processes share the weights out, each one has a part of its own to look at.
            part = weight.to_local() if isinstance(weight, DTensor) else weight
            if weight.requires_grad and not torch.isfinite(part).all():
                raise self._nonsense("weights became infinite or no numbers", step)

    def _nonsense(self, what: str, step: int) -> JobError:
        rate = self.recipe.peak_learning_rate
        return JobError(
            f"{what} at step {step:,}",
            where=f"learning_rate = {rate:g}, dtype = {self.recipe.dtype}",
            fix=f"try a lower learning rate, such as {rate / 10:g}, a longer warmup or a "
            f"smaller max_gradient_norm{kept_so_far(self.checkpoints)}",
        )

    def _record(self, row: dict[str, Any]) -> None:
        """Append to the log and tell of it."""
        self.log.append(row)
        if self._counter is not None:
            self._counter.advance(row["step"] - self._counter.done)
        rates: dict[str, float] = {}
        if row["step"]:
            seconds = max(self.training_seconds, 1e-9)
            rates["tokens_per_second"] = row["tokens"] / seconds
            rates["supervised_tokens_per_second"] = row["supervised_tokens"] / seconds
        self.telling.step(row, rates=rates, left=self._seconds_left(row["step"]))

    def _seconds_left(self, step: int) -> float:
        """Return the time that the steps and the validations to come take at the pace so far."""
        every, steps = self.schedule.eval_every, self.schedule.steps
        validations = math.ceil(steps / every) - step // every
        measuring = self.measuring_seconds / max(1, self.measurements)
        return (steps - step) * self.training_seconds / max(1, step) + validations * measuring
