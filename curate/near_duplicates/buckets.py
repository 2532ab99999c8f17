"""Pairs of texts that share a bucket, without comparing everything with everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_PAIRS_PER_BUCKET = 1_000_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct pairs of texts, and what was left out where a bucket was too large.

    Attributes:
        left: positions of the first texts, int64.
        right: positions of the second texts, each greater than its ``left``.
        bounded_buckets: buckets with more pairs than allowed.
        skipped: so many pairs of those buckets were left out.
    """

    left: np.ndarray
    right: np.ndarray
    bounded_buckets: int = 0
    skipped: int = 0


def bucket_pairs(
    buckets: np.ndarray, texts: np.ndarray, *, max_pairs: int = MAX_PAIRS_PER_BUCKET
) -> Pairs:
    """Pair the texts of every bucket.

    In a bucket with more than ``max_pairs`` pairs each text is paired only with the next ones;
    the buckets and the pairs left out are counted.

    Args:
        buckets: the bucket of each text, any integers.
        texts: positions, each once.
        max_pairs: bound on the pairs of one bucket.

    Example:
        >>> pairs = bucket_pairs(np.array([7, 5, 7, 7]), np.array([0, 1, 2, 3]))
        >>> list(zip(pairs.left.tolist(), pairs.right.tolist()))
        [(0, 2), (2, 3), (0, 3)]
    """
    order = np.lexsort((texts, buckets))
    buckets, texts = buckets[order], texts[order]
    first = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]][: len(buckets)])
    members = np.diff(np.r_[first, len(buckets)])
    all_pairs = members * (members - 1) // 2
    over = all_pairs > max_pairs
    windows = np.where(over, np.maximum(1, max_pairs // members), members)
    last = np.repeat(first + members - 1, members)
    reach = np.minimum(last - np.arange(len(buckets)), np.repeat(windows, members))
    left: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    right: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    places = np.arange(len(buckets))
    distance = 0
    while len(places := places[reach[places] > distance]):
        distance += 1
        left.append(texts[places])
        right.append(texts[places + distance])
    lefts, rights = np.concatenate(left), np.concatenate(right)
    return Pairs(lefts, rights, int(over.sum()), int(all_pairs.sum()) - len(lefts))
