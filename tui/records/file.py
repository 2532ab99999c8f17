"""Reading pages, single records and hits out of an audit's files, however large they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

PREVIEW_CHARACTERS = 300
ROW, LONGEST, SHORTEST, LABEL = "row", "longest", "shortest", "label"
ORDERS = (ROW, LONGEST, SHORTEST, LABEL)

_CHARACTERS = (
    pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
)


def count_records(path: Path) -> int:
    """Return the number of records in a file."""
    return pl.scan_parquet(path).select(pl.len()).collect().item()


def read_page(path: Path, start: int, length: int) -> pl.DataFrame:
    """Read what a list shows of neighbouring records.

    Args:
        path: ``records.parquet``.
        start: position of the first record in the file.
        length: how many.

    Returns:
        Columns ``row, label, characters, text`` (the beginning of the first user message, or of
        the first message where there is none).
    """
    return _listed(pl.scan_parquet(path).slice(start, length)).collect()


def read_record(path: Path, row: int) -> Mapping[str, Any] | None:
    """Read one whole record by its row number; None where there is no such record."""
    found = pl.scan_parquet(path).filter(pl.col("row") == row).collect()
    return found.row(0, named=True) if len(found) else None


def read_set_aside(path: Path, row: int) -> Mapping[str, Any] | None:
    """Read a row that was set aside; None where it was not."""
    found = pl.scan_parquet(path).filter(pl.col("row") == row).collect()
    return found.row(0, named=True) if len(found) else None


def position_of_row(path: Path, row: int) -> int:
    """Return the position of a row number in the file, or of the one before it."""
    before = pl.scan_parquet(path).filter(pl.col("row") <= row).select(pl.len()).collect().item()
    return max(0, before - 1)


def arranged(path: Path, order: str, text: str = "") -> pl.LazyFrame:
    """Return what a list shows of the records that hold a text, in an order.

    Args:
        path: ``records.parquet``.
        order: one of :data:`ORDERS`.
        text: keep only records with this text (in any case) in a message or in the label.

    Returns:
        The columns of :func:`read_page`.
    """
    frame = pl.scan_parquet(path)
    if text:
        frame = frame.filter(_contains(text))
    listed = _listed(frame)
    keys = {LONGEST: "characters", SHORTEST: "characters", LABEL: "label"}
    if order in keys:
        return listed.sort(
            keys[order], "row", descending=[order == LONGEST, False], nulls_last=True
        )
    return listed


def read_hits(path: Path, check: str, severity: str = "") -> pl.DataFrame:
    """Read all hits of one check, in the order in which a person looks through them.

    Args:
        path: ``findings.parquet``.
        check: the check's name.
        severity: only hits this grave; all where it is empty.

    Returns:
        Rows of the findings; those of one cluster stand together, the clusters and then the
        single hits by row.
    """
    hits = pl.scan_parquet(path).filter(_is_hit(check, severity))
    return hits.sort("cluster", "row", nulls_last=True, maintain_order=True).collect()


def hits_of_row(path: Path, row: int) -> pl.DataFrame:
    """Read all hits of one record, of whatever check."""
    return pl.scan_parquet(path).filter(pl.col("row") == row).collect()


def first_hits(path: Path, check: str, severity: str, number: int) -> pl.DataFrame:
    """Read a few hits of a check, as a sample of its evidence."""
    return pl.scan_parquet(path).filter(_is_hit(check, severity)).head(number).collect()


def _is_hit(check: str, severity: str) -> pl.Expr:
    named = pl.col("check") == check
    return named & (pl.col("severity") == severity) if severity else named


def _contains(text: str) -> pl.Expr:
    pattern = f"(?i){_escaped(text)}"
    found = [
        pl.col(part)
        .list.eval(pl.element().struct.field("content").str.contains(pattern))
        .list.any()
        .fill_null(False)
        for part in ("messages", "chosen", "rejected")
    ]
    return pl.any_horizontal(*found, pl.col("label").str.contains(pattern).fill_null(False))


def _escaped(text: str) -> str:
    """Make a text match only itself as a pattern of the Rust regex crate."""
    return "".join(
        character if character.isalnum() or not character.isascii() else f"\\x{ord(character):02x}"
        for character in text
    )


def _listed(frame: pl.LazyFrame) -> pl.LazyFrame:
    messages = pl.col("messages")
    users = messages.list.filter(pl.element().struct.field("role") == "user")
    first = pl.when(users.list.len() > 0).then(users).otherwise(messages).list.first()
    return frame.select(
        "row",
        "label",
        characters=_CHARACTERS,
        text=first.struct.field("content").str.slice(0, PREVIEW_CHARACTERS),
    )
