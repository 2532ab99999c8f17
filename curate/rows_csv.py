"""CSV to raw rows: quoting after RFC 4180, line breaks within quotes included."""

from __future__ import annotations

import csv
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..workspace.errors import DataError
from .raw_row import RawRow
from .streams import Line

# Each open quote costs a look through the rest of the file.
_MOST_OPEN_QUOTES = 10
_DELIMITERS = (",", "\t", ";", "|")
_LINES_LOOKED_AT = 200


def csv_rows(lines: Iterator[Line], delimiter: str, path: Path) -> Iterator[RawRow]:
    """Yield the rows below the header; all values are text.

    A row with more or fewer fields than the header, with text after a closing quote, or that is
    not UTF-8, could not be read. Where a quote is never closed, only the line that opens it is.

    Args:
        lines: the file's lines.
        delimiter: what stands between fields.
        path: the file, for messages.

    Raises:
        DataError: the header cannot be read, or names a column twice.
    """
    records = _records(lines, delimiter)
    first = next(records, None)
    if first is None:
        return
    header = _header(first, path)
    for fields, reason, taken in records:
        if not fields and not reason:
            continue
        line, offset, _ = taken[0]
        raw = b"\n".join(item.raw for item in taken)
        reason = reason or _fault(fields, len(header), raw)
        value = None if reason else dict(zip(header, fields, strict=True))
        yield RawRow(value, reason, line, offset, raw)


def sniff_delimiter(text: bytes) -> str:
    """Tell the delimiter from the beginning of a file; a comma where nothing speaks for another."""
    return next(iter(consistent_delimiters(text)), ",")


def consistent_delimiters(text: bytes) -> list[str]:
    """List delimiters that cut the first rows into as many fields as the header, more than one.

    The one that agrees most often comes first; ties keep the order of ``_DELIMITERS``.
    """
    complete = text.rpartition(b"\n")[0] or text
    lines = complete.decode("utf-8", "replace").splitlines(keepends=True)[:_LINES_LOOKED_AT]
    agreement: Counter[str] = Counter()
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        with suppress(csv.Error):
            widths += (len(row) for row in _reader(lines, delimiter, strict=False) if row)
        if not widths or widths[0] < 2:
            continue
        agreeing = sum(width == widths[0] for width in widths[1:])
        if 2 * agreeing >= len(widths) - 1:
            agreement[delimiter] = 1 + agreeing
    return [delimiter for delimiter, _ in agreement.most_common()]


_Record = tuple[list[str], str, list[Line]]


class _Feed:
    """Hands lines to the CSV reader and remembers which ones it took for a row."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: deque[Line] = deque()
        self.taken: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append(line)
        # Invalid bytes become lone surrogates, which mark the row below.
        return line.raw.decode("utf-8", "surrogateescape") + "\n"

    def give_back(self, lines: list[Line]) -> None:
        """Take lines back, to be handed out again."""
        self._returned.extendleft(reversed(lines))


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[_Record]:
    """Yield each row's fields, or the reason why it has none, with the lines it is made of."""
    feed = _Feed(lines)
    reader = _reader(feed, delimiter)
    open_quotes = 0
    while True:
        feed.taken = []
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first, *others = feed.taken
            open_quotes += "unexpected end" in str(error)
            if open_quotes > _MOST_OPEN_QUOTES:
                for line in feed.taken:
                    yield [], "follows too many quotes that are never closed", [line]
                return
            yield [], _explain(error), [first]
            feed.give_back(others)
            reader = _reader(feed, delimiter)
        else:
            yield fields, "", feed.taken


def _reader(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    # Python's own limit of 131,072 characters a field is there against mistaken quotes, which are
    # noticed here by other means.
    csv.field_size_limit(sys.maxsize)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "unexpected end" in message:
        return "a quote is never closed"
    if "expected after" in message:
        return "text after a closing quote (a quote within quotes must be doubled)"
    return f"not CSV: {message}"


def _fault(fields: list[str], expected: int, raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start + 1}"
    if len(fields) != expected:
        return f"{len(fields)} fields where the header has {expected}"
    return ""


def _header(record: _Record, path: Path) -> list[str]:
    fields, reason, taken = record
    reason = reason or _fault(fields, len(fields), b"\n".join(line.raw for line in taken))
    repeated = sorted({name for name in fields if fields.count(name) > 1})
    if reason:
        raise DataError(f"the header cannot be read: {reason}", where=str(path))
    if repeated:
        raise DataError(
            f"the header names a column twice: {', '.join(map(repr, repeated))}",
            where=str(path),
            fix="rename one of them; the first line must name the columns",
        )
    return fields
