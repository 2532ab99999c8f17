"""Strings as flat bytes for compiled code, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa


class _Bytes:
    """A buffer's bytes for numpy, which takes them for writable.

    Numba compiles another version of every function for arrays that are read-only.
    """

    def __init__(self, buffer: pa.Buffer) -> None:
        self._buffer = buffer  # Whoever holds the array holds this, and this the memory.
        self.__array_interface__ = {
            "version": 3,
            "shape": (buffer.size,),
            "typestr": "|u1",
            "data": (buffer.address, False),
        }


def string_buffers(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the UTF-8 bytes of strings, one after the other, and where each of them begins.

    Args:
        texts: strings, none of them null.

    Returns:
        uint8, not to be written to; and int64 with the end of the last string as its last number.
    """
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    begins = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    content = np.asarray(_Bytes(data)) if data else np.empty(0, dtype=np.uint8)
    return content[begins[0] : begins[-1]], begins - begins[0]


def strings_of(data: np.ndarray, offsets: np.ndarray, name: str) -> pl.Series:
    """Make strings of flat bytes: the reverse of :func:`string_buffers`."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)
    return pl.Series(name, array)


def joined_runs(texts: pl.Series, edges: np.ndarray, separator: str) -> pl.Series:
    """Join runs of strings that follow each other.

    Args:
        texts: strings, none of them null.
        edges: where each run begins, and the end of the last: all of ``texts`` from the first on.
        separator: put between the strings of a run.

    Example:
        >>> joined_runs(pl.Series(["a", "b", "c"]), np.array([0, 2, 2, 3]), " ").to_list()
        ['a b', '', 'c']
    """
    data, offsets = string_buffers(texts + separator)
    return strings_of(data, offsets[edges], texts.name).str.strip_suffix(separator)
