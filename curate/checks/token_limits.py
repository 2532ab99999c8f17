"""Rows that do not fit the context, and rows of which nothing would be learned.

Limits: tokens are counted as the tokenizer's chat template writes a conversation, without tools
that a row offers; a trainer that packs, or adds a system prompt of its own, counts otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..lengths import Lengths, rendered_counts
from ..records import CLASSIFICATION
from ..tokenizer import ChatTokenizer

_NEEDS_TOKENIZER = "needs a tokenizer to count tokens: name its folder with --tokenizer"


def _counted(context: CheckContext, check: Check) -> tuple[Lengths, ChatTokenizer]:
    if context.tokenizer is None:
        raise CheckSkippedError(_NEEDS_TOKENIZER)
    lengths = context.lengths
    assert lengths.tokenizer is not None
    context.explain(check, lengths.method)
    return lengths, lengths.tokenizer


def _over_context(context: CheckContext, check: Check) -> pl.DataFrame:
    lengths, _ = _counted(context, check)
    limit = context.context_length
    over = lengths.frame.filter(pl.col("length") > limit).rechunk()
    return over.select(
        "row",
        score=pl.col("length") / limit,
        message=pl.format("{} tokens, {} more than the context holds", "length",
                          pl.col("length") - limit),
    )  # fmt: skip


def _no_supervision(context: CheckContext, check: Check) -> pl.DataFrame:
    """Find rows whose first answer that is trained on lies beyond the context, or that have none.

    Only rows over the context are looked at closely: in all others every answer fits.
    """
    lengths, tokenizer = _counted(context, check)
    kinds = context.records.filter(pl.col("kind") != CLASSIFICATION)
    if kinds.is_empty():
        raise CheckSkippedError("the rows are to be classified, not answered")
    answered = context.answers.filter(pl.col("content").str.contains(r"\S"))["row"].unique()
    calling = context.messages.filter(
        pl.col("role") == "assistant",
        pl.col("tool_calls").is_not_null(),
        pl.col("weight").fill_null(1) != 0,
    )["row"].unique()
    silent = kinds.filter(~pl.col("row").is_in(pl.concat([answered, calling]).implode())).select(
        "row", message=pl.lit("no answer in this row is trained on")
    )
    over = lengths.frame.filter(pl.col("length") > context.context_length)
    long = kinds.filter(
        pl.col("row").is_in(over["row"].implode()), ~pl.col("row").is_in(silent["row"].implode())
    )
    prompts = (
        _before_answer((messages or []) + (chosen or []))
        for messages, chosen in long.select("messages", "chosen").iter_rows()
    )
    counts = rendered_counts(prompts, tokenizer, generation_prompt=True)
    cut = long.select("row", tokens=pl.Series(counts, dtype=pl.Int64)).filter(
        pl.col("tokens") >= context.context_length
    )
    return pl.concat(
        [
            silent,
            cut.select(
                "row",
                message=pl.format(
                    "the first answer begins after {} tokens, beyond the context", "tokens"
                ),
            ),
        ]
    ).sort("row")


def _before_answer(messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    for index, message in enumerate(messages):
        if message["role"] == "assistant" and message["weight"] != 0:
            return messages[:index]
    return []


CHECKS = (
    RowCheck(
        name="tokens/over-context",
        title="rows longer than the context",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_over_context,
    ),
    RowCheck(
        name="tokens/no-supervision",
        title="rows of which nothing would be learned",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_no_supervision,
    ),
)
