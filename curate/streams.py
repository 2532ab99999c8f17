"""Bytes of a file as UTF-8 text in blocks and lines, whatever its compression and encoding."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import zstandard

from ..workspace.errors import DataError

_BLOCK = 1 << 20
# Small, since a block can grow a thousandfold when it is unpacked.
_COMPRESSED_BLOCK = 1 << 16
_LONGEST_ZSTD_WINDOW = 1 << 31
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

Advance = Callable[[int], None]


class Line(NamedTuple):
    """A line of text without its line break, and where it begins.

    ``offset`` counts bytes of the text as UTF-8, after decompression.
    """

    number: int
    offset: int
    raw: bytes


class _Inflater(Protocol):
    """What the decompression objects of zlib and zstandard have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def nothing(amount: int) -> None:
    """Take no notice of progress."""


def first_block(path: Path) -> bytes:
    """Return the first bytes of a file as they lie on the disk.

    Raises:
        DataError: the file cannot be opened.
    """
    return next(_file_blocks(path, _COMPRESSED_BLOCK, nothing), b"")


def compression_of(head: bytes) -> str:
    """Tell ``gzip`` or ``zstd`` by the first bytes, else return an empty string."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    return ""


def byte_order_mark(head: bytes) -> tuple[bytes, str]:
    """Return the mark that a text begins with and the encoding it stands for."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return mark, encoding
    return b"", "utf-8"


def text_lines(path: Path, advance: Advance = nothing) -> Iterator[Line]:
    r"""Read a text file line by line, as UTF-8 bytes without a byte order mark.

    Lines end at ``\\n`` (a ``\\r`` before it stays part of the line), or at ``\\r`` in a file whose
    first block has no ``\\n``. Bytes that are not valid in the file's encoding are passed on as
    they are, so that only the lines that hold them are refused later.

    Args:
        path: a plain, gzip or zstd file, told by its content.
        advance: called with the number of bytes read from the disk.

    Raises:
        DataError: the file cannot be read, or its compression is damaged.
    """
    offset, blocks = text_blocks(path, advance)
    return lines_of(blocks, offset)


def lines_at(path: Path, places: int, count: int) -> Iterator[Line]:
    """Yield some lines at places evenly spread over a plain UTF-8 file.

    Their numbers and offsets are not known (0). A compressed or differently encoded file, which
    cannot be jumped into, yields none, nor does one that is small enough to look at whole.
    """
    head = first_block(path)
    size = path.stat().st_size
    if size < _BLOCK or compression_of(head) or byte_order_mark(head)[1] != "utf-8":
        return
    with path.open("rb") as stream:
        for place in range(1, places + 1):
            stream.seek(size * place // (places + 1))
            # The rest of the line that was jumped into.
            stream.readline(_BLOCK)
            for _ in range(count):
                line = stream.readline(_BLOCK)
                if line.endswith(b"\n"):
                    yield Line(0, 0, line[:-1])


def text_blocks(path: Path, advance: Advance = nothing) -> tuple[int, Iterator[bytes]]:
    """Return the offset at which the text begins (after a mark) and the text in UTF-8 blocks.

    Raises:
        DataError: as :func:`text_lines`, also while the blocks are read.
    """
    blocks = decompressed(path, compression_of(first_block(path)), advance)
    first = next(blocks, b"")
    mark, encoding = byte_order_mark(first)
    kept = len(mark) if encoding == "utf-8" else 0
    return kept, transcoded(_chain(first[len(mark) :], blocks), encoding)


def decompressed(path: Path, compression: str, advance: Advance = nothing) -> Iterator[bytes]:
    """Yield a file's content in blocks.

    Raises:
        DataError: the file cannot be read, or its compression is damaged or cut short.
    """
    if not compression:
        yield from _file_blocks(path, _BLOCK, advance)
        return
    inflater = _inflater(compression)
    size = 0
    try:
        for block in _file_blocks(path, _COMPRESSED_BLOCK, advance):
            while block:
                if inflater.eof:
                    # Several members one after another are one file; zeros are padding.
                    block = block.lstrip(b"\0") if compression == "gzip" else block
                    if not block:
                        break
                    inflater = _inflater(compression)
                content = inflater.decompress(block)
                size += len(content)
                if content:
                    yield content
                block = inflater.unused_data if inflater.eof else b""
    except (zlib.error, zstandard.ZstdError) as error:
        raise _damaged(path, compression, size, str(error)) from error
    if not inflater.eof:
        raise _damaged(path, compression, size, "it ends too early")


def transcoded(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Turn blocks of UTF-16 or UTF-32 into UTF-8; what is wrong stays wrong, as invalid UTF-8."""
    if encoding == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in blocks:
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError:
            decoder.reset()
            yield b"\xff" + block
        else:
            yield text.encode("utf-8", "surrogatepass")
    rest, _ = decoder.getstate()
    if rest:
        yield b"\xff" + rest


def lines_of(blocks: Iterator[bytes], offset: int = 0) -> Iterator[Line]:
    """Cut blocks into lines."""
    first = next(blocks, b"")
    newline = b"\r" if b"\r" in first and b"\n" not in first else b"\n"
    number = 0
    begun: list[bytes] = []
    for block in _chain(first, blocks):
        head, *others = block.split(newline)
        begun.append(head)
        if not others:
            continue
        others.insert(0, b"".join(begun))
        begun = [others.pop()]
        for raw in others:
            number += 1
            yield Line(number, offset, raw)
            offset += len(raw) + 1
    last = b"".join(begun)
    if last:
        yield Line(number + 1, offset, last)


def _chain(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _file_blocks(path: Path, size: int, advance: Advance) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while block := stream.read(size):
                advance(len(block))
                yield block
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror or error}", where=str(path)
        ) from error


def _inflater(compression: str) -> _Inflater:
    if compression == "gzip":
        return zlib.decompressobj(wbits=31)
    return zstandard.ZstdDecompressor(max_window_size=_LONGEST_ZSTD_WINDOW).decompressobj()


def _damaged(path: Path, compression: str, size: int, reason: str) -> DataError:
    return DataError(
        f"the {compression} file is damaged after {size:,} bytes of content: {reason}",
        where=str(path),
        fix="download or compress it again; reading only its beginning would hide the loss",
    )
