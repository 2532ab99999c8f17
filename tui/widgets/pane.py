"""A pane of text that scrolls by the same keys as the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import Static

from ..keys import named

_NEVER = 1_000_000_000


class Line(Static):
    """One line of text, cut with an ellipsis; to change it lays nothing out anew."""

    def say(self, text: Text) -> None:
        """Show another text."""
        self.update(text, layout=False)


class Pane(ScrollView, inherit_bindings=False):
    """Text to read; it may hold anything, since it is never parsed as markup.

    It draws its lines itself, so that another text lays nothing else out anew.
    """

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

    _text = Text()
    _lines: Sequence[Text] = ()
    _width = 0
    _style = Style()
    _wanted: int | None = None

    def show(self, text: Text, *, at: int | None = None) -> None:
        """Show a text from its beginning, or with a character of it in sight.

        Args:
            text: already made safe.
            at: position of the character.
        """
        self._text, self._wanted = text, at
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._lay_out()

    def toggle_wrap(self) -> None:
        """Let long lines run on to be scrolled to, or wrap them again."""
        self.toggle_class("-nowrap")
        self._lay_out()

    def on_resize(self) -> None:
        """Wrap the text to another width."""
        if self.scrollable_content_region.width != self._width:
            self._lay_out()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines the text takes."""
        return len(self._wrapped(self._text, width))

    def _lay_out(self) -> None:
        region = self.scrollable_content_region
        self._width = region.width
        self._lines = self._wrapped(self._text, region.width)
        longest = max((line.cell_len for line in self._lines), default=0)
        self.virtual_size = Size(longest, len(self._lines))
        self.refresh(layout=self.styles.auto_dimensions)
        if self._wanted and region.width:
            line = len(self._wrapped(self._text[: self._wanted], region.width)) - 1
            if line >= region.height - 1:
                self.scroll_to(y=line - region.height // 3, animate=False, force=True)
            self._wanted = None

    def _wrapped(self, text: Text, width: int) -> Sequence[Text]:
        if self.has_class("-nowrap"):
            return list(text.wrap(self.app.console, _NEVER, no_wrap=True))
        return list(text.wrap(self.app.console, max(1, width)))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines of what is in sight."""
        # Asked for once: it is put together anew from all widgets above each time.
        self._style = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is in sight."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        number = top + y
        if number >= len(self._lines):
            return Strip.blank(width, self._style)
        line = self._lines[number].copy()
        line.end = ""
        span = self.text_selection.get_span(number) if self.text_selection else None
        if span is not None:
            start, end = span
            style = self.screen.get_component_rich_style("screen--selection")
            line.stylize(style, start, len(line) if end == -1 else end)
        strip = Strip(line.render(self.app.console)).apply_style(self._style)
        strip = strip.crop_extend(left, left + width, self._style)
        return strip.apply_offsets(left, number)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what was selected by the mouse."""
        return selection.extract("\n".join(line.plain for line in self._lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()


def first_mark(text: Text) -> int | None:
    """Return where the first evidence or difference begins; None where nothing is marked."""
    return min((span.start for span in text.spans if "reverse" in str(span.style)), default=None)
