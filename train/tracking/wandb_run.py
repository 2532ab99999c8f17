"""A run's log for Weights & Biases, kept on this machine unless WANDB_MODE says otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...workspace.errors import MissingExtraError

PROJECT = "tunewise"


class WandbRun:
    """One attempt at a run."""

    def __init__(self, run: Any, table: Callable[..., Any]) -> None:
        """Take a run that has begun, and what makes a table."""
        self._run = run
        self._table = table

    def record(self, step: int, values: Mapping[str, float], time: float) -> None:
        """Log the numbers of a step."""
        self._run.log(dict(values), step=step)

    def show(self, step: int, samples: Sequence[Mapping[str, str]], time: float) -> None:
        """Log the answers as a table."""
        columns = ["prompt", "expected", "output"]
        rows = [[sample[name] for name in columns] for sample in samples]
        self._run.log({"samples": self._table(columns=columns, data=rows)}, step=step)

    def close(self, *, done: bool) -> None:
        """End the run."""
        self._run.finish(exit_code=0 if done else 1)


def open_wandb() -> Callable[[Path, str, Mapping[str, Any]], WandbRun]:
    """Import W&B, and return what begins a run there.

    Raises:
        MissingExtraError: it is not installed.
    """
    # Its reports of its own faults are telemetry, too.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")
    try:
        import wandb
    except ImportError as error:
        raise MissingExtraError("wandb", extra="wandb", purpose="report_to = wandb") from error

    def begin(folder: Path, run: str, parameters: Mapping[str, Any]) -> WandbRun:
        folder.mkdir(parents=True, exist_ok=True)
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        begun = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run,
            dir=str(folder),
            mode=mode,
            config=dict(parameters),
            # The numbers are asked for; what machine, code and packages there are is not.
            settings=wandb.Settings(
                console="off",
                disable_code=True,
                disable_git=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )
        return WandbRun(begun, wandb.Table)

    return begin
