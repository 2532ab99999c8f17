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
    Sampled,
    TaskScored,
    pace,
    to_json_line,
)
from ..workspace.safe_text import excerpt, safe_text

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


# The values of a training step that was followed by a validation.
_VALIDATED = frozenset({"val_loss", "train_eval_loss"})
# Share of a run's steps from one line to the next: to a validation, and to an ordinary step.
_SHARE_TO_VALIDATION, _SHARE_TO_STEP = 0.01, 0.05
# Answers are shown after this share of a run's steps, and at its two ends.
_SHARE_TO_ANSWERS = 0.25
_SHOWN_OF_AN_ANSWER = 160
# What a bar of a training says of the last step.
_ON_THE_BAR = {"train_loss": "loss", "val_loss": "val"}


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
        self._total = 0
        self._last = 0
        self._answered = 0

    def worth_a_line(self, event: Event) -> bool:
        """Tell whether an event is; those that are no steps and no answers always are."""
        if isinstance(event, Measured):
            return self._take(event)
        return self._take_answer(event) if isinstance(event, Sampled) else True

    def _take(self, event: Measured) -> bool:
        """Take a step where a run has come far enough since the last line; its ends always have."""
        self._total = event.total_steps
        validated = not _VALIDATED.isdisjoint(event.values)
        share = _SHARE_TO_VALIDATION if validated else _SHARE_TO_STEP
        is_end = event.step in (0, event.total_steps)
        if not is_end and event.step - self._last < share * event.total_steps:
            return False
        self._last = event.step
        return True

    def _take_answer(self, event: Sampled) -> bool:
        """Take the answers of a few steps, so that they do not drown the numbers."""
        since = event.step - self._answered
        is_end = event.step == self._total
        if since and not is_end and since < _SHARE_TO_ANSWERS * self._total:
            return False
        self._answered = event.step
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
        if not self._steps.worth_a_line(event):
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
        self._measured: dict[str, float] = {}
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
        if isinstance(event, Measured):
            self._measured |= event.values
        if isinstance(event, Progress):
            self._move(event)
        elif not self._steps.worth_a_line(event):
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
            parts.append(f"ETA {clock(self._seconds_left(event, speed.seconds_left))}")
        if event.unit == "steps":
            parts += [
                f"{word} {self._measured[name]:.3f}"
                for name, word in _ON_THE_BAR.items()
                if name in self._measured
            ]
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

    def _seconds_left(self, event: Progress, by_pace: float) -> float:
        """Return what a training says itself, which knows of the validations to come."""
        told = self._measured.get("seconds_left")
        return told if told is not None and event.unit == "steps" else by_pace


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
        values = "  ".join(_figure(name, value) for name, value in event.values.items())
        return f"step {event.step:,}/{event.total_steps:,}  {values}"
    if isinstance(event, Sampled):
        return _sample_lines(event)
    if isinstance(event, TaskScored):
        return (
            f"{event.task} ({event.model}): {event.metric} {event.score:.4f}, {event.items:,} items"
        )
    return ""


def _sample_lines(event: Sampled) -> str:
    """Return an answer as a line; the base's with the prompt, and what the data answer."""
    shown = safe_text(excerpt(event.output, _SHOWN_OF_AN_ANSWER))
    line = f"  answer {event.number} after step {event.step:,}: {shown or '(nothing)'}"
    if event.step:
        return line
    # The end of a prompt is what is answered.
    prompt = event.prompt[-_SHOWN_OF_AN_ANSWER:]
    asked = [f"  prompt {event.number}: {safe_text(prompt)}"]
    if event.expected:
        expected = safe_text(excerpt(event.expected, _SHOWN_OF_AN_ANSWER))
        asked.append(f"  the data answer: {expected}")
    return "\n".join([*asked, line])


def clock(seconds: float) -> str:
    """Return a time to come as minutes and seconds, with hours where there are any.

    Example:
        >>> clock(75.4), clock(3700)
        ('1:15', '1:01:40')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _figure(name: str, value: float) -> str:
    """Return a number measured at a step with its name."""
    if name == "seconds_left":
        return f"ETA {clock(value)}"
    if name == "memory_bytes":
        return f"memory {value / 1e9:.2f} GB"
    if name.endswith("_per_second"):
        return f"{name.removesuffix('_per_second').replace('_', ' ')}/s {value:,.0f}"
    return f"{name.replace('_', ' ')} {value:.4g}"


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
