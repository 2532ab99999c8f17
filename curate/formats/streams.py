"""Text files as UTF-8 in blocks and lines, whatever their compression and encoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...workspace.errors import DataError
from .compression import Advance, compression_of, content_blocks, first_block, nothing
from .text_encoding import UTF_8, byte_order_mark, transcoded

_LONGEST_LINE = 1 << 30
# A smaller file is looked at as a whole; a longer line is not looked at.
_JUMPED_INTO = 1 << 20


class Line(NamedTuple):
    """A line of text without its line break, and where it begins.

    ``offset`` counts bytes of the text as UTF-8, after decompression.
    """

    number: int
    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines one after another; ``number`` and ``offset`` are those of the first."""

    number: int
    offset: int
    raws: list[bytes]

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines one by one."""
        new = tuple.__new__
        offset = self.offset
        for number, raw in enumerate(self.raws, self.number):
            # Line(number, offset, raw), in half the time.
            yield new(Line, (number, offset, raw))
            offset += len(raw) + 1

    def parts(self, room: Callable[[], int]) -> Iterator[Lines]:
        """Yield the lines in parts, each of as many as there is room for when it is asked for."""
        number, offset, start = self.number, self.offset, 0
        while start < len(self.raws):
            raws = self.raws[start : start + room()]
            yield Lines(number, offset, raws)
            start, number = start + len(raws), number + len(raws)
            offset += sum(map(len, raws)) + len(raws)


def text_lines(
    path: Path, encoding: str = UTF_8, advance: Advance = nothing, *, blank: bool = True
) -> Iterator[Lines]:
    r"""Read the lines of a text file, as UTF-8 bytes without a byte order mark.

    Lines end at ``\\n`` (a ``\\r`` before it stays part of the line), or at ``\\r`` in a file whose
    first block has no ``\\n``. Bytes that are not valid in the file's encoding are passed on, so
    that only the lines that hold them are refused later.

    Args:
        path: a plain or compressed file, told by its content.
        encoding: how its bytes are to be read.
        advance: called with the number of bytes read from the disk.
        blank: whether lines of white space are wanted too; else most of them are left out.

    Yields:
        The lines of a block at once.

    Raises:
        DataError: the file cannot be read, its compression is damaged, or a line is so long that
            it can be no row.
    """
    offset, blocks = text_blocks(path, encoding, advance)
    return _lines_of(blocks, offset, path, blank)


def lines_at(path: Path, places: int, count: int) -> Iterator[Line]:
    """Yield some lines at places evenly spread over a plain file in which a byte 10 ends a line.

    Their numbers and offsets are not known (0). A compressed file or one in UTF-16, which cannot
    be jumped into, yields none, nor does one that is small enough to look at whole.

    Raises:
        DataError: the file cannot be read.
    """
    head = first_block(path)
    size = path.stat().st_size
    if size < _JUMPED_INTO or compression_of(head) or byte_order_mark(head)[1] != UTF_8:
        return
    with path.open("rb") as stream:
        for place in range(1, places + 1):
            stream.seek(size * place // (places + 1))
            # The rest of the line that was jumped into.
            stream.readline(_JUMPED_INTO)
            for _ in range(count):
                line = stream.readline(_JUMPED_INTO)
                if line.endswith(b"\n") and not line.isspace():
                    yield Line(0, 0, line[:-1])


def text_blocks(
    path: Path, encoding: str = UTF_8, advance: Advance = nothing
) -> tuple[int, Iterator[bytes]]:
    """Return the offset at which the text begins (after a mark) and the text in UTF-8 blocks.

    Raises:
        DataError: as :func:`text_lines`, also while the blocks are read.
    """
    blocks = content_blocks(path, advance)
    if encoding != UTF_8:
        return 0, transcoded(blocks, encoding)
    first = next(blocks, b"")
    mark, marked = byte_order_mark(first)
    kept = len(mark) if marked == UTF_8 else 0
    return kept, _chain(first[kept:], blocks)


def _lines_of(blocks: Iterator[bytes], offset: int, path: Path, blank: bool) -> Iterator[Lines]:
    first = next(blocks, b"")
    newline = b"\r" if b"\r" in first and b"\n" not in first else b"\n"
    number = 1
    begun: list[bytes] = []
    length = 0
    for block in _chain(first, blocks):
        if not (blank or begun) and block.isspace():
            # Of white space nothing is left but where the next line begins.
            number += block.count(newline)
            offset += len(block)
            continue
        head, *others = block.split(newline)
        begun.append(head)
        if not others:
            length += len(head)
            if length > _LONGEST_LINE:
                raise _endless_line(path, number)
            continue
        others.insert(0, b"".join(begun))
        last = others.pop()
        begun, length = ([last] if last else []), len(last)
        yield Lines(number, offset, others)
        number += len(others)
        offset += sum(map(len, others)) + len(others)
    last = b"".join(begun)
    if last:
        yield Lines(number, offset, [last])


def _chain(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _endless_line(path: Path, number: int) -> DataError:
    return DataError(
        f"line {number:,} is longer than {_LONGEST_LINE >> 30} GiB",
        where=str(path),
        fix="no row is that long; check that the file is what its name says",
    )
