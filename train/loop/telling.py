"""What a run tells while it goes on: numbers and answers, as events and to those that follow it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...workspace.events import Emit, Measured, Sampled
from ..tracking.tracker import Trackers
from .samples import Question

LOSSES = ("train_loss", "val_loss", "train_eval_loss", "general_loss")
_NUMBERS = (
    *LOSSES, "divergence", "reward_margin", "reward_accuracy", "learning_rate", "gradient_norm",
    "memory_bytes",
)  # fmt: skip
_SECONDS_BETWEEN_EVENTS = 0.1


@dataclass(slots=True, eq=False)
class Telling:
    """Tells of a run's steps.

    Attributes:
        emit: told of validations, and of ordinary steps at most ten times a second.
        total_steps: of the run.
        questions: prompts that are answered at every validation.
        trackers: told of every step.
        samples: ``step`` and ``outputs`` (in the order of the questions) of every validation.
    """

    emit: Emit
    total_steps: int
    questions: Sequence[Question] = ()
    trackers: Trackers = field(default_factory=Trackers)
    samples: list[dict[str, Any]] = field(default_factory=list)
    _last_event: float = 0.0

    def step(self, row: Mapping[str, Any], *, rates: Mapping[str, float], left: float) -> None:
        """Tell of a step that is done.

        Args:
            row: of the log.
            rates: numbers besides the log's: tokens a second.
            left: seconds until the end, as far as that can be told.
        """
        step, values = row["step"], {**_numbers(row), **rates}
        told = self._answers(step)
        self.trackers.record(step, values, time.time())
        if told:
            self.trackers.show(step, _texts(told), time.time())
        now = time.monotonic()
        validated = row["train_eval_loss"] is not None
        if not validated and now - self._last_event < _SECONDS_BETWEEN_EVENTS:
            return
        self._last_event = now
        if step:
            values["seconds_left"] = left
        self.emit(Measured(step=step, total_steps=self.total_steps, values=values))
        for event in told:
            self.emit(event)

    def again(self, log: Sequence[Mapping[str, Any]]) -> None:
        """Tell trackers, which begin anew with every attempt, of the steps before this one."""
        begun = time.time() - log[-1]["seconds"]
        for row in log:
            moment = begun + row["seconds"]
            self.trackers.record(row["step"], _numbers(row), moment)
            if told := self._answers(row["step"]):
                self.trackers.show(row["step"], _texts(told), moment)

    def _answers(self, step: int) -> list[Sampled]:
        """Return what was answered after a step; nothing where nothing was asked then."""
        outputs = next((one["outputs"] for one in self.samples if one["step"] == step), ())
        return [
            Sampled(
                step=step,
                number=number,
                prompt=question.prompt,
                output=output,
                expected=question.expected,
            )
            for number, (question, output) in enumerate(
                zip(self.questions, outputs, strict=False), start=1
            )
        ]


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what was measured at a step."""
    return {name: float(row[name]) for name in _NUMBERS if row.get(name) is not None}


def _texts(told: Sequence[Sampled]) -> list[dict[str, str]]:
    return [{"prompt": one.prompt, "expected": one.expected, "output": one.output} for one in told]
