"""The index of what is looked for: the words and runs of all probes, numbered and weighed.

Words and runs of three words are *grams*. How much a gram proves is how rare it is: of N probes
and texts, of which n have it, it weighs ``log2(1 + N / n)`` (the inverse document frequency of
Spärck Jones 1972). While texts are searched only the probes are known, so these weights come from
them alone; a place is worth keeping where a share of them is there. At the end the frequencies in
all texts are known too.

A place with that share holds one of the probe's rarest runs, since without all of those the rest
weighs too little (prefix filter: Chaudhuri, Ganti and Kaushik 2006). So only texts with such a run
are looked at closely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .items import BenchmarkItem
from .probes import LEAST_WORDS, RUN, Probe, Probes, make_probes

SHARE_IN_PLACE = 0.3
"""Of the weight of a probe's runs so much must stand in one place for that to be looked at."""

_WEIGHT_UNIT = 1000
"""Weights are whole numbers, so that what is there as a whole scores exactly 1."""

Table = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Postings:
    """Which runs lead to which probes.

    Attributes:
        starts: where each gram's probes begin, and the end of the last.
        probes: the probes.
        weights: of each gram, as far as the probes alone tell.
        needed: the least weight of each probe's runs in one place.
        spare: the weight of each probe's runs that lead nowhere.
    """

    starts: np.ndarray
    probes: np.ndarray
    weights: np.ndarray
    needed: np.ndarray
    spare: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """What is looked for, ready to be found.

    Attributes:
        items: of the benchmarks.
        probes: what is looked for of them.
        uncheckable: why nothing is looked for, by the position of the item.
        word_hashes: of the grams that are words, which are numbered first, ascending.
        word_table: from hash to gram.
        run_table: from hash to gram.
        probe_frequency: the number of probes that have each gram.
        word_starts: where each probe's words begin in ``probe_words``, and the end of the last.
        probe_words: grams of the probes' words, in their order.
        run_starts: where each probe's distinct runs begin in ``probe_runs``.
        probe_runs: grams of the probes' distinct runs.
        postings: which runs lead to which probes.
    """

    items: tuple[BenchmarkItem, ...]
    probes: tuple[Probe, ...]
    uncheckable: dict[int, str]
    word_hashes: np.ndarray
    word_table: Table
    run_table: Table
    probe_frequency: np.ndarray
    word_starts: np.ndarray
    probe_words: np.ndarray
    run_starts: np.ndarray
    probe_runs: np.ndarray
    postings: Postings

    @property
    def grams(self) -> int:
        """The number of grams."""
        return len(self.probe_frequency)

    @property
    def lengths(self) -> np.ndarray:
        """The words of each probe."""
        return np.diff(self.word_starts)

    def weights(self, texts: int, text_frequency: np.ndarray) -> np.ndarray:
        """Weigh each gram by how few of all probes and texts have it.

        Args:
            texts: how many texts there are.
            text_frequency: how many of them have each gram.
        """
        return _weights(self.probe_frequency + text_frequency, len(self.probes) + texts)

    def word_totals(self, weights: np.ndarray) -> np.ndarray:
        """Sum the weights of each probe's words."""
        return _sums(weights[self.probe_words], self.word_starts)

    def run_totals(self, weights: np.ndarray) -> np.ndarray:
        """Sum the weights of each probe's distinct runs."""
        return _sums(weights[self.probe_runs], self.run_starts)


@lru_cache(maxsize=2)
def index_of(items: tuple[BenchmarkItem, ...], least_words: int = LEAST_WORDS) -> Index:
    """Index items; the last ones are kept, since a source is searched piece by piece.

    Args:
        items: of all tasks.
        least_words: of fewer words nothing is looked for.
    """
    from .match_kernels import hash_runs

    wanted: Probes = make_probes(items, least_words)
    probes = wanted.probes
    lengths = np.array([len(probe.words) for probe in probes], dtype=np.int64)
    words = _joined([probe.words for probe in probes], np.uint64)
    runs = []
    for probe in probes:
        hashes = np.empty(len(probe.words) - RUN + 1, dtype=np.uint64)
        hash_runs(probe.words, hashes)
        runs.append(np.unique(hashes))
    word_hashes, probe_words = np.unique(words, return_inverse=True)
    run_hashes, probe_runs = np.unique(_joined(runs, np.uint64), return_inverse=True)
    probe_runs = probe_runs + len(word_hashes)
    owners = np.repeat(np.arange(len(probes)), lengths)
    # Of a word that a probe has twice, the probe counts once.
    distinct = np.unique(owners * len(word_hashes) + probe_words) % max(1, len(word_hashes))
    grams = len(word_hashes) + len(run_hashes)
    probe_runs = probe_runs.astype(np.int64)
    run_starts = _starts(np.array([len(some) for some in runs], dtype=np.int64))
    frequency = np.bincount(distinct, minlength=grams) + np.bincount(probe_runs, minlength=grams)
    return Index(
        items=tuple(items),
        probes=probes,
        uncheckable=dict(wanted.uncheckable),
        word_hashes=word_hashes,
        word_table=_table(word_hashes, 0),
        run_table=_table(run_hashes, len(word_hashes)),
        probe_frequency=frequency,
        word_starts=_starts(lengths),
        probe_words=probe_words.astype(np.int32),
        run_starts=run_starts,
        probe_runs=probe_runs,
        postings=_postings(run_starts, probe_runs, _weights(frequency, len(probes))),
    )


def _postings(starts: np.ndarray, runs: np.ndarray, weights: np.ndarray) -> Postings:
    """Choose each probe's rarest runs, without all of which it cannot be found.

    Args:
        starts: where each probe's distinct runs begin, and the end of the last.
        runs: the runs.
        weights: of all grams.
    """
    probes = len(starts) - 1
    owners = np.repeat(np.arange(probes), np.diff(starts))
    totals = _sums(weights[runs], starts)
    # A hair less than the share, lest a rounded product ask for more than there is.
    needed = np.ceil(totals * SHARE_IN_PLACE - 1e-6).astype(np.int64)
    runs = runs[np.lexsort((runs, -weights[runs], owners))]
    before = np.cumsum(weights[runs]) - weights[runs]
    before -= before[starts[:-1]][owners]
    telling = before <= (totals - needed)[owners]
    spare = np.bincount(owners[~telling], weights=weights[runs[~telling]], minlength=probes)
    by_run = np.argsort(runs[telling], kind="stable")
    return Postings(
        starts=np.searchsorted(runs[telling][by_run], np.arange(len(weights) + 1)),
        probes=owners[telling][by_run],
        weights=weights,
        needed=needed,
        spare=spare.astype(np.int64),
    )


def _weights(frequency: np.ndarray, of: int) -> np.ndarray:
    return np.rint(_WEIGHT_UNIT * np.log2(1 + of / np.maximum(1, frequency))).astype(np.int64)


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    sums = np.concatenate([[0], np.cumsum(values)])
    return sums[starts[1:]] - sums[starts[:-1]]


def _joined(arrays: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.empty(0, kind), *arrays])


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _table(hashes: np.ndarray, first: int) -> Table:
    from .match_kernels import EMPTY, fill_table

    slots = 1 << max(4, int(2 * len(hashes)).bit_length())
    keys = np.zeros(slots, dtype=np.uint64)
    grams = np.full(slots, EMPTY, dtype=np.int32)
    bits = np.zeros(max(8, slots * 2), dtype=np.uint8)
    fill_table(hashes, first, keys, grams, bits)
    return keys, grams, bits
