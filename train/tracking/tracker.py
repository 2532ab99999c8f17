"""What follows a run from outside, and how it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...workspace.events import Emit, Note, ignore
from ..models.base_model import first_line


class Tracker(Protocol):
    """Takes the numbers and the samples of a run, in the order of the steps."""

    def record(self, step: int, values: Mapping[str, float], time: float) -> None:
        """Take the numbers of a step, and when it ended (seconds since the epoch)."""
        ...

    def show(self, step: int, samples: Sequence[Mapping[str, str]], time: float) -> None:
        """Take the answers (``prompt``, ``expected``, ``output``) that were given after a step."""
        ...

    def close(self, *, done: bool) -> None:
        """End: the run is done, or was broken off."""
        ...


@dataclass(slots=True)
class Guarded:
    """A tracker whose faults end nothing but itself: a training does not depend on a service.

    Attributes:
        name: what it is called.
        tracker: None once it has failed.
        emit: told of its failure.
    """

    name: str
    tracker: Tracker | None
    emit: Emit = ignore

    def record(self, step: int, values: Mapping[str, float], time: float) -> None:
        """Pass on the numbers of a step."""
        self._try("record", step, values, time)

    def show(self, step: int, samples: Sequence[Mapping[str, str]], time: float) -> None:
        """Pass on the answers."""
        self._try("show", step, samples, time)

    def close(self, *, done: bool) -> None:
        """Pass on the end."""
        self._try("close", done=done)

    def _try(self, method: str, *arguments: Any, **options: Any) -> None:
        if self.tracker is None:
            return
        try:
            getattr(self.tracker, method)(*arguments, **options)
        # Whatever a service or its library raises: the run goes on, and its own log is whole.
        except Exception as error:
            self.tracker = None
            text = f"{self.name} failed and gets nothing more of this run: {first_line(error)}"
            self.emit(Note(text=text, level="warning"))


@dataclass(slots=True)
class Trackers:
    """Several trackers as one."""

    each: Sequence[Tracker] = field(default_factory=tuple)

    def record(self, step: int, values: Mapping[str, float], time: float) -> None:
        """Pass on the numbers of a step."""
        for tracker in self.each:
            tracker.record(step, values, time)

    def show(self, step: int, samples: Sequence[Mapping[str, str]], time: float) -> None:
        """Pass on the answers."""
        for tracker in self.each:
            tracker.show(step, samples, time)

    def close(self, *, done: bool) -> None:
        """Pass on the end."""
        for tracker in self.each:
            tracker.close(done=done)


def check_trackers(names: Sequence[str]) -> None:
    """Check that what a recipe reports to is installed.

    Raises:
        MissingExtraError: it is not; the message names the command that installs it.
    """
    for name in names:
        _opener(name)


def open_trackers(
    names: Sequence[str],
    *,
    folder: Path,
    store: Path,
    run: str,
    parameters: Mapping[str, Any],
    emit: Emit = ignore,
) -> Trackers:
    """Open TensorBoard files, and what the recipe reports to.

    Args:
        names: ``mlflow``, ``wandb``.
        folder: of the run, where the TensorBoard files go.
        store: the workspace's, where the others write unless they are told of a server.
        run: the run's id.
        parameters: the recipe.
        emit: told where one of them fails.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    from .tensorboard import TensorBoardFile

    openers = [(name, _opener(name)) for name in names]
    opened: list[Tracker] = [TensorBoardFile(folder)]
    for name, opener in openers:
        guarded = Guarded(name, None, emit)
        try:
            guarded.tracker = opener(store / name, run, parameters)
        except Exception as error:
            text = f"{name} cannot be opened and gets nothing of this run: {first_line(error)}"
            emit(Note(text=text, level="warning"))
        opened.append(guarded)
    return Trackers(opened)


def _opener(name: str) -> Any:
    if name == "mlflow":
        from .mlflow_run import open_mlflow

        return open_mlflow()
    from .wandb_run import open_wandb

    return open_wandb()
