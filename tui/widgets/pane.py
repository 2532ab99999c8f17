"""A pane of text that scrolls by the same keys as the tables."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from ..keys import named


class Line(Static):
    """One line of text, cut with an ellipsis; to change it lays nothing out anew."""

    def say(self, text: Text) -> None:
        """Show another text."""
        self.update(text, layout=False)


class Pane(VerticalScroll, inherit_bindings=False):
    """Text to read; it may hold anything, since it is never parsed as markup."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("home,g", "scroll_home", "Top", show=False),
        Binding("end,G", "scroll_end", "End", show=False),
        Binding("pagedown,ctrl+d,space", "page_down", "Page down", show=False),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False),
        Binding("left,h", "scroll_left", "Left", show=False),
        Binding("right,l", "scroll_right", "Right", show=False),
    )

    _text: Text | None = None

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Static(markup=False)

    def show(self, text: Text, *, at: int | None = None) -> None:
        """Show a text from its beginning, or with a character of it in sight.

        Args:
            text: already made safe.
            at: position of the character.
        """
        self._text = text
        text.no_wrap = self.has_class("-nowrap")
        self.query_one(Static).update(text)
        self.scroll_to(y=0, animate=False, force=True)
        if at:
            # Only once the text is laid out is it known where its characters stand.
            self.call_after_refresh(self._bring_into_sight, text[:at])

    def toggle_wrap(self) -> None:
        """Let long lines run on to be scrolled to, or wrap them again."""
        self.toggle_class("-nowrap")
        if self._text is not None:
            self.show(self._text.copy())

    def _bring_into_sight(self, before: Text) -> None:
        region = self.scrollable_content_region
        line = len(before.wrap(self.app.console, max(1, region.width))) - 1
        if line >= region.height - 1:
            self.scroll_to(y=line - region.height // 3, animate=False, force=True)


def first_mark(text: Text) -> int | None:
    """Return where the first evidence or difference begins; None where nothing is marked."""
    return min((span.start for span in text.spans if "reverse" in str(span.style)), default=None)
