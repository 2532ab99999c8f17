"""Near-duplicates: every pair of texts whose word n-grams overlap enough, verified exactly.

Two texts are compared by the Jaccard similarity of their sets of word n-grams, the same n for
both. Texts of ``4 n`` words or more use ``n = shingle_size``; where the shorter of the two has
fewer words, both are compared with ``(n + 1) // 2``, and texts of fewer words than that with
each other as wholes. So that no pair at the border is missed, the search among short texts also
takes in longer ones up to ``4 n / threshold`` words: beyond that a text of distinct n-grams cannot
be as similar as the threshold.

The texts are read once and become 64-bit hashes of their n-grams (:mod:`.shingles`). Most texts
are ruled out because too much of them occurs nowhere else (:mod:`.shared_shingles`). Among the
others an exact join finds every pair (:mod:`.prefix_join`) while they fit in memory; beyond it,
MinHash sketches find candidates (:mod:`.sketches`), each of which is verified by its exact
similarity. So what is reported is true either way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from .buckets import MAX_PAIRS_PER_BUCKET, bucket_pairs
from .components import component_labels
from .parallel import usable_threads
from .prefix_join import SimilarPairs, shingle_sets, similar_pairs
from .shared_shingles import keep_candidates, template_shingles
from .shingle_blocks import ShingleBlocks
from .shingles import LengthClass, ReadTexts, read_texts
from .sketches import choose_bands, detection, sketched_pairs

THRESHOLD = 0.8
SHINGLE_SIZE = 5
MEMORY = 4 << 30
"""Bytes that n-grams may take up. A quarter of it holds them before they go to the disk; if those
that texts can share need more than all of it, sketches take the place of the exact join."""

Method = Literal["auto", "exact", "sketch"]
PAIR_SCHEMA = pl.Schema({"left": pl.Int64, "right": pl.Int64, "jaccard": pl.Float64})

_JOIN_BYTES_PER_SHINGLE = 20


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """What a search for near-duplicates found.

    Attributes:
        pairs: frame of :data:`PAIR_SCHEMA`; positions of the texts, ``left < right``.
        components: for every text the smallest position of those that chains of pairs tie to it.
        method: how was searched and what was not, a sentence for the reader.
        bounded_buckets: n-grams or bands with more pairs than allowed; usually 0.
        skipped: at most so many candidate pairs of those were not looked at.
    """

    pairs: pl.DataFrame
    components: np.ndarray
    method: str
    bounded_buckets: int
    skipped: int


def near_duplicate_pairs(
    texts: pl.Series | Iterable[pl.Series],
    *,
    threshold: float = THRESHOLD,
    shingle_size: int = SHINGLE_SIZE,
    method: Method = "auto",
    max_pairs: int = MAX_PAIRS_PER_BUCKET,
    canonical: bool = False,
    memory: int = MEMORY,
    folder: Path | None = None,
    threads: int | None = None,
) -> NearDuplicates:
    """Find every pair of texts with at least the given similarity.

    The result depends on the texts alone, not on their order, on the pieces they come in or on
    the number of threads. Texts without words are tied to nothing. Word n-grams that very many
    texts share weigh little (see :mod:`.shingles`).

    Args:
        texts: any strings, or pieces of them, such as those of a file that does not fit in
            memory; positions count on from one piece to the next.
        threshold: the least Jaccard similarity, above 0 and at most 1.
        shingle_size: words an n-gram, for texts that are long enough.
        method: ``exact`` misses nothing; ``sketch`` needs less memory and finds a pair at the
            threshold with probability 0.99; ``auto`` is exact while that fits in memory.
        max_pairs: bound on the pairs compared for one n-gram or band, so that a swarm of alike
            texts does not take forever; hits are reported.
        canonical: whether the texts already are what ``canonical_texts`` makes of them; otherwise
            they are reduced to their words first.
        memory: about how many bytes n-grams may take up.
        folder: where n-grams that do not fit in memory are written meanwhile; the system's
            folder for temporary files by default.
        threads: how many share the work; by default as many as there are cores to use.

    Raises:
        ValueError: a threshold outside 0 to 1, or n-grams without words.

    Example:
        >>> asked = "how long does it take to get my money back after a refund please"
        >>> found = near_duplicate_pairs(pl.Series([asked, "Hello!", "So: " + asked]))
        >>> found.pairs.select("left", "right").rows()
        [(0, 2)]
    """
    if not 0 < threshold <= 1 or shingle_size < 1:
        raise ValueError(f"no threshold and n-gram size: {threshold!r}, {shingle_size!r}")
    classes = tuple(_length_classes(shingle_size, threshold))
    with ExitStack() as stack:
        settings = _Settings(
            threshold,
            method,
            max_pairs,
            memory,
            Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder))),
            threads or usable_threads(),
        )
        read = read_texts(
            [texts] if isinstance(texts, pl.Series) else texts,
            classes,
            [stack.enter_context(ShingleBlocks(settings.folder, memory // 4)) for _ in classes],
            canonical=canonical,
            threads=settings.threads,
        )
        copies = _group_copies(read)
        found = [
            _search(length_class, blocks, read, copies.is_first, settings)
            for length_class, blocks in zip(classes, read.blocks, strict=True)
        ]
    among_copies, pairs = _spread(copies, found, max_pairs)
    searches = [*(one.pairs for one in found), among_copies]
    bounded = sum(search.bounded for search in searches)
    skipped = sum(search.skipped for search in searches)
    return NearDuplicates(
        pairs=pairs,
        components=component_labels(
            len(read.words), pairs["left"].to_numpy(), pairs["right"].to_numpy()
        ),
        method=_describe(settings, shingle_size, found, bounded, skipped),
        bounded_buckets=bounded,
        skipped=skipped,
    )


@dataclass(frozen=True, slots=True)
class _Settings:
    threshold: float
    method: Method
    max_pairs: int
    memory: int
    folder: Path
    threads: int


@dataclass(frozen=True, slots=True)
class _Found:
    """The pairs among distinct texts of one length class, and how they were found."""

    pairs: SimilarPairs
    exact: bool
    bytes_on_disk: int


def _length_classes(shingle_size: int, threshold: float) -> Iterator[LengthClass]:
    border = 4 * shingle_size
    yield LengthClass((shingle_size + 1) // 2, 1, border, border / threshold)
    yield LengthClass(shingle_size, border, np.inf, np.inf)


def _search(
    length_class: LengthClass,
    blocks: ShingleBlocks,
    read: ReadTexts,
    included: np.ndarray,
    settings: _Settings,
) -> _Found:
    """Find the pairs among the distinct texts of a length class."""
    threshold, memory = settings.threshold, settings.memory
    templates = template_shingles(blocks, included, read.hashes)
    kept = keep_candidates(blocks, included, templates, threshold, settings.folder, memory // 4)
    fits = kept.shingles * _JOIN_BYTES_PER_SHINGLE <= memory
    exact = settings.method == "exact" or (settings.method == "auto" and fits)
    with kept:
        if exact:
            sets = shingle_sets(kept, read.hashes)
            pairs = similar_pairs(
                sets, threshold, max_pairs=settings.max_pairs, threads=settings.threads
            )
        else:
            pairs = sketched_pairs(
                kept,
                read.hashes,
                threshold,
                max_pairs=settings.max_pairs,
                memory=memory,
                folder=settings.folder,
            )
    shorter = np.minimum(read.words[pairs.left], read.words[pairs.right])
    return _Found(pairs.where(shorter < length_class.below), exact, blocks.bytes_on_disk)


@dataclass(frozen=True, slots=True)
class _Copies:
    """Equal texts; those without words belong to no group.

    Attributes:
        members: positions of the texts, group by group, ascending in each.
        first: where each group begins in ``members``.
        counts: how many each has.
        group_of: the group of each position; -1 for none.
        is_first: for each position whether it is the first of its group.
    """

    members: np.ndarray
    first: np.ndarray
    counts: np.ndarray
    group_of: np.ndarray
    is_first: np.ndarray


def _group_copies(read: ReadTexts) -> _Copies:
    worded = np.flatnonzero(read.words)
    members = worded[np.argsort(read.hashes[worded], kind="stable")]
    hashes = read.hashes[members]
    first = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]][: len(hashes)])
    counts = np.diff(np.r_[first, len(members)])
    group_of = np.full(len(read.words), -1, dtype=np.int64)
    group_of[members] = np.repeat(np.arange(len(counts)), counts)
    is_first = np.zeros(len(read.words), dtype=bool)
    is_first[members[first]] = True
    return _Copies(members, first, counts, group_of, is_first)


def _spread(
    copies: _Copies, found: Sequence[_Found], max_pairs: int
) -> tuple[SimilarPairs, pl.DataFrame]:
    """Turn pairs of distinct texts into pairs of all texts, copies among each other included."""
    first, counts, members = copies.first, copies.counts, copies.members
    owners = copies.group_of[members]
    repeated = counts[owners] > 1
    equal = bucket_pairs(owners[repeated], np.flatnonzero(repeated), max_pairs=max_pairs)
    left = copies.group_of[np.concatenate([one.pairs.left for one in found])]
    right = copies.group_of[np.concatenate([one.pairs.right for one in found])]
    similarity = np.concatenate([one.pairs.similarity for one in found])
    # Of two swarms of copies only the first ones are paired; the copies tie the rest.
    capped = counts[left] * counts[right] > max_pairs
    width = np.where(capped, 1, counts[right])
    total = np.where(capped, 1, counts[left]) * width
    which = np.repeat(np.arange(len(left)), total)
    place = np.arange(len(which)) - np.repeat(np.cumsum(total) - total, total)
    one = members[np.r_[equal.left, first[left[which]] + place // width[which]]]
    other = members[np.r_[equal.right, first[right[which]] + place % width[which]]]
    columns = {
        "left": np.minimum(one, other),
        "right": np.maximum(one, other),
        "jaccard": np.r_[np.ones(len(equal.left)), similarity[which]],
    }
    among_copies = SimilarPairs(
        equal.left,
        equal.right,
        np.ones(len(equal.left)),
        equal.bounded_buckets + int(capped.sum()),
        equal.skipped + int((counts[left] * counts[right] - total).sum()),
    )
    return among_copies, pl.DataFrame(columns, schema=PAIR_SCHEMA).sort("left", "right")


def _describe(
    settings: _Settings, shingle_size: int, found: Sequence[_Found], bounded: int, skipped: int
) -> str:
    said = [
        f"exact Jaccard of word {shingle_size}-grams "
        f"({(shingle_size + 1) // 2}-grams in texts under {4 * shingle_size} words)"
    ]
    if all(one.exact for one in found):
        said.append("all pairs, by a prefix filter")
    else:
        bands, rows = choose_bands(settings.threshold)
        chance = 100 * detection(settings.threshold, bands, rows)
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
