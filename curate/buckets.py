"""Pairs of texts that share a bucket, without comparing everything with everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_PAIRS_PER_BUCKET = 1_000_000

_PAIRS_BEFORE_MERGING = 1 << 24


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct pairs of texts, and what was left out where a bucket was too large.

    Attributes:
        left: positions of the first texts, int64.
        right: positions of the second texts, each greater than its ``left``.
        bounded_buckets: buckets with more pairs than allowed.
        skipped: at most so many pairs of those buckets were not looked at.
    """

    left: np.ndarray
    right: np.ndarray
    bounded_buckets: int = 0
    skipped: int = 0


def bucket_pairs(
    buckets: np.ndarray,
    texts: np.ndarray,
    *,
    totals: np.ndarray,
    reach: np.ndarray,
    threshold: float,
    max_pairs: int = MAX_PAIRS_PER_BUCKET,
) -> Pairs:
    """Pair the texts of every bucket that can still reach a Jaccard similarity.

    A pair is left out if even ``min(reach)``, as the weight of what the two share, would not
    give the similarity. Within a bucket the texts stand in the order of their totals, so that
    the search from each of them ends where the others become too large. In a bucket with more
    than ``max_pairs`` pairs each text is paired only with the next ones in that order, which are
    the likeliest; the buckets and the pairs left out are counted.

    Args:
        buckets: the bucket of each entry, any integers.
        texts: the text of each entry, a position in ``totals``; at most once in a bucket.
        totals: the weight of every text's set.
        reach: for each entry, the most weight its text can share with another that it meets in
            this bucket for the first time.
        threshold: the Jaccard similarity.
        max_pairs: bound on the pairs of one bucket.
    """
    order = np.lexsort((texts, totals[texts], buckets))
    buckets, texts, reach = buckets[order], texts[order], reach[order]
    sizes = totals[texts]
    first = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]][: len(buckets)])
    members = np.diff(np.r_[first, len(buckets)])
    ends = np.repeat(first + members, members)
    over = members * (members - 1) // 2 > max_pairs
    windows = np.where(over, np.maximum(1, max_pairs // np.maximum(members, 1)), members)
    window = np.repeat(windows, members)

    wanted = threshold * (1 - 1e-9) / (1 + threshold)
    active = np.arange(len(buckets))
    found: list[np.ndarray] = []
    waiting = skipped = 0
    distance = 0
    while len(active):
        distance += 1
        other = active + distance
        inside = other < ends[active]
        active, other = active[inside], other[inside]
        needed = wanted * (sizes[active] + sizes[other])
        near = reach[active] >= needed
        active, other, needed = active[near], other[near], needed[near]
        stopped = window[active] < distance
        if stopped.any():
            skipped += int((ends[active[stopped]] - other[stopped]).sum())
            active, other, needed = active[~stopped], other[~stopped], needed[~stopped]
        keep = reach[other] >= needed
        found.append(_pair_keys(texts[active[keep]], texts[other[keep]]))
        waiting += len(found[-1])
        if waiting > _PAIRS_BEFORE_MERGING:
            found = [np.unique(np.concatenate(found))]
            waiting = 0
    keys = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
    return Pairs(keys >> 32, keys & 0xFFFFFFFF, int(over.sum()), skipped)


def _pair_keys(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Write each pair as one number, the smaller position first."""
    return (np.minimum(left, right) << 32) | np.maximum(left, right)
