"""The guard against removing too much of a label, of a source or of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ...workspace.errors import GateError
from .journal import CONFIRMED, Decision

LABEL, SOURCE, WHOLE = "label", "source", "dataset"

# A handful of rows is no reason to stop, unless it is all there is of a label.
_FEW_ROWS = 5
# A column whose values come as often as this, on average, is a vocabulary, whose words may not
# vanish; one that has another value in nearly every row is none.
_ROWS_OF_A_WORD = 3
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a label, of a source or of the whole would go.

    Attributes:
        column: ``label``, ``source`` or ``dataset``.
        value: which label or source; empty for the dataset.
        records: how many records it has.
        removed: how many of them would go.
    """

    column: str
    value: str
    records: int
    removed: int

    @property
    def share(self) -> float:
        """The removed part, 0 to 1."""
        return self.removed / self.records if self.records else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the share as JSON values."""
        return {
            "value": self.value,
            "records": self.records,
            "removed": self.removed,
            "share": self.share,
        }

    def __str__(self) -> str:
        """Say how much would go of what."""
        what = "the dataset" if self.column == WHOLE else f"{self.column} {self.value!r}"
        return f"{self.removed} of {self.records} rows of {what}"


def shares_of(values: pl.DataFrame, removed: pl.Series) -> dict[str, list[Share]]:
    """Count what goes of every label, of every source and of the whole.

    Args:
        values: ``row``, ``label`` and ``source`` of all records.
        removed: the rows that go.

    Returns:
        The shares by column, the largest first.
    """
    goes = pl.col("row").is_in(removed.implode())
    shares = {WHOLE: [Share(WHOLE, "", values.height, len(removed))]}
    for column in (LABEL, SOURCE):
        counted = (
            values.drop_nulls(column)
            .group_by(column)
            .agg(pl.len().alias("records"), goes.sum().alias("removed"))
            .sort(-pl.col("removed").cast(pl.Int64) / pl.col("records"), column)
        )
        shares[column] = [Share(column, *row) for row in counted.iter_rows()]
    return shares


def too_much(
    shares: Mapping[str, Sequence[Share]], limit: float, decisions: Iterable[Decision] = ()
) -> list[Share]:
    """Return the shares beyond the limit that no decision has confirmed.

    A handful of rows is let go of, unless it is a label's or a source's last, where labels or
    sources are few.

    Args:
        shares: what would go.
        limit: the share that may go of each.
        decisions: those that hold, with what was confirmed when they were made.
    """
    confirmed = _confirmed(decisions)
    found: list[Share] = []
    for column, parts in shares.items():
        records = sum(part.records for part in parts)
        is_vocabulary = column != WHOLE and records >= _ROWS_OF_A_WORD * len(parts)
        found += (
            part
            for part in parts
            if part.share > max(limit, confirmed.get((part.column, part.value), 0.0))
            and (part.removed >= _FEW_ROWS or (is_vocabulary and part.removed == part.records))
        )
    return found


def refuse(shares: Sequence[Share]) -> None:
    """Refuse to remove too much.

    Raises:
        GateError: there is any share of which too much would go.
    """
    if shares:
        more = f"; and {len(shares) - _SHOWN} more" if len(shares) > _SHOWN else ""
        raise GateError(
            "this would remove too much: " + "; ".join(map(str, shares[:_SHOWN])) + more,
            where="max_removed_share under [clean]",
            fix="look at `--preview`; confirm with `--yes`, allow more with `--max-removed-share`, "
            "or take decisions back with `--undo`",
        )


def as_confirmed(shares: Iterable[Share]) -> list[dict[str, Any]]:
    """Return shares as the parameter of a decision whose maker has confirmed them."""
    return [{"column": part.column, "value": part.value, "share": part.share} for part in shares]


def _confirmed(decisions: Iterable[Decision]) -> dict[tuple[str, str], float]:
    confirmed: dict[tuple[str, str], float] = {}
    for decision in decisions:
        for part in decision.parameters.get(CONFIRMED, ()):
            known = part["column"], part["value"]
            confirmed[known] = max(part["share"], confirmed.get(known, 0.0))
    return confirmed
