"""How much of a dataset is clean: a share of records, not a score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from ..finding import Fix, Severity

GRAVE = (Severity.HIGH.value, Severity.MEDIUM.value)
_REPAIRING = (Fix.MASK.value, Fix.REPAIR.value)


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of records without high and medium findings.

    Attributes:
        overall: without any.
        if_fixed: the same if every proposed drop, mask and repair were accepted; dropped records
            are counted no more. None where no record would be left.
        by_dimension: without any of that dimension; None where none of its checks ran.
    """

    overall: float
    if_fixed: float | None
    by_dimension: dict[str, float | None]


def measure_quality(
    rows: pl.Series, findings: pl.LazyFrame, dimensions: Iterable[tuple[str, bool]]
) -> Quality:
    """Measure how much of a dataset is clean.

    Args:
        rows: the row numbers of all records; at least one.
        findings: those that are open; frame of ``FINDING_SCHEMA``.
        dimensions: each with whether a check of it ran.
    """
    total = len(rows)
    dimension = pl.col("check").str.extract("^([^/]*)", 1)
    grave = (
        findings.filter(pl.col("severity").is_in(GRAVE), pl.col("row").is_in(rows.implode()))
        .select("row", "fix", dimension=dimension)
        .unique()
        .collect()
    )

    def clean_share(found: pl.DataFrame) -> float:
        return 1 - found["row"].n_unique() / total

    dropped = grave.filter(pl.col("fix") == Fix.DROP)["row"].unique()
    staying = grave.filter(~pl.col("row").is_in(dropped.implode()))
    unsolved = staying.filter(~pl.col("fix").is_in(_REPAIRING))["row"].n_unique()
    left = total - len(dropped)
    return Quality(
        overall=clean_share(grave),
        if_fixed=1 - unsolved / left if left else None,
        by_dimension={
            name: clean_share(grave.filter(pl.col("dimension") == name)) if ran else None
            for name, ran in dimensions
        },
    )
