"""Charts drawn with characters: bars and histograms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..texts.marks import marks


def bar(share: float | None, width: int) -> str:
    """Return a share as a bar of a fixed width; the finest step is an eighth of a cell.

    Args:
        share: 0 to 1; what lies outside is cut off, None draws nothing.
        width: cells.

    Example:
        >>> bar(0.75, 2)
        '█▌'
    """
    share = min(1.0, max(0.0, share or 0.0))
    signs = marks()
    if not signs.partial:
        return (signs.full * round(share * width)).ljust(width)
    full, eighths = divmod(round(share * width * 8), 8)
    return (signs.full * full + (signs.partial[eighths - 1] if eighths else "")).ljust(width)


def columns(values: Sequence[float], width: int, height: int) -> list[str]:
    """Draw values as columns, the highest first line first.

    Neighbouring values are added where there are more of them than cells; anything above zero
    stays visible, however small.

    Args:
        values: heights from left to right, none negative.
        width: cells to draw in at most.
        height: lines.

    Example:
        >>> columns([1, 2, 0], width=3, height=1)
        ['▄█ ']
    """
    merged = _merge(values, width)
    levels = marks().columns
    steps = len(levels) - 1
    top = max(merged, default=0)
    if top <= 0:
        return [" " * len(merged)] * height
    heights = [max(1, round(value / top * height * steps)) if value > 0 else 0 for value in merged]
    return [
        "".join(levels[min(steps, max(0, filled - line * steps))] for filled in heights)
        for line in reversed(range(height))
    ]


def _merge(values: Sequence[float], width: int) -> list[float]:
    """Add up neighbours until no more than ``width`` values are left."""
    if width <= 0:
        return []
    if len(values) <= width:
        return list(values)
    edges = [position * len(values) // width for position in range(width + 1)]
    return [sum(values[start:end]) for start, end in pairwise(edges)]
