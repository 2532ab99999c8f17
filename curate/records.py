"""Records: the one shape that every source row is understood as, and a dataset of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

CHAT, PREFERENCE, CLASSIFICATION, TEXT = "chat", "preference", "classification", "text"
TEXT_ROLE = "text"

MESSAGE = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "name": pl.String,
        "tool_calls": pl.String,
        "tool_call_id": pl.String,
        "weight": pl.Int64,
    }
)

# `extra` is null or a JSON object: the fields that no column holds (`tools` among them), and under
# the key `_tunewise` what is needed to write the row exactly as it was (see `shape_rows`).
RECORD_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "id": pl.String,
        "kind": pl.String,
        "messages": pl.List(MESSAGE),
        "chosen": pl.List(MESSAGE),
        "rejected": pl.List(MESSAGE),
        "label": pl.String,
        "group": pl.String,
        "source": pl.String,
        "extra": pl.String,
    }
)

SET_ASIDE_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "path": pl.String,
        "line": pl.Int64,
        "offset": pl.Int64,
        "reason": pl.String,
        "raw": pl.Binary,
    }
)

MESSAGE_PARTS = ("messages", "chosen", "rejected")
INSTRUCTING_ROLES = ("system", "developer")
"""Roles that set a scene; the same scene does not make two conversations alike."""


def label_rejects(kind: str, label: str | None) -> bool:
    """Tell whether a record's label says that its answer is a bad one.

    So do rows of prompt, completion and a label of true or false, as trainers by KTO take them:
    with ``false`` the completion is an example of what not to say.

    Example:
        >>> label_rejects("chat", "false"), label_rejects("chat", "true")
        (True, False)
    """
    return kind == CHAT and label is not None and label.strip().lower() == "false"


@dataclass(frozen=True, slots=True)
class Detection:
    """How a source was understood.

    Attributes:
        shape: the name of the row shape, such as ``chat`` or ``sharegpt``.
        confidence: share of the looked-at rows that fit the shape, 0 to 1.
        mapping: which source field plays which part, e.g. ``{"content": "value"}``; ``""`` where
            no field plays a part. With ``shape`` it reads the same rows again in the same way.
        reason: what was seen, in a sentence for the reader.
        chosen_by: ``detected``, ``described`` (by a ``dataset_info.json``) or ``given``.
    """

    shape: str
    confidence: float
    mapping: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    chosen_by: str = "detected"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A source that was read: every row is a record or set aside.

    Attributes:
        paths: the files, in reading order.
        format: ``jsonl``, ``json``, ``csv``, ``tsv``, ``parquet`` or ``arrow``; joined by ``+``
            where the files differ.
        detection: the row shape and how it was found.
        kind: the records' kind (the most frequent one if they differ).
        sha256: fingerprint of the source's bytes.
        rows: rows in the source; ``len(records) + len(set_aside)``.
        records: frame of :data:`RECORD_SCHEMA`.
        set_aside: frame of :data:`SET_ASIDE_SCHEMA`, the rows that could not be understood.
            ``line`` is where the row begins (in Parquet and Arrow its number), ``offset`` counts
            bytes of the decompressed text as UTF-8 (null for these), ``raw`` are the row's bytes.
    """

    paths: tuple[Path, ...]
    format: str
    detection: Detection
    kind: str
    sha256: str
    rows: int
    records: pl.DataFrame
    set_aside: pl.DataFrame


def message_rows(records: pl.DataFrame) -> pl.DataFrame:
    """Flatten records to one row a message.

    Args:
        records: frame of :data:`RECORD_SCHEMA`.

    Returns:
        Columns ``row, kind, part, index, field, role, content`` and the other message fields,
        in the order of the records and, within one, messages, chosen, rejected. ``field`` names
        the text, such as ``messages[2].content``.
    """
    parts = [
        records.lazy()
        .select("row", "kind", pl.col(part).alias("message"))
        .filter(pl.col("message").list.len() > 0)
        .with_columns(index=pl.int_ranges(pl.col("message").list.len()))
        .explode("message", "index")
        .with_columns(part=pl.lit(part), order=pl.lit(order))
        for order, part in enumerate(MESSAGE_PARTS)
    ]
    return (
        pl.concat(parts)
        .sort("row", "order", "index", maintain_order=True)
        .unnest("message")
        .with_columns(
            field=pl.format("{}[{}].content", pl.col("part"), pl.col("index")),
        )
        .select(
            "row",
            "kind",
            "part",
            "index",
            "field",
            "role",
            "content",
            "name",
            "tool_calls",
            "tool_call_id",
            "weight",
        )
        .collect()
    )
