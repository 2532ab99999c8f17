"""Charts of characters, for the terminal, Markdown and the app."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...workspace.safe_text import name_of
from ..verdicts.judgement import LOSS
from .wording import NOT_TOLD, glyph, interval_text, percent_scale, signed, verdict_text

NARROWEST = 60
_GAP = 2
_LEAST_PLOT = 14
_LEAST_NAME = 12
_LARGEST_NAME = 28
ZERO, MARGIN, LINE, LEFT, RIGHT, POINT = "│", "┊", "─", "├", "┤", "●"


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of values; ``low`` and ``high`` are its ends, in points."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, from 0 to 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


@dataclass(frozen=True, slots=True)
class Change:
    """A task's change on the common scale: points, or percent of the base's loss."""

    value: float | None
    low: float | None
    high: float | None
    margin: float


def change_of(task: Mapping[str, Any]) -> Change:
    """Return a task's change, interval and margin in points."""
    scale = percent_scale(task) or 0.0
    margin = scale * (task.get("margin") or 0.0)
    delta, ci = task["delta"], task["ci"]
    if delta is None or not scale:
        return Change(None, None, None, margin)
    low, high = (scale * ci[0], scale * ci[1]) if ci else (None, None)
    return Change(scale * delta, low, high, margin)


def common_axis(changes: Sequence[Change]) -> Axis:
    """Return an axis on which zero, the margins and all intervals have room."""
    ends = [0.0, 1.0, -1.0]
    for change in changes:
        ends += [value for value in (change.value, change.low, change.high) if value is not None]
        ends.append(-change.margin)
    room = 0.04 * (max(ends) - min(ends))
    return Axis(min(ends) - room, max(ends) + room)


def forest_plot(tasks: Sequence[Mapping[str, Any]], *, width: int = 100) -> list[str]:
    """Draw the change of each task with its 95 % interval, one line a task, by suite.

    ``│`` is no change, ``┊`` the accepted loss. Each suite has an axis of its own, so that a
    large gain in the domain does not flatten the small changes elsewhere.

    Args:
        tasks: task verdicts as in ``evaluate.json``.
        width: columns to fill, at least 60; 100 leaves room for what an undecided task needs.

    Returns:
        Lines without trailing spaces, none wider than ``width``.
    """
    if not tasks:
        return ["no tasks were scored"]
    columns = _Columns.fit(tasks, max(width, NARROWEST))
    lines: list[str] = []
    for group in dict.fromkeys(task["group"] for task in tasks):
        members = [task for task in tasks if task["group"] == group]
        lines += [""] if lines else []
        lines += _group_lines(str(group), members, columns)
    return [line.rstrip() for line in lines]


@dataclass(frozen=True, slots=True)
class _Columns:
    """How many cells each column has, and all of them together."""

    name: int
    plot: int
    change: int
    full_verdicts: bool
    width: int

    @classmethod
    def fit(cls, tasks: Sequence[Mapping[str, Any]], width: int) -> _Columns:
        """Share out the width: the verdicts shrink first, then the names, then the plot."""
        change = max(_cells(_change_cell(task)) for task in tasks)
        name = min(_LARGEST_NAME, max(_cells(name_of(task["task"])) for task in tasks))
        for full in (True, False):
            verdict = max(_cells(_verdict_cell(task, full)) for task in tasks)
            room = width - change - verdict - 3 * _GAP
            if room - name >= _LEAST_PLOT:
                return cls(name, room - name, change, full, width)
        name = min(name, max(_LEAST_NAME, room - _LEAST_PLOT))
        return cls(name, max(1, room - name), change, False, width)


def _group_lines(group: str, tasks: Sequence[Mapping[str, Any]], columns: _Columns) -> list[str]:
    changes = [change_of(task) for task in tasks]
    axis = common_axis(changes)
    gap = " " * _GAP
    room = columns.width - columns.name - _GAP
    lines = [f"{_fit(name_of(group), columns.name)}{gap}{_heading(tasks, room)}"]
    for task, change in zip(tasks, changes, strict=True):
        cells = [
            _fit(name_of(task["task"]), columns.name),
            _plot(change, axis, columns.plot),
            _change_cell(task).ljust(columns.change),
            _verdict_cell(task, columns.full_verdicts),
        ]
        lines.append(gap.join(cells))
    lines.append(" " * columns.name + gap + _scale(axis, columns.plot))
    return lines


def _heading(tasks: Sequence[Mapping[str, Any]], room: int) -> str:
    """Say what is plotted, in as many words as there is room for."""
    losses = [task["kind"] == LOSS for task in tasks]
    unit = "% of the loss" if all(losses) else "points, losses in %" if any(losses) else "points"
    texts = (
        f"change, tuned − base ({unit}), 95 % paired CI",
        f"change ({unit}), 95 % paired CI",
        f"change ({unit})",
    )
    return next((text for text in texts if _cells(text) <= room), _fit(texts[-1], room))


def _plot(change: Change, axis: Axis, width: int) -> str:
    cells = [" "] * width

    def place(value: float, sign: str) -> None:
        cells[_column(axis, value, width)] = sign

    if change.margin:
        place(-change.margin, MARGIN)
    place(0.0, ZERO)
    if change.low is not None and change.high is not None:
        first, last = (_column(axis, end, width) for end in (change.low, change.high))
        for column in range(first, last + 1):
            cells[column] = LINE
        cells[first], cells[last] = LEFT, RIGHT
    if change.value is not None:
        place(change.value, POINT)
    return "".join(cells)


def _scale(axis: Axis, width: int) -> str:
    """Write the ends of the axis and its zero below it, as far as they fit."""
    cells = [" "] * width
    labels = [(0.0, "0"), (axis.low, signed(axis.low, 0)), (axis.high, signed(axis.high, 0))]
    taken: list[range] = []
    for value, label in labels:
        start = _column(axis, value, width) - len(label) // 2
        start = min(max(0, start), width - len(label))
        span = range(start - 1, start + len(label) + 1)
        if start < 0 or any(column in used for used in taken for column in span):
            continue
        taken.append(span)
        cells[start : start + len(label)] = label
    return "".join(cells)


def _column(axis: Axis, value: float, width: int) -> int:
    return round(axis.share(value) * (width - 1))


def _change_cell(task: Mapping[str, Any]) -> str:
    scale = percent_scale(task)
    if scale is None or task["delta"] is None:
        return f"{NOT_TOLD:>6}"
    unit = "%" if task["kind"] == LOSS else " "
    interval = "" if task["ci"] is None else interval_text(task["ci"], scale)
    return f"{signed(scale * task['delta']):>6}{unit} {interval}".rstrip()


def _verdict_cell(task: Mapping[str, Any], full: bool) -> str:
    text = verdict_text(task)
    return text if full else f"{glyph(task['verdict'])} {task['verdict']}"


def _cells(text: str) -> int:
    """Count the columns that a terminal gives a text: two for wide letters, none for marks."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if _is_wide(letter) else 1 for letter in text
    )


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def _fit(text: str, width: int) -> str:
    """Cut or fill a text to exactly so many columns."""
    if _cells(text) > width:
        while text and _cells(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _cells(text))
