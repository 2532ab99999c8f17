"""Rows longer than the context that the model can see.

Tokens are counted with your tokenizer, as its chat template writes the conversation; of a
preference the longer of its two. What stands between special tokens is counted once however often
it comes up. A conversation that the template refuses is put together plainly.

Evidence: the row; ``score`` is its length over the context's. The message says how many tokens are
too many.

Fix: drop. A trainer cuts such rows off without a word; shortening them by hand is better.

Limits: tools that a row offers are not counted, since templates write them each in their own way;
a trainer that packs, or adds a system prompt of its own, counts otherwise.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from ..tokens.lengths import describe_tokens
from .needs_tokenizer import needed_tokenizer


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    context.explain(check, describe_tokens(needed_tokenizer(context)))
    limit = context.context_length
    over = context.lengths.frame.filter(pl.col("length") > limit).rechunk()
    too_many = pl.col("length") - limit
    return over.select(
        "row",
        score=pl.col("length") / limit,
        message=pl.format("{} tokens, {} more than the context holds", "length", too_many),
    )


CHECK = RowCheck(
    name="tokens/over-context",
    title="rows longer than the context",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_find,
)
