"""Near-duplicates: every pair of texts whose word n-grams overlap enough, verified exactly.

Two texts are compared by the Jaccard similarity of their sets of word n-grams, the same n for
both. Texts of ``4 n`` words or more use ``n = shingle_size``; where the shorter of the two has
fewer words, both are compared with ``(n + 1) // 2``, and texts of fewer words than that with
each other as wholes. So that no pair at the border is missed, the search among short texts also
takes in longer ones up to ``4 n / threshold`` words: beyond that a text of distinct n-grams cannot
be as similar as the threshold.

Candidates come from an exact join (:mod:`.prefix_join`) while all n-grams fit in memory, and from
MinHash sketches (:mod:`.sketches`) beyond; either way each of them is verified by its exact
similarity, so that what is reported is true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from .buckets import MAX_PAIRS_PER_BUCKET, Pairs, bucket_pairs
from .comparison_text import canonical_texts
from .components import component_labels
from .prefix_join import prefix_candidates
from .shingles import count_words, jaccard, shingle_sets
from .sketches import choose_bands, detection, sample_templates, sketch_candidates, text_signatures

THRESHOLD = 0.8
SHINGLE_SIZE = 5
WORDS_IN_MEMORY = 60_000_000
"""With more words than this (about 4 GB of n-grams) sketches take the place of the exact join."""

Method = Literal["auto", "exact", "sketch"]
PAIR_SCHEMA = pl.Schema({"left": pl.Int64, "right": pl.Int64, "jaccard": pl.Float64})


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """What a search for near-duplicates found.

    Attributes:
        pairs: frame of :data:`PAIR_SCHEMA`; positions of the texts, ``left < right``.
        components: for every text the smallest position of those that chains of pairs tie to it.
        method: how was searched, a sentence for the reader.
        bounded_buckets: buckets of candidates with more pairs than allowed; usually 0.
        skipped: at most so many candidate pairs of those buckets were not looked at.
    """

    pairs: pl.DataFrame
    components: np.ndarray
    method: str
    bounded_buckets: int
    skipped: int


@dataclass(frozen=True, slots=True)
class _LengthClass:
    """Pairs whose shorter text has ``at_least`` to ``below`` words use n-grams of ``size``."""

    size: int
    at_least: int
    below: float
    longest: float


def near_duplicate_pairs(
    texts: pl.Series,
    *,
    threshold: float = THRESHOLD,
    shingle_size: int = SHINGLE_SIZE,
    method: Method = "auto",
    max_pairs: int = MAX_PAIRS_PER_BUCKET,
) -> NearDuplicates:
    """Find every pair of texts with at least the given similarity.

    The result depends on the texts alone, not on their order. Texts without words are tied to
    nothing. Word n-grams that very many texts share weigh little (see :mod:`.shingles`).

    Args:
        texts: any strings; they are reduced to their words first (see ``canonical_texts``).
        threshold: the least Jaccard similarity, above 0 and at most 1.
        shingle_size: words an n-gram, for texts that are long enough.
        method: ``exact`` misses nothing; ``sketch`` needs less memory and finds a pair at the
            threshold with probability 0.99; ``auto`` chooses by the number of words.
        max_pairs: bound on the pairs compared for one n-gram or band, so that a swarm of alike
            texts does not take forever; hits are reported.

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
    canonical = canonical_texts(texts).alias("text").to_frame().with_row_index("position")
    distinct = (
        canonical.filter(pl.col("text") != "")
        .group_by("text")
        .agg(pl.col("position").sort())
        .sort("text")
    )
    words = count_words(distinct["text"])
    exact = method == "exact" or (method == "auto" and int(words.sum()) <= WORDS_IN_MEMORY)
    found: list[pl.DataFrame] = []
    searches: list[Pairs] = []
    for length_class in _length_classes(shingle_size, threshold):
        taken = np.flatnonzero((words >= length_class.at_least) & (words < length_class.longest))
        some = distinct["text"].gather(taken)
        candidates, similarity = _search(some, length_class.size, threshold, exact, max_pairs)
        left, right = taken[candidates.left], taken[candidates.right]
        proved = (similarity >= threshold) & (
            np.minimum(words[left], words[right]) < length_class.below
        )
        found.append(_pair_frame(left[proved], right[proved], similarity[proved]))
        searches.append(candidates)
    copies, pairs = _spread(distinct["position"], pl.concat(found), max_pairs)
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    return NearDuplicates(
        pairs=pairs,
        components=component_labels(len(texts), left, right),
        method=_describe(threshold, shingle_size, exact),
        bounded_buckets=sum(search.bounded_buckets for search in [*searches, copies]),
        skipped=sum(search.skipped for search in [*searches, copies]),
    )


def _length_classes(shingle_size: int, threshold: float) -> Iterator[_LengthClass]:
    border = 4 * shingle_size
    yield _LengthClass((shingle_size + 1) // 2, 1, border, border / threshold)
    yield _LengthClass(shingle_size, border, np.inf, np.inf)


def _search(
    texts: pl.Series, size: int, threshold: float, exact: bool, max_pairs: int
) -> tuple[Pairs, np.ndarray]:
    """Return candidate pairs among distinct canonical texts, and their exact similarity."""
    if exact:
        sets = shingle_sets(texts, size)
        candidates = prefix_candidates(sets, threshold, max_pairs=max_pairs)
        return candidates, jaccard(sets, candidates.left, candidates.right)
    templates = sample_templates(texts, size)
    signature = text_signatures(texts, size, templates)
    candidates = sketch_candidates(signature, threshold, max_pairs=max_pairs)
    del signature
    named, places = np.unique(np.r_[candidates.left, candidates.right], return_inverse=True)
    sets = shingle_sets(texts.gather(named), size, templates)
    half = len(candidates.left)
    return candidates, jaccard(sets, places[:half], places[half:])


def _pair_frame(left: np.ndarray, right: np.ndarray, similarity: np.ndarray) -> pl.DataFrame:
    columns = {"left": left, "right": right, "jaccard": similarity}
    return pl.DataFrame(columns, schema=PAIR_SCHEMA)


def _spread(
    positions: pl.Series, pairs: pl.DataFrame, max_pairs: int
) -> tuple[Pairs, pl.DataFrame]:
    """Turn pairs of distinct texts into pairs of all texts, copies among each other included."""
    members = positions.explode().to_numpy().astype(np.int64)
    counts = positions.list.len().to_numpy().astype(np.int64)
    first = np.cumsum(counts) - counts
    owners = np.repeat(np.arange(len(counts)), counts)
    repeated = counts[owners] > 1
    alike = np.ones(len(members), dtype=np.int64)
    copies = bucket_pairs(
        owners[repeated],
        np.flatnonzero(repeated),
        totals=alike,
        reach=alike[repeated],
        threshold=1.0,
        max_pairs=max_pairs,
    )
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    # Of two swarms of copies only the first ones are paired; the copies tie the rest.
    capped = counts[left] * counts[right] > max_pairs
    width = np.where(capped, 1, counts[right])
    total = np.where(capped, 1, counts[left]) * width
    which = np.repeat(np.arange(len(left)), total)
    place = np.arange(len(which)) - np.repeat(np.cumsum(total) - total, total)
    one = np.r_[copies.left, first[left[which]] + place // width[which]]
    other = np.r_[copies.right, first[right[which]] + place % width[which]]
    one, other = members[one], members[other]
    similarity = np.r_[np.ones(len(copies.left)), pairs["jaccard"].to_numpy()[which]]
    spread = _pair_frame(np.minimum(one, other), np.maximum(one, other), similarity)
    return (
        Pairs(
            copies.left,
            copies.right,
            copies.bounded_buckets + int(capped.sum()),
            copies.skipped + int((counts[left] * counts[right] - total).sum()),
        ),
        spread.sort("left", "right"),
    )


def _describe(threshold: float, shingle_size: int, exact: bool) -> str:
    measure = (
        f"exact Jaccard of word {shingle_size}-grams "
        f"({(shingle_size + 1) // 2}-grams in texts under {4 * shingle_size} words)"
    )
    if exact:
        return f"{measure}; all pairs, by a prefix filter"
    bands, rows = choose_bands(threshold)
    return (
        f"{measure}; candidates by MinHash, {bands} bands of {rows}, "
        f"which find {100 * detection(threshold, bands, rows):.1f} % of pairs at the threshold"
    )
