"""The curve of a learning-rate range test, as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .format import ascii_only

_WIDTH, _HEIGHT = 60, 12


def range_test_text(document: Mapping[str, Any]) -> str:
    """Return the chart and what follows from it."""
    lines = [chart(document["rates"], document["smoothed"], document["suggestion"]), ""]
    suggestion = document["suggestion"]
    if suggestion is None:
        lines.append(
            "no rate is suggested: the loss did not fall clearly; try more --steps or a larger "
            "batch_size"
        )
    else:
        lines += [
            f"learning_rate = {suggestion:.1e}   where the loss falls most steeply",
            f"                {document['a_tenth_of_lowest']:.1e}   a tenth of the rate of the "
            "lowest loss: the other rule",
            "A rate of that size is a good beginning for short runs; long ones bear less.",
        ]
    if not document["exploded"]:
        lines.append("The loss did not explode up to the highest rate.")
    return "\n".join(lines)


def chart(rates: Sequence[float], losses: Sequence[float], marked: float | None) -> str:
    """Draw losses over rates on a logarithmic axis, with one rate marked."""
    if len(rates) < 2:
        return "too few steps for a chart"
    dot, here, bar = ("*", "^", "|") if ascii_only() else ("•", "▲", "│")
    low, high = math.log10(rates[0]), math.log10(rates[-1])

    def column(rate: float) -> int:
        return round((math.log10(rate) - low) / (high - low) * (_WIDTH - 1))

    # What has exploded would flatten all else.
    top = min(max(losses), losses[0] + (losses[0] - min(losses)) * 0.5 + 1e-9)
    bottom = min(losses)
    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for rate, loss in zip(rates, losses, strict=True):
        share = min(1.0, (top - loss) / (top - bottom)) if top > bottom else 1.0
        if share >= 0:
            grid[round(share * (_HEIGHT - 1))][column(rate)] = dot
    labels = [f"{top:8.3f}", *[" " * 8] * (_HEIGHT - 2), f"{bottom:8.3f}"]
    lines = [f"{label} {bar}{''.join(row)}" for label, row in zip(labels, grid, strict=True)]
    if marked is not None:
        lines.append(" " * (10 + column(marked)) + here)
    lines.append(f"{'':10}{rates[0]:<8.0e}{'learning rate':^{_WIDTH - 16}}{rates[-1]:>8.0e}")
    return "\n".join(lines)
