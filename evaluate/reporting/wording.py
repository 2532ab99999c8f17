"""Words and numbers for people: the same in the terminal, in Markdown, in the page and the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..verdicts.judgement import (
    BROKEN,
    FORGOT,
    HELD,
    IMPROVED,
    LOSS,
    NOT_IMPROVED,
    UNDECIDED,
    UNINFORMATIVE,
    WORSE,
)

MINUS = "−"
NOT_TOLD = "–"
GLYPHS = {
    IMPROVED: "▲",
    HELD: "=",
    FORGOT: "▼",
    BROKEN: "✖",
    UNDECIDED: "?",
    UNINFORMATIVE: "○",
    NOT_IMPROVED: "=",
    WORSE: "▼",
    "none": "✔",
    "overfit": "✖",
    "not measured": "○",
    "no change shown": "=",
    "beats": "▲",
    "does not beat": "▼",
    "better calibrated": "▲",
    "worse calibrated": "▼",
    "more stereotyped": "▼",
    "less stereotyped": "▲",
    "refuses more": "↑",
    "refuses less": "↓",
    "longer": "↑",
    "shorter": "↓",
}


def glyph(verdict: str) -> str:
    """Return the sign of a verdict, so that it is not told by colour alone."""
    return GLYPHS.get(verdict, "?")


def signed(value: float | None, digits: int = 1) -> str:
    """Write a number with its sign; zero has none.

    Example:
        >>> signed(-3.14159), signed(2), signed(0.001), signed(None)
        ('−3.1', '+2.0', '0.0', '–')
    """
    if value is None:
        return NOT_TOLD
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+") + text


def p_text(p: float | None) -> str:
    """Write a p value with as many digits as matter.

    Example:
        >>> p_text(0.00001), p_text(0.0312), p_text(0.4), p_text(None)
        ('<0.0001', '0.031', '0.40', '–')
    """
    if p is None:
        return NOT_TOLD
    if p < 0.0001:
        return "<0.0001"
    if p < 0.001:
        return f"{p:.4f}"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def score_text(kind: str, value: float | None) -> str:
    """Write a mean score: a share as percent, a loss as it is.

    Example:
        >>> score_text("share", 0.4567), score_text("loss", 2.3456)
        ('45.7 %', '2.346')
    """
    if value is None:
        return NOT_TOLD
    return f"{value:.3f}" if kind == LOSS else f"{100 * value:.1f} %"


def percent_scale(task: Mapping[str, Any]) -> float | None:
    """Return what turns a task's change into points, or for a loss into percent of the base's.

    On this scale shares and losses stand in one plot, and their default margins are both 2.
    None where a loss has no base to compare with.
    """
    if task["kind"] != LOSS:
        return 100.0
    base = task["base"]
    return 100.0 / abs(base) if base else None


def change_text(task: Mapping[str, Any]) -> str:
    """Write a task's change with its interval, in points or in percent of the base's loss.

    Example:
        >>> change_text({"kind": "share", "base": 0.5, "delta": -0.0312, "ci": [-0.058, -0.004]})
        '−3.1 [−5.8, −0.4]'
    """
    scale = percent_scale(task)
    if scale is None or task["delta"] is None:
        return NOT_TOLD
    text = signed(scale * task["delta"])
    if task["kind"] == LOSS:
        text += " %"
    if task["ci"] is None:
        return text
    return f"{text} {interval_text(task['ci'], scale)}"


def interval_text(ci: tuple[float, float], scale: float = 1.0, digits: int = 1) -> str:
    """Write an interval in brackets."""
    return f"[{signed(scale * ci[0], digits)}, {signed(scale * ci[1], digits)}]"


def verdict_text(task: Mapping[str, Any]) -> str:
    """Write a task's verdict with its sign and, where it decides, what is missing."""
    text = f"{glyph(task['verdict'])} {task['verdict']}"
    if not task.get("decides", True):
        return f"{text} (shown)"
    if task["verdict"] == UNDECIDED and task.get("needs"):
        text += f", needs {task['needs']:,} more"
    return text


def margin_text(kind: str, margin: float, unit: float = 1.0) -> str:
    """Write a margin: points for shares, percent of the base's loss for losses."""
    if kind == LOSS:
        return f"{100 * margin / unit:g} %"
    points = f"{100 * margin:g}"
    return f"{points} point" if points == "1" else f"{points} points"


def task_margin_text(task: Mapping[str, Any]) -> str:
    """Write the loss that is accepted of a task, as :func:`change_text` writes its change.

    Example:
        >>> task_margin_text({"kind": "share", "base": 0.5, "margin": 0.02})
        '2'
        >>> task_margin_text({"kind": "loss", "base": 2.5, "margin": 0.05})
        '2 %'
    """
    scale, margin = percent_scale(task), task.get("margin")
    if scale is None or margin is None:
        return NOT_TOLD
    return f"{scale * margin:g}" + (" %" if task["kind"] == LOSS else "")


def held_note(kind: str, margin: float, unit: float) -> str:
    """Say of a task that held: the loss is real, and small."""
    return f"a real loss, but inside the margin of {margin_text(kind, margin, unit)}"


def uninformative_note(p: float, chance: float | None) -> str:
    """Say why a task decides nothing."""
    guess = NOT_TOLD if chance is None else f"{100 * chance:.0f} %"
    return f"the base is not above chance ({guess}; p {p_text(p)}): there is nothing to lose"


def broken_note(fault: str) -> str:
    """Say why a task is no evidence of forgetting, and what to look at."""
    return f"{fault}: a fault (template, stop text, weights)? See the answers"


def need_note(more: int | None, verdict: str | None) -> str:
    """Say what would decide an undecided task."""
    if more is None:
        return "too little was seen to plan for a decision"
    decision = "show that it held" if verdict == HELD else "prove the loss"
    return f"{more:,} more items would {decision} at 80 % power, from the change seen so far"
