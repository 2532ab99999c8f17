"""What a cleaning does to the figures of bias and balance, gathered piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from .bias import bias_summary, describe_bias
from .replay import ReplayedPiece


@dataclass(slots=True)
class BiasChange:
    """The records before and after a cleaning, as far as the figures need to know them.

    Attributes:
        before: summaries of the audited records, see ``bias.bias_summary``.
        after: summaries of the clean ones.
    """

    before: list[pl.DataFrame] = field(default_factory=list)
    after: list[pl.DataFrame] = field(default_factory=list)

    def add(self, piece: ReplayedPiece) -> None:
        """Take in what became of a piece; records that did not change are measured once."""
        before = bias_summary(piece.before)
        changed = piece.changed["row"].unique()
        same = before.filter(
            pl.col("row").is_in(piece.kept["row"].implode())
            & ~pl.col("row").is_in(changed.implode())
        )
        rewritten = piece.kept.filter(pl.col("row").is_in(changed.implode()))
        self.before.append(before)
        self.after += [same, bias_summary(rewritten)] if rewritten.height else [same]

    def to_json(self) -> dict[str, Any]:
        """Return the figures of both (see ``bias.describe_bias``) as JSON values."""
        return {
            name: describe_bias(pl.concat(summaries).sort("row"))
            for name, summaries in (("before", self.before), ("after", self.after))
        }
