"""What a cleaning does to the figures of bias and balance, gathered piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ..measures.bias import bias_summary, describe_bias
from .replay import ReplayedPiece


@dataclass(slots=True)
class BiasChange:
    """The records before and after a cleaning, as far as the figures need to know them.

    Records that did not change are measured once.

    Attributes:
        before: summaries of the audited records, see ``bias.bias_summary``.
        gone: the rows that are not among the clean ones as they were.
        rewritten: summaries of those that changed.
    """

    before: list[pl.DataFrame] = field(default_factory=list)
    gone: list[pl.Series] = field(default_factory=list)
    rewritten: list[pl.DataFrame] = field(default_factory=list)

    def add(self, piece: ReplayedPiece) -> None:
        """Take in what became of a piece."""
        changed = piece.changed["row"].unique()
        self.before.append(bias_summary(piece.before))
        self.gone += [piece.removed["row"], changed]
        if not changed.is_empty():
            rewritten = piece.kept.filter(pl.col("row").is_in(changed.implode()))
            self.rewritten.append(bias_summary(rewritten))

    def to_json(self) -> dict[str, Any]:
        """Return the figures of both (see ``bias.describe_bias``) as JSON values."""
        before = pl.concat(self.before)
        same = before.filter(~pl.col("row").is_in(pl.concat(self.gone).implode()))
        after = pl.concat([same, *self.rewritten]).sort("row")
        return {"before": describe_bias(before), "after": describe_bias(after)}
