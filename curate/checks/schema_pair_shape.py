"""Preference pairs whose two answers differ in shape.

A trainer that compares two answers learns whatever tells them apart. Where one has more turns than
the other, other roles, calls a tool that the other does not, or was written as plain text while
the other is a list of messages, it learns the shape instead of what was preferred.

Evidence: ``field`` is ``rejected``. The message says what ``chosen`` has and what ``rejected`` has.

Fix: review: which of the two has the wrong shape cannot be told.

Limits: lengths are compared by ``text/length`` and ``balance/length``, not here.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import PREFERENCE
from ..shapes.rows import RESERVED
from .rules import Rule, broken_rules

_PARTS = ("chosen", "rejected")


def _alike(column: str, expected: str) -> Rule:
    found = pl.format("{} in chosen and {} in rejected", f"chosen_{column}", f"rejected_{column}")
    same = pl.col(f"chosen_{column}") == pl.col(f"rejected_{column}")
    return Rule(f"rejected_{column}", expected, found, same)


_SAME_SHAPE = (
    _alike("turns", "two answers of as many messages"),
    _alike("roles", "two answers of the same roles"),
    _alike("calls", "tool calls in both answers or in none"),
    _alike("form", "two answers written alike"),
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    pairs = context.records.filter(pl.col("kind") == PREFERENCE)
    if pairs.is_empty():
        raise CheckSkippedError("the rows are no preference pairs")
    both = pairs.filter(*(_says_something(part) for part in _PARTS))
    shapes = both.select(
        "row",
        *(pl.col(part).list.len().alias(f"{part}_turns") for part in _PARTS),
        *(_roles(part).alias(f"{part}_roles") for part in _PARTS),
        *(_calls(part).alias(f"{part}_calls") for part in _PARTS),
        *(_form(part).alias(f"{part}_form") for part in _PARTS),
    )
    return (
        broken_rules(shapes, _SAME_SHAPE)
        .sort("row", maintain_order=True)
        .unique("row", keep="first", maintain_order=True)
        .select("row", "message", field=pl.lit("rejected"))
    )


def _says_something(part: str) -> pl.Expr:
    """Whether there is an answer; of one that is missing nothing can be said."""
    said = [pl.element().struct.field(name).is_not_null() for name in ("content", "tool_calls")]
    return pl.col(part).list.eval(pl.any_horizontal(said)).list.any().fill_null(False)


def _roles(part: str) -> pl.Expr:
    roles = pl.element().struct.field("role").fill_null("none")
    return pl.col(part).list.eval(roles).list.join(", ")


def _calls(part: str) -> pl.Expr:
    calls = pl.col(part).list.eval(pl.element().struct.field("tool_calls").is_not_null()).list.any()
    return pl.when(calls).then(pl.lit("a tool call")).otherwise(pl.lit("none"))


def _form(part: str) -> pl.Expr:
    """How the source wrote an answer, as the reader noted where it was not plain text."""
    note = f"$.{RESERVED}.notes.{part}"
    extra = pl.col("extra").str
    return (
        pl.when(extra.json_path_match(f"{note}.count").is_not_null())
        .then(pl.lit("a list of messages"))
        .when(extra.json_path_match(note).is_not_null())
        .then(pl.lit("a message"))
        .otherwise(pl.lit("text"))
    )


CHECK = RowCheck(
    name="schema/pair-shape",
    title="preference pairs whose two answers differ in shape",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    find=_find,
)
