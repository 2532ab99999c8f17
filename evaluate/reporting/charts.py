"""Charts as SVG for the report's page: no script, no styles of their own, labelled for readers.

Colours come from the page's style sheet by class. Horizontal places are in percent, so that a
chart takes the width it is given without its letters changing size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from ...workspace.safe_text import safe_text
from .charts_text import Axis, Change

_ROW, _MIDDLE = 30, 15


def element(name: str, *children: object, **attributes: object) -> Markup:
    """Return an SVG element; everything given is escaped unless it is markup already.

    Args:
        name: the element's name.
        children: texts or elements inside.
        attributes: ``_`` becomes ``-``, a trailing ``_`` goes, None leaves the attribute out.

    Example:
        >>> element("text", "a < b", class_="label", x="10%")
        Markup('<text class="label" x="10%">a &lt; b</text>')
    """
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _shown(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(
        child if isinstance(child, Markup) else escape(safe_text(str(child))) for child in children
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), given, inside)


def forest_row(change: Change, axis: Axis, *, verdict: str, label: str, pooled: bool) -> Markup:
    """Draw one change with its interval, the zero line and the accepted loss.

    Args:
        change: in points.
        axis: shared by all rows of a suite.
        verdict: the colour's class.
        label: the same in words, for those who cannot see it.
        pooled: a diamond instead of a dot.
    """
    parts = [_accepted_band(change, axis), _upright(axis, 0.0, "zero")]
    if change.low is not None and change.high is not None:
        ends = [_percent(axis, end) for end in (change.low, change.high)]
        parts.append(_line(ends[0], ends[1], _MIDDLE, _MIDDLE, "interval"))
        parts += [_line(end, end, _MIDDLE - 5, _MIDDLE + 5, "interval") for end in ends]
    if change.value is not None:
        parts.append(_marker(_percent(axis, change.value), pooled))
    return element(
        "svg",
        *parts,
        class_=f"row {_class(verdict)}",
        width="100%",
        height=_ROW,
        role="img",
        aria_label=safe_text(label),
    )


def forest_scale(axis: Axis) -> Markup:
    """Draw the scale below the rows of a suite."""
    parts = [_line("0%", "100%", 1, 1, "axis")]
    for tick in ticks(axis.low, axis.high):
        place = _percent(axis, tick)
        text = "0" if tick == 0 else f"{tick:+g}".replace("-", "−")
        parts.append(_line(place, place, 1, 6, "axis"))
        parts.append(element("text", text, x=place, y=19, class_="tick"))
    return element("svg", *parts, class_="row", width="100%", height=22, aria_hidden="true")


def signal_row(
    value: float, ci: tuple[float, float] | None, threshold: float, *, verdict: str, label: str
) -> Markup:
    """Draw a signal of overfitting against its threshold; what lies beyond it is shaded."""
    ends = [0.0, value, threshold, *(ci or ())]
    room = 0.12 * (max(ends) - min(ends) or 1.0)
    axis = Axis(min(ends) - room, max(ends) + room)
    start = axis.share(threshold)
    beyond = element(
        "rect", x=f"{100 * start:.2f}%", y=0, width=f"{100 * (1 - start):.2f}%", height=_ROW,
        class_="beyond",
    )  # fmt: skip
    parts = [beyond, _upright(axis, 0.0, "zero"), _upright(axis, threshold, "threshold")]
    if ci:
        low, high = (_percent(axis, end) for end in ci)
        parts.append(_line(low, high, _MIDDLE, _MIDDLE, "interval"))
    parts.append(_marker(_percent(axis, value), pooled=False))
    return element(
        "svg", *parts, class_=f"row {_class(verdict)}", width="100%", height=_ROW, role="img",
        aria_label=safe_text(label),
    )  # fmt: skip


def loss_chart(points: Sequence[Mapping[str, Any]], kept_step: int | None) -> Markup | None:
    """Draw training and validation loss over the steps; None without at least two values.

    Args:
        points: rows ``{step, train_loss, val_loss}``, None where not measured.
        kept_step: marked as the step whose model was kept.
    """
    series = {
        name: [
            (float(point["step"]), float(point[f"{name}_loss"]))
            for point in points
            if point[f"{name}_loss"] is not None and math.isfinite(point[f"{name}_loss"])
        ]
        for name in ("train", "val")
    }
    places = [place for line in series.values() for place in line]
    if max(map(len, series.values())) < 2 or len({step for step, _ in places}) < 2:
        return None
    return _LossPlot.fit(places).draw(series, kept_step)


class _LossPlot:
    """The area of a loss chart: maps steps and losses to places in it."""

    width, height = 760, 300
    left, right, top, bottom = 52, 108, 24, 40

    def __init__(self, steps: Axis, losses: Axis) -> None:
        self.steps, self.losses = steps, losses

    @classmethod
    def fit(cls, places: Sequence[tuple[float, float]]) -> _LossPlot:
        """Leave room for all places; one early spike must not flatten the rest."""
        losses = sorted(loss for _, loss in places)
        low, high = losses[0], losses[-1]
        usual = losses[int(0.98 * (len(losses) - 1))]
        high = min(high, usual + 0.5 * (usual - low)) if usual > low else high
        room = 0.06 * (high - low or 1.0)
        steps = [step for step, _ in places]
        return cls(Axis(min(steps), max(steps)), Axis(low - room, high + room))

    def x(self, step: float) -> float:
        """Return the horizontal place of a step."""
        inner = self.width - self.left - self.right
        return round(self.left + inner * self.steps.share(step), 1)

    def y(self, loss: float) -> float:
        """Return the vertical place of a loss; what is too high stays at the edge."""
        inner = self.height - self.top - self.bottom
        return round(self.top + inner * (1 - self.losses.share(loss)), 1)

    def draw(
        self, series: Mapping[str, list[tuple[float, float]]], kept_step: int | None
    ) -> Markup:
        """Return the whole chart."""
        parts = [*self._grid()]
        if kept_step is not None and self.steps.low <= kept_step <= self.steps.high:
            parts += self._kept(kept_step)
        ends = {name: line[-1] for name, line in series.items() if line}
        labels = self._label_places(ends)
        for name, line in series.items():
            if not line:
                continue
            path = "M" + "L".join(f"{self.x(step)} {self.y(loss)}" for step, loss in line)
            parts.append(element("path", d=path, class_=f"{name}-loss"))
            if name == "val":
                parts += [
                    element("circle", cx=self.x(step), cy=self.y(loss), r=3.5, class_="val-dot")
                    for step, loss in line
                ]
            text = f"{'validation' if name == 'val' else 'training'} {ends[name][1]:.2f}"
            parts.append(
                element("text", text, x=self.width - self.right + 8, y=labels[name],
                        class_=f"{name}-label")
            )  # fmt: skip
        return element(
            "svg", element("title", self._words(series)), *parts,
            viewBox=f"0 0 {self.width} {self.height}", class_="curve", role="img",
            aria_label=self._words(series),
        )  # fmt: skip

    def _grid(self) -> list[Markup]:
        parts: list[Markup] = []
        edge = self.width - self.right
        for tick in ticks(self.losses.low, self.losses.high, most=6):
            parts.append(
                element("line", x1=self.left, x2=edge, y1=self.y(tick), y2=self.y(tick),
                        class_="grid")
            )  # fmt: skip
            parts.append(
                element("text", f"{tick:g}", x=self.left - 8, y=self.y(tick) + 4, class_="y-tick")
            )
        base = self.height - self.bottom
        for tick in ticks(self.steps.low, self.steps.high, most=8):
            parts.append(
                element("text", f"{tick:,.0f}", x=self.x(tick), y=base + 18, class_="tick")
            )
        parts.append(element("line", x1=self.left, x2=edge, y1=base, y2=base, class_="axis"))
        middle = (self.left + edge) / 2
        parts.append(element("text", "step", x=middle, y=self.height - 4, class_="tick"))
        parts.append(element("text", "loss", x=self.left - 8, y=12, class_="y-tick"))
        return parts

    def _kept(self, step: int) -> list[Markup]:
        place = self.x(step)
        near_end = place > self.width - self.right - 60
        return [
            element("line", x1=place, x2=place, y1=self.top, y2=self.height - self.bottom,
                    class_="kept"),
            element("text", "kept", x=place + (-6 if near_end else 6), y=self.top + 10,
                    class_="kept-label" + (" before" if near_end else "")),
        ]  # fmt: skip

    def _label_places(self, ends: Mapping[str, tuple[float, float]]) -> dict[str, float]:
        """Keep the two labels at the lines' ends apart."""
        places = {name: self.y(loss) + 4 for name, (_, loss) in ends.items()}
        if len(places) == 2 and abs(places["train"] - places["val"]) < 15:
            lower = max(places, key=lambda name: places[name])
            other = "train" if lower == "val" else "val"
            middle = (places["train"] + places["val"]) / 2
            places[lower], places[other] = middle + 8, middle - 8
        return places

    def _words(self, series: Mapping[str, list[tuple[float, float]]]) -> str:
        words = []
        for name, line in series.items():
            if line:
                best = min(line, key=lambda place: place[1])
                title = "Validation" if name == "val" else "Training"
                words.append(
                    f"{title} loss from {line[0][1]:.2f} to {line[-1][1]:.2f}, lowest "
                    f"{best[1]:.2f} at step {best[0]:,.0f}."
                )
        return " ".join(words)


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return round numbers between two ends, zero among them where it lies between.

    Example:
        >>> ticks(-8.2, 3.1)
        [-8.0, -6.0, -4.0, -2.0, 0.0, 2.0]
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(size * power for size in (1, 2, 5, 10) if (high - low) / (size * power) <= most)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _accepted_band(change: Change, axis: Axis) -> Markup:
    start, end = axis.share(-change.margin), axis.share(change.margin)
    return element(
        "rect", x=f"{100 * start:.2f}%", y=0, width=f"{100 * (end - start):.2f}%", height=_ROW,
        class_="accepted",
    )  # fmt: skip


def _marker(place: str, pooled: bool) -> Markup:
    if not pooled:
        return element("circle", cx=place, cy=_MIDDLE, r=5, class_="point")
    diamond = element("path", d="M-8 0L0 -7L8 0L0 7Z", class_="point")
    return element("svg", diamond, x=place, y=_MIDDLE, overflow="visible")


def _upright(axis: Axis, value: float, name: str) -> Markup:
    place = _percent(axis, value)
    return _line(place, place, 0, _ROW, name)


def _line(x1: str, x2: str, y1: float, y2: float, name: str) -> Markup:
    return element("line", x1=x1, x2=x2, y1=y1, y2=y2, class_=name)


def _percent(axis: Axis, value: float) -> str:
    return f"{100 * axis.share(value):.2f}%"


def _class(verdict: str) -> str:
    """Return the style class of a verdict; only letters and hyphens."""
    return "".join(letter if letter.isalpha() else "-" for letter in verdict.lower())


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
