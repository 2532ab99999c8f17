"""Records as plain columns: what a user's own rules and schemas speak about."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ..records import INSTRUCTING_ROLES, TEXT_ROLE, message_rows

FLAT_COLUMNS = {
    "row": "position in the source, from 0",
    "id": "the source's id, or a hash of the content",
    "kind": "chat, preference, classification or text",
    "label": "the label",
    "group": "the group",
    "source": "the source",
    "messages": "number of messages",
    "system": "text of the system prompt",
    "prompt": "text of the last user message",
    "answer": "text of the last assistant message; of a plain text, the text",
    "chosen": "text of the preferred answer",
    "rejected": "text of the rejected answer",
    "characters": "characters of all messages together",
    "words": "words of all messages together, as white space parts them",
}
"""The columns of :func:`flat_records` and what they hold."""

TEXT_COLUMNS = ("system", "prompt", "answer", "chosen", "rejected")
"""Those that hold the text of one message; ``field_of`` says of which."""


def flat_records(records: pl.DataFrame, extra: Collection[str] = ()) -> pl.DataFrame:
    """Flatten records to one plain row each.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        extra: names of source fields that no column of a record holds, to be columns as text.

    Returns:
        The columns of :data:`FLAT_COLUMNS`, those of ``extra``, and for each of
        :data:`TEXT_COLUMNS` where its text stands, such as ``field_of_answer``
        (``messages[1].content``); in the order of the records.
    """
    messages = message_rows(records)
    in_prompt = pl.col("part") == "messages"
    is_one_of = {
        "system": in_prompt & pl.col("role").is_in(INSTRUCTING_ROLES),
        "prompt": in_prompt & (pl.col("role") == "user"),
        "answer": in_prompt & pl.col("role").is_in(["assistant", TEXT_ROLE]),
        "chosen": pl.col("part") == "chosen",
        "rejected": pl.col("part") == "rejected",
    }
    texts = messages.group_by("row").agg(
        characters=pl.col("content").str.len_chars().sum().cast(pl.Int64),
        words=pl.col("content").str.count_matches(r"\S+").sum().cast(pl.Int64),
        **{name: pl.col("content").filter(chosen).last() for name, chosen in is_one_of.items()},
        **{
            f"field_of_{name}": pl.col("field").filter(chosen).last()
            for name, chosen in is_one_of.items()
        },
    )
    own = records.select(
        "row",
        "id",
        "kind",
        "label",
        "group",
        "source",
        messages=pl.col("messages").list.len().fill_null(0).cast(pl.Int64),
        **{name: pl.col("extra").str.json_path_match(json_path(name)) for name in extra},
    )
    return own.join(texts, on="row", how="left", maintain_order="left").with_columns(
        pl.col("characters", "words").fill_null(0)
    )


def json_path(name: str) -> str:
    """Return the path of a field of a JSON object, whatever its name."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$["{quoted}"]'
