"""Files to raw rows: every row comes out, as an object or with the reason why it is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .compression import Advance, nothing
from .raw_row import RawRow, row_from_json
from .rows_arrow import arrow_rows
from .rows_csv import csv_rows
from .rows_json import document_rows
from .rows_parquet import parquet_rows
from .source_files import ARROW, JSON, JSONL, PARQUET, SourceFile
from .streams import Line, lines_at, text_blocks, text_lines
from .text_encoding import UTF_8, unreadable_byte

_SPREAD_PLACES = 16
_SPREAD_LINES = 4
_NOT_UTF_8 = "not UTF-8"


def read_rows(file: SourceFile, advance: Advance = nothing) -> Iterator[RawRow]:
    """Yield all rows of a file in order. Blank lines of JSONL and CSV are no rows.

    Args:
        file: a file and its format.
        advance: called with the number of bytes read from the disk.

    Raises:
        DataError: the file as a whole cannot be read; also while rows are drawn.
    """
    if file.format == PARQUET:
        return parquet_rows(file.path, advance)
    if file.format == ARROW:
        return arrow_rows(file.path, advance)
    rows = _text_rows(file, advance)
    return rows if file.encoding == UTF_8 else _naming_encoding(rows, file.encoding)


def _text_rows(file: SourceFile, advance: Advance) -> Iterator[RawRow]:
    if file.format == JSON:
        return document_rows(*text_blocks(file.path, file.encoding, advance))
    if file.format == JSONL:
        return _rows_of_lines(text_lines(file.path, file.encoding, advance, blank=False))
    return csv_rows(text_lines(file.path, file.encoding, advance), file.dialect, file.path)


def spread_rows(file: SourceFile) -> Iterator[RawRow]:
    """Yield a few rows from all over a file, where one can be jumped into.

    That is so for plain JSON lines in UTF-8. The rows serve to look at; their line numbers are
    not known.
    """
    if file.format == JSONL and file.encoding == UTF_8:
        yield from _rows_of_lines(lines_at(file.path, _SPREAD_PLACES, _SPREAD_LINES))


def _naming_encoding(rows: Iterator[RawRow], encoding: str) -> Iterator[RawRow]:
    """Say what the bytes of a row are not, where the file is not in UTF-8."""
    for row in rows:
        if row.reason.startswith(_NOT_UTF_8):
            row = row._replace(reason=unreadable_byte(row.raw, encoding))
        yield row


def _rows_of_lines(lines: Iterable[Line]) -> Iterator[RawRow]:
    return (row_from_json(number, offset, raw) for number, offset, raw in lines)
