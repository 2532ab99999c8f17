"""A JSON document to raw rows: the objects of a list, or objects one after another.

The document is cut at brackets outside of strings, block by block, so that neither its size nor a
fault in one row keeps the others from being read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .raw_row import RawRow, row_from_json

_UP_TO = rb'(?>[^"%s]++|"(?>[^"\\]++|\\.)*+")*+([%s])'
_BRACKETS = rb"\[\]{}"
_TO_BRACKET = re.compile(_UP_TO % (_BRACKETS, _BRACKETS), re.DOTALL)
_TO_BRACKET_OR_COMMA = re.compile(_UP_TO % (_BRACKETS + b",", _BRACKETS + b","), re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_LONGEST_INDENT = 64
_FORGET_AFTER = 1 << 20
_UNCLOSED = "a bracket or quote is never closed"
# What is longer, or has more brackets, is no row: some bracket or quote in it is not closed.
_LONGEST_VALUE = 128 << 20
_MOST_BRACKETS = 5_000_000
# Each open end costs a look through as much.
_MOST_OPEN_ENDS = 20
_REST_AT_ONCE = 16 << 20


def document_rows(offset: int, blocks: Iterator[bytes]) -> Iterator[RawRow]:
    """Yield the rows of a JSON document.

    A value that is no object, or no valid JSON, is a row that could not be read. Where its
    brackets or quotes do not close, reading goes on at the next line that begins like the rows
    before; without such a line the rest of the document is unreadable.

    Args:
        offset: where the text begins in its file, in bytes.
        blocks: the document as UTF-8.
    """
    document = _Document(offset, blocks)
    in_list = document.next_byte() == b"["
    if in_list:
        document.position += 1
    open_ends = 0
    while following := document.next_byte():
        if in_list and following == b"]":
            document.position += 1
            if document.next_byte():
                yield from document.rest("text after the end of the list")
            return
        start = document.position
        end, whole = document.end_of_value(in_list)
        row = document.row(end)
        document.position = end
        lost = False
        if row.value is None:
            open_ends += not whole
            again = document.next_start(start, row.raw) if open_ends <= _MOST_OPEN_ENDS else None
            reason = row.reason if whole else f"{_UNCLOSED}: {row.reason}"
            if again is not None:
                document.position = again
                row = row._replace(raw=row.raw[: again - start].rstrip())
            row = row._replace(reason=reason)
            lost = again is None and not whole
        yield row
        if lost:
            yield from document.rest(f"follows a row in which {_UNCLOSED}")
        document.skip_comma(in_list)
    if in_list:
        yield document.unreadable("the list is never closed: the file may be cut off", b"")


class _Document:
    """A text that is read through once; what lies behind is forgotten.

    Attributes:
        position: where reading stands, within ``content``.
    """

    def __init__(self, offset: int, blocks: Iterator[bytes]) -> None:
        self.position = 0
        self._blocks = blocks
        self._content = b""
        self._offset = offset
        self._line = 1
        self._counted = 0

    def next_byte(self) -> bytes:
        """Move over white space and return the byte that follows; empty at the end."""
        # Only where it is worth the copy of what is left.
        if self.position > _FORGET_AFTER and 2 * self.position > len(self._content):
            self._forget()
        while True:
            space = _SPACE.match(self._content, self.position)
            self.position = space.end() if space else self.position
            if self.position < len(self._content) or not self._grow():
                return self._content[self.position : self.position + 1]

    def end_of_value(self, in_list: bool) -> tuple[int, bool]:
        """Find where the value at the position ends, and whether it does."""
        position, depth, brackets = self.position, 0, 0
        while True:
            pattern = _TO_BRACKET_OR_COMMA if in_list and depth == 0 else _TO_BRACKET
            match = pattern.match(self._content, position)
            if match is None:
                too_long = len(self._content) - self.position > _LONGEST_VALUE
                if too_long or not self._grow():
                    return len(self._content), False
                continue
            mark = match[1]
            if depth == 0 and (mark == b"," or (in_list and mark == b"]")):
                return match.start(1), True
            position = match.end()
            brackets += 1
            if brackets > _MOST_BRACKETS:
                return len(self._content), False
            if mark in (b"[", b"{"):
                depth += 1
            else:
                depth = max(0, depth - 1)
                if depth == 0 and not in_list:
                    return position, True

    def row(self, end: int) -> RawRow:
        """Read what lies between the position and an end."""
        raw = self._content[self.position : end].rstrip()
        return row_from_json(*self._place(), raw)

    def unreadable(self, reason: str, raw: bytes) -> RawRow:
        """Make a row of something that is none."""
        return RawRow(None, reason, *self._place(), raw)

    def rest(self, reason: str) -> Iterator[RawRow]:
        """Yield everything from the position to the end, as unreadable rows of a bounded length."""
        while self.next_byte():
            end = min(self.position + _REST_AT_ONCE, len(self._content))
            yield self.unreadable(reason, self._content[self.position : end].rstrip())
            self.position = end

    def next_start(self, start: int, raw: bytes) -> int | None:
        """Find the next line that begins like a row, within a row that could not be read."""
        line_break = self._content.rfind(b"\n", max(0, start - _LONGEST_INDENT), start)
        if line_break < 0 and (start > 0 or self._counted > 0):
            return None
        indent = self._content[line_break + 1 : start]
        if indent.strip():
            return None
        found = raw.find(b"\n" + indent + b"{")
        return None if found < 0 else start + found + 1 + len(indent)

    def skip_comma(self, in_list: bool) -> None:
        """Move over the comma between two values of a list."""
        if in_list and self.next_byte() == b",":
            self.position += 1

    def _place(self) -> tuple[int, int]:
        self._line += self._content.count(b"\n", self._counted, self.position)
        self._counted = self.position
        return self._line, self._offset + self.position

    def _grow(self) -> bool:
        """Read at least as much again as there is; False at the end."""
        parts, wanted = [self._content], max(1, len(self._content))
        for block in self._blocks:
            parts.append(block)
            wanted -= len(block)
            if wanted <= 0:
                break
        self._content = b"".join(parts)
        return len(parts) > 1

    def _forget(self) -> None:
        self._place()
        gone = self.position - _LONGEST_INDENT
        self._content = self._content[gone:]
        self._offset += gone
        self.position -= gone
        self._counted -= gone
