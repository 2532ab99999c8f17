"""Rows that lack a part which their kind needs.

A chat needs a message, a preference a prompt and two answers, a classification a text and a label,
every message a role and a text or a tool call, and an ``input`` the instruction that tells what to
do with it (an instruction that is an empty text is meant to be none).

Evidence: ``field`` is what is missing, such as ``label`` or ``messages[1].role``. The message says
what was expected and what was found.

Fix: drop: what is missing cannot be guessed. Rows that the reader set aside for a missing field
propose nothing, since they are not among the records.

Limits: what every row of a kind needs is checked; columns of your own are for
``schema/user-schema``.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from ..records import CHAT, CLASSIFICATION, MESSAGE_PARTS, PREFERENCE, TEXT
from ..shapes.instruction import LACKS
from ..shapes.rows import RESERVED
from .rules import Rule, broken_rules, field_of_message
from .set_aside import rows_without_field


def _at_least_one(part: str, expected: str) -> Rule:
    return Rule(part, expected, pl.lit("none"), pl.col(part) > 0)


def _with_text(column: str, expected: str) -> Rule:
    found = pl.when(pl.col(column).is_null()).then(pl.lit("none")).otherwise(pl.lit("no text"))
    return Rule(column, expected, found, pl.col(column).fill_null("").str.contains(r"\S"))


_NEEDED_PARTS = {
    CHAT: (_at_least_one("messages", "at least one message"),),
    PREFERENCE: (
        _at_least_one("messages", "a prompt"),
        _at_least_one("chosen", "a preferred answer"),
        _at_least_one("rejected", "a rejected answer"),
    ),
    CLASSIFICATION: (_at_least_one("messages", "a text"), _with_text("label", "a label")),
    TEXT: (_at_least_one("messages", "a text"),),
}
_NEEDED_IN_MESSAGE = (
    _with_text("role", "a role"),
    Rule(
        "content",
        "text or a tool call",
        pl.lit("neither"),
        pl.col("content").is_not_null() | pl.col("tool_calls").is_not_null(),
    ),
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    # These rows were set aside already: there is nothing left to drop.
    set_aside = rows_without_field(context).with_columns(fix=pl.lit(Fix.NONE.value))
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
        "row", field=field_of_message(), message="message"
    )
    found = pl.concat(
        [set_aside, *of_records, _without_instruction(context), of_messages], how="diagonal"
    )
    return found.sort("row", maintain_order=True)


def _without_instruction(context: CheckContext) -> pl.DataFrame:
    """Return the rows whose instruction is null or left out while there is an input for it."""
    extra = pl.col("extra").str
    noted = context.records.filter(extra.contains(f'"{LACKS}"', literal=True).fill_null(False))
    return (
        noted.select("row", field=extra.json_path_match(f"$.{RESERVED}.notes.{LACKS}"))
        .drop_nulls()
        .rechunk()
        .with_columns(message=pl.lit("expected an instruction, found an input alone"))
    )


CHECK = RowCheck(
    name="schema/missing-field",
    title="rows that lack a part which their kind needs",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_find,
)
