"""How a running command shows itself: a progress bar, plain lines, or JSON lines."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Protocol

from ..workspace.events import (
    CheckDone,
    Event,
    Measured,
    Note,
    Progress,
    TaskScored,
    pace,
    to_json_line,
)
from ..workspace.safe_text import safe_text

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


# The values of a training step that was followed by a validation.
_VALIDATED = frozenset({"val_loss", "train_eval_loss"})
# Share of a run's steps from one line to the next: to a validation, and to an ordinary step.
_SHARE_TO_VALIDATION, _SHARE_TO_STEP = 0.01, 0.05


class Display(Protocol):
    """Shows events while a command runs."""

    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    def close(self) -> None:
        """Leave the terminal clean."""
        ...


class JsonLinesDisplay:
    """Every event as a line of JSON on stdout, for programs (`--events`)."""

    def __init__(self, stream: IO[str]) -> None:
        """Write to a stream that is flushed after every line."""
        self._stream = stream

    def show(self, event: Event) -> None:
        """Write the event."""
        self._stream.write(to_json_line(event) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is left open."""


class _StepLines:
    """Picks the steps of a training that are worth a line: about a hundred, however many it has."""

    def __init__(self) -> None:
        self._last = 0

    def take(self, event: Measured) -> bool:
        """Tell whether a run has come far enough since the last line; its two ends always have."""
        validated = not _VALIDATED.isdisjoint(event.values)
        share = _SHARE_TO_VALIDATION if validated else _SHARE_TO_STEP
        is_end = event.step in (0, event.total_steps)
        if not is_end and event.step - self._last < share * event.total_steps:
            return False
        self._last = event.step
        return True


class PlainDisplay:
    """One line where a task ends and for every note: for logs and screen readers."""

    def __init__(self, stream: IO[str]) -> None:
        """Write to a stream, normally stderr."""
        self._stream = stream
        self._first: dict[str, Progress] = {}
        self._steps = _StepLines()

    def show(self, event: Event) -> None:
        """Write what is worth a line; running counts are not."""
        line = describe(event)
        if isinstance(event, Measured) and not self._steps.take(event):
            return
        if isinstance(event, Progress):
            first = self._first.setdefault(event.task, event)
            if event.total is None or event.done < event.total:
                return
            self._first.pop(event.task)
            line = f"{event.task}: {event.done:,} {event.unit} in {event.time - first.time:.1f} s"
        if line:
            self._stream.write(line + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Nothing is left open."""


class BarDisplay:
    """Progress bars with rate and time left on a terminal's stderr."""

    def __init__(self, stream: IO[str]) -> None:
        """Start drawing on a terminal."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._first: dict[str, Progress] = {}
        self._steps = _StepLines()
        self._tasks: dict[str, TaskID] = {}
        self._bar: RichProgress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}", markup=False),
            console=Console(file=stream, highlight=False),
            transient=True,
        )
        self._bar.start()

    def show(self, event: Event) -> None:
        """Move a bar, or print a line above the bars."""
        if isinstance(event, Progress):
            self._move(event)
        elif isinstance(event, Measured) and not self._steps.take(event):
            return
        elif line := describe(event):
            from rich.text import Text

            self._bar.console.print(Text(line))

    def close(self) -> None:
        """Remove the bars."""
        self._bar.stop()

    def _move(self, event: Progress) -> None:
        first = self._first.setdefault(event.task, event)
        speed = pace(first, event)
        total = f"/{event.total:,}" if event.total is not None else ""
        parts = [f"{event.done:,}{total} {event.unit}"]
        if speed.rate is not None:
            parts.append(f"{speed.rate:,.0f}/s" if speed.rate >= 10 else f"{speed.rate:.1f}/s")
        if speed.seconds_left is not None:
            minutes, seconds = divmod(int(speed.seconds_left), 60)
            parts.append(f"ETA {minutes}:{seconds:02d}")
        count = "  ".join(parts)
        if event.task not in self._tasks:
            self._tasks[event.task] = self._bar.add_task(
                event.task, total=event.total, completed=event.done, count=count
            )
        self._bar.update(
            self._tasks[event.task], completed=event.done, total=event.total, count=count
        )
        if event.total is not None and event.done >= event.total:
            self._bar.remove_task(self._tasks.pop(event.task))
            self._first.pop(event.task)


class QuietDisplay:
    """Warnings only: for `--quiet`."""

    def __init__(self, stream: IO[str]) -> None:
        """Write to a stream, normally stderr."""
        self._stream = stream

    def show(self, event: Event) -> None:
        """Write a warning; drop the rest."""
        if isinstance(event, Note) and event.level == "warning":
            self._stream.write(describe(event) + "\n")

    def close(self) -> None:
        """Nothing is left open."""


def describe(event: Event) -> str:
    """Return an event as a line for a person; empty where it is not worth one."""
    if isinstance(event, Note):
        mark = "warning: " if event.level == "warning" else ""
        return mark + safe_text(event.text)
    if isinstance(event, CheckDone) and event.status == "failed":
        return f"warning: check {event.check} failed: {safe_text(event.reason)}"
    if isinstance(event, Measured):
        values = "  ".join(
            f"{name.replace('_', ' ')} {value:.4g}" for name, value in event.values.items()
        )
        return f"step {event.step:,}/{event.total_steps:,}  {values}"
    if isinstance(event, TaskScored):
        return (
            f"{event.task} ({event.model}): {event.metric} {event.score:.4f}, {event.items:,} items"
        )
    return ""


def open_display(*, events: bool, quiet: bool) -> Display:
    """Choose the display for this call.

    Args:
        events: `--events` was given.
        quiet: `--quiet` was given.
    """
    if events:
        return JsonLinesDisplay(sys.stdout)
    if quiet:
        return QuietDisplay(sys.stderr)
    if sys.stderr.isatty():
        return BarDisplay(sys.stderr)
    return PlainDisplay(sys.stderr)
