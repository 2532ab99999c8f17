"""Findings: one row a hit, with the evidence that proves it."""

from __future__ import annotations

from enum import StrEnum

import polars as pl


class Severity(StrEnum):
    """How much a finding matters, the gravest first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Fix(StrEnum):
    """What could be done about a finding."""

    DROP = "drop"
    MASK = "mask"
    REPAIR = "repair"
    REVIEW = "review"
    NONE = "none"


SEVERITY_ORDER = tuple(Severity)

FINDING_SCHEMA = pl.Schema(
    {
        "check": pl.String,
        "severity": pl.String,
        "row": pl.Int64,
        "field": pl.String,
        "start": pl.Int64,
        "end": pl.Int64,
        "score": pl.Float64,
        "related_row": pl.Int64,
        "related": pl.String,
        "cluster": pl.Int64,
        "message": pl.String,
        "fix": pl.String,
    }
)


def empty_findings() -> pl.DataFrame:
    """Return a findings frame without rows."""
    return pl.DataFrame(schema=FINDING_SCHEMA)


def as_findings(hits: pl.DataFrame, *, check: str, severity: str, fix: str) -> pl.DataFrame:
    """Complete a check's hits to the full schema.

    Args:
        hits: any of the schema's columns; a check may set ``severity`` or ``fix`` for single
            hits itself, otherwise (or where null) the check's own apply. Missing columns become
            null. For the fix ``repair``, ``related`` is what should stand in the place of the
            characters from ``start`` to ``end``.
        check: the check's name, such as ``duplicates/near``.
        severity: the check's severity.
        fix: the check's proposed fix.
    """
    defaults = {"check": str(check), "severity": str(severity), "fix": str(fix)}
    columns = {
        name: pl.col(name).cast(kind) if name in hits.columns else pl.lit(None, dtype=kind)
        for name, kind in FINDING_SCHEMA.items()
    }
    filled = {
        name: column.fill_null(defaults[name]) if name in defaults else column
        for name, column in columns.items()
    }
    return hits.with_columns(**filled).select(*FINDING_SCHEMA)
