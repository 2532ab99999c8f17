"""What a running step tells: one event type each, as JSON lines for `--events`.

A step takes ``emit: Emit`` and calls it; the command line turns events into a progress bar or
JSON lines, the app reads the JSON lines of its child processes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

EVENTS_SCHEMA_VERSION = 1
_SECONDS_BETWEEN_PROGRESS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a time (seconds since the epoch)."""

    name: ClassVar[str] = "event"
    time: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """A command began."""

    name: ClassVar[str] = "started"
    command: str
    arguments: tuple[str, ...] = ()
    process: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """A task has done so much of its total (None: unknown), counted in ``unit``."""

    name: ClassVar[str] = "progress"
    task: str
    done: int
    total: int | None = None
    unit: str = "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Event):
    """A sentence for the reader; ``level`` is info or warning."""

    name: ClassVar[str] = "note"
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDone(Event):
    """A check of an audit has ended with so many findings on so many rows."""

    name: ClassVar[str] = "check"
    check: str
    status: str
    severity: str
    findings: int
    rows: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Event):
    """Numbers measured at a training step, such as ``{"train_loss": 1.2}``."""

    name: ClassVar[str] = "measured"
    step: int
    total_steps: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled(Event):
    """The model as it is after a training step (0: the base) has answered a fixed prompt."""

    name: ClassVar[str] = "sampled"
    step: int
    number: int
    prompt: str
    output: str
    expected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScored(Event):
    """A benchmark task has been scored for one model (base or tuned)."""

    name: ClassVar[str] = "scored"
    task: str
    model: str
    metric: str
    score: float
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """The command ended; ``artifact`` is the folder it wrote or reused."""

    name: ClassVar[str] = "finished"
    artifact: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """The command failed: what, where, and what to do."""

    name: ClassVar[str] = "failed"
    what: str
    where: str = ""
    fix: str = ""
    exit_code: int = 4


Emit = Callable[[Event], None]

_TYPES: dict[str, type[Event]] = {
    kind.name: kind
    for kind in (
        Started,
        Progress,
        Note,
        CheckDone,
        Measured,
        Sampled,
        TaskScored,
        Finished,
        Failed,
    )
}


def ignore(event: Event) -> None:
    """Drop an event: the default where nobody listens."""


def to_json_line(event: Event) -> str:
    """Serialise an event as one line of JSON without the line break."""
    document = {"schema_version": EVENTS_SCHEMA_VERSION, "event": event.name, **asdict(event)}
    return json.dumps(document, ensure_ascii=False, default=float)


def from_json_line(line: str) -> Event | None:
    """Read an event; None for a line that is no event (a stray print, a newer kind)."""
    try:
        document: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    kind = _TYPES.get(document.pop("event", ""))
    document.pop("schema_version", None)
    if kind is None:
        return None
    try:
        return kind(**document)
    except TypeError:
        return None


@dataclass(slots=True)
class Counter:
    """Counts work done in one task and reports it at most ten times a second."""

    emit: Emit
    task: str
    total: int | None = None
    unit: str = "rows"
    done: int = 0
    _last: float = 0.0
    _told: int | None = None

    def advance(self, amount: int = 1) -> None:
        """Add finished work; the report is held back if the last one was just sent."""
        self.done += amount
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_PROGRESS:
            self._last = now
            self.report()

    def report(self) -> None:
        """Send the count as it stands, unless it was just sent."""
        if self._told == self.done:
            return
        self._told = self.done
        self.emit(Progress(task=self.task, done=self.done, total=self.total, unit=self.unit))


@contextmanager
def counting(
    emit: Emit, task: str, total: int | None = None, unit: str = "rows"
) -> Iterator[Counter]:
    """Report a task's start, its progress and its end.

    Example:
        >>> seen = []
        >>> with counting(seen.append, "reading", total=2) as counter:
        ...     counter.advance(2)
        >>> [(event.done, event.total) for event in seen][-1]
        (2, 2)
    """
    counter = Counter(emit, task, total, unit)
    counter.report()
    yield counter
    counter.report()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a task goes: units a second, and seconds left (None: unknown)."""

    rate: float | None
    seconds_left: float | None


def pace(first: Progress, latest: Progress) -> Pace:
    """Work out rate and remaining time from two reports of one task."""
    seconds = latest.time - first.time
    done = latest.done - first.done
    if seconds <= 0 or done <= 0:
        return Pace(None, None)
    rate = done / seconds
    if latest.total is None:
        return Pace(rate, None)
    return Pace(rate, max(0.0, (latest.total - latest.done) / rate))
