"""The one table of the app: draws only the rows in sight, moves by arrows and by ``j k g G``."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..keys import named
from .listing import Column, Listing, Rows

_DRAWN_ROWS_KEPT = 512


class Table(ScrollView, inherit_bindings=False):
    """A table over a :class:`Listing`, with a cursor on a row.

    Columns have fixed widths and rows one line each, so that nothing is measured: a million rows
    are drawn like ten. What was drawn of a row is kept until the listing changes.

    Args:
        show_header: draw the columns' titles above the rows.
    """

    DEFAULT_CSS = """
    Table {
        & > .table--header { color: $text-muted; }
        & > .table--cursor { background: $secondary 40%; color: $text; }
        & > .table--hover { background: $boost; }
        &:focus > .table--cursor { background: $secondary; }
    }
    """
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--hover"}
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("enter", "select_cursor", "Open", show=False),
        Binding("down,j", "cursor(1)", "Down", show=False),
        Binding("up,k", "cursor(-1)", "Up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("right,l", "scroll_right", "Right", show=False),
        Binding("left,h", "scroll_left", "Left", show=False),
    )

    can_focus = True
    cursor_row: reactive[int] = reactive(0, repaint=False)
    _hovered: reactive[int | None] = reactive(None, repaint=False)

    class _RowMessage(Message):
        """Something about the row under the cursor."""

        def __init__(self, table: Table, cursor_row: int) -> None:
            """Keep the table and the position of the row."""
            super().__init__()
            self.table = table
            self.cursor_row = cursor_row

        @property
        def control(self) -> Table:
            """The table, for selectors."""
            return self.table

    class RowHighlighted(_RowMessage):
        """The cursor has come to a row, or another row has come under it."""

    class RowSelected(_RowMessage):
        """The row under the cursor was opened, by ``enter`` or a click on it."""

    def __init__(self, *, id: str | None = None, show_header: bool = True) -> None:
        """Start empty; :meth:`show` gives it something to list."""
        super().__init__(id=id)
        self._listing: Listing = Rows((), ())
        self._header = int(show_header)
        self._drawn: dict[tuple[int, Style, bool], Strip] = {}
        self._style = Style()

    @property
    def listing(self) -> Listing:
        """What is listed."""
        return self._listing

    def show(self, listing: Listing, *, cursor: int = 0) -> None:
        """List something else.

        Args:
            listing: the rows.
            cursor: position to put the cursor on; cut to what there is.
        """
        self._listing = listing
        width = sum(_cell_width(column) for column in listing.columns)
        self.virtual_size = Size(width, len(listing) + self._header)
        self.refresh(layout=self.styles.auto_dimensions)
        self.redraw()
        before = self.cursor_row
        self.move_cursor(row=cursor)
        if self.cursor_row == before and len(listing):
            # The cursor stays where it was, but another row lies under it now.
            self._bring_into_sight()
            self.post_message(self.RowHighlighted(self, self.cursor_row))

    def redraw(self) -> None:
        """Draw all rows in sight again, because their cells have changed."""
        self._drawn.clear()
        self.refresh()

    def move_cursor(self, *, row: int) -> None:
        """Put the cursor on a row; before the first is the first, behind the last the last."""
        self.cursor_row = max(0, min(row, len(self._listing) - 1))

    def watch_cursor_row(self, before: int, after: int) -> None:
        """Draw the two rows that changed, and tell."""
        self._refresh_row(before)
        self._refresh_row(after)
        self._bring_into_sight()
        if len(self._listing):
            self.post_message(self.RowHighlighted(self, after))

    def watch__hovered(self, before: int | None, after: int | None) -> None:
        """Draw the two rows that changed."""
        for row in (before, after):
            if row is not None:
                self._refresh_row(row)

    # Keys and mouse

    def action_cursor(self, by: int) -> None:
        """Move the cursor by rows."""
        self.move_cursor(row=self.cursor_row + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by as many rows as are in sight."""
        self.move_cursor(row=self.cursor_row + by * max(1, self._rows_in_sight - 1))

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.move_cursor(row=0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.move_cursor(row=len(self._listing) - 1)

    def action_select_cursor(self) -> None:
        """Open the row under the cursor."""
        if len(self._listing):
            self.post_message(self.RowSelected(self, self.cursor_row))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; a click on the row under the cursor opens it."""
        row = self._row_at(event)
        if row is None:
            return
        event.stop()
        if row == self.cursor_row:
            self.action_select_cursor()
        self.move_cursor(row=row)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Mark the row under the mouse."""
        self._hovered = self._row_at(event)

    def on_leave(self) -> None:
        """Mark none."""
        self._hovered = None

    def _row_at(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self._header:
            return None
        row = offset.y - self._header + self.scroll_offset.y
        return row if row < len(self._listing) else None

    # Drawing

    @property
    def _rows_in_sight(self) -> int:
        return self.scrollable_content_region.height - self._header

    def _bring_into_sight(self) -> None:
        """Scroll no further than the row under the cursor needs."""
        top, room = self.scroll_offset.y, self._rows_in_sight
        if room > 0 and not top <= self.cursor_row < top + room:
            above = self.cursor_row < top
            target = self.cursor_row if above else self.cursor_row - room + 1
            self.scroll_to(y=target, animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Keep the row under the cursor in sight."""
        self._bring_into_sight()

    def _refresh_row(self, row: int) -> None:
        line = row - self.scroll_offset.y + self._header
        if self._header <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines of what is in sight."""
        # Asked for once: it is put together anew from all widgets above each time.
        self._style = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw a line of what is in sight."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        row = top + y - self._header
        is_title = y < self._header
        if not is_title and row >= len(self._listing):
            return Strip.blank(width, self._style)
        has_cursor = not is_title and row == self.cursor_row
        style = self._style
        if is_title:
            style += self.get_component_rich_style("table--header")
        elif has_cursor:
            style += self.get_component_rich_style("table--cursor")
        elif row == self._hovered:
            style += self.get_component_rich_style("table--hover")
        strip = self._drawn_row(-1 if is_title else row, style, has_cursor=has_cursor)
        return strip.crop_extend(left, left + width, style)

    def _drawn_row(self, row: int, style: Style, *, has_cursor: bool) -> Strip:
        """Return a whole row, from its first cell to its last; the titles for row -1."""
        strip = self._drawn.get((row, style, has_cursor))
        if strip is None:
            cells = self._listing.cells(row) if row >= 0 else _titles(self._listing)
            segments = [
                segment
                for column, cell in zip(self._listing.columns, cells, strict=True)
                for segment in _cell_segments(self, cell, column)
            ]
            # The cursor is told by its colours, whatever the cell's own are.
            over = Style(color=style.color, bgcolor=style.bgcolor) if has_cursor else None
            strip = Strip(Segment.apply_style(segments, style, over)).simplify()
            if len(self._drawn) >= _DRAWN_ROWS_KEPT:
                self._drawn.clear()
            self._drawn[row, style, has_cursor] = strip
        return strip


def _cell_width(column: Column) -> int:
    return column.width + 2


def _titles(listing: Listing) -> list[Text]:
    return [Text(column.title) for column in listing.columns]


def _cell_segments(table: Table, cell: Text, column: Column) -> list[Segment]:
    """Return a cell as wide as its column, with a space at either side."""
    text = cell.copy()
    text.end = ""
    text.truncate(column.width, overflow="ellipsis")
    room = " " * (column.width - text.cell_len)
    before, after = (f" {room}", " ") if column.right else (" ", f"{room} ")
    return [Segment(before), *text.render(table.app.console), Segment(after)]
