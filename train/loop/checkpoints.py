"""Checkpoints: all that a run needs to go on from where it was stopped, whole or not at all.

transformers' Trainer writes weights, optimizer, schedule and random states into a folder. What our
own watch knows, and the state that was to be kept by then, are added; the file that says so comes
last, and only a folder that has it counts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...workspace.artifact import Workspace, unfinished
from ...workspace.files import read_json, write_json

_WANTED_NAME = "checkpoint-wanted"
CHECKPOINTS_NAME = "checkpoints"
COURSE_FOLDER = "course"
_STATE_NAME = "watch.json"
# Two folders deep: Trainer takes a folder of adapter weights in a checkpoint for a second adapter.
_KEPT_NAME = Path("kept") / "result"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole checkpoint.

    Attributes:
        folder: for Trainer to go on from.
        step: after which it was written.
        state: what the watch knew by then.
    """

    folder: Path
    step: int
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of one run.

    Attributes:
        folder: where Trainer writes them.
        result: the folder of the state that is kept, which goes on changing after a checkpoint.
    """

    folder: Path
    result: Path

    def newest(self) -> Checkpoint | None:
        """Return the last whole checkpoint; None where there is none."""
        whole = [path.parent for path in self.folder.glob(f"*/{_STATE_NAME}")]
        if not whole:
            return None
        folder = max(whole, key=_step_of)
        return Checkpoint(folder, _step_of(folder), read_json(folder / _STATE_NAME))

    def wanted(self) -> bool:
        """Tell whether somebody asked for a checkpoint now; each wish is told once."""
        try:
            self.folder.with_name(_WANTED_NAME).unlink()
        except FileNotFoundError:
            return False
        return True

    def complete(self, step: int, state: Mapping[str, Any]) -> None:
        """Add what is ours to the checkpoint that Trainer has just written; older ones go.

        Args:
            step: after which it was written.
            state: JSON values.
        """
        folder = next(path for path in self.folder.iterdir() if _step_of(path) == step)
        if self.result.is_dir():
            _link_files(self.result, folder / _KEPT_NAME)
        write_json(folder / _STATE_NAME, state)
        for other in self.folder.iterdir():
            if other != folder:
                shutil.rmtree(other)

    def restore_result(self, checkpoint: Checkpoint) -> None:
        """Bring back the state that was to be kept when a checkpoint was written."""
        shutil.rmtree(self.result, ignore_errors=True)
        kept = checkpoint.folder / _KEPT_NAME
        if kept.is_dir():
            _link_files(kept, self.result)

    def remove_unfinished(self) -> None:
        """Remove checkpoints that were not written to their end, which nothing goes on from."""
        if self.folder.is_dir():
            for folder in self.folder.iterdir():
                if not (folder / _STATE_NAME).is_file():
                    shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove all checkpoints: the run is done, or begins anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.wanted()


def ask_for_checkpoints(workspace: Workspace) -> list[str]:
    """Ask the trainings in progress to write a checkpoint after the step that they are at.

    Args:
        workspace: where they run, begun by whatever process.

    Returns:
        The ids of their runs; none where no training is under way.
    """
    running = unfinished(workspace, "train")
    for folder in running.values():
        (folder / _WANTED_NAME).touch()
    return list(running)


def step_folder(run: Path, step: int) -> Path:
    """Return where a run keeps its adapter after a step (``keep_checkpoints``)."""
    return run / COURSE_FOLDER / f"step-{step}"


def course_of(run: Path) -> dict[int, Path]:
    """Return the adapters that a run kept on the way, by their step, the first first."""
    found = {_step_of(folder): folder for folder in (run / COURSE_FOLDER).glob("step-*")}
    return {step: found[step] for step in sorted(found) if step >= 0}


def _step_of(folder: Path) -> int:
    """Return the step that a folder is named after."""
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def _link_files(source: Path, target: Path) -> None:
    """Give the files of a folder a second name, or copy them where there is no such thing."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
