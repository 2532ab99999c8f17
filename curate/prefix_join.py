"""Exact candidates for near-duplicates: nothing above the threshold is missed.

The prefix filter (Chaudhuri, Ganti and Kaushik, "A primitive operator for similarity joins in
data cleaning", 2006; with the positional filter of Xiao, Wang, Lin and Yu, "Efficient similarity
joins for near duplicate detection", 2008): put the shingles of every text in one order, the
rarest first. If two texts share enough weight, then they share a shingle among the first few of
both, and those are rare, so their buckets are small.
"""

from __future__ import annotations

import numpy as np

from .buckets import MAX_PAIRS_PER_BUCKET, Pairs, bucket_pairs
from .shingles import ShingleSets


def prefix_candidates(
    sets: ShingleSets, threshold: float, *, max_pairs: int = MAX_PAIRS_PER_BUCKET
) -> Pairs:
    """Return every pair of texts that can have the Jaccard similarity, and some that have not.

    Args:
        sets: the texts' shingles.
        threshold: the similarity.
        max_pairs: bound on the pairs of one shingle; only where it is hit can a pair be missed.
    """
    texts = sets.texts
    weights = sets.weights[sets.ranks]
    through = np.cumsum(weights)
    before_text = np.r_[0, through][sets.starts]
    # What a text can still share when this shingle is the first one that it shares.
    reach = before_text[1:][texts] - through + weights
    in_prefix = reach >= threshold * (1 - 1e-9) * sets.totals[texts]
    texts, ranks, reach = texts[in_prefix], sets.ranks[in_prefix], reach[in_prefix]
    occurrences = np.bincount(ranks, minlength=len(sets.weights))
    met = occurrences[ranks] > 1
    return bucket_pairs(
        ranks[met],
        texts[met],
        totals=sets.totals,
        reach=reach[met],
        threshold=threshold,
        max_pairs=max_pairs,
    )
