"""Rows in which an item of a benchmark stands, word for word or edited.

A model that has seen the questions answers them from memory, and the benchmark no longer tells
what it can do. Question and answer are looked for apart, by runs of three words, in all messages
of a row together; then the item's words are aligned with those of the place, weighed by how rare
they are among the items and in the data. Rewrapping, case and punctuation make no difference, and
one word in five may be another one. The fewer words an item has, the nearer to all of it must be
there; of fewer than eight it is *uncheckable*. `docs/contamination.md` tells how well it works.

Evidence: the row, the field and the characters in which the item stands; ``related`` is the item's
name, ``score`` the share of its weight that is there. ``contamination_hits.parquet`` of the audit
has the item's half of the evidence and the scores of question and answer, ``contamination.parquet``
every item with its status: clean, contaminated or uncheckable, and why.

Fix: drop, for the benchmark is not yours to change. Where only the answer stands, review: it may
be a statement that others make too.

Limits: items that were paraphrased or translated are not found, nor changes of every third word;
that of a very short item one word is another one. Known items are those that were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..auditing.benchmark_search import benchmark_contamination, searched_records
from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext, Parameter
from ..contamination.found import Contamination
from ..contamination.items import ANSWER, CONTAMINATED, TEXT, UNCHECKABLE
from ..contamination.matches import THRESHOLD
from ..contamination.probes import LEAST_WORDS
from ..finding import Fix, Severity

_SHOWN = 60
_NAMED = 3


def _benchmark(context: DatasetContext, check: Check) -> pl.DataFrame:
    if not context.benchmarks:
        raise CheckSkippedError(
            "no benchmarks were given: name them with --benchmarks or under [audit] benchmarks"
        )
    found = context.shared(benchmark_contamination)
    told = _told(found)
    if found.count(UNCHECKABLE) == found.items.height:
        raise CheckSkippedError(told)
    context.explain(check, told)
    hits = found.hits.join(
        found.items.select("task", "item", "question", "answer").unique(["task", "item"]),
        on=["task", "item"],
        how="left",
        maintain_order="left",
    )
    only_answer = pl.col("part") == ANSWER
    return hits.select(
        "row",
        "field",
        "start",
        "end",
        "score",
        related=pl.concat_str("task", pl.lit("/"), "item"),
        severity=pl.when(only_answer).then(pl.lit(Severity.MEDIUM.value)),
        fix=pl.when(only_answer).then(pl.lit(Fix.REVIEW.value)),
        message=pl.Series([_message(hit) for hit in hits.iter_rows(named=True)], dtype=pl.String),
    )


def _told(found: Contamination) -> str:
    """Say how many items stand in the data, and name some that cannot be judged."""
    told = f"{found.count(CONTAMINATED):,} of {found.items.height:,} items stand in the data"
    short = found.items.filter(pl.col("status") == UNCHECKABLE)
    if short.is_empty():
        return told
    by_task = short.group_by("task", maintain_order=True).len().rows()
    named = ", ".join(f"{count:,} of {task}" for task, count in by_task[:_NAMED])
    more = ", …" if len(by_task) > _NAMED else ""
    return (
        f"{told}; {short.height:,} are uncheckable, having too few words ({named}{more}; "
        "contamination.parquet names them)"
    )


def _message(hit: Mapping[str, Any]) -> str:
    part = "text" if hit["part"] == TEXT else hit["part"]
    alike = f" ({hit['alike']:,} more with the same words)" if hit["alike"] else ""
    share = "" if hit["score"] == 1 else f"{_percent(hit['score'])} of "
    told = (
        f"{share}the {part} of benchmark item {hit['task']}/{hit['item']}{alike} stands here"
        f"{_about_answer(hit)}"
    )
    if hit["score"] == 1:
        return told
    original = (hit["answer"] if hit["part"] in (ANSWER, TEXT) else hit["question"]) or ""
    shown = original if len(original) <= _SHOWN else original[: _SHOWN - 1] + "…"
    return f"{told}; the item reads: {shown!r}"


def _about_answer(hit: Mapping[str, Any]) -> str:
    """Say whether the other half stands there too."""
    if hit["part"] == ANSWER:
        return ", without its question" if hit["question_score"] is not None else ""
    score = hit["answer_score"]
    if hit["part"] == TEXT or score is None:
        return ""
    if score == 0:
        return ", without its answer"
    return ", and its answer after it" if score == 1 else f", and {_percent(score)} of its answer"


def _percent(share: float) -> str:
    return f"{int(100 * share)} %"


CHECK = DatasetCheck(
    name="contamination/benchmark",
    title="items of a benchmark",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    summaries=(searched_records,),
    find=_benchmark,
    parameters={
        "threshold": Parameter(
            THRESHOLD,
            "share of a long item that must stand in one place; lower finds more rewording, "
            "but also what is merely about the same things",
        ),
        "least_words": Parameter(
            LEAST_WORDS, "shorter items are phrases that stand in many texts by chance"
        ),
    },
)
