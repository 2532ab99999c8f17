"""Preference pairs whose two answers are the same.

Answers are compared message by message with their roles and tool calls. Those that differ in case,
white space or punctuation alone count as low: that may be the point, as in code.

Evidence: ``field`` is ``rejected``, which says what ``chosen`` says.

Fix: drop: such a pair prefers nothing, and training on it only adds noise. Answers that are nearly
the same are to be reviewed.

Limits: answers that mean the same in other words are not found.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import PREFERENCE
from .rules import Rule, broken_rules

_PARTS = ("chosen", "rejected")


def _letters(part: str) -> pl.Expr:
    return pl.col(f"{part}_text").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")


_DIFFERENT_ANSWERS = (
    Rule(
        "rejected",
        "two different answers",
        pl.lit("the same one as chosen and as rejected"),
        pl.col("chosen") != pl.col("rejected"),
    ),
    Rule(
        "rejected",
        "answers that differ in a letter or a digit",
        pl.lit("a difference of case, white space or punctuation alone"),
        (pl.col("chosen") == pl.col("rejected"))
        | (_letters("chosen") == "")
        | (_letters("rejected") == "")
        | (_letters("chosen") != _letters("rejected")),
    ),
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    pairs = context.records.filter(pl.col("kind") == PREFERENCE)
    if pairs.is_empty():
        raise CheckSkippedError("the rows are no preference pairs")
    said = pairs.select(
        "row",
        *(answer_text(part) for part in _PARTS),
        *(_texts(part).alias(f"{part}_text") for part in _PARTS),
    )
    found = broken_rules(said, _DIFFERENT_ANSWERS)
    only_alike = pl.col("chosen") != pl.col("rejected")
    return found.sort("row").select(
        "row",
        "message",
        field="column",
        severity=pl.when(only_alike).then(pl.lit(Severity.LOW.value)),
        fix=pl.when(only_alike).then(pl.lit(Fix.REVIEW.value)),
    )


def answer_text(part: str) -> pl.Expr:
    """An answer as one text: who says what, and which tools are called."""
    turn = pl.concat_str(
        pl.element().struct.field("role").fill_null(""),
        pl.element().struct.field("content").fill_null("").str.strip_chars(),
        pl.element().struct.field("tool_calls").fill_null(""),
        separator="\x1f",
    )
    return pl.col(part).list.eval(turn).list.join("\x1e")


def _texts(part: str) -> pl.Expr:
    return pl.col(part).list.eval(pl.element().struct.field("content").fill_null("")).list.join("")


CHECK = RowCheck(
    name="schema/equal-pair",
    title="preference pairs whose two answers are the same",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_find,
)
