"""Rows whose parts are missing or empty: pandera schemas per kind over records and messages.

Limits: what every row of a kind needs is checked; columns of the user's own are not.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import CHAT, CLASSIFICATION, MESSAGE_PARTS, PREFERENCE, TEXT
from ..shape import NO_SUCH_FIELD
from .rules import Rule, broken_rules

_VISIBLE = r"[^\s\p{Cf}]"


def _letters(part: str) -> pl.Expr:
    return pl.col(f"{part}_text").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def _at_least_one(part: str, expected: str) -> Rule:
    return Rule(part, expected, pl.lit("none"), pl.col(part) > 0)


_NEEDED_PARTS = {
    CHAT: (_at_least_one("messages", "at least one message"),),
    PREFERENCE: (
        _at_least_one("messages", "a prompt"),
        _at_least_one("chosen", "a preferred answer"),
        _at_least_one("rejected", "a rejected answer"),
    ),
    CLASSIFICATION: (
        _at_least_one("messages", "a text"),
        Rule(
            "label",
            "a label",
            pl.when(pl.col("label").is_null()).then(pl.lit("none")).otherwise(pl.lit("no text")),
            pl.col("label").fill_null("").str.contains(r"\S"),
        ),
    ),
    TEXT: (_at_least_one("messages", "a text"),),
}
_NEEDED_IN_MESSAGE = (
    Rule(
        "role",
        "a role",
        pl.when(pl.col("role").is_null()).then(pl.lit("none")).otherwise(pl.lit("no text")),
        pl.col("role").fill_null("").str.contains(r"\S"),
    ),
    Rule(
        "content",
        "text or a tool call",
        pl.lit("neither"),
        pl.col("content").is_not_null() | pl.col("tool_calls").is_not_null(),
    ),
)
_NOT_EMPTY = (
    Rule(
        "content",
        "text",
        pl.when(pl.col("content") == "")
        .then(pl.lit("an empty string"))
        .otherwise(pl.lit("nothing but white space or unseen characters")),
        pl.col("content").str.contains(_VISIBLE) | pl.col("tool_calls").is_not_null(),
    ),
)
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


def _field_of_message() -> pl.Expr:
    return pl.format("{}[{}].{}", pl.col("part"), pl.col("index"), pl.col("column"))


def _malformed_rows(context: CheckContext, check: Check) -> pl.DataFrame:
    rows = context.dataset.set_aside.filter(~pl.col("reason").str.ends_with(NO_SUCH_FIELD))
    return rows.select(
        "row",
        message=pl.format("{} ({})", pl.col("reason"), _place()),
    )


def _place() -> pl.Expr:
    """Where a set-aside row lies; Parquet has neither lines nor offsets."""
    line = pl.format("line {}", pl.col("line"))
    offset = pl.format("byte {}", pl.col("offset"))
    name = pl.col("path").str.extract(r"([^/\\]+)$").fill_null(pl.col("path"))
    return pl.concat_str(name, line, offset, separator=", ", ignore_nulls=True)


def _missing_fields(context: CheckContext, check: Check) -> pl.DataFrame:
    whole = context.dataset.set_aside.filter(pl.col("reason").str.ends_with(NO_SUCH_FIELD)).select(
        "row",
        field=pl.col("reason").str.extract(r"^([\w.\[\]]+)"),
        message=pl.format("{} ({})", pl.col("reason"), _place()),
        # The row was set aside already: there is nothing left to drop.
        fix=pl.lit(Fix.NONE.value),
    )
    counted = context.records.select(
        "row", "kind", "label", *(pl.col(part).list.len().fill_null(0) for part in MESSAGE_PARTS)
    )
    of_records = [
        broken_rules(counted.filter(pl.col("kind") == kind), rules).select(
            "row", field="column", message="message"
        )
        for kind, rules in _NEEDED_PARTS.items()
        if (counted["kind"] == kind).any()
    ]
    of_messages = broken_rules(context.messages, _NEEDED_IN_MESSAGE).select(
        "row", field=_field_of_message(), message="message"
    )
    broken = pl.concat([*of_records, of_messages])
    return pl.concat([whole, broken], how="diagonal").sort("row", maintain_order=True)


def _empty_messages(context: CheckContext, check: Check) -> pl.DataFrame:
    spoken = context.messages.filter(pl.col("role").fill_null("") != "tool")
    return broken_rules(spoken, _NOT_EMPTY).select(
        "row",
        "message",
        field=_field_of_message(),
        severity=pl.when(pl.col("role").is_in(["system", "developer"])).then(
            pl.lit(Severity.LOW.value)
        ),
    )


def _equal_pairs(context: CheckContext, check: Check) -> pl.DataFrame:
    pairs = context.records.filter(pl.col("kind") == PREFERENCE)
    if pairs.is_empty():
        raise CheckSkippedError("the rows are no preference pairs")
    parts = ("chosen", "rejected")
    said = pairs.select(
        "row",
        *(_turns(part) for part in parts),
        *(_texts(part).alias(f"{part}_text") for part in parts),
    )
    found = broken_rules(said, _DIFFERENT_ANSWERS)
    # Where only punctuation differs, that may be the point, as in code.
    only_alike = pl.col("chosen") != pl.col("rejected")
    return found.sort("row").select(
        "row",
        "message",
        field="column",
        severity=pl.when(only_alike).then(pl.lit(Severity.LOW.value)),
        fix=pl.when(only_alike).then(pl.lit(Fix.REVIEW.value)),
    )


def _turns(part: str) -> pl.Expr:
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


CHECKS = (
    RowCheck(
        name="schema/malformed-row",
        title="rows that cannot be understood",
        severity=Severity.HIGH,
        fix=Fix.NONE,
        find=_malformed_rows,
    ),
    RowCheck(
        name="schema/missing-field",
        title="rows that lack a part which their kind needs",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_missing_fields,
    ),
    RowCheck(
        name="schema/empty-message",
        title="messages without text",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_empty_messages,
    ),
    RowCheck(
        name="schema/equal-pair",
        title="preference pairs whose two answers are the same",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_equal_pairs,
    ),
)
