"""Texts as sets of word n-grams (shingles).

A shingle is a 64-bit hash of ``size`` consecutive words; a text with fewer words is one shingle
as a whole. What stands in very many texts (an instruction template, a signature) is no sign of
similarity, so such shingles weigh a hundredth of the others. Two texts made of nothing but
templates are still compared, since only the proportion of weights counts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from .comparison_text import canonical_by_expressions
from .parallel import in_order
from .shingle_blocks import ShingleBlock, ShingleBlocks
from .string_buffers import string_buffers, strings_of

WORD_SEED = 0x7E57

_BYTES_AT_ONCE = 4_000_000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_SHIFT = np.uint64(33)
_SPACE = 0x20


@dataclass(frozen=True, slots=True)
class LengthClass:
    """Texts of ``at_least`` to under ``longest`` words, as sets of n-grams of ``size``.

    Pairs belong to it whose shorter text has fewer than ``below`` words.
    """

    size: int
    at_least: int
    below: float
    longest: float


@dataclass(frozen=True, slots=True)
class ReadTexts:
    """What is known of texts after they were read once.

    Attributes:
        words: the number of words of each, int64.
        hashes: of the words of each, uint64; equal texts have equal hashes.
        blocks: for each length class the shingles of its texts.
    """

    words: np.ndarray
    hashes: np.ndarray
    blocks: tuple[ShingleBlocks, ...]


def read_texts(
    pieces: Iterable[pl.Series],
    classes: Sequence[LengthClass],
    blocks: Sequence[ShingleBlocks],
    *,
    canonical: bool,
    threads: int,
) -> ReadTexts:
    """Hash the words and shingles of texts; each piece is looked at once and then let go.

    Args:
        pieces: strings; positions count on from one to the next.
        classes: which shingles are wanted of which texts.
        blocks: for each class, where its shingles are put.
        canonical: whether the texts already are what ``canonical_texts`` makes of them.
        threads: how many share the work.
    """
    words: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    hashes: list[np.ndarray] = [np.empty(0, dtype=np.uint64)]
    left_out: list[_LeftOut] = []
    first = 0

    def keep(found: Iterable[_Found], positions: np.ndarray) -> None:
        for number, texts, lengths, shingles in found:
            lone = np.zeros(len(texts), dtype=np.int64)
            blocks[number].add(ShingleBlock(positions[texts], lone, lengths, shingles))

    read = partial(_read_piece, classes=classes, canonical=canonical, room=_Room())
    for piece in in_order(read, _small_pieces(pieces), threads):
        words.append(piece.words)
        hashes.append(piece.hashes)
        positions = np.arange(first, first + len(piece.words))
        keep(piece.found, positions)
        if len(piece.left_out):
            left_out.append(_LeftOut(positions[piece.left_out], piece.others))
        first += len(piece.words)
    all_words, all_hashes = np.concatenate(words), np.concatenate(hashes)
    # Regular expressions take long to begin, so they are given many texts at once.
    for some in _gathered(left_out):
        canonical_others = canonical_by_expressions(some.texts)
        piece = _read_piece(canonical_others, classes, canonical=True, room=_Room())
        all_words[some.positions], all_hashes[some.positions] = piece.words, piece.hashes
        keep(piece.found, some.positions)
    return ReadTexts(all_words, all_hashes, tuple(blocks))


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Texts that compiled code could not reduce to their words."""

    positions: np.ndarray
    texts: pl.Series


def _gathered(left_out: list[_LeftOut]) -> Iterator[_LeftOut]:
    """Put texts together, up to some megabytes."""
    while left_out:
        some: list[_LeftOut] = []
        size = 0
        while left_out and size < _BYTES_AT_ONCE:
            some.append(left_out.pop())
            size += int(some[-1].texts.str.len_bytes().sum())
        positions = np.concatenate([one.positions for one in some])
        yield _LeftOut(positions, pl.concat([one.texts for one in some]))


def _small_pieces(pieces: Iterable[pl.Series]) -> Iterator[pl.Series]:
    """Cut pieces so that each has some megabytes."""
    for piece in pieces:
        until = piece.str.len_bytes().fill_null(0).cast(pl.Int64).cum_sum().to_numpy()
        first = 0
        while first < len(piece):
            before = until[first - 1] if first else 0
            end = int(np.searchsorted(until, before + _BYTES_AT_ONCE, side="right"))
            end = max(end, first + 1)
            yield piece.slice(first, end - first)
            first = end


_Found = tuple[int, np.ndarray, np.ndarray, np.ndarray]
"""The number of a length class and its texts, with their lengths and shingles."""


@dataclass(frozen=True, slots=True)
class _ReadPiece:
    """What was found in a piece; texts are named by their place in it.

    Attributes:
        words: as in :class:`ReadTexts`.
        hashes: as in :class:`ReadTexts`.
        found: of each length class.
        left_out: the texts that have to be reduced to their words in another way.
        others: these texts themselves.
    """

    words: np.ndarray
    hashes: np.ndarray
    found: list[_Found]
    left_out: np.ndarray
    others: pl.Series


class _Room(threading.local):
    """Memory that each thread uses for one piece after the other: fresh memory takes time."""

    def __init__(self) -> None:
        self._memory = np.empty(0, dtype=np.uint64)

    def numbers(self, count: int) -> np.ndarray:
        """Return room for uint64 numbers, with anything in it."""
        if count > len(self._memory):
            self._memory = np.empty(count, dtype=np.uint64)
        return self._memory[:count]


def _read_piece(
    texts: pl.Series, classes: Sequence[LengthClass], canonical: bool, room: _Room
) -> _ReadPiece:
    from .code_points import table_for
    from .word_kernels import cut_and_hash_words, hash_words

    texts = texts.fill_null("")
    data, offsets = string_buffers(texts)
    if canonical:
        hashes = room.numbers(int(np.count_nonzero(data == _SPACE)) + len(texts))
        counts, wholes = hash_words(data, offsets, hashes)
        left_out = np.empty(0, dtype=np.int64)
    else:
        notes = np.empty(2 * int(np.diff(offsets).max(initial=0)) + 8, dtype=np.uint8)
        hashes = room.numbers(len(data))
        table = table_for(len(data))
        counts, wholes, is_left_out = cut_and_hash_words(data, offsets, table, notes, hashes)
        left_out = np.flatnonzero(is_left_out)
    found = list(_shingles(counts, hashes, classes))
    # Copied, since the strings would keep all of the piece in memory.
    others = strings_of(*string_buffers(texts.gather(left_out)), "text")
    return _ReadPiece(counts, wholes, found, left_out, others)


def _shingles(
    counts: np.ndarray, hashes: np.ndarray, classes: Sequence[LengthClass]
) -> Iterator[_Found]:
    from .word_kernels import combine_words

    for number, some in enumerate(classes):
        chosen = (counts >= some.at_least) & (counts < some.longest)
        if chosen.any():
            lengths = np.maximum(1, counts[chosen] - some.size + 1)
            shingles = np.empty(lengths.sum(), dtype=np.uint64)
            combine_words(hashes, counts, chosen, some.size, shingles)
            yield number, np.flatnonzero(chosen), lengths, shingles


def windows(hashes: np.ndarray, lengths: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Combine the word hashes of every run of ``size`` words; a shorter text is one run.

    Args:
        hashes: of the words of all texts, one text after the other, uint64.
        lengths: words of each text.
        size: words a run.

    Returns:
        The position of the text (int64) and the hash (uint64) of every run, in order.
    """
    starts = np.cumsum(lengths) - lengths
    owners = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(hashes)) - starts[owners]
    left = lengths[owners] - places
    combined = np.zeros(len(hashes), dtype=np.uint64)
    for step in range(size):
        following = np.zeros_like(hashes)
        following[: max(0, len(hashes) - step)] = hashes[step:]
        combined *= _MULTIPLIER
        combined += np.where(left > step, following, np.uint64(step))
    whole = (left >= size) | (places == 0)
    return owners[whole], _scramble(combined[whole])


def _scramble(values: np.ndarray) -> np.ndarray:
    """Spread the bits (the finaliser of MurmurHash3), so that any 32 of them are a good hash."""
    for multiplier in _MIX:
        values = (values ^ (values >> _SHIFT)) * multiplier
    return values ^ (values >> _SHIFT)
