"""The one table of the app: draws only the rows in sight, moves by arrows and by ``j k g G``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual_fastdatatable import DataTable
from textual_fastdatatable.backend import DataTableBackend

from ..keys import named
from .listing import Listing, Rows


class _ListingBackend(DataTableBackend[Listing]):
    """Hands a listing's cells to the table; nothing is measured and nothing can be edited."""

    def __init__(
        self,
        data: Listing,
        max_rows: int | None = None,
        column_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(data)
        self.listing = data

    @classmethod
    def from_pydict(
        cls,
        data: Mapping[str, Sequence[Any]],
        max_rows: int | None = None,
        column_names: Sequence[str] | None = None,
    ) -> _ListingBackend:
        raise NotImplementedError("a table shows a listing")

    @property
    def source_data(self) -> Listing:
        return self.listing

    @property
    def source_row_count(self) -> int:
        return len(self.listing)

    @property
    def row_count(self) -> int:
        return len(self.listing)

    @property
    def columns(self) -> Sequence[str]:
        return [column.title for column in self.listing.columns]

    @property
    def column_content_widths(self) -> Sequence[int]:
        return [column.width for column in self.listing.columns]

    def get_row_at(self, index: int) -> Sequence[Any]:
        return [self.get_cell_at(index, column) for column in range(self.column_count)]

    def get_column_at(self, index: int) -> Sequence[Any]:
        return [self.get_cell_at(row, index) for row in range(self.row_count)]

    def get_cell_at(self, row_index: int, column_index: int) -> Text:
        if not 0 <= row_index < len(self.listing):
            raise IndexError(row_index)
        column = self.listing.columns[column_index]
        text = self.listing.cells(row_index)[column_index].copy()
        text.truncate(column.width, overflow="ellipsis")
        if column.right:
            text.align("right", column.width)
        return text

    def append_column(self, label: str, default: Any | None = None) -> int:
        raise NotImplementedError("a listing is not edited")

    def append_rows(self, records: Iterable[Iterable[Any]]) -> list[int]:
        raise NotImplementedError("a listing is not edited")

    def drop_row(self, row_index: int) -> None:
        raise NotImplementedError("a listing is not edited")

    def update_cell(self, row_index: int, column_index: int, value: Any) -> None:
        raise NotImplementedError("a listing is not edited")

    def sort(self, by: list[tuple[str, Literal["ascending", "descending"]]] | str) -> None:
        raise NotImplementedError("a listing comes sorted")


class Table(DataTable, inherit_bindings=False):
    """A table over a :class:`Listing`, with a cursor on a row."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("enter", "select_cursor", "Open", show=False),
        Binding("down,j", "cursor_down", "Down", show=False),
        Binding("up,k", "cursor_up", "Up", show=False),
        Binding("home,g", "scroll_home", "First", show=False),
        Binding("end,G", "scroll_end", "Last", show=False),
        Binding("pagedown,ctrl+d", "page_down", "Page down", show=False),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False),
        Binding("right,l", "scroll_right", "Right", show=False),
        Binding("left,h", "scroll_left", "Left", show=False),
    )

    def __init__(self, *, id: str | None = None, show_header: bool = True) -> None:
        """Start empty; :meth:`show` gives it something to list."""
        super().__init__(
            backend=_ListingBackend(Rows((), ())),
            cursor_type="row",
            cursor_foreground_priority="css",
            cursor_background_priority="css",
            render_markup=False,
            show_header=show_header,
            id=id,
        )

    @property
    def listing(self) -> Listing:
        """What is listed."""
        assert isinstance(self.backend, _ListingBackend)
        return self.backend.listing

    def show(self, listing: Listing, *, cursor: int = 0) -> None:
        """List something else.

        Args:
            listing: the rows.
            cursor: position to put the cursor on; cut to what there is.
        """
        backend = _ListingBackend(listing)
        backend.render_markup = False
        self.backend = backend
        self._column_labels = [
            Text(column.title.rjust(column.width) if column.right else column.title)
            for column in listing.columns
        ]
        self._column_widths = [column.width for column in listing.columns]
        self._ordered_columns = None
        self._require_update_dimensions = True
        self.redraw()
        self.check_idle()
        moved = self.cursor_coordinate.row != cursor
        self.cursor_coordinate = Coordinate(cursor, 0)
        if not moved and len(listing):
            # The cursor stays where it was, but another row lies under it now.
            self._highlight_cursor()

    def redraw(self) -> None:
        """Draw all rows in sight again, because their cells have changed."""
        self._clear_caches()
        self._update_count += 1
        self.refresh()
