"""Bytes of a file as they were before it was compressed, in bounded memory."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import zstandard

from ...workspace.errors import DataError

BLOCK = 1 << 22
"""How many bytes of a plain file are read at once."""

COMPRESSION_SUFFIXES = {"gzip": ".gz", "zstd": ".zst", "xz": ".xz"}
"""What the names of compressed files end with."""

_COMPRESSED_BLOCK = 1 << 16
# A few bytes can stand for very many: 128 KiB in four bytes of zstd, which makes 64 MiB of these.
_PIECE = 1 << 11
_LONGEST_ZSTD_WINDOW = 1 << 31
_MOST_XZ_MEMORY = 1 << 30
_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "xz": b"\xfd7zXZ\x00"}
_ZERO_PADDED = ("gzip", "xz")

Advance = Callable[[int], None]
"""Is told a number of bytes that were read from the disk."""


class _Inflater(Protocol):
    """What the decompression objects of the three libraries have in common."""

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
    """Tell ``gzip``, ``zstd`` or ``xz`` by the first bytes; empty for none of these."""
    return next((name for name, magic in _MAGIC.items() if head.startswith(magic)), "")


def content_blocks(path: Path, advance: Advance = nothing) -> Iterator[bytes]:
    """Yield a file's content in blocks, whether it is compressed (told by its first bytes) or not.

    Args:
        path: the file.
        advance: told what was read from the disk.

    Raises:
        DataError: the file cannot be read, or its compression is damaged or cut short.
    """
    compression = compression_of(first_block(path))
    if not compression:
        yield from _file_blocks(path, BLOCK, advance)
        return
    held: list[bytes] = []
    size = 0
    for content in _inflated(path, compression, advance):
        held.append(content)
        size += len(content)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _inflated(path: Path, compression: str, advance: Advance) -> Iterator[bytes]:
    """Yield what each small piece of a compressed file stands for."""
    inflater = _inflater(compression)
    size = 0
    try:
        for piece in _pieces(path, advance):
            while piece:
                if inflater.eof:
                    # Several members one after another are one file; zeros are padding.
                    piece = piece.lstrip(b"\0") if compression in _ZERO_PADDED else piece
                    if not piece:
                        break
                    inflater = _inflater(compression)
                content = inflater.decompress(piece)
                size += len(content)
                if content:
                    yield content
                piece = inflater.unused_data if inflater.eof else b""
    except (zlib.error, zstandard.ZstdError, lzma.LZMAError) as error:
        raise _damaged(path, compression, size, str(error)) from error
    if not inflater.eof:
        raise _damaged(path, compression, size, "it ends too early")


def _pieces(path: Path, advance: Advance) -> Iterator[bytes]:
    for block in _file_blocks(path, _COMPRESSED_BLOCK, advance):
        for start in range(0, len(block), _PIECE):
            yield block[start : start + _PIECE]


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
    if compression == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_XZ_MEMORY)
    return zstandard.ZstdDecompressor(max_window_size=_LONGEST_ZSTD_WINDOW).decompressobj()


def _damaged(path: Path, compression: str, size: int, reason: str) -> DataError:
    return DataError(
        f"the {compression} file is damaged after {size:,} bytes of content: {reason}",
        where=str(path),
        fix="download or compress it again; reading only its beginning would hide the loss",
    )
