"""A run's log as a file that TensorBoard reads."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...workspace.markdown import block

TENSORBOARD_FOLDER = "tensorboard"
# TensorBoard takes every file with "tfevents" in its name; one without a host's name and a process
# number tells nothing of the machine.
EVENTS_NAME = "events.out.tfevents.run"
_SECONDS_BETWEEN_FLUSHES = 1.0
_GROUPS = {
    "train_loss": "loss/train",
    "val_loss": "loss/val",
    "train_eval_loss": "loss/train_eval",
    "general_loss": "loss/general",
    "divergence": "loss/divergence",
    "reward_margin": "reward/margin",
    "reward_accuracy": "reward/accuracy",
    "learning_rate": "optimisation/learning_rate",
    "gradient_norm": "optimisation/gradient_norm",
    "tokens_per_second": "speed/tokens_per_second",
    "supervised_tokens_per_second": "speed/supervised_tokens_per_second",
    "memory_bytes": "speed/memory_bytes",
}


class TensorBoardFile:
    """Writes at once and in this thread, so that a full disk is an error like any other.

    (tensorboardX's own SummaryWriter writes in another process's thread, where nobody sees that it
    died.)
    """

    def __init__(self, folder: Path) -> None:
        """Begin a file below a run's folder; one of an earlier attempt is written anew."""
        from tensorboardX.proto import event_pb2

        messages: Any = event_pb2
        from tensorboardX.record_writer import RecordWriter

        place = folder / TENSORBOARD_FOLDER
        place.mkdir(parents=True, exist_ok=True)
        self._event = messages.Event
        self._writer = RecordWriter(str(place / EVENTS_NAME))
        self._flushed = 0.0
        self._write(self._event(wall_time=clock.time(), file_version="brain.Event:2"))

    def record(self, step: int, values: Mapping[str, float], time: float) -> None:
        """Write the numbers of a step."""
        from tensorboardX.summary import scalar

        for name, value in values.items():
            if name in _GROUPS:
                summary = scalar(_GROUPS[name], value)
                self._write(self._event(wall_time=time, step=step, summary=summary))

    def show(self, step: int, samples: Sequence[Mapping[str, str]], time: float) -> None:
        """Write the answers, as Markdown in which theirs has no effect."""
        from tensorboardX.summary import text

        for number, sample in enumerate(samples, start=1):
            shown = "\n\n".join(block(sample[name].splitlines()) for name in ("prompt", "output"))
            summary = text(f"samples/{number}", shown)
            self._write(self._event(wall_time=time, step=step, summary=summary))

    def close(self, *, done: bool) -> None:
        """Write what is left."""
        self._writer.close()

    def _write(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())
        now = clock.monotonic()
        if now - self._flushed >= _SECONDS_BETWEEN_FLUSHES:
            self._flushed = now
            self._writer.flush()
