"""Answers that loop, or say the same over and over: letters, words, lines, sentences, paragraphs.

Loops: a letter, a syllable, or up to ``longest_period`` words, several times without a break; each
word is compared with the word one period later.

Shares: the part of an answer's letters that stand in lines, sentences or paragraphs which were
there before, or in runs of 5 and 10 words which were there before. These are rules by which corpora
of web pages are cleaned: Rae et al. 2021, "Scaling Language Models" (Gopher), table A1, and Penedo
et al. 2024, "The FineWeb Datasets", section 3.6. Their limits are made for pages; songs and lists
of one kind of thing exceed them, so that ours are higher (each parameter says what theirs is).
Their share of the most frequent run of 2 to 4 words does not fit answers at all: "Gouda is a type
of cheese. Focaccia is a type of bread." is mostly one run.

Evidence: ``start`` and ``end`` hold the loop, or all that was there before; ``score`` is the share
of the answer that it takes. One finding an answer.

Fix: the answer should go (``drop``): a model that is trained on loops loops.

Limits: a loop of few words in which something changes with every turn is seen only when it fills
the answer, and lines of few words that come again between ever new ones are not seen. Code blocks,
tables and rows of numbers are left out. A song of which nearly half is refrain is found too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .spans import SPAN_SCHEMA, Hit, code_blocks, inside, search_texts, without_code
from .word_repeats import (
    IDEOGRAPHS,
    WORD,
    longest_loops,
    may_hold_letter_run,
    repeated_runs,
    rough_words_of,
    words_of,
)

_WORD = re.compile(WORD)
_LETTER = r"[^\s\d\-=_*~.#+|/\\<>:,─-╿•·…]"
_HAS_LETTER = re.compile(r"[^\W\d_]")
_HAS_WORD = re.compile(r"[^\W\d_]{2}")
_IS_WORD = re.compile(rf"{_HAS_WORD.pattern}|[{IDEOGRAPHS}]")
# Cells of tables and tags of HTML repeat by nature.
_IS_TABLE = re.compile(r"[|<>]")
# A loop has runs of five words that were there before at least four times. An answer of which a
# share was there before has nearly as many by its words, fewer where short lines come again.
_RUN, _LEAST_RUNS, _TIMES_LESS = 5, 4, 4
_UNITS = (
    ("lines", re.compile(r"[^\n]+")),
    ("paragraphs", re.compile(r"(?:[^\n]+\n?)+")),
    ("sentences", re.compile(r"[^.!?\n。！？]{8,}[.!?\n。！？]?")),
)


@dataclass(frozen=True, slots=True)
class _Repeated:
    """What of a text was there before: its share of the letters, and from where to where."""

    share: float
    start: int
    end: int


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    answers = context.answers.select("row", "field", "content")
    units = context.parameter(check, "repeated_units")
    runs = {length: context.parameter(check, f"repeated_{length}_grams") for length in (5, 10)}
    rough = rough_words_of(answers["content"])
    again = repeated_runs(rough, _RUN)
    may_loop = answers.filter(pl.Series(again >= _LEAST_RUNS))
    least_again = min(units, *runs.values()) / _TIMES_LESS * rough.counts
    may_repeat = answers.filter(pl.Series(again >= np.maximum(least_again, 1)))
    found = [
        _letters(answers, max(2, context.parameter(check, "least_letters"))),
        _loops(
            may_loop,
            longest_period=context.parameter(check, "longest_period"),
            least_times=context.parameter(check, "least_times"),
            least_words=context.parameter(check, "least_words"),
            least_letters=context.parameter(check, "least_letters"),
        ),
        _shares(
            may_repeat,
            least_words=context.parameter(check, "least_words_shares"),
            units=units,
            runs=runs,
        ),
    ]
    first = pl.concat(found).unique(["row", "field"], keep="first", maintain_order=True)
    return first.sort("row", maintain_order=True)


def _letters(answers: pl.DataFrame, least: int) -> pl.DataFrame:
    pattern = re.compile(
        rf"({_LETTER})\1{{{least - 1},}}|([^\W\d_]{{2,4}})\2{{{least - 1},}}", re.IGNORECASE
    )

    def search(text: str) -> Iterator[Hit]:
        code = code_blocks(text)
        for match in pattern.finditer(text):
            if not inside(match.start(), code):
                unit = match[1] or match[2]
                message = f"{unit!r} {len(match[0]) // len(unit)} times in a row"
                yield Hit(message, *match.span(), score=len(match[0]) / len(text))
                return

    may_hold = may_hold_letter_run(answers["content"], least)
    where = pl.lit(may_hold) | pl.col("content").str.contains(rf"[A-Za-z]{{{2 * least}}}")
    return search_texts(answers, search, where=where)


def _loops(
    answers: pl.DataFrame,
    *,
    longest_period: int,
    least_times: int,
    least_words: int,
    least_letters: int,
) -> pl.DataFrame:
    """Return each answer's longest loop of words with its place and message."""
    loops = longest_loops(
        words_of(answers["content"]),
        longest_period=longest_period,
        least_times=least_times,
        least_words=least_words,
    )
    found = []
    for loop in loops.join(answers.with_row_index("text"), on="text").iter_rows(named=True):
        text = loop["content"]
        places = [match.span() for match in _WORD.finditer(text)]
        start, end = places[loop["first"]][0], places[loop["last"]][1]
        unit = text[start : places[loop["first"] + loop["period"] - 1][1]]
        times = (loop["last"] - loop["first"] + 1) // loop["period"]
        is_speech = _HAS_WORD.search(unit) or (times >= least_letters and _HAS_LETTER.search(unit))
        if not is_speech or _IS_TABLE.search(unit) or inside(start, code_blocks(text)):
            continue
        message = f"{_quoted(unit)} {times} times in a row"
        found.append(
            {"row": loop["row"], "field": loop["field"], "start": start, "end": end,
             "score": (end - start) / len(text), "message": message}
        )  # fmt: skip
    return pl.DataFrame(found, schema=SPAN_SCHEMA)


def _shares(
    answers: pl.DataFrame, *, least_words: int, units: float, runs: dict[int, float]
) -> pl.DataFrame:
    def search(text: str) -> Iterator[Hit]:
        prose = without_code(text)
        words = list(_WORD.finditer(prose))
        if len(words) < least_words:
            return
        for name, pattern in _UNITS:
            repeated = repeated_units(list(pattern.finditer(prose)))
            if repeated.share >= units:
                yield _hit(repeated, f"of the letters stand in {name} that were there before")
                return
        for length, least in runs.items():
            repeated = repeated_words(words, length)
            if repeated.share >= least:
                yield _hit(repeated, f"stand in runs of {length} words that were there before")
                return

    return search_texts(answers, search, where=pl.lit(True))


def _hit(repeated: _Repeated, message: str) -> Hit:
    text = f"{repeated.share:.0%} {message}"
    return Hit(text, repeated.start, repeated.end, score=repeated.share)


def repeated_units(units: list[re.Match[str]]) -> _Repeated:
    """Return what of a text stands in lines, sentences or paragraphs that were there before."""
    total, places, seen = 0, [], set()
    for unit in units:
        text = " ".join(unit[0].split()).casefold()
        total += len(text)
        if _HAS_WORD.search(text) and not _IS_TABLE.search(text):
            if text in seen:
                places.append((*unit.span(), len(text)))
            seen.add(text)
    return _summed(places, total)


def repeated_words(words: list[re.Match[str]], length: int) -> _Repeated:
    """Return what of a text stands in runs of so many words that were there before."""
    texts = [word[0].casefold() for word in words]
    is_prose = [_IS_WORD.search(text) is not None and not _IS_TABLE.search(text) for text in texts]
    places, seen, covered = [], set(), 0
    for first in range(len(texts) - length + 1):
        run = tuple(texts[first : first + length])
        if run not in seen or 2 * sum(is_prose[first : first + length]) < length:
            seen.add(run)
            continue
        new = words[max(first, covered) : first + length]
        places += [(*word.span(), len(word[0])) for word in new]
        covered = first + length
    return _summed(places, sum(map(len, texts)))


def _summed(places: list[tuple[int, int, int]], total: int) -> _Repeated:
    if not places:
        return _Repeated(0.0, 0, 0)
    return _Repeated(sum(size for _, _, size in places) / total, places[0][0], places[-1][1])


def _quoted(text: str) -> str:
    one_line = " ".join(text.split())
    return f"“{one_line}”" if len(one_line) <= 60 else f"“{one_line[:59]}…”"


CHECK = RowCheck(
    name="text/repetition",
    title="answers that say the same over and over",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    find=_find,
    parameters={
        "least_letters": Parameter(
            15, "or syllables in a row; “Nooooo!” and “hahaha” are emphasis"
        ),
        "longest_period": Parameter(32, "words; longer loops are found as repeated sentences"),
        "least_times": Parameter(4, "three times is a figure of speech"),
        "least_words": Parameter(10, "of a loop; “no, no, no, no” is emphasis"),
        "least_words_shares": Parameter(20, "of an answer; shares of shorter ones say little"),
        "repeated_units": Parameter(
            0.45,
            "share of letters in repeated lines, sentences or paragraphs; refrains of real songs "
            "reach 0.38. Gopher: 0.2 for lines and for paragraphs, FineWeb: 0.1 for lines",
        ),
        "repeated_5_grams": Parameter(
            0.8, "share of letters in repeated runs of 5 words; real lists reach 0.73. Gopher: 0.15"
        ),
        "repeated_10_grams": Parameter(
            0.45,
            "share of letters in repeated runs of 10 words; real songs reach 0.39. Gopher: 0.1",
        ),
    },
)
