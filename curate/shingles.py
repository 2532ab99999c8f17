"""Texts as sets of word n-grams (shingles), and the exact Jaccard similarity of such sets.

A shingle is a 64-bit hash of ``size`` consecutive words; a text with fewer words is one shingle
as a whole. What stands in very many texts (an instruction template, a signature) is no sign of
similarity, so such shingles weigh a hundredth of the others. Two texts made of nothing but
templates are still compared, since only the proportion of weights counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.sparse import csr_array

WORD_SEED = 0x7E57
TEMPLATE_SHARE = 0.05
TEMPLATE_TEXTS = 50
FULL_WEIGHT, TEMPLATE_WEIGHT = 100, 1

_TEXTS_AT_ONCE = 50_000
_ENTRIES_AT_ONCE = 8_000_000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_SHIFT = np.uint64(33)
_TEXT_SHIFT, _HASH_SHIFT = np.uint64(48), np.uint64(16)


@dataclass(frozen=True, slots=True)
class ShingleSets:
    """Weighted shingle sets of texts, without the shingles that only one text has.

    Attributes:
        starts: where each text's entries begin, and the end of the last; int64, texts + 1.
        ranks: the shingles as numbers that order them from the rarest to the most frequent;
            ascending within a text.
        weights: the weight of each rank, int64.
        totals: the weight of each text's whole set, int64, with the shingles only it has.
    """

    starts: np.ndarray
    ranks: np.ndarray
    weights: np.ndarray
    totals: np.ndarray

    @property
    def texts(self) -> np.ndarray:
        """The text of each entry."""
        return np.repeat(np.arange(len(self.totals)), np.diff(self.starts))


def count_words(texts: pl.Series) -> np.ndarray:
    """Return the number of words of canonical texts, int64."""
    words = texts.str.count_matches(" ", literal=True).cast(pl.Int64) + 1
    return np.where((texts == "").to_numpy(), 0, words.to_numpy())


def text_shingles(texts: pl.Series, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hash the shingles of canonical texts, a block of texts at a time.

    Args:
        texts: canonical strings, none of them empty.
        size: words a shingle.

    Yields:
        The position of the text (int64, ascending) and the hash (uint64) of every distinct
        shingle of it.
    """
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        words = texts.slice(first, _TEXTS_AT_ONCE).str.split(" ")
        lengths = words.list.len().to_numpy().astype(np.int64)
        hashes = words.explode().hash(WORD_SEED).to_numpy()
        owners, shingles = _distinct(*windows(hashes, lengths, size))
        yield owners + first, shingles


def _distinct(owners: np.ndarray, shingles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order by text and leave out what a text repeats."""
    # 16 bits of the text's number and 48 of the hash put equal ones side by side in one sort.
    keys = (owners.astype(np.uint64) << _TEXT_SHIFT) | (shingles >> _HASH_SHIFT)
    order = np.argsort(keys)
    owners, shingles = owners[order], shingles[order]
    again = (owners[1:] == owners[:-1]) & (shingles[1:] == shingles[:-1])
    new = np.r_[True, ~again][: len(owners)]
    return owners[new], shingles[new]


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


def is_template(counts: np.ndarray, texts: int) -> np.ndarray:
    """Tell which shingles, found in so many of all texts, count as template."""
    return counts > max(TEMPLATE_TEXTS, TEMPLATE_SHARE * texts)


def shingle_sets(texts: pl.Series, size: int, templates: np.ndarray | None = None) -> ShingleSets:
    """Build the weighted sets of canonical texts.

    Args:
        texts: distinct canonical strings, none of them empty.
        size: words a shingle.
        templates: hashes that count as template; by default those that ``is_template`` of the
            given texts.
    """
    blocks = list(text_shingles(texts, size))
    owners = np.concatenate([block[0] for block in blocks]) if blocks else np.empty(0, np.int64)
    shingles = np.concatenate([block[1] for block in blocks]) if blocks else np.empty(0, np.uint64)
    del blocks
    order = np.argsort(shingles)
    owners, shingles = owners[order], shingles[order]
    first = np.flatnonzero(np.r_[True, shingles[1:] != shingles[:-1]][: len(shingles)])
    counts = np.diff(np.r_[first, len(shingles)])
    light = (
        is_template(counts, len(texts))
        if templates is None
        else np.isin(shingles[first], templates)
    )
    weights = np.where(light, TEMPLATE_WEIGHT, FULL_WEIGHT)
    distinct = np.repeat(np.arange(len(first)), counts)
    totals = np.bincount(owners, weights=weights[distinct], minlength=len(texts))

    shared = np.flatnonzero(counts > 1)
    by_rarity = shared[np.argsort(counts[shared], kind="stable")]
    rank_of = np.full(len(first), -1, dtype=np.int64)
    rank_of[by_rarity] = np.arange(len(by_rarity))
    ranks = rank_of[distinct]
    kept = ranks >= 0
    keys = np.sort((owners[kept] << 32) | ranks[kept])
    owners = keys >> 32
    starts = np.r_[0, np.cumsum(np.bincount(owners, minlength=len(texts)))].astype(np.int64)
    return ShingleSets(
        starts=starts,
        ranks=keys & 0xFFFFFFFF,
        weights=weights[by_rarity],
        totals=totals.astype(np.int64),
    )


def jaccard(sets: ShingleSets, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the exact weighted Jaccard similarity of pairs of texts, float64.

    Args:
        sets: the texts' shingles.
        left: positions of the pairs' first texts.
        right: positions of their second texts.
    """
    shape = (len(sets.totals), max(1, len(sets.weights)))
    ones = np.ones(len(sets.ranks), dtype=np.int64)
    present = csr_array((ones, sets.ranks, sets.starts), shape=shape)
    weighted = csr_array((sets.weights[sets.ranks], sets.ranks, sets.starts), shape=shape)
    shared = np.empty(len(left), dtype=np.int64)
    sizes = np.diff(sets.starts)
    blocks = (np.cumsum(sizes[left] + sizes[right]) // _ENTRIES_AT_ONCE).astype(np.int64)
    edges = np.r_[np.flatnonzero(np.r_[True, blocks[1:] != blocks[:-1]][: len(left)]), len(left)]
    for begin, end in pairwise(edges):
        some = slice(begin, end)
        shared[some] = present[left[some]].multiply(weighted[right[some]]).sum(axis=1)
    return shared / (sets.totals[left] + sets.totals[right] - shared)
