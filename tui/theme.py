"""The app's colours, and scroll bars for terminals that have only ASCII."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBarRender
from textual.theme import Theme

THEME = Theme(
    name="tunewise",
    primary="#56B4E9",
    secondary="#3b6f91",
    accent="#E69F00",
    success="#009E73",
    warning="#E69F00",
    error="#D55E00",
    background="#11161c",
    surface="#161c24",
    panel="#1f2832",
    dark=True,
)


class AsciiScrollBarRender(ScrollBarRender):
    """Draws scroll bars in whole cells, without block characters."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8
