"""The shingles of very many texts, in blocks; what does not fit in memory lies on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from .arrow_columns import ArrowColumns


@dataclass(frozen=True, slots=True)
class ShingleBlock:
    """The shingles of some texts.

    Attributes:
        texts: the texts' positions, int64.
        lone: the weight of the shingles that each has besides and no other text has, int64.
        lengths: how many of ``shingles`` are each one's, int64.
        shingles: hashes, one text after the other, uint64.
    """

    texts: np.ndarray
    lone: np.ndarray
    lengths: np.ndarray
    shingles: np.ndarray

    def of(self, chosen: np.ndarray) -> ShingleBlock:
        """Return the block of some of the texts.

        Args:
            chosen: for each text whether it is wanted.
        """
        begins, lengths = np.cumsum(self.lengths) - self.lengths, self.lengths[chosen]
        shingles = take_runs(self.shingles, begins[chosen], lengths)
        return ShingleBlock(self.texts[chosen], self.lone[chosen], lengths, shingles)


def take_runs(values: np.ndarray, begins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return runs of an array, one after the other.

    Args:
        values: the array.
        begins: where each run begins.
        lengths: how long each is.

    Example:
        >>> take_runs(np.arange(10), np.array([7, 2]), np.array([2, 3])).tolist()
        [7, 8, 2, 3, 4]
    """
    own = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return values[np.repeat(begins, lengths) + own]


class ShingleBlocks:
    """Blocks in the order in which they were added; a context that ends with their file.

    Attributes:
        texts: how many there are in all blocks.
        shingles: how many there are in all blocks.
        bytes_on_disk: what was written because memory was full.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        """Begin without any block.

        Args:
            folder: where a file may be written.
            memory: bytes of shingles that may stay in memory.
        """
        self.texts = 0
        self.shingles = 0
        self.bytes_on_disk = 0
        self._memory = memory
        self._path = folder / f"shingles-{id(self):x}.arrow"
        self._kept: list[ShingleBlock] = []
        self._headers: list[ShingleBlock] = []
        self._file: ArrowColumns | None = None

    def __enter__(self) -> Self:
        """Begin a context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget all blocks and remove the file."""
        self._kept.clear()
        self._headers.clear()
        if self._file is not None:
            self._file.__exit__(kind, error, trace)
            self._file = None

    def add(self, block: ShingleBlock) -> None:
        """Add a block after the others."""
        self.texts += len(block.texts)
        self.shingles += len(block.shingles)
        if self._file is None and 8 * self.shingles <= self._memory:
            self._kept.append(block)
            return
        if self._file is None:
            self._file = ArrowColumns(self._path, 1)
        self._file.write([block.shingles])
        self._headers.append(replace(block, shingles=block.shingles[:0].copy()))
        self.bytes_on_disk += block.shingles.nbytes

    def __iter__(self) -> Iterator[ShingleBlock]:
        """Go through the blocks; no more can be added then."""
        yield from self._kept
        yield from self._written()

    def headers(self) -> Iterator[ShingleBlock]:
        """Go through the blocks, where those on the disk come without their shingles."""
        yield from self._kept
        yield from self._headers

    def consume(self) -> Iterator[ShingleBlock]:
        """Go through the blocks for the last time; each in memory is forgotten."""
        self._kept.reverse()
        while self._kept:
            yield self._kept.pop()
        yield from self._written()

    def _written(self) -> Iterator[ShingleBlock]:
        if self._file is not None:
            for header, shingles in zip(self._headers, self._file.read(0), strict=True):
                yield replace(header, shingles=shingles)
