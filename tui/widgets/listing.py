"""What a table lists: columns, and the cells of a row when they are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl
from rich.text import Text

from ..texts.marks import GOOD, marks, plain

PAGE = 128
_PAGES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, its width in cells, and whether it is set flush right."""

    title: str
    width: int
    right: bool = False


class Listing(Protocol):
    """Rows that a table can show; there may be millions, so only those in sight are asked for."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns, left to right."""
        ...

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def cells(self, position: int) -> Sequence[Text]:
        """Return the cells of one row; called while drawing, so it must not wait for a disk."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """A short listing that is held in memory."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Text]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def cells(self, position: int) -> Sequence[Text]:
        """Return the cells of one row."""
        return self.rows[position]


SIGN = Column("", 1)
"""The column of the signs of what is marked or chosen."""


def no_sign(position: int, row: int | None) -> str:
    """Mark nothing."""
    return ""


def record_columns(names: Sequence[str], last_row: int) -> list[Column]:
    """Return the columns of a list of records.

    Args:
        names: of ``row``, ``label``, ``characters`` and ``text``.
        last_row: the largest row number, which decides the width of its column.
    """
    known = {
        "row": Column("row", max(4, len(f"{last_row:,}")), right=True),
        "label": Column("label", 12),
        "characters": Column("chars", 9, right=True),
        "text": Column("text", 240),
    }
    return [known[name] for name in names]


class RecordPages:
    """A listing of an audit's records, read by the page; what is not there yet shows as a mark.

    Args:
        count: number of records listed.
        read: reads so many lines from a position on, with the columns of ``read_page``.
        names: columns to show, as :func:`record_columns` knows them.
        last_row: the largest row number of the source.
    """

    def __init__(
        self,
        count: int,
        read: Callable[[int, int], pl.DataFrame],
        names: Sequence[str] = ("row", "text"),
        last_row: int = 0,
    ) -> None:
        """Start without any page."""
        self._read = read
        # Called while drawing with a page that is missing: it should have `load` called in
        # another thread and the table drawn again.
        self.request: Callable[[int], None] | None = None
        # Returns the sign before a line, by its position and row.
        self.sign: Callable[[int, int | None], str] = no_sign
        self.columns = [SIGN, *record_columns(names, last_row)]
        self._names = list(names)
        self._count = count
        self._pages: OrderedDict[int, pl.DataFrame] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of records listed."""
        return self._count

    def load(self, page: int) -> None:
        """Read a page from disk; safe to call from another thread."""
        self._pages[page] = self._read(page * PAGE, PAGE)
        while len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)

    def page_of(self, position: int) -> int:
        """Return the page that holds a position."""
        return position // PAGE

    def row_at(self, position: int) -> int | None:
        """Return the source's row number at a position; None while its page is missing."""
        frame = self._pages.get(position // PAGE)
        return None if frame is None else int(frame["row"][position % PAGE])

    def cells(self, position: int) -> Sequence[Text]:
        """Return the cells of one record, or marks where its page is still to come."""
        page, offset = divmod(position, PAGE)
        frame = self._pages.get(page)
        if frame is None:
            if self.request is not None:
                self.request(page)
            return [plain(marks().ellipsis, "dim") for _ in self.columns]
        sign = plain(self.sign(position, self.row_at(position)), GOOD)
        record = frame.select(self._names).row(offset, named=True)
        return [sign, *(self._cell(name, value) for name, value in record.items())]

    @staticmethod
    def _cell(name: str, value: int | str | None) -> Text:
        if value is None:
            return Text()
        if isinstance(value, int):
            return plain(f"{value:,}", "" if name == "row" else "dim")
        return plain(value, "dim" if name == "label" else "")
