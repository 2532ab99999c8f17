"""Conversations in which the assistant says nothing.

There is nothing in them that a model could learn to say.

Evidence: ``field`` is ``messages``, the conversation as a whole.

Fix: drop.

Limits: a conversation with a role that is missing or unknown is left to ``schema/role-order`` and
``schema/missing-field``, because that role may be the assistant's.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import CHAT
from .rules import Rule, broken_rules
from .schema_role_order import KNOWN_ROLES

_ANSWERED = (Rule("answers", "an assistant message", pl.lit("none"), pl.col("answers") > 0),)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    spoken = context.messages.filter(pl.col("kind") == CHAT)
    if spoken.is_empty():
        raise CheckSkippedError("the rows are no chats")
    counted = (
        spoken.group_by("row", maintain_order=True)
        .agg(
            answers=(pl.col("role") == "assistant").sum(),
            known=pl.col("role").is_in(KNOWN_ROLES).fill_null(False).all(),
        )
        .filter("known")
    )
    return broken_rules(counted, _ANSWERED).select("row", "message", field=pl.lit("messages"))


CHECK = RowCheck(
    name="schema/no-assistant",
    title="conversations in which the assistant says nothing",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_find,
)
