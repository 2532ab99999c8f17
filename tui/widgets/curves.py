"""Line charts drawn with braille dots, two by four to a cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rich.text import Text

from ..texts.marks import ascii_only, marks

# The bit of a dot in a braille cell, by column and line.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_AXIS = 7


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, y) in the order of x, with a name and a colour; dashed, to tell without colour."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str
    dashed: bool = False


def draw_curves(curves: Sequence[Curve], width: int, height: int, *, log: bool = False) -> Text:
    """Draw curves over common axes; where two meet in a cell, the later one gives the colour.

    Args:
        curves: at least one, each with a point.
        width: cells of the drawing beside the axis.
        height: lines of the drawing.
        log: draw y on a logarithmic scale; values that have none are left out.
    """
    value_at: Callable[[float], float] = float
    if log:
        curves, value_at = [_logarithmic(curve) for curve in curves], math.exp
        if not any(curve.points for curve in curves):
            return Text("nothing above zero to draw", "dim")
    points = [point for curve in curves for point in curve.points]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    bottom, top = min(y for _, y in points), max(y for _, y in points)
    cells: dict[tuple[int, int], tuple[int, str]] = {}
    for curve in curves:
        for column, line in _dots(curve, (left, right, bottom, top), width * 2, height * 4):
            key = (column // 2, line // 4)
            bits = cells.get(key, (0, ""))[0] | _DOTS[column % 2][line % 4]
            cells[key] = (bits, curve.style)
    text = Text()
    for line in range(height):
        value = top - (top - bottom) * line / max(1, height - 1)
        label = _short(value_at(value)) if line in (0, height // 2, height - 1) else ""
        text.append(f"{label:>{_AXIS - 1}} ", style="dim").append(marks().axis, style="dim")
        for column in range(width):
            bits, style = cells.get((column, line), (0, ""))
            text.append(_sign(bits), style=style)
        text.append("\n")
    scale = f"{left:,.0f}".ljust(width - 8) + f"{right:,.0f}".rjust(8)
    text.append(" " * (_AXIS + 1) + scale + "\n", style="dim")
    text.append(" " * (_AXIS + 1))
    for curve in curves:
        sign = "- -" if curve.dashed else "---"
        text.append(f"{sign} {curve.name}   ", style=curve.style)
    return text


def _logarithmic(curve: Curve) -> Curve:
    return replace(curve, points=[(x, math.log(y)) for x, y in curve.points if y > 0])


def _dots(
    curve: Curve, bounds: tuple[float, float, float, float], width: int, height: int
) -> list[tuple[int, int]]:
    """Return the dots of a curve, neighbours joined by straight lines."""
    left, right, bottom, top = bounds
    placed = [
        (
            round((x - left) / ((right - left) or 1) * (width - 1)),
            round((top - y) / ((top - bottom) or 1) * (height - 1)),
        )
        for x, y in curve.points
    ]
    dots = placed[:1]
    for (x, y), (next_x, next_y) in pairwise(placed):
        steps = max(abs(next_x - x), abs(next_y - y), 1)
        dots += [
            (x + round((next_x - x) * i / steps), y + round((next_y - y) * i / steps))
            for i in range(1, steps + 1)
        ]
    return [dot for dot in dots if not curve.dashed or dot[0] % 6 < 4]


def _short(value: float) -> str:
    """Write a number so that it fits beside the axis; nothing where it cannot."""
    texts = (f"{value:.{digits}g}" for digits in (3, 2, 1))
    return next((text for text in texts if len(text) < _AXIS), "")


def _sign(bits: int) -> str:
    if not bits:
        return " "
    return "*" if ascii_only() else chr(0x2800 + bits)
