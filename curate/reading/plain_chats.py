"""Rows that are nothing but plain messages, read many at once and in columns.

Most chats are ``{"messages": [{"role": …, "content": …}, …]}`` and nothing else. A pattern tells
such rows by their bytes alone: no key can be missing, repeated or in another place, no value of
another type, no half of a surrogate pair. What it lets through can be cut into columns without a
Python object for each value; all other rows are read one by one. Both ways give equal records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from ..records import MESSAGE, RECORD_SCHEMA
from ..shapes.conversation import read_conversation
from ..shapes.record_frame import digest_of
from ..shapes.rows import Layout

_ESCAPE = (
    r'\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CeEfF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
_TEXT = rf'"(?:[^"\\\x00-\x1f]|{_ESCAPE})*"'
_SPEAKERS = ("system", "developer", "user", "assistant", "tool")
_PARTS = frozenset({"messages", "system"})


@dataclass(frozen=True, slots=True)
class PlainChats:
    """How the plain rows of one layout look and are read.

    Attributes:
        pattern: what a plain row looks like, from its first to its last byte.
        row: its type.
        field: its only field.
        role: the key of the role within a message.
        content: the key of the text.
        roles: what speakers are called in records.
        kind: the kind of the records.
    """

    pattern: str
    row: pl.Struct
    field: str
    role: str
    content: str
    roles: dict[str, str]
    kind: str

    def read(self, lines: Sequence[bytes]) -> tuple[list[bool], pl.DataFrame]:
        """Tell which lines are plain rows, and read these.

        Returns:
            For each line whether it is plain, and a frame of ``RECORD_SCHEMA`` of those that are;
            ``row`` is the position among the lines.
        """
        texts = _texts(lines)
        plain = texts.str.contains(self.pattern).fill_null(value=False)
        rows = texts.filter(plain).str.json_decode(self.row)
        compact = rows.struct.json_encode().cast(pl.Binary)
        message = pl.element().struct
        said = {
            "role": message.field(self.role).replace(self.roles),
            "content": message.field(self.content),
        }
        fields = cast(pl.Struct, MESSAGE).to_schema()
        records = pl.DataFrame(
            {
                "row": plain.arg_true().cast(pl.Int64),
                "id": pl.Series([digest_of(text) for text in compact], dtype=pl.String),
                "messages": rows.struct.field(self.field),
            }
        ).with_columns(
            pl.col("messages").list.eval(pl.struct(_filled(fields, said))),
            kind=pl.lit(self.kind),
        )
        known = {name: pl.col(name) for name in records.columns}
        return plain.to_list(), records.select(_filled(RECORD_SCHEMA, known))


def plain_chats(layout: Layout) -> PlainChats | None:
    """Return how the plain rows of a layout are read; None where it has none that can be told."""
    shape, tags, field = layout.shape, layout.tags, layout.fields.get("messages")
    if shape.read is not read_conversation or shape.inside or tags.spelling.always:
        return None
    if field is None or not layout.fields.keys() <= _PARTS or tags.role == tags.content:
        return None
    # Speakers who are called the same again when the row is written, and do not speak calls.
    roles = {
        speaker: tags.roles.get(speaker, speaker)
        for speaker in dict.fromkeys([*_SPEAKERS, *tags.roles])
    }
    roles = {
        speaker: role
        for speaker, role in roles.items()
        if tags.speaker(role) == speaker != tags.calling
    }
    speaker = "|".join(_quoted(name) for name in roles)
    message = rf"\{{{_quoted(tags.role)}: ?(?:{speaker}), ?{_quoted(tags.content)}: ?{_TEXT}\}}"
    pattern = rf"^\{{{_quoted(field)}: ?\[{message}(?:, ?{message})*\]\}}[ \t\r]*$"
    kind = pl.List(pl.Struct({tags.role: pl.String, tags.content: pl.String}))
    return PlainChats(
        pattern, pl.Struct({field: kind}), field, tags.role, tags.content, roles, shape.kind
    )


def _quoted(text: str) -> str:
    """A text as JSON has it, for use in a pattern."""
    return re.escape(json.dumps(text, ensure_ascii=False))


def _filled(schema: Mapping[str, Any], known: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """Return the columns of a schema, those that are not known without values."""
    return [known.get(name, pl.lit(None, kind)).alias(name) for name, kind in schema.items()]


def _texts(lines: Sequence[bytes]) -> pl.Series:
    """Lines as text; null where they are not UTF-8."""
    try:
        return pl.Series(lines, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series([_decoded(line) for line in lines], dtype=pl.String)


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
