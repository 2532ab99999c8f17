"""MinHash signatures of whole batches, interoperable with datasketch 2.

Where the shingles of all texts do not fit in memory, a text is known by a signature of 128
numbers, and texts that agree in one band of them are candidates. The permutations and the scheme
(``affine32``) are datasketch's own, so a signature can be handed to any of its indexes
(:func:`as_minhash`). Candidates come from sorting the bands rather than from datasketch's
``MinHashLSH``, which takes one Python call a text and gives the same pairs. Bands and candidates
lie on the disk (Arrow); the candidates are verified a portion at a time, from the shingles there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .arrow_columns import ArrowColumns
from .buckets import MAX_PAIRS_PER_BUCKET, Pairs, bucket_pairs
from .prefix_join import SimilarPairs, jaccard, shingle_sets
from .shingle_blocks import ShingleBlocks

# datasketch takes half a second to import, and few data sets need a sketch.
if TYPE_CHECKING:
    from datasketch import MinHash

PERMUTATIONS = 128
SCHEME = "affine32"
DETECTION = 0.99
"""The least probability with which a pair at the threshold becomes a candidate."""

_BYTES_PER_CANDIDATE = 64
_VERIFY_BYTES_PER_SHINGLE = 20


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


def signatures(shingles: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the MinHash signatures of sets of shingles, all sets in one pass.

    Args:
        shingles: of all sets, one after the other, uint64; the low 32 bits are what is signed.
            Those marked as templates are left out, except in sets that have no others.
        lengths: shingles of each set, int64, at least 1.

    Returns:
        uint32 of shape (sets, permutations), equal to what datasketch's ``MinHash`` holds after
        it was updated with the same 32-bit hashes.
    """
    from datasketch import MinHash

    from .sketch_kernels import sign

    permutations = np.asarray(MinHash(num_perm=PERMUTATIONS, scheme=SCHEME).permutations)
    multipliers, offsets = (np.ascontiguousarray(row, dtype=np.uint32) for row in permutations)
    return sign(shingles, lengths, multipliers, offsets)


def as_minhash(signature: np.ndarray) -> MinHash:
    """Hand one signature to datasketch."""
    from datasketch import MinHash

    return MinHash(hashvalues=signature, scheme=SCHEME)


def sketched_pairs(
    blocks: ShingleBlocks,
    hashes: np.ndarray,
    threshold: float,
    *,
    max_pairs: int,
    memory: int,
    folder: Path,
) -> SimilarPairs:
    """Find the pairs whose signatures agree in a band, and verify each by its exact similarity.

    Args:
        blocks: the shingles of the texts.
        hashes: for each position the hash of the text; the texts are compared in their order.
        threshold: the Jaccard similarity.
        max_pairs: bound on the pairs of one bucket; only where it is hit can a pair that agrees
            in a band be missed.
        memory: about how many bytes may be taken up.
        folder: where files may be written.
    """
    texts = _texts_of(blocks)
    order = np.argsort(hashes[texts])
    bands, rows = choose_bands(threshold)
    with ArrowColumns(folder / "bands.arrow", bands) as keys_of_bands:
        for block in blocks:
            signed = signatures(block.shingles, block.lengths)
            keys_of_bands.write(band_keys(signed, bands, rows))
        with ArrowColumns(folder / "candidates.arrow", 1) as candidates:
            bounded = skipped = 0
            for band in range(bands):
                keys = _joined(keys_of_bands.read(band))
                pairs = bucket_candidates(keys[order], max_pairs)
                candidates.write([pairs.left << 32 | pairs.right])
                bounded += pairs.bounded_buckets
                skipped += pairs.skipped
            verify = _Verification(blocks, hashes, threshold, memory, folder, texts[order])
            found = list(verify.portions(candidates))
    left, right, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
    return SimilarPairs(left, right, similarity, bounded, skipped)


def band_keys(signed: np.ndarray, bands: int, rows: int) -> list[np.ndarray]:
    """Return for each band the hash of every signature's values in it, uint64."""
    from .sketch_kernels import hash_bands

    return list(hash_bands(signed, bands, rows))


def bucket_candidates(keys: np.ndarray, max_pairs: int = MAX_PAIRS_PER_BUCKET) -> Pairs:
    """Return the pairs of texts with the same key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    again = ordered[1:] == ordered[:-1]
    together = (np.r_[again, False] | np.r_[False, again])[: len(keys)]
    return bucket_pairs(ordered[together], order[together], max_pairs=max_pairs)


def _joined(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.uint64), *arrays])


def _texts_of(blocks: ShingleBlocks) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.int64), *(block.texts for block in blocks)])


@dataclass(frozen=True, slots=True)
class _Verification:
    """The exact similarity of candidates, a portion at a time.

    Attributes:
        by_number: the position of each text; candidates name texts by their place here.
    """

    blocks: ShingleBlocks
    hashes: np.ndarray
    threshold: float
    memory: int
    folder: Path
    by_number: np.ndarray

    def portions(self, candidates: ArrowColumns) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield positions and similarity of the pairs that are similar enough."""
        cuts = 1 + candidates.values * _BYTES_PER_CANDIDATE // max(1, self.memory)
        edges = np.linspace(0, len(self.by_number), cuts + 1).astype(np.int64)
        for low, high in pairwise(edges):
            some = [keys[(keys >> 32 >= low) & (keys >> 32 < high)] for keys in candidates.read(0)]
            yield from self._of(np.unique(_joined(some)))

    def _of(self, keys: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        left, right = self.by_number[keys >> 32], self.by_number[keys & 0xFFFFFFFF]
        named = np.zeros(len(self.hashes), dtype=bool)
        named[left] = named[right] = True
        size = sum(int(block.lengths[named[block.texts]].sum()) for block in self.blocks.headers())
        if size * _VERIFY_BYTES_PER_SHINGLE > self.memory and len(keys) > 1:
            half = len(keys) // 2
            yield from self._of(keys[:half])
            yield from self._of(keys[half:])
            return
        sets = shingle_sets(self._some(named), self.hashes)
        place = np.empty(len(self.hashes), dtype=np.int64)
        place[sets.texts] = np.arange(len(sets.texts))
        similarity = jaccard(sets, place[left], place[right])
        enough = similarity >= self.threshold
        yield left[enough], right[enough], similarity[enough]

    def _some(self, named: np.ndarray) -> ShingleBlocks:
        """Read the shingles of the named texts."""
        some = ShingleBlocks(self.folder, self.memory)
        for block in self.blocks:
            chosen = named[block.texts]
            if chosen.any():
                some.add(block.of(chosen))
        return some
