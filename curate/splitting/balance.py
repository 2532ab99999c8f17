"""How near the parts came to what was wanted, and why where they did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from .parts import ALL_PARTS, PARTS
from .plan import Plan

NOTABLE = 0.01
"""A share that is off by more than a point is explained."""

MOST_VALUES = 1000
"""Of a column the most frequent values are listed; the drift is that of all."""


@dataclass(frozen=True, slots=True)
class ColumnBalance:
    """How the values of a column fell.

    Attributes:
        column: its name.
        shares: the share of each value in each part: ``value`` and the parts' names; the most
            frequent first.
        values: how many values there are.
        max_drift: the largest distance of a part's share from that of all rows that were divided;
            a test part that was given counts for neither.
        part: where that is, and of which value.
        value: see ``part``.
    """

    column: str
    shares: pl.DataFrame
    values: int
    max_drift: float
    part: str
    value: str

    def rows(self) -> list[dict[str, Any]]:
        """Return the shares as JSON values."""
        return self.shares.head(MOST_VALUES).to_dicts()


def balance(plan: Plan) -> list[ColumnBalance]:
    """Return how the values of each column fell into train, val and test."""
    inside = (plan.parts >= 0) & (plan.parts < len(PARTS))
    parts = pl.Series(PARTS).gather(plan.parts[inside]).alias("part")
    divided = [
        name
        for name, share in zip(PARTS, plan.shares, strict=True)
        if share is not None and (parts == name).any()
    ]
    return [
        _column_balance(plan.strata.values[name].filter(pl.Series(inside)), parts, divided)
        for name in plan.strata.columns
    ]


def _column_balance(values: pl.Series, parts: pl.Series, divided: list[str]) -> ColumnBalance:
    counts = (
        pl.DataFrame({"value": values, "part": parts})
        .group_by("value")
        .agg(records=pl.len(), **{name: (pl.col("part") == name).sum() for name in PARTS})
        .sort("records", "value", descending=[True, False])
        .with_columns(divided=pl.sum_horizontal(divided))
    )
    names = [name for name in PARTS if counts[name].sum()]
    shares = counts.with_columns(pl.col("divided", *names) / pl.col("divided", *names).sum())
    drift = shares.select((pl.col(name) - pl.col("divided")).abs() for name in divided).to_numpy()
    row, column = np.unravel_index(int(np.argmax(drift)), drift.shape)
    missing = (pl.lit(None, dtype=pl.Float64).alias(name) for name in PARTS if name not in names)
    return ColumnBalance(
        values.name,
        shares.with_columns(*missing).select("value", *PARTS),
        shares.height,
        float(drift[row, column]),
        divided[int(column)],
        shares["value"][int(row)],
    )


def ratios(plan: Plan) -> dict[str, dict[str, float | None]]:
    """Return the wanted and the reached share of train, val and test among their rows."""
    counts = np.bincount(plan.parts[plan.parts >= 0], minlength=len(ALL_PARTS))[: len(PARTS)]
    return {
        name: {"wanted": wanted, "reached": int(number) / max(1, int(counts.sum()))}
        for name, wanted, number in zip(PARTS, plan.shares, counts, strict=True)
    }


def component_facts(plan: Plan) -> dict[str, int]:
    """Return how many components there are, and how large they are."""
    _, sizes = np.unique(plan.components[plan.parts >= 0], return_counts=True)
    return {
        "number": len(sizes),
        "of_several_rows": int((sizes > 1).sum()),
        "largest": int(sizes.max()),
    }


def reasons(
    plan: Plan,
    reached: Mapping[str, Mapping[str, float | None]],
    columns: Sequence[ColumnBalance],
) -> list[str]:
    """Say why shares are off, where they are."""
    found = []
    off = [
        name
        for name, share in reached.items()
        if share["wanted"] is not None
        and abs((share["reached"] or 0.0) - share["wanted"]) > NOTABLE
    ]
    if off:
        found.append(
            f"the share of {' and '.join(off)} is off by more than a point: {_why_ratio(plan)}"
        )
    if plan.balanced:
        found += [
            f"the balance of {column.column} is off by up to {100 * column.max_drift:.1f} points "
            f"({_shown(column.value)} in {column.part}): {_why_column(plan, column)}"
            for column in columns
            if column.max_drift > NOTABLE
        ]
    return found


def _why_ratio(plan: Plan) -> str:
    facts, rows = component_facts(plan), int((plan.parts >= 0).sum())
    if "against" in plan.facts:
        return "rows of the earlier split and what is tied to them stay where they were"
    if facts["largest"] > max(1, NOTABLE * rows):
        return f"the largest component has {facts['largest']:,} of {rows:,} rows and stays whole"
    if "by_time" in plan.facts:
        return "rows of the same time stay on one side of a border, and components whole"
    return f"{rows:,} rows in {facts['number']:,} components cannot be divided more evenly"


def _why_column(plan: Plan, column: ColumnBalance) -> str:
    """Look at what holds the value that is farthest off."""
    written = pl.Series(plan.parts >= 0)
    value = plan.strata.values[column.column].filter(written) == column.value
    components = pl.Series(plan.components).filter(written).filter(value)
    largest = int(components.value_counts()["count"].max() or 0)  # type: ignore[arg-type]
    rows, size = len(components), int((plan.parts == PARTS.index(column.part)).sum())
    if largest > max(1, rows // 10):
        return f"{largest:,} of its {rows:,} rows are in one component and stay together"
    if 100 * (column.values + 1) > size:
        return f"{size:,} rows of {column.part} are too few for {column.values:,} values"
    if "against" in plan.facts:
        return "rows of the earlier split stay where they were"
    return f"{rows:,} rows in {components.n_unique():,} components cannot be divided more evenly"


def _shown(value: str) -> str:
    text = value if len(value) <= 40 else value[:39] + "…"
    return repr(text) if value else "rows without a value"
