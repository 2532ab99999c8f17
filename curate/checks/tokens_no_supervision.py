"""Rows of which nothing would be learned.

Either no answer is trained on (there is none, it has no text and calls no tool, or its ``weight``
is 0), or the first one begins beyond the context. Trainers go through such rows without learning
from them, and some make the loss of a whole batch undefined.

Evidence: the row. The message says why, and for long rows how many tokens come before the answer.

Fix: drop.

Limits: of a preference the chosen answer counts. Rows that are longer than the context are looked
at with your tokenizer and its chat template; a trainer that cuts off the beginning loses others.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from ..records import CLASSIFICATION
from ..tokens.lengths import describe_tokens
from .needs_tokenizer import needed_tokenizer
from .truncation import truncated_answers


def silent_rows(context: CheckContext) -> pl.DataFrame:
    """Return the rows that are to be answered: a summary, ``row`` and ``silent``."""
    answered = context.answers.filter(pl.col("content").str.contains(r"\S"))["row"]
    calling = context.messages.filter(
        pl.col("role") == "assistant",
        pl.col("tool_calls").is_not_null(),
        pl.col("weight").fill_null(1) != 0,
    )["row"]
    speaking = pl.concat([answered, calling]).unique().implode()
    return context.records.filter(pl.col("kind") != CLASSIFICATION).select(
        "row", silent=~pl.col("row").is_in(speaking)
    )


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    tokenizer = needed_tokenizer(context)
    rows = context.summary(silent_rows)
    if rows.is_empty():
        raise CheckSkippedError("the rows are to be classified, not answered")
    context.explain(check, describe_tokens(tokenizer))
    silent = rows.filter("silent").select("row", message=pl.lit("no answer here is trained on"))
    cut = context.summary(truncated_answers).filter(
        pl.col("supervised") > 0,
        pl.col("lost") == pl.col("supervised"),
        ~pl.col("row").is_in(silent["row"].implode()),
    )
    begins = "the first answer begins after {} tokens, beyond the context"
    beyond = cut.rechunk().select("row", "field", message=pl.format(begins, "before"))
    return pl.concat([silent, beyond], how="diagonal").sort("row")


CHECK = DatasetCheck(
    name="tokens/no-supervision",
    title="rows of which nothing would be learned",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    summaries=(silent_rows, truncated_answers),
    find=_find,
)
