"""Answers that loop: a letter, a few words or a sentence said over and over.

Words are compared with the word one period later, for every period up to ``longest_period``, over
all answers at once: a loop of period p is a run of equalities. Sentences that come again are
counted wherever they stand, as in the rules by which the Gopher corpus was cleaned (Rae et al.
2021, "Scaling Language Models", table A1), which discard a page at 30 % of repeated lines.

Limits: a loop that changes with every turn (a counter) is not seen. Songs whose refrain fills
half of the text look like loops; tables, rulers and rows of numbers are left out.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .spans import Hit, find_spans

_WORD = re.compile(r"\S+")
_LETTERS = re.compile(r"([^\W\d_])\1{14,}", re.IGNORECASE)
_MAY_HAVE_LETTERS = "(?i)" + "|".join(f"{letter}{{15}}" for letter in "abcdefghijklmnopqrstuvwxyz")
_SENTENCE = r"[^.!?\n。！？]{8,}[.!?\n。！？]?"
_HAS_WORD = r"\p{L}{2}"
# Cells of tables and tags of HTML repeat by nature.
_IS_TABLE = r"[|<>]"
_LOOP_SCHEMA = pl.Schema(
    {"answer": pl.UInt32, "first": pl.Int64, "last": pl.Int64, "period": pl.Int64}
)
_FINDING_COLUMNS = ("row", "field", "start", "end", "score", "message")


def _find_repetition(context: CheckContext, check: Check) -> pl.DataFrame:
    answers = context.answers.select("row", "field", "content").with_row_index("answer")
    letters = find_spans(
        answers,
        _LETTERS,
        lambda match: Hit(f"the letter {match[1]!r} {len(match[0])} times in a row", score=1.0),
        where=pl.col("content").str.contains(_MAY_HAVE_LETTERS),
    )
    words = _word_loops(
        answers,
        longest_period=context.parameter(check, "longest_period"),
        least_times=context.parameter(check, "least_times"),
        least_words=context.parameter(check, "least_words"),
    )
    sentences = _repeated_sentences(answers, context.parameter(check, "repeated_share"))
    found = pl.concat([frame.select(_FINDING_COLUMNS) for frame in (letters, words, sentences)])
    return found.unique(["row", "field"], keep="first", maintain_order=True).sort("row")


def _word_loops(
    answers: pl.DataFrame, *, longest_period: int, least_times: int, least_words: int
) -> pl.DataFrame:
    """Return each answer's longest loop of words with its place and message."""
    words = (
        answers.lazy()
        .select("answer", word=pl.col("content").str.to_lowercase().str.extract_all(r"\S+"))
        .explode("word")
        .select("answer", code=pl.col("word").hash())
        .collect()
    )
    loops = _longest_loops(
        words["answer"].to_numpy(),
        words["code"].to_numpy(),
        longest_period=longest_period,
        least_times=least_times,
        least_words=least_words,
    )
    found = []
    for loop in loops.join(answers, on="answer").iter_rows(named=True):
        places = [match.span() for match in _WORD.finditer(loop["content"])]
        start, end = places[loop["first"]][0], places[loop["last"]][1]
        unit = loop["content"][start : places[loop["first"] + loop["period"] - 1][1]]
        if re.search(r"[^\W\d_]{2}", unit) and not re.search(_IS_TABLE, unit):
            length = loop["last"] - loop["first"] + 1
            times = length // loop["period"]
            message = f"{_quoted(unit)} {times} times in a row"
            found.append((loop["row"], loop["field"], start, end, length / len(places), message))
    schema = dict.fromkeys(_FINDING_COLUMNS, pl.Int64) | {
        "field": pl.String, "message": pl.String, "score": pl.Float64
    }  # fmt: skip
    return pl.DataFrame(found, schema=schema, orient="row")


def _longest_loops(
    answer: np.ndarray, code: np.ndarray, *, longest_period: int, least_times: int, least_words: int
) -> pl.DataFrame:
    """Find runs of words that come again with a period.

    Args:
        answer: the number of the answer that each word belongs to, ascending.
        code: what the word is, as a number.
        longest_period: in words.
        least_times: how often the same words must come.
        least_words: how many words a loop must have in all.

    Returns:
        For each answer with one, its longest loop: the first and the last word (numbers within
        the answer) and the period.
    """
    found = [pl.DataFrame(schema=_LOOP_SCHEMA)]
    for period in range(1, min(longest_period, len(code) - 1) + 1):
        same = np.flatnonzero(code[period:] == code[:-period])
        same = same[answer[same + period] == answer[same]]
        if not len(same):
            continue
        breaks = np.flatnonzero((np.diff(same) != 1) | (np.diff(answer[same]) != 0)) + 1
        first = same[np.concatenate(([0], breaks))]
        length = np.diff(np.concatenate(([0], breaks, [len(same)]))) + period
        is_loop = (length >= least_times * period) & (length >= least_words)
        first, length = first[is_loop], length[is_loop]
        inside = first - np.searchsorted(answer, answer[first])
        found.append(
            pl.DataFrame(
                {
                    "answer": answer[first],
                    "first": inside,
                    "last": inside + length - 1,
                    "period": np.full(len(first), period),
                },
                schema=_LOOP_SCHEMA,
            )
        )
    # Of equally long loops the one with the shortest period says it best.
    return (
        pl.concat(found)
        .with_columns(length=pl.col("last") - pl.col("first"))
        .sort("answer", "length", "period", descending=[False, True, False])
        .unique("answer", keep="first", maintain_order=True)
    )


def _repeated_sentences(answers: pl.DataFrame, least_share: float) -> pl.DataFrame:
    """Return answers in which sentences that come three times or more fill a large share."""
    sentences = (
        answers.lazy()
        .select(
            "answer",
            letters=pl.col("content").str.len_chars(),
            sentence=pl.col("content").str.extract_all(_SENTENCE),
        )
        .explode("sentence")
        .with_columns(pl.col("sentence").str.strip_chars())
        .group_by("answer", "sentence")
        .agg(times=pl.len(), letters=pl.col("letters").first())
        .filter(
            pl.col("times") >= 3,
            pl.col("sentence").str.contains(_HAS_WORD),
            ~pl.col("sentence").str.contains(_IS_TABLE),
        )
        .with_columns(
            share=(pl.col("times") - 1) * pl.col("sentence").str.len_chars() / pl.col("letters")
        )
        .sort("answer", "share", "sentence", descending=[False, True, False])
        .group_by("answer", maintain_order=True)
        .agg(pl.col("share").sum(), pl.col("sentence", "times").first())
        .filter(pl.col("share") >= least_share)
        .collect()
    )
    found = sentences.join(answers, on="answer", maintain_order="left")
    places = [
        (content.find(sentence), content.rfind(sentence) + len(sentence))
        for content, sentence in found.select("content", "sentence").iter_rows()
    ]
    return found.select(
        "row",
        "field",
        start=pl.Series([start for start, _ in places], dtype=pl.Int64),
        end=pl.Series([end for _, end in places], dtype=pl.Int64),
        score=pl.col("share"),
        message=pl.Series(
            [
                f"{_quoted(sentence)} {times} times; {share:.0%} of the text is repeated"
                for sentence, times, share in found.select("sentence", "times", "share").iter_rows()
            ],
            dtype=pl.String,
        ),
    )


def _quoted(text: str) -> str:
    one_line = " ".join(text.split())
    return f"“{one_line}”" if len(one_line) <= 60 else f"“{one_line[:59]}…”"


CHECK = RowCheck(
    name="text/repetition",
    title="answers that say the same over and over",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    find=_find_repetition,
    parameters={
        "longest_period": Parameter(32, "longer loops are whole sentences, found as those"),
        "least_times": Parameter(4, "three times is a figure of speech"),
        "least_words": Parameter(10, "“no, no, no, no” is emphasis, not a loop"),
        "repeated_share": Parameter(0.5, "the refrains of a song fill a third of it"),
    },
)
