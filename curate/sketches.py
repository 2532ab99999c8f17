"""MinHash signatures of whole batches, interoperable with datasketch 2.

Where the shingles of all texts do not fit in memory, a text is known by a signature of 128
numbers, and texts that agree in one band of them are candidates. The permutations and the scheme
(``affine32``) are datasketch's own, so a signature can be handed to any of its indexes
(:func:`as_minhash`). Candidates come from sorting the bands rather than from datasketch's
``MinHashLSH``, which takes one Python call a text and gives the same pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .buckets import MAX_PAIRS_PER_BUCKET, Pairs, bucket_pairs
from .shingles import is_template, text_shingles

# datasketch takes half a second to import, and few data sets need a sketch.
if TYPE_CHECKING:
    from datasketch import MinHash

PERMUTATIONS = 128
SCHEME = "affine32"
DETECTION = 0.99
"""The least probability with which a pair at the threshold becomes a candidate."""

_TEMPLATE_SAMPLE = 50_000
_MIX32 = (np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35))
_SHIFTS32 = (np.uint32(16), np.uint32(13), np.uint32(16))
_HIGH_BITS = np.uint64(32)


def choose_bands(threshold: float, permutations: int = PERMUTATIONS) -> tuple[int, int]:
    """Choose bands and rows a band: as selective as the wanted detection allows.

    A pair of similarity s agrees in a band of r rows with probability s^r, and in at least one
    of b bands with 1 - (1 - s^r)^b (Leskovec, Rajaraman and Ullman, "Mining of massive
    datasets", 3.4).

    Example:
        >>> choose_bands(0.8)
        (21, 6)
    """
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if detection(threshold, bands, rows) >= DETECTION:
            return bands, rows
    return permutations, 1


def detection(similarity: float, bands: int, rows: int) -> float:
    """Return the probability that a pair of that similarity becomes a candidate."""
    return 1 - (1 - similarity**rows) ** bands


def signatures(starts: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Return the MinHash signatures of sets of 32-bit hashes, all sets in one pass.

    Args:
        starts: where each set begins in ``hashes``; no set is empty.
        hashes: uint32.

    Returns:
        uint32 of shape (sets, permutations), equal to what datasketch's ``MinHash`` holds after
        it was updated with the same hashes.
    """
    from datasketch import MinHash

    permutations = np.asarray(MinHash(num_perm=PERMUTATIONS, scheme=SCHEME).permutations)
    mixed = hashes.astype(np.uint32)
    for multiplier, shift in zip(_MIX32, _SHIFTS32[:2], strict=True):
        mixed = (mixed ^ (mixed >> shift)) * multiplier
    mixed = mixed ^ (mixed >> _SHIFTS32[2])
    result = np.empty((len(starts), PERMUTATIONS), dtype=np.uint32)
    permuted = np.empty_like(mixed)
    for number, (multiplier, offset) in enumerate(permutations.T):
        np.multiply(mixed, multiplier, out=permuted)
        permuted += offset
        result[:, number] = np.minimum.reduceat(permuted, starts)
    return result


def as_minhash(signature: np.ndarray) -> MinHash:
    """Hand one signature to datasketch."""
    from datasketch import MinHash

    return MinHash(hashvalues=signature, scheme=SCHEME)


def text_signatures(texts: pl.Series, size: int, templates: np.ndarray) -> np.ndarray:
    """Return the signatures of canonical texts.

    Template shingles are left out, except in texts that have no others.

    Args:
        texts: canonical strings, none of them empty.
        size: words a shingle.
        templates: hashes of the shingles that count as template.
    """
    blocks: list[np.ndarray] = []
    for owners, shingles in text_shingles(texts, size):
        if len(templates):
            own = ~np.isin(shingles, templates)
            has_own = np.bincount(owners, weights=own)[owners] > 0
            owners, shingles = owners[own | ~has_own], shingles[own | ~has_own]
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
        blocks.append(signatures(starts, (shingles >> _HIGH_BITS).astype(np.uint32)))
    return np.concatenate(blocks) if blocks else np.empty((0, PERMUTATIONS), dtype=np.uint32)


def sample_templates(texts: pl.Series, size: int) -> np.ndarray:
    """Find the template shingles in a sample of the texts, the same in whatever order they come.

    Args:
        texts: canonical strings, none of them empty.
        size: words a shingle.
    """
    sample = texts.gather(texts.hash().arg_sort().head(_TEMPLATE_SAMPLE))
    hashes = [shingles for _, shingles in text_shingles(sample, size)]
    if not hashes:
        return np.empty(0, dtype=np.uint64)
    distinct, counts = np.unique(np.concatenate(hashes), return_counts=True)
    return distinct[is_template(counts, len(sample))]


def sketch_candidates(
    signature: np.ndarray, threshold: float, *, max_pairs: int = MAX_PAIRS_PER_BUCKET
) -> Pairs:
    """Return the pairs of texts whose signatures agree in a band.

    Args:
        signature: uint32 of shape (texts, permutations).
        threshold: the Jaccard similarity that the bands are tuned for.
        max_pairs: bound on the pairs of one bucket; only where it is hit can a pair that agrees
            in a band be missed.
    """
    bands, rows = choose_bands(threshold, signature.shape[1])
    texts = np.arange(len(signature))
    everything = np.ones(len(signature), dtype=np.int64)
    found: list[Pairs] = []
    for band in range(bands):
        values = np.ascontiguousarray(signature[:, band * rows : (band + 1) * rows])
        _, buckets = np.unique(values.view(f"V{4 * rows}").ravel(), return_inverse=True)
        together = np.bincount(buckets)[buckets] > 1
        found.append(
            bucket_pairs(
                buckets[together],
                texts[together],
                totals=everything,
                reach=everything[together],
                threshold=threshold,
                max_pairs=max_pairs,
            )
        )
    return merge_pairs(found)


def merge_pairs(found: list[Pairs]) -> Pairs:
    """Join the pairs of several searches; each pair stays once."""
    keys = [(pairs.left << 32) | pairs.right for pairs in found]
    distinct = np.unique(np.concatenate(keys)) if keys else np.empty(0, dtype=np.int64)
    return Pairs(
        distinct >> 32,
        distinct & 0xFFFFFFFF,
        sum(pairs.bounded_buckets for pairs in found),
        sum(pairs.skipped for pairs in found),
    )
