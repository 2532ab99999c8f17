"""Preference pairs that stand elsewhere the other way round.

To the same prompt, the answer that is preferred here is rejected there, and the other way round:
one of the two rows teaches the opposite of the other. Prompts and answers are compared by their
words (case, white space and sentence punctuation make no difference), with roles and tool calls.

Evidence: the row, and in ``related_row`` the first one that prefers the other answer.

Fix: review: which of the two is right cannot be told.

Limits: pairs whose answers differ in other words are not matched, even if they mean the same.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from ..near_duplicates.comparison_text import canonical_texts
from ..records import MESSAGE_PARTS, PREFERENCE

_TURN = ("role", "words", "tool_calls")


def preference_pairs(context: CheckContext) -> pl.DataFrame:
    """Return the words of each pair as hashes: a summary, ``row, messages, chosen, rejected``."""
    messages = context.messages.filter(pl.col("kind") == PREFERENCE)
    messages = messages.with_columns(canonical_texts(messages["content"]).alias("words"))
    turns = messages.with_columns(
        turn=pl.concat_str(*(pl.col(name).fill_null("") for name in _TURN), separator="\x1f")
    )
    return turns.group_by("row", maintain_order=True).agg(
        pl.col("turn").filter(pl.col("part") == part).str.join("\x1e").hash().first().alias(part)
        for part in MESSAGE_PARTS
    )


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    pairs = context.summary(preference_pairs)
    if pairs.is_empty():
        raise CheckSkippedError("the rows are no preference pairs")
    different = pairs.filter(pl.col("chosen") != pl.col("rejected"))
    first = different.unique(MESSAGE_PARTS, keep="first", maintain_order=True)
    return (
        different.join(
            first.rename({"row": "related_row"}),
            left_on=["messages", "chosen", "rejected"],
            right_on=["messages", "rejected", "chosen"],
            maintain_order="left",
        )
        .filter(pl.col("related_row") < pl.col("row"))
        .select(
            "row",
            "related_row",
            field=pl.lit("chosen"),
            message=pl.format("row {} prefers the answer that is rejected here", "related_row"),
        )
    )


CHECK = DatasetCheck(
    name="schema/swapped-pair",
    title="preference pairs that stand elsewhere the other way round",
    severity=Severity.HIGH,
    fix=Fix.REVIEW,
    summaries=(preference_pairs,),
    find=_find,
)
