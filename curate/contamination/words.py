"""Texts as sequences of hashed words, in which case, punctuation and line breaks do not count.

Words are those of ``bare_words``, folded. Compiled code cuts and hashes most texts; those in which
what a character becomes depends on its neighbours are cut by the regular expressions, which give
the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from ..near_duplicates.comparison_text import (
    CONNECTOR_SIGN,
    SPACELESS_CHARACTER,
    bare_words,
    fold,
)
from ..near_duplicates.string_buffers import string_buffers

_BYTES_AT_ONCE = 8_000_000
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of texts.

    Attributes:
        counts: words of each text, int64.
        hashes: of the words, one text after the other, uint64.
    """

    counts: np.ndarray
    hashes: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """Where each text's words begin, and the end of the last."""
        return np.concatenate([[0], np.cumsum(self.counts)])


def words_of(texts: pl.Series) -> Words:
    """Cut texts into words; null counts as empty."""
    texts = texts.fill_null("")
    found = [_words_of_block(block) for block in _blocks(texts)]
    empty = Words(np.empty(0, np.int64), np.empty(0, np.uint64))
    return Words(
        np.concatenate([empty.counts, *(words.counts for words in found)]),
        np.concatenate([empty.hashes, *(words.hashes for words in found)]),
    )


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return the characters at which each word of a text begins and ends, in order.

    Example:
        >>> word_spans("[Top-up]: 3.5!")
        [(1, 4), (5, 7), (10, 13)]
    """
    spans: list[tuple[int, int]] = []
    end = 0
    for word in bare_words(pl.Series([text]))[0]:
        # Between words stands nothing that could be one, so the next occurrence is the word.
        start = text.index(word, end)
        end = start + len(word)
        spans.append((start, end))
    return spans


def _blocks(texts: pl.Series) -> Iterator[pl.Series]:
    """Cut a column so that each part has some megabytes."""
    ends = texts.str.len_bytes().cast(pl.Int64).cum_sum().to_numpy()
    first = 0
    while first < len(texts):
        before = ends[first - 1] if first else 0
        end = int(np.searchsorted(ends, before + _BYTES_AT_ONCE, side="right"))
        end = max(end, first + 1)
        yield texts.slice(first, end - first)
        first = end


def _words_of_block(texts: pl.Series) -> Words:
    from .bare_word_kernels import cut_and_hash

    data, offsets = string_buffers(texts)
    out = np.empty(len(data), dtype=np.uint64)
    counts, left_out = cut_and_hash(data, offsets, _table(len(data)), out)
    hashes = out[: counts.sum()].copy()
    if not left_out.any():
        return Words(counts, hashes)
    others = np.flatnonzero(left_out)
    other = _words_by_expressions(texts.gather(others))
    # Put the words of both kinds of texts in the texts' order.
    starts = np.cumsum(counts) - counts
    starts[others] = len(hashes) + np.cumsum(other.counts) - other.counts
    counts[others] = other.counts
    owners = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Words(counts, np.concatenate([hashes, other.hashes])[starts[owners] + within])


def _words_by_expressions(texts: pl.Series) -> Words:
    """Do what ``cut_and_hash`` does with the regular expressions, which define it."""
    from .bare_word_kernels import hash_each

    lists = bare_words(texts)
    data, offsets = string_buffers(fold(lists.explode().drop_nulls()))
    hashes = np.empty(len(offsets) - 1, dtype=np.uint64)
    hash_each(data, offsets, hashes)
    return Words(lists.list.len().to_numpy().astype(np.int64), hashes)


def _table(text_bytes: int) -> np.ndarray:
    """Return the table that is worth its time for so many bytes of text."""
    from ..near_duplicates.code_points import ALL_POINTS, ASCII_POINTS

    return _word_table(ALL_POINTS if text_bytes > _BYTES_AT_ONCE // 4 else ASCII_POINTS)


@cache
def _word_table(count: int) -> np.ndarray:
    """Return for code points what they fold to and their flags in :mod:`.bare_word_kernels`.

    Args:
        count: how many, from 0 on.
    """
    from ..near_duplicates import word_kernels
    from ..near_duplicates.code_points import code_point_table
    from . import bare_word_kernels as kernels

    folding = code_point_table(count)
    points = np.array([point for point in range(count) if point not in _SURROGATES])
    characters = pl.Series([chr(point) for point in points])
    spaceless = characters.str.contains(SPACELESS_CHARACTER)
    table = np.full(count, kernels.NEIGHBOURS, dtype=np.uint32)
    flags = np.where(folding[points] & word_kernels.NEIGHBOURS, kernels.NEIGHBOURS, 0)
    for flag, holds in (
        (kernels.DIGIT, characters.str.contains(r"\d")),
        (kernels.LETTER, characters.str.contains(r"[\p{L}\p{M}\p{N}]") & ~spaceless),
        (kernels.SPACELESS, spaceless),
        (kernels.CONNECTOR, characters.str.contains(CONNECTOR_SIGN)),
    ):
        flags |= np.where(holds.to_numpy(), flag, 0)
    values = folding[points] >> np.uint32(word_kernels.FLAG_BITS)
    table[points] = values << np.uint32(kernels.FLAG_BITS) | flags.astype(np.uint32)
    return table
