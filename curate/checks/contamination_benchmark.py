"""Rows in which an item of a benchmark stands, word for word or with a few words changed.

A model that has seen the questions answers them from memory, and the benchmark no longer tells
what it can do. The question alone is enough; whether its answer comes after it is said. Items are
found by their runs of words, weighed by how rare they are among the items and in the data (see
:mod:`..contamination`).

Evidence: the row, the field and the characters in which the item stands; ``related`` is the item's
name, ``score`` the share of its weight that is there.

Fix: drop, for the benchmark is not yours to change.

Limits: items that were reworded beyond a third of their words, or translated, are not found; items
of fewer than eight words are not judged, and their number is told. Known items are those that were
given.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import polars as pl

from ..check import (
    Check,
    CheckContext,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    Parameter,
)
from ..contamination import (
    LEAST_WORDS,
    THRESHOLD,
    BenchmarkItem,
    find_contamination,
    folded_words,
)
from ..finding import Fix, Severity

_SHOWN = 60


def searched_texts(context: CheckContext) -> pl.DataFrame:
    """Return the texts that are searched, none where no benchmarks were given: a summary."""
    messages = context.messages.select("row", "index", "part", "field", "content")
    if not context.benchmarks:
        return messages.clear()
    return messages.filter(pl.col("content").str.len_chars() > 0)


def _benchmark(context: DatasetContext, check: Check) -> pl.DataFrame:
    items = context.benchmarks
    if not items:
        raise CheckSkippedError(
            "no benchmarks were given: name them with --benchmarks or under [audit] benchmarks"
        )
    # Collected, they stay where they are on the disk; in one piece they would be in memory.
    messages = context.summaries.scan(searched_texts).collect()
    texts = messages["content"].unique(maintain_order=True)
    found = find_contamination(
        texts,
        items,
        threshold=context.parameter(check, "threshold"),
        least_words=context.parameter(check, "least_words"),
    )
    how_many = f"{found.too_short:,} of {len(items):,} items are too short to judge"
    if found.too_short == len(items):
        raise CheckSkippedError(how_many)
    if found.too_short:
        context.explain(check, how_many)
    hits = (
        messages.select("row", "index", "part", "field", "content")
        .with_row_index("place")
        .join(texts.rename("content").to_frame().with_row_index("text"), on="content")
        .join(found.matches.with_columns(pl.col("text").cast(pl.get_index_type())), on="text")
        .sort("row", pl.col("score").neg(), "place", "start")
        .unique(["row", "item"], keep="first", maintain_order=True)
        .sort("row", "place", "start", maintain_order=True)
    )
    return hits.select("row", "field", "start", "end", "score").with_columns(
        pl.Series("related", [items[item].name for item in hits["item"]], dtype=pl.String),
        pl.Series("message", _messages(hits, messages, items), dtype=pl.String),
    )


def _messages(
    hits: pl.DataFrame, messages: pl.DataFrame, items: Sequence[BenchmarkItem]
) -> list[str]:
    """Say of each hit what stands there, and whether the answer follows."""
    rows = messages.filter(pl.col("row").is_in(hits["row"].unique().implode()))
    texts = {
        row: list(group)
        for row, group in groupby(
            rows.select("row", "field", "content").iter_rows(), key=lambda text: text[0]
        )
    }
    return [_message(hit, items[hit["item"]], texts[hit["row"]])
            for hit in hits.iter_rows(named=True)]  # fmt: skip


def _message(
    hit: dict[str, Any], item: BenchmarkItem, texts: Sequence[tuple[int, str, str]]
) -> str:
    if hit["with_answer"]:
        what, answer = "question and answer", ""
    elif not item.question:
        what, answer = "text", ""
    else:
        what = "question"
        follows = item.answer is not None and _follows(hit, item.answer, texts)
        answer = ", and its answer after it" if follows else ", without its answer"
    alike = f" ({hit['alike']:,} more with the same words)" if hit["alike"] else ""
    if hit["score"] == 1:
        return f"the {what} of benchmark item {item.name}{alike} stands here{answer}"
    original = item.question or item.answer or ""
    shown = original if len(original) <= _SHOWN else original[: _SHOWN - 1] + "…"
    percent = int(100 * hit["score"])
    return (
        f"{percent} % of the {what} of benchmark item {item.name}{alike} "
        f"stands here{answer}; the item reads: {shown!r}"
    )


def _follows(hit: dict[str, Any], answer: str, texts: Sequence[tuple[int, str, str]]) -> bool:
    """Tell whether an answer comes after the question, in the same message or a later one."""
    fields = [field for _, field, _ in texts]
    at = fields.index(hit["field"])
    after = [texts[at][2][hit["end"] :], *(content for _, _, content in texts[at + 1 :])]
    wanted = " ".join(folded_words(answer))
    return bool(wanted) and any(
        f" {wanted} " in f" {' '.join(folded_words(text))} " for text in after
    )


CHECK = DatasetCheck(
    name="contamination/benchmark",
    title="items of a benchmark",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    summaries=(searched_texts,),
    find=_benchmark,
    parameters={
        "threshold": Parameter(
            THRESHOLD,
            "share of a long item that must stand in one place; lower finds more rewording, "
            "but also what merely follows the same template",
        ),
        "least_words": Parameter(
            LEAST_WORDS, "shorter items are phrases that stand in many texts by chance"
        ),
    },
)
