"""Answers of which a part lies beyond the context.

A trainer cuts a row that is too long; the model then learns an answer that stops in the middle,
without the token that ends it. Rows that lose all of their answers are for
``tokens/no-supervision``.

Evidence: ``field`` is the first answer that is cut off, with ``start`` and ``end`` of what is lost
of it, where the template writes it as it is. ``score`` is the share of the row's supervised tokens
that are lost; the message gives their number.

Fix: drop. Shortening the conversation by hand keeps the row.

Limits: as of ``tokens/over-context``; of a preference the chosen answer counts. Conversations that
the template refuses, or in which it does not leave the answers where they are, are for
``tokens/template``.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from ..tokens.lengths import describe_tokens
from .needs_tokenizer import needed_tokenizer
from .truncation import truncated_answers


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    context.explain(check, describe_tokens(needed_tokenizer(context)))
    cut = context.summary(truncated_answers).filter(
        pl.col("lost") > 0, pl.col("lost") < pl.col("supervised")
    )
    lost = "{} of {} tokens to be learned lie beyond the context"
    return cut.rechunk().select(
        "row",
        "field",
        "start",
        "end",
        score=pl.col("lost") / pl.col("supervised"),
        message=pl.format(lost, "lost", "supervised"),
    )


CHECK = DatasetCheck(
    name="tokens/truncated-answer",
    title="answers that the context cuts off",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    summaries=(truncated_answers,),
    find=_find,
)
