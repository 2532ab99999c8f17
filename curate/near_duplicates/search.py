"""The search among texts whose shingles are known: one length class at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from .prefix_join import SimilarPairs, shingle_sets, similar_pairs
from .shared_shingles import keep_candidates
from .shingle_blocks import ShingleBlocks
from .shingles import LengthClass
from .sketches import choose_bands, detection, sketched_pairs

THRESHOLD = 0.8
SHINGLE_SIZE = 5
MEMORY = 4 << 30
"""Bytes that n-grams may take up. A quarter of it holds them before they go to the disk; if those
that texts can share need more than all of it, sketches take the place of the exact join."""

Method = Literal["auto", "exact", "sketch"]

_JOIN_BYTES_PER_SHINGLE = 20


@dataclass(frozen=True, slots=True)
class Search:
    """How to search.

    Attributes:
        threshold: the least Jaccard similarity.
        shingle_size: words an n-gram, for texts that are long enough.
        method: ``exact``, ``sketch``, or ``auto``: exact while that fits in memory.
        max_pairs: bound on the pairs compared for one n-gram or band.
        memory: about how many bytes n-grams may take up.
        folder: where files may be written.
        threads: how many share the work.
    """

    threshold: float
    shingle_size: int
    method: Method
    max_pairs: int
    memory: int
    folder: Path
    threads: int

    @property
    def classes(self) -> tuple[LengthClass, ...]:
        """The length classes, each of which is searched by itself."""
        return length_classes(self.shingle_size, self.threshold)

    def room(self) -> ShingleBlocks:
        """Return an empty place for shingles."""
        return ShingleBlocks(self.folder, self.memory // 4)


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs among distinct texts of one length class, and how they were found."""

    pairs: SimilarPairs
    exact: bool
    bytes_on_disk: int


def length_classes(shingle_size: int, threshold: float) -> tuple[LengthClass, ...]:
    """Return which n-grams texts of which lengths are compared by.

    Raises:
        ValueError: a threshold outside 0 to 1, or n-grams without words.
    """
    if not 0 < threshold <= 1 or shingle_size < 1:
        raise ValueError(f"no threshold and n-gram size: {threshold!r}, {shingle_size!r}")
    border = 4 * shingle_size
    return (
        LengthClass((shingle_size + 1) // 2, 1, border, border / threshold),
        LengthClass(shingle_size, border, np.inf, np.inf),
    )


def search_class(
    search: Search,
    length_class: LengthClass,
    blocks: ShingleBlocks,
    templates: np.ndarray,
    included: np.ndarray,
    words: np.ndarray,
    hashes: np.ndarray,
) -> Found:
    """Find the pairs among the distinct texts of a length class.

    Args:
        search: how.
        length_class: which pairs count.
        blocks: the shingles of its texts; used up.
        templates: shingles that weigh little.
        included: for each position whether that text is looked at.
        words: for each position the number of words.
        hashes: for each position the hash of the text.
    """
    on_disk = blocks.bytes_on_disk
    kept = keep_candidates(
        blocks, included, templates, search.threshold, search.folder, search.memory // 4
    )
    fits = kept.shingles * _JOIN_BYTES_PER_SHINGLE <= search.memory
    exact = search.method == "exact" or (search.method == "auto" and fits)
    with kept:
        if exact:
            pairs = similar_pairs(
                shingle_sets(kept, hashes),
                search.threshold,
                max_pairs=search.max_pairs,
                threads=search.threads,
            )
        else:
            pairs = sketched_pairs(
                kept,
                hashes,
                search.threshold,
                max_pairs=search.max_pairs,
                memory=search.memory,
                folder=search.folder,
            )
    shorter = np.minimum(words[pairs.left], words[pairs.right])
    return Found(pairs.where(shorter < length_class.below), exact, on_disk)


def describe(search: Search, found: Sequence[Found], bounded: int, skipped: int) -> str:
    """Say how was searched and what was not.

    Args:
        search: how.
        found: of each length class.
        bounded: n-grams or bands with more pairs than allowed.
        skipped: at most so many candidate pairs of those were not looked at.
    """
    size = search.shingle_size
    said = [
        f"exact Jaccard of word {size}-grams "
        f"({(size + 1) // 2}-grams in texts under {4 * size} words)"
    ]
    if all(one.exact for one in found):
        said.append("all pairs, by a prefix filter")
    else:
        bands, rows = choose_bands(search.threshold)
        chance = 100 * detection(search.threshold, bands, rows)
        said.append(
            f"candidates by MinHash, {bands} bands of {rows}, "
            f"which find {chance:.1f} % of pairs at the threshold"
        )
    on_disk = sum(one.bytes_on_disk for one in found)
    if on_disk:
        said.append(f"{on_disk / 1e9:.1f} GB of n-grams lay on the disk meanwhile")
    if skipped:
        said.append(
            f"{bounded:,} runs of words or bands that very many texts share were searched in "
            f"part: up to {skipped:,} candidate pairs were not compared"
        )
    return "; ".join(said)
