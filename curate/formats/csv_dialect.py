"""Which dialect of CSV a file is written in: its delimiter, and what its quotes mean."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace

from .rows_csv import Dialect, csv_records
from .streams import Line

_DELIMITERS = (",", "\t", ";", "|")
_LINES_LOOKED_AT = 200
# Another way to quote must explain nearly all rows that the usual one cannot read.
_CLEARLY_FEWER = 4
_QUOTED_FIELDS = tuple(
    re.compile(rb"(?:^|(?<=[,;|\t\n]))%b[^%b\n]*%b(?=[,;|\t\r\n]|$)" % (quote, quote, quote))
    for quote in (b"'", b'"')
)


def sniff_dialect(text: bytes, *, delimiter: str = "") -> tuple[Dialect, str]:
    r"""Tell the dialect from the beginning of a file.

    The delimiter is a comma where nothing speaks for another. Quotes are those of RFC 4180 (a
    quote within quotes is doubled) unless that makes rows unreadable which another way reads:
    quotes written ``\"``, single quotes, or, between tabs, quotes that are mere characters.

    Args:
        text: the beginning, as UTF-8.
        delimiter: the delimiter, where it is known.

    Returns:
        The dialect, and what the user should know about it; empty where it is the usual one.
    """
    lines = _whole_lines(text)
    usual = Dialect(delimiter or next(iter(consistent_delimiters(text)), ","))
    faults, joined = _faults(lines, usual)
    if _single_quoted(text, lines):
        single = replace(usual, quote="'")
        if _faults(lines, single)[0] <= faults:
            return single, "fields are in single quotes"
    if faults and b'\\"' in text:
        escaping = replace(usual, escape="\\")
        if _CLEARLY_FEWER * _faults(lines, escaping)[0] < faults:
            return escaping, 'quotes within quotes are written \\"'
    if usual.delimiter == "\t" and (faults or joined):
        bare = replace(usual, quote="")
        left = _faults(lines, bare)[0]
        # Quotes that join lines, each of which would be a row by itself, are not meant as quotes.
        if _CLEARLY_FEWER * left < faults or (joined and not left):
            return bare, "quotes are characters like any other"
    return usual, ""


def consistent_delimiters(text: bytes) -> list[str]:
    """List delimiters that cut the first rows into as many fields as the header, more than one.

    The one that agrees most often comes first; ties keep the order of ``_DELIMITERS``.
    """
    lines = [line.raw.decode("utf-8", "surrogateescape") + "\n" for line in _whole_lines(text)]
    agreement: Counter[str] = Counter()
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        with suppress(csv.Error):
            rows = Dialect(delimiter).reader(lines, strict=False)
            widths += (len(row) for row in rows if row)
        if not widths or widths[0] < 2:
            continue
        agreeing = sum(width == widths[0] for width in widths[1:])
        if 2 * agreeing >= len(widths) - 1:
            agreement[delimiter] = 1 + agreeing
    return [delimiter for delimiter, _ in agreement.most_common()]


def _whole_lines(text: bytes) -> list[Line]:
    """The first lines, without one that may be cut off."""
    newline = b"\n" if b"\n" in text else b"\r"
    complete = text.rpartition(newline)[0] or text
    pieces = complete.split(newline, _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]
    return [Line(number, 0, raw) for number, raw in enumerate(pieces, 1)]


def _faults(lines: list[Line], dialect: Dialect) -> tuple[int, bool]:
    """Count rows that are unreadable or of another width than the header; do quotes join lines?"""
    records = [
        record for record in csv_records(iter(lines), dialect) if record.fields or record.reason
    ]
    width = len(records[0].fields) if records else 0
    faults = sum(bool(record.reason) or len(record.fields) != width for record in records)
    return faults, any(len(record.lines) > 1 for record in records)


def _single_quoted(text: bytes, lines: list[Line]) -> bool:
    single, double = (len(pattern.findall(text)) for pattern in _QUOTED_FIELDS)
    return single > double and 2 * single >= len(lines)
