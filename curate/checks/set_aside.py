"""The rows that the reader set aside: what was wrong with them, and where they lie.

A row that lacks the field which its shape needs is told apart from one that cannot be read at all.
"""

from __future__ import annotations

import polars as pl

from ..check import CheckContext
from ..shapes.shape import NO_SUCH_FIELD


def unreadable_rows(context: CheckContext) -> pl.DataFrame:
    """Return ``row`` and ``message`` of the rows that cannot be read."""
    return _rows(context, ~_lacks_field()).select("row", "message")


def rows_without_field(context: CheckContext) -> pl.DataFrame:
    """Return ``row``, ``field`` and ``message`` of the rows that lack a field."""
    return _rows(context, _lacks_field()).select(
        "row", pl.col("reason").str.extract(r"^([\w.\[\]]+)").alias("field"), "message"
    )


def _lacks_field() -> pl.Expr:
    return pl.col("reason").str.ends_with(NO_SUCH_FIELD)


def _rows(context: CheckContext, which: pl.Expr) -> pl.DataFrame:
    rows = context.dataset.set_aside.filter(which).rechunk()
    return rows.with_columns(message=pl.format("{} ({})", pl.col("reason"), _place()))


def _place() -> pl.Expr:
    """Where a row lies; Parquet has neither lines nor offsets."""
    line = pl.format("line {}", pl.col("line"))
    offset = pl.format("byte {}", pl.col("offset"))
    name = pl.col("path").str.extract(r"([^/\\]+)$").fill_null(pl.col("path"))
    return pl.concat_str(name, line, offset, separator=", ", ignore_nulls=True)
