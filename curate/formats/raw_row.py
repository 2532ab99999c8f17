"""A row as it lies in its file, before anybody asks what it means."""

from __future__ import annotations

from typing import Any, NamedTuple

from .json_values import NotJsonError, parse_json, type_name


class RawRow(NamedTuple):
    """A row of a file, readable or not.

    Attributes:
        value: the row's fields; None where it could not be read.
        reason: why it could not be read; else empty.
        line: the line it begins at, 1-based (in Parquet and Arrow the row's number in the file).
        offset: the byte it begins at, in the text as UTF-8 after decompression; None for these.
        raw: its bytes.
    """

    value: dict[str, Any] | None
    reason: str
    line: int
    offset: int | None
    raw: bytes


def row_from_json(line: int, offset: int, raw: bytes) -> RawRow:
    """Read a row from the JSON object that it should be."""
    try:
        value = parse_json(raw)
    except NotJsonError as error:
        return RawRow(None, str(error), line, offset, raw)
    if type(value) is not dict:
        return RawRow(None, f"expected an object, found {type_name(value)}", line, offset, raw)
    # RawRow(…), in half the time.
    return tuple.__new__(RawRow, (value, "", line, offset, raw))
