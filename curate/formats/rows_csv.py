"""CSV to raw rows: quoting after RFC 4180 or as the file has it, line breaks in quotes included."""

from __future__ import annotations

import csv
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...workspace.errors import DataError
from .raw_row import RawRow
from .streams import Line
from .text_encoding import unreadable_byte

# A quote that is open for longer was never meant to be closed. Each costs a look through as much.
_MOST_LINES_OF_A_ROW = 10_000
_MOST_BYTES_OF_A_ROW = 64 << 20
_MOST_OPEN_QUOTES = 10
_LINES_FOR_AN_OPEN_QUOTE = 1000
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the rows of a CSV file are written.

    Attributes:
        delimiter: what stands between fields.
        quote: what may stand around a field; empty where quotes are characters like any other.
        escape: what may stand before a quote within quotes, besides another quote; or empty.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> Iterator[list[str]]:
        """Return Python's reader of this dialect."""
        # Python's own limit of 131,072 characters a field is there against mistaken quotes, which
        # are noticed here by other means.
        csv.field_size_limit(sys.maxsize)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            strict=strict,
        )


class CsvRecord(NamedTuple):
    """The fields between two line ends, or the reason why there are none, and its lines."""

    fields: list[str]
    reason: str
    lines: list[Line]

    @property
    def raw(self) -> bytes:
        """The record as it stands in the file."""
        return b"\n".join(line.raw for line in self.lines)


def csv_rows(lines: Iterator[Line], dialect: Dialect, path: Path) -> Iterator[RawRow]:
    """Yield the rows below the header; all values are text.

    A row with more or fewer fields than the header, with text after a closing quote, or that is
    not UTF-8, could not be read. Where a quote is never closed, only the line that opens it is.

    Args:
        lines: the file's lines.
        dialect: how they are written.
        path: the file, for messages.

    Raises:
        DataError: the header cannot be read, or names a column twice.
    """
    records = csv_records(lines, dialect)
    first = next(records, None)
    if first is None:
        return
    header = _header(first, path)
    for record in records:
        fields, reason, taken = record
        if not fields and not reason:
            continue
        raw = record.raw
        reason = reason or _fault(fields, len(header), raw)
        value = None if reason else dict(zip(header, fields, strict=True))
        yield RawRow(value, reason, taken[0].number, taken[0].offset, raw)


def csv_records(lines: Iterator[Line], dialect: Dialect) -> Iterator[CsvRecord]:
    """Yield the records of a file in order, none of them left out.

    Where a quote is not closed within 10,000 lines or 64 MiB, the line that opens it is a record
    without fields, and reading goes on at the next one. After too many of these the rest of the
    file is taken line by line, each without fields.
    """
    feed = _Feed(lines)
    reader = dialect.reader(feed)
    open_quotes = 0
    while True:
        feed.begin_row()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first, *others = feed.taken
            feed.give_back(others)
            unclosed = "unexpected end" in str(error)
            open_quotes += unclosed
            allowed = _MOST_OPEN_QUOTES + first.number // _LINES_FOR_AN_OPEN_QUOTE
            yield CsvRecord([], _explain(error), [first])
            if open_quotes > allowed:
                for line in feed.lines():
                    yield CsvRecord([], "follows too many quotes that are never closed", [line])
                return
            reader = dialect.reader(feed)
        else:
            yield CsvRecord(fields, "", feed.taken)


class _Feed:
    """Hands lines to the CSV reader and remembers which ones it took for a row."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: deque[Line] = deque()
        self.taken: list[Line] = []
        self._bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _MOST_LINES_OF_A_ROW or self._bytes >= _MOST_BYTES_OF_A_ROW:
            # To the reader this is the end of the file, within quotes.
            raise StopIteration
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append(line)
        self._bytes += len(line.raw)
        # Invalid bytes become lone surrogates, which mark the row below.
        return line.raw.decode("utf-8", "surrogateescape") + "\n"

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self.taken = []
        self._bytes = 0

    def give_back(self, lines: list[Line]) -> None:
        """Take lines back, to be handed out again."""
        self._returned.extendleft(reversed(lines))

    def lines(self) -> Iterator[Line]:
        """Yield all lines that are left."""
        while self._returned:
            yield self._returned.popleft()
        yield from self._lines


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "unexpected end" in message:
        return "a quote is never closed"
    if "expected after" in message:
        return "text after a closing quote (a quote within quotes must be doubled)"
    return f"not CSV: {message}"


def _fault(fields: list[str], expected: int, raw: bytes) -> str:
    unreadable = unreadable_byte(raw)
    if not unreadable and len(fields) != expected:
        return f"{len(fields)} fields where the header has {expected}"
    return unreadable


def _header(record: CsvRecord, path: Path) -> list[str]:
    fields = record.fields
    reason = record.reason or _fault(fields, len(fields), record.raw)
    repeated = [name for name, times in Counter(fields).items() if times > 1]
    if reason:
        raise DataError(
            f"the header cannot be read: {reason}",
            where=str(path),
            fix="correct the first line, or name the file's encoding with --encoding",
        )
    if repeated:
        raise DataError(
            f"the header names a column twice: {', '.join(map(repr, repeated[:_MOST_NAMED]))}",
            where=str(path),
            fix="rename one of them; the first line must name the columns",
        )
    return fields
