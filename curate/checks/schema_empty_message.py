"""Messages without text: empty, or of white space and unseen characters alone.

Messages that call a tool need no text, nor do the results of tools. An empty system prompt counts
as low: it sets no scene, but nothing wrong is learned from it.

Evidence: ``field`` is the empty text, such as ``messages[1].content``.

Fix: drop: an empty answer teaches to say nothing, an empty question to answer without one.

Limits: a text that only looks empty by its meaning (``N/A``, ``none``) is for ``text/placeholder``.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from ..records import INSTRUCTING_ROLES
from .rules import Rule, broken_rules, field_of_message

_VISIBLE = r"[^\s\p{Cf}]"
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


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    spoken = context.messages.filter(pl.col("role").fill_null("") != "tool")
    return broken_rules(spoken, _NOT_EMPTY).select(
        "row",
        "message",
        field=field_of_message(),
        severity=pl.when(pl.col("role").is_in(INSTRUCTING_ROLES)).then(pl.lit(Severity.LOW.value)),
    )


CHECK = RowCheck(
    name="schema/empty-message",
    title="messages without text",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_find,
)
