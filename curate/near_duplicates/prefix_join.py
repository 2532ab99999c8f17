"""The exact join: every pair of texts above the threshold, and its similarity.

The prefix filter (Chaudhuri, Ganti and Kaushik, "A primitive operator for similarity joins in
data cleaning", 2006; with the positional filter of Xiao, Wang, Lin and Yu, "Efficient similarity
joins for near duplicate detection", 2008): put the shingles of every text in one order, the
rarest first. If two texts share enough weight, then they share a shingle among the first few of
both, and those are rare, so few texts meet there. A pair that does is compared at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .parallel import in_order
from .shingle_blocks import ShingleBlocks

_PORTIONS_PER_THREAD = 8
_TEXTS_TO_SAMPLE, _ONE_IN = 20_000, 8


@dataclass(frozen=True, slots=True)
class ShingleSets:
    """Weighted shingle sets of texts, the smallest first; without what only one text has.

    Attributes:
        texts: the positions of the texts.
        keys: shingles as numbers that order them from the rarest to the most frequent, templates
            last; ascending within a set, uint64.
        begins: where each text's keys begin.
        ends: where they end.
        shared: the weight of the keys.
        totals: the weight of the whole set, ascending.
    """

    texts: np.ndarray
    keys: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    shared: np.ndarray
    totals: np.ndarray


@dataclass(frozen=True, slots=True)
class SimilarPairs:
    """Pairs of texts by position, verified.

    Attributes:
        left: one text of each.
        right: the other.
        similarity: the exact weighted Jaccard similarity.
        bounded: shingles or bands in which not every pair was compared.
        skipped: at most so many pairs were not compared there.
    """

    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray
    bounded: int
    skipped: int

    def where(self, wanted: np.ndarray) -> SimilarPairs:
        """Return some of the pairs."""
        left, right = self.left[wanted], self.right[wanted]
        return SimilarPairs(left, right, self.similarity[wanted], self.bounded, self.skipped)


def shingle_sets(blocks: ShingleBlocks, hashes: np.ndarray) -> ShingleSets:
    """Put the shingles of all texts into memory as sets.

    Args:
        blocks: of the texts; used up.
        hashes: for each position the hash of the text, which decides between texts of one weight.
    """
    from .join_kernels import count_sampled, order_sets

    keys = np.empty(blocks.shingles, dtype=np.uint64)
    texts = np.empty(blocks.texts, dtype=np.int64)
    lone = np.empty(blocks.texts, dtype=np.int64)
    lengths = np.empty(blocks.texts, dtype=np.int64)
    text = place = 0
    with blocks:
        for block in blocks.consume():
            some = slice(text, text + len(block.texts))
            texts[some], lone[some], lengths[some] = block.texts, block.lone, block.lengths
            keys[place : place + len(block.shingles)] = block.shingles
            text += len(block.texts)
            place += len(block.shingles)
    begins = np.cumsum(lengths) - lengths
    # Rare or not is told by a sample, the same in whatever order the texts come.
    sampled = hashes[texts] % np.uint64(1 if len(texts) < _TEXTS_TO_SAMPLE else _ONE_IN) == 0
    counters = np.empty(2 * max(1, int(lengths[sampled].sum())), dtype=np.uint16)
    counters.fill(0)
    count_sampled(keys, lengths, sampled, counters)
    shared = order_sets(keys, lengths, counters)
    del counters
    totals = shared + lone
    order = np.lexsort((hashes[texts], totals))
    return ShingleSets(
        texts=texts[order],
        keys=keys,
        begins=begins[order],
        ends=(begins + lengths)[order],
        shared=shared[order],
        totals=totals[order],
    )


def jaccard(sets: ShingleSets, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the exact weighted Jaccard similarity of pairs of texts, given as places in sets."""
    from .join_kernels import pair_similarities

    return pair_similarities(sets.keys, sets.begins, sets.ends, sets.totals, left, right)


def similar_pairs(
    sets: ShingleSets, threshold: float, *, max_pairs: int, threads: int = 1
) -> SimilarPairs:
    """Find every pair of texts with at least the Jaccard similarity.

    Args:
        sets: the texts' shingles.
        threshold: the similarity.
        max_pairs: bound on the pairs of one shingle; only where it is hit can a pair be missed.
            Each text is then compared with the next smaller ones, which are the likeliest.
        threads: how many share the work.
    """
    from .join_kernels import join, prefixes

    lengths, keys, reaches = prefixes(
        sets.keys, sets.begins, sets.ends, sets.shared, sets.totals, threshold
    )
    entry_begins = np.r_[0, np.cumsum(lengths)]
    order, members = _buckets(keys)
    del keys
    over = members * (members - 1) // 2 > max_pairs
    windows = np.where(over, np.maximum(1, max_pairs // members), members)
    places = np.full(entry_begins[-1], -1, dtype=np.int64)
    places[order] = np.arange(len(order))
    entry_texts = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    texts = entry_texts[order]
    arrays = (
        sets.keys,
        sets.begins,
        sets.ends,
        sets.totals,
        entry_begins,
        places,
        texts,
        (order - entry_begins[texts]).astype(np.int32),
        reaches[order],
        np.repeat(np.cumsum(members) - members, members),
        np.repeat(windows, members),
    )
    del order, entry_texts, texts, reaches
    edges = _portions(np.searchsorted(np.flatnonzero(places >= 0), entry_begins), threads)
    found = list(in_order(lambda ends: join(*arrays, threshold, *ends), pairwise(edges), threads))
    left, right, shared = np.concatenate([pairs for pairs, _ in found]).T
    return SimilarPairs(
        left=sets.texts[left],
        right=sets.texts[right],
        similarity=shared / (sets.totals[left] + sets.totals[right] - shared),
        bounded=int(over.sum()),
        skipped=sum(skipped for _, skipped in found),
    )


def _buckets(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put places with equal keys side by side, ascending, without those that are alone.

    Returns:
        The places, and how many belong together each time.
    """
    # Sorting numbers is so much faster than stably sorting places that doing both pays.
    order = np.argsort(keys)
    keys = keys[order]
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]][: len(keys)])
    members = np.diff(np.r_[first, len(keys)])
    together = np.repeat(members > 1, members)
    members = members[members > 1]
    buckets = np.repeat(np.arange(len(members)), members)
    return np.sort(buckets << 32 | order[together]) & 0xFFFFFFFF, members


def _portions(work: np.ndarray, threads: int) -> list[int]:
    """Cut texts into portions of about the same work, given what lies before each of them."""
    count = 1 if threads == 1 else _PORTIONS_PER_THREAD * threads
    cuts = np.searchsorted(work[:-1], np.linspace(0, work[-1], count + 1)[1:-1])
    return [0, *(int(cut) for cut in cuts), len(work) - 1]
