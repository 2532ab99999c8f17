"""The forgetting curve as sentences, as lines for a terminal, and as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ...workspace.safe_text import name_of
from ..verdicts.judgement import FORGOT
from .charts import element, ticks
from .charts_text import Axis
from .wording import NOT_TOLD, glyph, interval_text, p_text, signed

_WIDTH, _HEIGHT = 760, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 24, 24, 40


def course_sentences(course: Mapping[str, Any] | None) -> list[str]:
    """Say what the curve shows, and what it can show; nothing where none was measured.

    Args:
        course: of ``evaluate.json``.
    """
    if course is None:
        return []
    steps = course["steps"]
    if course["resolves"] is None:
        return ["The base is at chance in every task, so that there is nothing to lose."]
    resolved = (
        f"{course['items']:,} items of {len(course['tasks'])} tasks (at most "
        f"{course['checkpoint_items']:,} a task) find a pooled loss of "
        f"{100 * course['resolves']:.1f} points at 80 % power; {len(steps)} checkpoints share the "
        "level of 5 %"
    )
    if course["resolves"] > course["margin"]:
        resolved += (
            f". A smaller one, even one above the accepted {100 * course['margin']:.1f} points, "
            "can stay unseen"
        )
    if course["began"] is None:
        first = "No checkpoint lost general ability beyond doubt."
    else:
        before = (
            "at the first checkpoint" if course["before"] is None
            else f"not yet at step {course['before']:,}"
        )  # fmt: skip
        first = f"A loss of general ability is first proved at step {course['began']:,} ({before})."
        if not course["lasted"]:
            first += " At some later checkpoints it is not."
    said = [first, f"{resolved}."]
    if course["uninformative"]:
        names = ", ".join(name_of(name) for name in course["uninformative"])
        said.append(f"Left out, because the base is at chance: {names}.")
    return said


def course_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the curve for a terminal, one line a checkpoint; nothing where none was measured.

    Args:
        document: of an evaluation or a report.
    """
    course = document.get("course")
    if course is None:
        return []
    lines = ["general ability over the training: change from the base in points, 95 % interval"]
    width = max(len(f"{step['step']:,}") for step in course["steps"])
    for step in course["steps"]:
        change = NOT_TOLD
        if step["delta"] is not None:
            interval = interval_text(step["ci"], 100) if step["ci"] else ""
            p = p_text(step["p_adjusted"])
            change = f"{signed(100 * step['delta']):>6} {interval:<16} p adj. {p}"
        mark = f"  {glyph(FORGOT)} lost" if step["lost"] else ""
        lines.append(f"  step {step['step']:>{width},}  {change}{mark}")
    return [*lines, *course_sentences(course), ""]


def course_chart(course: Mapping[str, Any] | None) -> Markup | None:
    """Draw the change from the base over the steps; None without two checkpoints.

    Args:
        course: of ``evaluate.json``.
    """
    points = [
        (step["step"], 100 * step["delta"], [100 * end for end in step["ci"]], step["lost"])
        for step in (course["steps"] if course else ())
        if step["delta"] is not None and step["ci"]
    ]
    if course is None or len(points) < 2:
        return None
    accepted = -100 * course["margin"]
    ends = [0.0, accepted, *(end for _, _, ci, _ in points for end in ci)]
    room = 0.06 * (max(ends) - min(ends) or 1.0)
    return _draw(points, accepted, Axis(0, points[-1][0]), Axis(min(ends) - room, max(ends) + room))


def _draw(
    points: Sequence[tuple[int, float, list[float], bool]],
    accepted: float,
    steps: Axis,
    points_lost: Axis,
) -> Markup:
    edge, base = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def x(step: float) -> float:
        return round(_LEFT + (edge - _LEFT) * steps.share(step), 1)

    def y(change: float) -> float:
        return round(base - (base - _TOP) * points_lost.share(change), 1)

    def level(change: float, name: str) -> Markup:
        return element("line", x1=_LEFT, x2=edge, y1=y(change), y2=y(change), class_=name)

    upper = [f"{x(step)} {y(ci[1])}" for step, _, ci, _ in points]
    lower = [f"{x(step)} {y(ci[0])}" for step, _, ci, _ in reversed(points)]
    line = [f"{x(0)} {y(0)}", *(f"{x(step)} {y(delta)}" for step, delta, _, _ in points)]
    parts = [
        element("polygon", points=" ".join(upper + lower), class_="course-band"),
        *(element("text", signed(tick), x=_LEFT - 8, y=y(tick) + 4, class_="y-tick")
          for tick in ticks(points_lost.low, points_lost.high, most=6)),
        *(element("text", f"{tick:,.0f}", x=x(tick), y=base + 18, class_="tick")
          for tick in ticks(steps.low, steps.high, most=8)),
        level(0, "course-zero"),
        level(accepted, "course-accepted"),
        *(element("line", x1=x(step), x2=x(step), y1=y(ci[0]), y2=y(ci[1]), class_="course-end")
          for step, _, ci, _ in points),
        element("path", d="M" + "L".join(line), class_="course-line"),
        *(element("circle", cx=x(step), cy=y(delta), r=4.5,
                  class_="course-lost" if lost else "course-held")
          for step, delta, _, lost in points),
        element("text", "step", x=(_LEFT + edge) / 2, y=_HEIGHT - 4, class_="tick"),
        element("text", "points", x=_LEFT - 8, y=12, class_="y-tick"),
    ]  # fmt: skip
    words = "; ".join(
        f"step {step:,}: {signed(delta)} {interval_text((ci[0], ci[1]))}{', lost' * lost}"
        for step, delta, ci, lost in points
    )
    return element(
        "svg", element("title", words), *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", class_="curve",
        role="img", aria_label=words,
    )  # fmt: skip
