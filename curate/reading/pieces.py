"""Rows to pieces of records, so that no more than one piece of a source is in memory."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ..formats.compression import Advance
from ..formats.raw_row import RawRow
from ..formats.streams import Lines
from ..records import SET_ASIDE_SCHEMA
from ..shapes.record_frame import RecordColumns, content_id
from ..shapes.rows import Layout, Record, to_record
from ..shapes.unfit import UnfitError
from .plain_chats import PlainChats, plain_chats
from .rows import json_lines, read_rows, row_of_line
from .source_files import JSONL, SourceFile

_PIECE_ROWS = 32_768
_PIECE_BYTES = 64 << 20


@dataclass(slots=True)
class RowCount:
    """How many rows there were, and what was wrong with those set aside."""

    rows: int = 0
    set_aside: int = 0
    unfit: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def pieces_of(
    files: Sequence[SourceFile], layout: Layout, count: RowCount, advance: Advance
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the records and the rows set aside of files, as many at once as a piece may hold.

    Args:
        files: what is read.
        layout: how the rows are understood.
        count: is kept up to date.
        advance: called with the number of bytes read from the disk.

    Yields:
        Frames of ``RECORD_SCHEMA`` and of ``SET_ASIDE_SCHEMA``; the last ones may be empty.

    Raises:
        DataError: a file as a whole cannot be read.
    """
    piece = _Piece(layout, count)
    steps = (None for file in files for _ in _steps(file, piece, advance))
    goes_on = True
    while goes_on:
        with _no_collection():
            goes_on = any(piece.is_full for _ in steps)
        yield piece.take()


def _steps(file: SourceFile, piece: _Piece, advance: Advance) -> Iterator[None]:
    """Put a file's rows into the piece; stop after each row, or after each block of lines."""
    chats = plain_chats(piece.layout) if file.format == JSONL else None
    if chats is None:
        for raw in read_rows(file, advance):
            piece.add(file, raw)
            yield
        return
    for lines in json_lines(file, advance):
        for part in lines.parts(piece.room):
            piece.add_lines(file, part, chats)
            yield


class _Piece:
    """A piece while it grows."""

    def __init__(self, layout: Layout, count: RowCount) -> None:
        self.layout = layout
        self._count = count
        self._columns = RecordColumns(layout.shape.kind)
        self._begin()

    @property
    def is_full(self) -> bool:
        return self._rows >= _PIECE_ROWS or self._held >= _PIECE_BYTES

    def room(self) -> int:
        """Return how many more rows fit."""
        return max(1, _PIECE_ROWS - self._rows)

    def add(self, file: SourceFile, raw: RawRow) -> None:
        """Take the next row."""
        self._put(file, raw, self._count.rows)
        self._count.rows += 1
        self._rows += 1
        self._held += len(raw.raw)

    def add_lines(self, file: SourceFile, lines: Lines, chats: PlainChats) -> None:
        """Take the next lines, plain rows among them at once."""
        plain, frame = chats.read(lines.raws)
        begun = self._count.rows
        blank: list[int] = []
        others = zip(lines, plain, strict=True) if frame.height < len(plain) else ()
        for position, (line, is_plain) in enumerate(others):
            if is_plain:
                continue
            if not line.raw or line.raw.isspace():
                blank.append(position)
            else:
                row = begun + position - len(blank)
                self._put(file, row_of_line(line, file.encoding), row)
        position = frame["row"]
        if blank:
            position -= pl.Series(blank, dtype=pl.Int64).search_sorted(position).cast(pl.Int64)
        self._frames.append(frame.with_columns(row=begun + position))
        self._count.rows += len(plain) - len(blank)
        self._rows += len(plain) - len(blank)
        self._held += sum(map(len, lines.raws))

    def take(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return what was taken so far, and begin another piece."""
        # Rows that were read one by one stand among those that were read at once.
        records = pl.concat([*self._frames, self._columns.take_frame()]).sort("row")
        set_aside = pl.DataFrame(self._set_aside, schema=SET_ASIDE_SCHEMA, orient="row")
        self._begin()
        return records, set_aside

    def _begin(self) -> None:
        self._frames: list[pl.DataFrame] = []
        self._set_aside: list[tuple[Any, ...]] = []
        self._rows = self._held = 0

    def _put(self, file: SourceFile, raw: RawRow, row: int) -> None:
        understood = _understand(raw, self.layout, self._count)
        if isinstance(understood, Record):
            self._columns.add(row, understood)
            return
        place = (str(file.path), raw.line, raw.offset)
        self._set_aside.append((row, *place, understood, raw.raw))
        self._count.set_aside += 1
        self._count.reasons[understood] += 1


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for cycles among millions of young rows, which have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _understand(raw: RawRow, layout: Layout, count: RowCount) -> Record | str:
    """Return a row's record, or the reason why it has to be set aside."""
    if raw.value is None:
        return raw.reason
    try:
        record = to_record(raw.value, layout)
    except UnfitError as error:
        count.unfit += 1
        return str(error)
    if record.id is None:
        record.id = content_id(raw.value)
    return record
