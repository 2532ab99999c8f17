"""What is made of the places that were found: which items stand there, and how well.

In each place the item's words are aligned with the text's: the words in the same order that weigh
the most, whatever was put between them (the heaviest common subsequence). The *score* is their
share of the item's weight. A place is a match where all of these hold:

* the score reaches the threshold, and so do the runs of three words that are there unbroken:
  words alone may be those of another text about the same things. The shorter an item, the nearer
  to all of it must be there;
* it lacks at most half as much as its *rivals*: the second best of the other items there, and the
  second most similar item of the benchmarks, copies of the item left aside. Where many items
  follow one template, a text that follows it too is like all of them, and is none of them.

Of different items at the same place only the one that fits best is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from .index import Index
from .items import ANSWER
from .probes import LEAST_WORDS
from .search import Searched, search

THRESHOLD = 0.65
"""The least score of a long item."""
SHORT_THRESHOLD = 0.95
"""The least score of an item of the least words."""
RUNS, SHORT_RUNS = 0.33, 0.5
"""The least share of the runs, of a long item and of one of the least words."""
BRIEF = 21
"""Items of fewer words need more than the threshold, up to that of the least words."""
LACKING = 0.5
"""A match lacks at most this share of what its rivals lack."""
COPY = 0.9
"""Items that fit each other so well are copies, and no rivals."""

MATCH_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "probe": pl.Int64,
        "score": pl.Float64,
        "runs": pl.Float64,
        "first": pl.Int64,
        "last": pl.Int64,
        "probe_first": pl.Int64,
        "probe_last": pl.Int64,
    }
)
"""A probe in a row: ``score`` and ``runs`` are the shares of its words and runs; ``first`` and
``last`` are the words of the row, the others those of the probe, between which it stands."""


def find_matches(
    index: Index,
    searched: Searched,
    *,
    threshold: float = THRESHOLD,
    least_words: int = LEAST_WORDS,
) -> pl.DataFrame:
    """Return what stands in the texts, frame of :data:`MATCH_SCHEMA`, by row and place.

    Args:
        index: what was looked for.
        searched: of all texts.
        threshold: the least score of a long item, above 0 and at most 1.
        least_words: of fewer words nothing was looked for.
    """
    places = _scored(index, searched).sort("row", "first", "probe")
    if places.is_empty():
        return places
    siblings = find_siblings(index)
    best, second = _rivals(index, places, siblings.families)
    rivals = np.maximum(second, siblings.second[places["probe"].to_numpy()])
    score = places["score"].to_numpy()
    lengths = np.array([probe.length for probe in index.probes])[places["probe"].to_numpy()]
    brevity = np.clip((BRIEF - lengths) / max(1, BRIEF - least_words), 0, 1)
    score_needed = threshold + (max(threshold, SHORT_THRESHOLD) - threshold) * brevity
    runs_needed = RUNS + (SHORT_RUNS - RUNS) * brevity
    matches = (score >= score_needed - 1e-9) & (places["runs"].to_numpy() >= runs_needed - 1e-9)
    matches &= 1 - score <= LACKING * (1 - rivals) + 1e-9
    return places.filter(matches & (score >= best))


@dataclass(frozen=True, slots=True)
class Siblings:
    """What the items of the benchmarks are to each other.

    Attributes:
        families: a number for each probe, the same for those that are copies.
        second: how well each fits the second most similar one that is no copy, 0 to 1.
    """

    families: np.ndarray
    second: np.ndarray


@lru_cache(maxsize=2)
def find_siblings(index: Index) -> Siblings:
    """Search the items for each other."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(index.probes)
    texts = [index.items[probe.items[0]].text_of(probe.part) for probe in index.probes]
    own = pl.DataFrame({"row": range(count), "content": pl.Series(texts, dtype=pl.String)})
    pairs = _scored(index, search(index, own)).rename({"row": "other"})
    pairs = pairs.filter(_kinds(index, pairs["other"]) == _kinds(index, pairs["probe"]))
    copies = pairs.filter(pl.col("score") >= COPY).select("probe", "other").to_numpy().T
    links = coo_array((np.ones(copies.shape[1]), (copies[0], copies[1])), shape=(count, count))
    families = connected_components(links, directed=False)[1].astype(np.int64)
    others = families[pairs["other"].to_numpy()] != families[pairs["probe"].to_numpy()]
    second = (
        pairs.filter(others)
        .group_by("probe")
        .agg(pl.col("score").sort(descending=True).get(1, null_on_oob=True))
        .drop_nulls()
    )
    scores = np.zeros(count)
    scores[second["probe"].to_numpy()] = second["score"].to_numpy()
    return Siblings(families, scores)


def _scored(index: Index, searched: Searched) -> pl.DataFrame:
    """Score every place, frame of :data:`MATCH_SCHEMA`."""
    from .score_kernels import align_pairs, weigh_runs

    frequency = np.zeros(index.grams, dtype=np.int64)
    grams = searched.frequency["gram"].to_numpy()
    np.add.at(frequency, grams, searched.frequency["texts"].to_numpy().astype(np.int64))
    weights = index.weights(searched.texts, frequency)
    places = searched.places
    if places.is_empty():
        return pl.DataFrame(schema=MATCH_SCHEMA)
    probes = places["probe"].to_numpy().astype(np.int64)
    words = places["words"].explode().to_numpy()
    lengths = places["words"].list.len().to_numpy().astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    aligned = np.zeros((len(probes), 5), dtype=np.int64)
    align_pairs(words, starts, probes, index.word_starts, index.probe_words, weights, aligned)
    runs = np.zeros(len(probes), dtype=np.int64)
    weigh_runs(words, starts, probes, index.word_hashes, index.run_table, index.run_starts,
               index.probe_runs, weights, runs)  # fmt: skip
    first = places["first"].to_numpy()
    return pl.DataFrame(
        {
            "row": places["row"],
            "probe": probes,
            "score": aligned[:, 0] / index.word_totals(weights)[probes],
            "runs": runs / index.run_totals(weights)[probes],
            "first": first + aligned[:, 1],
            "last": first + aligned[:, 2] - 1,
            "probe_first": aligned[:, 3],
            "probe_last": aligned[:, 4] - 1,
        },
        schema=MATCH_SCHEMA,
    )


def _rivals(
    index: Index, places: pl.DataFrame, families: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best score of another probe at each place, and the second best of a rival."""
    from .score_kernels import rival_scores

    rows = places["row"].to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1], [True]]))
    best, second = np.zeros(len(rows)), np.zeros(len(rows))
    rival_scores(
        starts,
        places["first"].to_numpy(),
        places["last"].to_numpy() + 1,
        places["score"].to_numpy(),
        _kinds(index, places["probe"]).to_numpy(),
        families[places["probe"].to_numpy()],
        best,
        second,
    )
    return best, second


def _kinds(index: Index, probes: pl.Series) -> pl.Series:
    """Tell answers from what is asked: they do not stand in each other's way."""
    is_answer = np.array([probe.part == ANSWER for probe in index.probes], dtype=bool)
    return pl.Series(is_answer[probes.to_numpy()])
