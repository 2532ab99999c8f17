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
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from .buckets import MAX_PAIRS_PER_BUCKET, bucket_pairs
from .components import component_labels
from .contained import Contained, contained_texts
from .parallel import usable_threads
from .prefix_join import SimilarPairs
from .search import (
    MEMORY,
    SHINGLE_SIZE,
    THRESHOLD,
    Found,
    Method,
    Search,
    describe,
    length_classes,
    search_class,
)
from .shared_shingles import template_shingles
from .shingles import read_texts

PAIR_SCHEMA = pl.Schema({"left": pl.Int64, "right": pl.Int64, "jaccard": pl.Float64})


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """What a search for near-duplicates found.

    Attributes:
        pairs: frame of :data:`PAIR_SCHEMA`; positions of the texts, ``left < right``.
        components: for every text the smallest position of those that chains of pairs tie to it.
        method: how was searched and what was not, a sentence for the reader.
        bounded_buckets: n-grams or bands with more pairs than allowed; usually 0.
        skipped: at most so many candidate pairs of those were not looked at.
        contained: the texts that stand in longer ones, where that was asked for.
    """

    pairs: pl.DataFrame
    components: np.ndarray
    method: str
    bounded_buckets: int
    skipped: int
    contained: Contained | None = None


def near_duplicate_pairs(
    texts: pl.Series | Iterable[pl.Series],
    *,
    threshold: float = THRESHOLD,
    shingle_size: int = SHINGLE_SIZE,
    method: Method = "auto",
    containment: float | None = None,
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
        containment: the least share of a text of ``4 shingle_size`` words or more that a longer
            one must have for it to be named as contained; by default none are looked for.
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
    classes = length_classes(shingle_size, threshold)
    with ExitStack() as stack:
        own_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        workers = threads or usable_threads()
        search = Search(threshold, shingle_size, method, max_pairs, memory, own_folder, workers)
        read = read_texts(
            [texts] if isinstance(texts, pl.Series) else texts,
            classes,
            [stack.enter_context(search.room()) for _ in classes],
            canonical=canonical,
            threads=search.threads,
        )
        copies = group_copies(read.words, read.hashes)
        found: list[Found] = []
        contained: Contained | None = None
        for length_class, blocks in zip(classes, read.blocks, strict=True):
            templates = template_shingles(blocks, copies.is_first, read.hashes)
            known = (templates, copies.is_first, read.words, read.hashes)
            if containment is not None and length_class is classes[-1]:
                contained = contained_texts(search, blocks, *known, containment)
            found.append(search_class(search, length_class, blocks, *known))
    return replace(gather(search, copies, found), contained=contained)


def gather(search: Search, copies: Copies, found: Sequence[Found]) -> NearDuplicates:
    """Put together what was found among distinct texts, for all texts.

    Args:
        search: how was searched.
        copies: which texts are equal.
        found: the pairs of each length class.
    """
    among_copies, pairs = _spread(copies, found, search.max_pairs)
    searches = [*(one.pairs for one in found), among_copies]
    bounded = sum(one.bounded for one in searches)
    skipped = sum(one.skipped for one in searches)
    return NearDuplicates(
        pairs=pairs,
        components=component_labels(
            len(copies.group_of), pairs["left"].to_numpy(), pairs["right"].to_numpy()
        ),
        method=describe(search, found, bounded, skipped),
        bounded_buckets=bounded,
        skipped=skipped,
    )


@dataclass(frozen=True, slots=True)
class Copies:
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


def group_copies(words: np.ndarray, hashes: np.ndarray) -> Copies:
    """Put equal texts together.

    Args:
        words: the number of words of each text.
        hashes: the hash of each text.
    """
    worded = np.flatnonzero(words)
    members = worded[np.argsort(hashes[worded], kind="stable")]
    hashes = hashes[members]
    first = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]][: len(hashes)])
    counts = np.diff(np.r_[first, len(members)])
    group_of = np.full(len(words), -1, dtype=np.int64)
    group_of[members] = np.repeat(np.arange(len(counts)), counts)
    is_first = np.zeros(len(words), dtype=bool)
    is_first[members[first]] = True
    return Copies(members, first, counts, group_of, is_first)


def _spread(
    copies: Copies, found: Sequence[Found], max_pairs: int
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
