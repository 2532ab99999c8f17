"""The hits of one check as a listing, with the clusters counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
from rich.text import Text

from ..texts.marks import GOOD, counted, marks, plain
from ..widgets.listing import SIGN, Column, no_sign


class HitRows:
    """All hits of one check.

    Args:
        check: the check's name.
        hits: its findings, those of one cluster together.
    """

    def __init__(self, check: str, hits: pl.DataFrame) -> None:
        """Number the clusters and the pairs within each."""
        self.check = check
        self._names = ["row", "message"]
        if hits["related_row"].count():
            self._names.insert(1, "related_row")
        if (hits["score"] < 1).any():
            self._names.insert(-1, "score")
        last = max(hits["row"].max() or 0, hits["related_row"].max() or 0)  # type: ignore[type-var]
        width = max(4, len(f"{last:,}"))
        known = {
            "row": Column("row", width, right=True),
            "related_row": Column("with", width, right=True),
            "score": Column("score", 5, right=True),
            "message": Column("what", 240),
        }
        # Returns the sign before a line, by its position and row.
        self.sign: Callable[[int, int | None], str] = no_sign
        self.columns = [SIGN, *(known[name] for name in self._names)]
        self.clusters = hits["cluster"].drop_nulls().n_unique()
        self.hits = hits.with_columns(
            cluster_number=pl.when(pl.col("cluster").is_not_null()).then(
                pl.col("cluster").rle_id() + 1
            ),
            pair_number=pl.int_range(1, pl.len() + 1).over("cluster"),
            pair_count=pl.len().over("cluster"),
        )

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.hits)

    def hit(self, position: int) -> Mapping[str, Any]:
        """Return one hit with all its columns."""
        return self.hits.row(position, named=True)

    def cells(self, position: int) -> Sequence[Text]:
        """Return the cells of one hit."""
        hit = self.hit(position)
        cells = {
            "row": plain("all" if hit["row"] is None else f"{hit['row']:,}"),
            "related_row": plain(_grouped(hit["related_row"]), "dim"),
            "score": plain("" if hit["score"] is None else f"{hit['score']:.2f}", "dim"),
            "message": plain((hit["message"] or "")[:300]),
        }
        sign = plain(self.sign(position, hit["row"]), GOOD)
        return [sign, *(cells[name] for name in self._names)]

    def heading(self, position: int) -> str:
        """Return where in the hits a position is: cluster, pair, score, rows."""
        hit = self.hit(position)
        parts = []
        if hit["cluster"] is not None:
            parts.append(f"cluster {hit['cluster_number']:,}/{self.clusters:,}")
            parts.append(f"pair {hit['pair_number']:,}/{hit['pair_count']:,}")
        else:
            parts.append(f"hit {position + 1:,}/{len(self):,}")
        if hit["score"] is not None and hit["score"] < 1:
            name = "Jaccard" if self.check == "duplicates/near" else "score"
            parts.append(f"{name} {hit['score']:.2f}")
        if hit["related_row"] is not None and hit["row"] is not None:
            parts.append(f"rows {hit['row']:,} and {hit['related_row']:,}")
        elif hit["row"] is not None:
            parts.append(f"row {hit['row']:,}")
        return f" {marks().dot} ".join(parts)

    def summary(self) -> str:
        """Return how many hits there are in how many rows."""
        rows = self.hits["row"].drop_nulls().n_unique()
        text = f"{counted(len(self), 'hit')} in {counted(rows, 'row')}"
        return text + (f", {counted(self.clusters, 'cluster')}" if self.clusters else "")


def _grouped(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
