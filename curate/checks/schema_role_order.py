"""Roles that are unknown or come in the wrong order.

A conversation opens with at most a system prompt, then user and assistant speak in turn; a tool's
result follows a tool call or another result; an answered conversation ends with an answer, and
the prompt of a preference with a question. Chat templates write other orders wrongly or refuse
them.

A role that goes by another name ("human", "gpt", "Assistant") counts as the one that it means;
whether the order is right is judged with the roles that are meant.

Evidence: ``field`` is the role at fault, such as ``messages[2].role``, each message once for its
name and once for its place. The message says what was expected there and what was found; for
another name ``related`` is the usual one.

Fix: repair where a role has another name: the usual one takes its place, which the source writes
in its own way. Otherwise drop: who said what cannot be guessed.

Limits: conversations between several named speakers who share a role look like one who speaks
twice in a row.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import CHAT, INSTRUCTING_ROLES, PREFERENCE
from .rules import Rule, broken_rules

KNOWN_ROLES = (*INSTRUCTING_ROLES, "user", "assistant", "tool")

_OTHER_NAMES = {
    "user": ("human", "prompter", "usr"),
    "assistant": (
        *("gpt", "chatgpt", "bot", "chatbot", "ai", "ai assistant", "ai_assistant", "llm"),
        *("model", "bard", "bing", "claude", "asst"),
    ),
    "system": ("sys", "system_prompt", "system prompt", "system message"),
    "tool": (
        *("function", "function_response", "function response", "tool_response", "tool_result"),
        *("observation", "ipython"),
    ),
}
_MEANT = {other: role for role, others in _OTHER_NAMES.items() for other in others} | {
    role: role for role in KNOWN_ROLES
}

_ROLE = pl.format("'{}'", pl.col("role"))
_AFTER = (
    pl.when(pl.col("previous").is_null())
    .then(pl.format("'{}' first", pl.col("role")))
    .otherwise(pl.format("'{}' after '{}'", pl.col("role"), pl.col("previous")))
)
_LAST = pl.format("'{}' last", pl.col("role"))
_IS_SYSTEM = pl.col("role").is_in(INSTRUCTING_ROLES)
_OPENS = pl.col("previous").is_null() | pl.col("previous").is_in(INSTRUCTING_ROLES)


def _only_where(condition: pl.Expr, holds: pl.Expr) -> pl.Expr:
    """A rule that concerns some rows: null, which is no fault, for the others."""
    return pl.when(condition).then(holds)


_ORDER = (
    Rule("role", "one of " + ", ".join(KNOWN_ROLES), _ROLE, pl.col("role").is_in(KNOWN_ROLES)),
    Rule("role", "the system prompt at the beginning", _AFTER, _only_where(_IS_SYSTEM, _OPENS)),
    Rule(
        "role",
        "a question before the first answer",
        _AFTER,
        _only_where(pl.col("role") == "assistant", ~_OPENS),
    ),
    Rule(
        "role",
        "user and assistant in turn",
        _AFTER,
        _only_where(
            pl.col("role").is_in(["user", "assistant"]), pl.col("role") != pl.col("previous")
        ),
    ),
    Rule(
        "role",
        "a tool's result only after a tool call",
        _AFTER,
        _only_where(
            pl.col("role") == "tool",
            (pl.col("previous").fill_null("") == "tool") | pl.col("previous_calls_tool"),
        ),
    ),
    Rule(
        "role",
        "an answer at the end",
        _LAST,
        _only_where(pl.col("must_answer"), pl.col("role") == "assistant"),
    ),
    Rule(
        "role",
        "a prompt that ends with a question",
        _LAST,
        _only_where(pl.col("must_ask"), pl.col("role").is_in(["user", "tool"])),
    ),
)


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    spoken = context.messages.filter(pl.col("kind").is_in([CHAT, PREFERENCE]))
    if spoken.is_empty():
        raise CheckSkippedError("the rows are no conversations")
    meant = _meant_roles(spoken["role"])
    renamed = spoken.select("row", "part", "index", "role", meant=meant).filter(
        (pl.col("role") != pl.col("meant")).fill_null(False)
    )
    found = broken_rules(_with_neighbours(spoken.with_columns(role=meant)), _ORDER)
    columns = ["row", "part", "index", "message", "related", "fix"]
    names = renamed.rechunk().with_columns(
        message=pl.format("the role '{}' is called '{}'", pl.col("role"), pl.col("meant")),
        related="meant",
        fix=pl.lit(Fix.REPAIR.value),
    )
    places = (
        found.sort("row", "part", "index", maintain_order=True)
        .unique(["row", "part", "index"], keep="first", maintain_order=True)
        .with_columns(related=pl.lit(None, dtype=pl.String), fix=pl.lit(Fix.DROP.value))
    )
    return (
        pl.concat([names.select(columns), places.select(columns)])
        .sort("row", maintain_order=True)
        .rechunk()
        .select(
            "row",
            "message",
            "related",
            "fix",
            field=pl.format("{}[{}].role", pl.col("part"), pl.col("index")),
        )
    )


def _meant_roles(roles: pl.Series) -> pl.Series:
    """Return the usual names of roles; those that nobody knows stay."""
    distinct = roles.drop_nulls().unique()
    meant = {role: _MEANT.get(role.strip().lower(), role) for role in distinct}
    return roles.replace(list(meant), list(meant.values())) if meant else roles


def _with_neighbours(messages: pl.DataFrame) -> pl.DataFrame:
    """Put beside every message what the rules need to know of those around it.

    An answer of a preference pair comes after the prompt's last message.
    """
    prompts = (
        messages.filter(pl.col("part") == "messages")
        .group_by("row", maintain_order=True)
        .agg(
            prompt_end=pl.col("role").last(),
            answered=(pl.col("role") == "assistant").any(),
        )
    )
    first = pl.col("index") == 0
    last = pl.col("index").shift(-1).fill_null(0) == 0
    in_prompt = pl.col("part") == "messages"
    is_chat = pl.col("kind") == CHAT
    return (
        messages.select("row", "kind", "part", "index", "role", "tool_calls")
        .join(prompts, on="row", how="left", maintain_order="left")
        .with_columns(
            previous=pl.when(~first)
            .then(pl.col("role").shift(1))
            .when(~in_prompt)
            .then(pl.col("prompt_end")),
            previous_calls_tool=~first & pl.col("tool_calls").shift(1).is_not_null(),
            must_answer=last & ((is_chat & pl.col("answered")) | ~in_prompt),
            must_ask=last & in_prompt & ~is_chat,
        )
    )


CHECK = RowCheck(
    name="schema/role-order",
    title="roles that are unknown or come in the wrong order",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    find=_find,
)
