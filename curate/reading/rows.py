"""Files to raw rows: every row comes out, as an object or with the reason why it is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from ..formats.compression import Advance, nothing
from ..formats.raw_row import RawRow, row_from_json
from ..formats.rows_arrow import arrow_rows
from ..formats.rows_csv import csv_rows
from ..formats.rows_json import document_rows
from ..formats.rows_parquet import parquet_rows
from ..formats.streams import Line, Lines, lines_at, text_blocks, text_lines
from ..formats.text_encoding import UTF_8, unreadable_byte
from .source_files import ARROW, JSON, JSONL, PARQUET, SourceFile

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
    if file.encoding == UTF_8:
        return rows
    return (_named_encoding(row, file.encoding) for row in rows)


def _text_rows(file: SourceFile, advance: Advance) -> Iterator[RawRow]:
    if file.format == JSON:
        return document_rows(*text_blocks(file.path, file.encoding, advance))
    if file.format == JSONL:
        return _rows_of_lines(chain.from_iterable(json_lines(file, advance)))
    lines = chain.from_iterable(text_lines(file.path, file.encoding, advance))
    return csv_rows(lines, file.dialect, file.path)


def json_lines(file: SourceFile, advance: Advance = nothing) -> Iterator[Lines]:
    """Yield the lines of a file of JSON lines; those of white space are no rows.

    Raises:
        DataError: as :func:`read_rows`, also while lines are drawn.
    """
    return text_lines(file.path, file.encoding, advance, blank=False)


def row_of_line(line: Line, encoding: str) -> RawRow:
    """Read a JSON line of a file in some encoding."""
    row = row_from_json(*line)
    return row if row.value is not None else _named_encoding(row, encoding)


def spread_rows(file: SourceFile) -> Iterator[RawRow]:
    """Yield a few rows from all over a file, where one can be jumped into.

    That is so for plain JSON lines in UTF-8. The rows serve to look at; their line numbers are
    not known.
    """
    if file.format == JSONL and file.encoding == UTF_8:
        yield from _rows_of_lines(lines_at(file.path, _SPREAD_PLACES, _SPREAD_LINES))


def _named_encoding(row: RawRow, encoding: str) -> RawRow:
    """Say what the bytes of a row are not, where the file is not in UTF-8."""
    if encoding == UTF_8 or not row.reason.startswith(_NOT_UTF_8):
        return row
    return row._replace(reason=unreadable_byte(row.raw, encoding))


def _rows_of_lines(lines: Iterable[Line]) -> Iterator[RawRow]:
    for line in lines:
        raw = line[2]
        if raw and not raw.isspace():
            yield row_from_json(*line)
