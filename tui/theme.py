"""The app's colours: dark, light, and the terminal's own; scroll bars for ASCII terminals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.scrollbar import ScrollBarRender
from textual.theme import Theme

from .texts.marks import GREEN, ORANGE, PURPLE, SKY, VERMILLION

DARK = Theme(
    name="tunewise",
    primary=SKY,
    secondary="#3b6f91",
    accent=ORANGE,
    success=GREEN,
    warning=ORANGE,
    error=VERMILLION,
    background="#11161c",
    surface="#161c24",
    panel="#1f2832",
    dark=True,
)
LIGHT = Theme(
    name="tunewise-light",
    primary="#0072B2",
    secondary="#9cc3dd",
    accent="#8F6000",
    success="#00714F",
    warning="#8F6000",
    error="#A84300",
    background="#fbfaf7",
    surface="#f2f0ea",
    panel="#e4e1d8",
    dark=False,
)
SHORT_NAMES = {"dark": DARK.name, "light": LIGHT.name, "ansi": "ansi-dark"}

# Texts are coloured for a dark ground; on others the same hues are darker, or the terminal's own.
_ON_LIGHT = {
    VERMILLION: "#A84300",
    ORANGE: "#8F6000",
    SKY: "#0072B2",
    GREEN: "#00714F",
    PURPLE: "#9C3F74",
}
_ANSI = {
    VERMILLION: "red",
    ORANGE: "yellow",
    SKY: "cyan",
    GREEN: "green",
    PURPLE: "magenta",
}


@dataclass(eq=False)
class Recolour(LineFilter):
    """Puts the colours of the theme in the place of those that texts are made with.

    Args:
        theme: the theme that is shown.
    """

    theme: Theme
    _styles: dict[Style, Style] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Choose the colours; a dark theme keeps those of the texts."""
        super().__init__(enabled=self.theme.ansi or not self.theme.dark)
        names = _ANSI if self.theme.ansi else _ON_LIGHT
        self._colours = {RichColor.parse(a): RichColor.parse(b) for a, b in names.items()}

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in other colours."""
        return [
            Segment(text, self._recoloured(style), control) if style is not None else segment
            for segment in segments
            for text, style, control in (segment,)
        ]

    def _recoloured(self, style: Style) -> Style:
        found = self._styles.get(style)
        if found is None:
            found = style
            if style.color is not None and style.color in self._colours:
                found += Style(color=self._colours[style.color])
            if style.bgcolor is not None and style.bgcolor in self._colours:
                found += Style(bgcolor=self._colours[style.bgcolor])
            self._styles[style] = found
        return found


class AsciiScrollBarRender(ScrollBarRender):
    """Draws scroll bars in whole cells, without block characters."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8
