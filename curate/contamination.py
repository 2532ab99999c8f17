"""Contamination: training texts in which items of a benchmark stand, exactly or slightly edited.

Texts are compared by their bare words, so case, punctuation, white space and Unicode form make no
difference. An item is looked for by its runs of words: of five where it has :data:`LONG` words or
more, of three where it has fewer (a changed word breaks as many runs as a run has words). Each
run weighs by how rare it is in the items and in the texts, so that phrases which everybody uses
prove little; the score is the share of the item's weight that stands together in one place. A
long item may miss a third of it, which is a few changed words; the shorter an item, the nearer to
all of it must be there. Items of too few words are not judged.

What is looked for is the question, without the words that frame every question of its task, such
as "Question: … Answer:". A question too short for that is looked for together with its answer.

The search is exact: an item whose score suffices holds one of its rarest runs, since without all
of those the rest weighs too little. So only the texts with such a run are looked at closely.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from .near_duplicates.comparison_text import bare_words, fold, spaceless_characters
from .near_duplicates.shingles import WORD_SEED, windows

THRESHOLD = 0.65
LEAST_WORDS = 8
BRIEF = 16
"""Items of fewer words need more than the threshold, up to all for those of the least words."""
LONG, LONG_RUN, SHORT_RUN = 40, 5, 3
"""Items of fewer words than the first are looked for by the shorter runs of words."""

MATCH_SCHEMA = pl.Schema(
    {
        "text": pl.Int64,
        "item": pl.Int64,
        "start": pl.Int64,
        "end": pl.Int64,
        "score": pl.Float64,
        "alike": pl.Int64,
        "with_answer": pl.Boolean,
    }
)

_TEXTS_AT_ONCE = 50_000
_ENTRIES_AT_ONCE = 8_000_000
# Weights are whole numbers, so that an item that is there as a whole scores exactly 1.
_WEIGHT_UNIT = 1000
# Of fewer items all may begin with the same word by chance.
_FRAMED_ITEMS = 20
# Words put in between may stretch an item to this multiple of its length, and a few more.
_STRETCH, _SLACK = 1.5, 5


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """One item of a benchmark.

    Attributes:
        id: its name within the task.
        task: the benchmark it belongs to.
        question: what the model is asked; empty where the item is one text.
        answer: the right answer, or the text; None where none is known.
    """

    id: str
    task: str
    question: str
    answer: str | None = None

    @property
    def name(self) -> str:
        """The item's name among those of all tasks."""
        return f"{self.task}/{self.id}"


@dataclass(frozen=True, slots=True)
class Contamination:
    """What a search for benchmark items found.

    Attributes:
        matches: frame of :data:`MATCH_SCHEMA`: positions of text and item, the characters in
            between which the item stands, the share of it that stands there, how many other
            items have the same words, and whether the answer is part of what was found.
        too_short: number of items that have too few words to be judged.
    """

    matches: pl.DataFrame
    too_short: int


@dataclass(frozen=True, slots=True)
class _Probe:
    """Words to look for: those of one item, and of all others that have the same."""

    words: tuple[str, ...]
    length: int
    items: list[int]
    with_answer: bool


@dataclass(frozen=True, slots=True)
class _Match:
    """Where a probe stands in a text, in words, and the share of it that does."""

    probe: _Probe
    first: int
    last: int
    score: float


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of words of several texts: whose, where (in words) and which (a number)."""

    owners: np.ndarray
    places: np.ndarray
    runs: np.ndarray


@dataclass(frozen=True, slots=True)
class _Weighed:
    """The distinct runs of each probe, the rarest first, and what a match must reach.

    Attributes:
        starts: where each probe's runs begin, and the end of the last.
        runs: numbers of the runs.
        weights: of each run, by its number.
        totals: weight of each probe's runs.
        needed: the least weight of a match.
    """

    starts: np.ndarray
    runs: np.ndarray
    weights: np.ndarray
    totals: np.ndarray
    needed: np.ndarray


def find_contamination(
    texts: pl.Series,
    items: Sequence[BenchmarkItem],
    *,
    threshold: float = THRESHOLD,
    least_words: int = LEAST_WORDS,
) -> Contamination:
    """Find the items of benchmarks that stand in texts.

    Where an item stands in a text at several places, the best is told. Of different items at the
    same place only the one that fits best is told: those that follow the same template fit a
    little too.

    Args:
        texts: distinct strings, none of them null.
        items: what to look for.
        threshold: the least share of a long item, above 0 and at most 1.
        least_words: items of fewer words are not judged.

    Example:
        >>> item = BenchmarkItem("7", "quiz", "Which river of the north flows through two lakes?")
        >>> found = find_contamination(pl.Series(["Q: WHICH river of the north flows through "
        ...     "two lakes"]), [item])
        >>> found.matches.select("text", "item", "start", "end", "score").rows()
        [(0, 0, 3, 51, 1.0)]
    """
    probes = _probes(items, least_words)
    too_short = len(items) - sum(len(probe.items) for probe in probes)
    long = [probe for probe in probes if probe.length >= LONG]
    short = [probe for probe in probes if probe.length < LONG]
    by_text: dict[int, list[_Match]] = {}
    for some, size in ((long, LONG_RUN), (short, SHORT_RUN)):
        shares = np.array([_share_needed(probe, threshold, least_words) for probe in some])
        for text, match in _search(texts, some, size, shares):
            by_text.setdefault(text, []).append(match)
    rows = [
        (text, probe.items[0], start, end, score, len(probe.items) - 1, probe.with_answer)
        for text in sorted(by_text)
        for probe, start, end, score in _in_characters(texts[text], _best(by_text[text]))
    ]
    return Contamination(pl.DataFrame(rows, schema=MATCH_SCHEMA, orient="row"), too_short)


def folded_words(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    return fold(bare_words(pl.Series([text])).explode().drop_nulls()).to_list()


def _share_needed(probe: _Probe, threshold: float, least_words: int) -> float:
    """Return the share of a probe that must be found: more, the shorter it is."""
    brevity = (BRIEF - probe.length) / max(1, BRIEF - least_words)
    return threshold + (1 - threshold) * min(1.0, max(0.0, brevity))


def _probes(items: Sequence[BenchmarkItem], least_words: int) -> list[_Probe]:
    """Return what to look for, each sequence of words once, for the items long enough."""
    questions = _without_frames(items, _word_lists([item.question for item in items]))
    answers = _word_lists([item.answer or "" for item in items])
    probes: dict[tuple[str, ...], _Probe] = {}
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        with_answer = _length(question) < least_words
        words = (*question, *answer) if with_answer else tuple(question)
        length = _length(words)
        if length >= max(least_words, SHORT_RUN):
            told = with_answer and bool(question) and bool(answer)
            probes.setdefault(words, _Probe(words, length, [], told)).items.append(number)
    return list(probes.values())


def _length(words: Sequence[str]) -> int:
    """Count words, as far as they say something.

    What is repeated counts once, and a character of a script without spaces is but half a word.
    """
    runs = {tuple(words[place : place + SHORT_RUN]) for place in range(len(words) - SHORT_RUN + 1)}
    length = min(len(words), len(runs) + SHORT_RUN - 1)
    if all(word.isascii() for word in words):
        return length
    return length - int(spaceless_characters(pl.Series(["".join(words)]))[0]) // 2


def _word_lists(texts: list[str]) -> list[list[str]]:
    lists = bare_words(pl.Series(texts, dtype=pl.String))
    lengths = lists.list.len().to_list()
    words = iter(fold(lists.explode().drop_nulls()).to_list())
    return [[next(words) for _ in range(length)] for length in lengths]


def _without_frames(items: Sequence[BenchmarkItem], questions: list[list[str]]) -> list[list[str]]:
    """Leave out the word with which all questions of a task begin, and that with which they end."""
    by_task: dict[str, list[int]] = {}
    for number, (item, words) in enumerate(zip(items, questions, strict=True)):
        if words:
            by_task.setdefault(item.task, []).append(number)
    stripped = list(questions)
    for numbers in by_task.values():
        if len(numbers) < _FRAMED_ITEMS:
            continue
        before = len({questions[number][0] for number in numbers}) == 1
        after = len({questions[number][-1] for number in numbers}) == 1
        for number in numbers:
            words = questions[number]
            stripped[number] = words[before : len(words) - after]
    return stripped


def _search(
    texts: pl.Series, probes: list[_Probe], size: int, shares: np.ndarray
) -> Iterator[tuple[int, _Match]]:
    """Yield the matches, each with the position of its text."""
    if not probes or texts.is_empty():
        return
    wanted, known = _probe_runs(probes, size)
    hits = _hits(texts, known, size)
    weighed = _weigh(wanted, hits, len(known), len(probes), len(texts), shares)
    pairs = _candidates(weighed, hits)
    bounds = np.searchsorted(hits.owners, np.stack([pairs[0], pairs[0] + 1]))
    for text, probe, begin, end in zip(*pairs, *bounds, strict=True):
        of_probe = np.sort(weighed.runs[weighed.starts[probe] : weighed.starts[probe + 1]])
        runs = hits.runs[begin:end]
        is_its = np.isin(runs, of_probe)
        first, last, weight = _densest(
            hits.places[begin:end][is_its].tolist(),
            runs[is_its].tolist(),
            weighed.weights,
            int(_STRETCH * len(probes[probe].words)) + _SLACK - size,
        )
        if weight >= weighed.needed[probe]:
            score = weight / int(weighed.totals[probe])
            yield int(text), _Match(probes[probe], first, last + size - 1, score)


def _probe_runs(probes: list[_Probe], size: int) -> tuple[_Runs, np.ndarray]:
    """Return the probes' runs, each once a probe, and the hashes that their numbers stand for."""
    words = pl.Series([word for probe in probes for word in probe.words])
    lengths = np.array([len(probe.words) for probe in probes])
    owners, hashes = windows(words.hash(WORD_SEED).to_numpy(), lengths, size)
    known, runs = np.unique(hashes, return_inverse=True)
    keys = np.unique(owners * len(known) + runs)
    owners, runs = np.divmod(keys, len(known))
    return _Runs(owners, np.zeros_like(owners), runs), known


def _hits(texts: pl.Series, known: np.ndarray, size: int) -> _Runs:
    """Return the runs of the texts that probes have, in order."""
    blocks: list[_Runs] = []
    for begin in range(0, len(texts), _TEXTS_AT_ONCE):
        lists = bare_words(texts.slice(begin, _TEXTS_AT_ONCE))
        lengths = lists.list.len().to_numpy().astype(np.int64)
        filled = np.flatnonzero(lengths)
        words = fold(lists.explode().drop_nulls())
        owners, hashes = windows(words.hash(WORD_SEED).to_numpy(), lengths[filled], size)
        starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]][: len(owners)])
        places = np.arange(len(owners)) - starts[owners]
        runs = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        hit = known[runs] == hashes
        blocks.append(_Runs(filled[owners[hit]] + begin, places[hit], runs[hit]))
    return _Runs(
        np.concatenate([block.owners for block in blocks]),
        np.concatenate([block.places for block in blocks]),
        np.concatenate([block.runs for block in blocks]),
    )


def _weigh(
    wanted: _Runs, hits: _Runs, known: int, probes: int, texts: int, shares: np.ndarray
) -> _Weighed:
    """Weigh each run by how few of all probes and texts have it."""
    in_texts = np.unique(hits.owners * known + hits.runs) % known
    frequency = np.bincount(wanted.runs, minlength=known) + np.bincount(in_texts, minlength=known)
    weights = np.rint(_WEIGHT_UNIT * np.log2(1 + (probes + texts) / frequency)).astype(np.int64)
    order = np.lexsort((wanted.runs, -weights[wanted.runs], wanted.owners))
    runs, owners = wanted.runs[order], wanted.owners[order]
    totals = np.bincount(owners, weights=weights[runs], minlength=probes).astype(np.int64)
    return _Weighed(
        starts=np.searchsorted(owners, np.arange(probes + 1)),
        runs=runs,
        weights=weights,
        totals=totals,
        # A hair less than the share, lest a rounded product ask for more than there is.
        needed=np.ceil(totals * shares - 1e-6).astype(np.int64),
    )


def _candidates(weighed: _Weighed, hits: _Runs) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of text and probe in which enough weight stands anywhere in the text."""
    probes, known = len(weighed.totals), len(weighed.weights)
    owners = np.repeat(np.arange(probes), np.diff(weighed.starts))
    before = np.cumsum(weighed.weights[weighed.runs]) - weighed.weights[weighed.runs]
    before -= before[weighed.starts[:-1]][owners]
    telling = before <= (weighed.totals - weighed.needed)[owners]
    order = np.argsort(weighed.runs[telling], kind="stable")
    probes_of_run = owners[telling][order]
    run_starts = np.searchsorted(weighed.runs[telling][order], np.arange(known + 1))
    present = np.unique(hits.owners * known + hits.runs)
    texts, runs = np.divmod(present, known)
    kept: list[np.ndarray] = []
    for some in _blocks(np.diff(run_starts)[runs]):
        owner, places = _expand(run_starts, runs[some])
        pairs = np.unique(texts[some][owner] * probes + probes_of_run[places])
        kept += [
            pairs[part][_found(weighed, present, *np.divmod(pairs[part], probes))]
            for part in _blocks(np.diff(weighed.starts)[pairs % probes])
        ]
    all_pairs = np.unique(np.concatenate(kept)) if kept else np.empty(0, np.int64)
    return np.divmod(all_pairs, probes)


def _found(
    weighed: _Weighed, present: np.ndarray, texts: np.ndarray, probes: np.ndarray
) -> np.ndarray:
    """Tell in which pairs of text and probe the text has enough of the probe's weight."""
    owner, places = _expand(weighed.starts, probes)
    runs = weighed.runs[places]
    keys = texts[owner] * len(weighed.weights) + runs
    at = np.minimum(np.searchsorted(present, keys), len(present) - 1)
    weights = np.where(present[at] == keys, weighed.weights[runs], 0)
    return np.bincount(owner, weights=weights, minlength=len(probes)) >= weighed.needed[probes]


def _expand(starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for the entries of some rows of a table, which of the rows, and which entry."""
    counts = starts[rows + 1] - starts[rows]
    owner = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, starts[rows][owner] + offsets


def _blocks(counts: np.ndarray) -> Iterator[slice]:
    """Cut rows into blocks of not too many entries."""
    block = np.cumsum(counts) // _ENTRIES_AT_ONCE
    edges = np.flatnonzero(np.r_[True, block[1:] != block[:-1]][: len(counts)]).tolist()
    for begin, end in pairwise([*edges, len(counts)]):
        yield slice(begin, end)


def _densest(
    places: list[int], runs: list[int], weights: np.ndarray, reach: int
) -> tuple[int, int, int]:
    """Return first and last place, and weight, of the shortest stretch with the most weight.

    Args:
        places: of the runs, ascending.
        runs: their numbers.
        weights: by number.
        reach: the most places from the first to the last run of a stretch.
    """
    counts: dict[int, int] = {}
    best = (0, 0, 0)
    left = weight = 0
    for right, run in enumerate(runs):
        counts[run] = counts.get(run, 0) + 1
        weight += int(weights[run]) if counts[run] == 1 else 0
        while places[right] - places[left] > reach or counts[runs[left]] > 1:
            counts[runs[left]] -= 1
            weight -= int(weights[runs[left]]) if counts[runs[left]] == 0 else 0
            left += 1
        shorter = places[right] - places[left] < best[1] - best[0]
        if weight > best[2] or (weight == best[2] and shorter):
            best = (places[left], places[right], weight)
    return best


def _best(matches: list[_Match]) -> list[_Match]:
    """Leave out what a better match at the same place explains."""
    kept: list[_Match] = []
    for match in sorted(matches, key=lambda match: (-match.score, *_order(match))):
        half = (match.last - match.first + 1) / 2
        explained = any(
            match.score < better.score
            and min(match.last, better.last) - max(match.first, better.first) + 1 >= half
            for better in kept
        )
        if not explained:
            kept.append(match)
    return sorted(kept, key=_order)


def _order(match: _Match) -> tuple[int, int]:
    return match.first, match.probe.items[0]


def _in_characters(text: str, matches: list[_Match]) -> Iterator[tuple[_Probe, int, int, float]]:
    """Turn first and last words into the characters where they begin and end."""
    spans: list[tuple[int, int]] = []
    end = 0
    for word in bare_words(pl.Series([text]))[0]:
        # Between words stands nothing that could be one, so the next occurrence is the word.
        start = text.index(word, end)
        end = start + len(word)
        spans.append((start, end))
    for match in matches:
        yield match.probe, spans[match.first][0], spans[match.last][1], match.score
