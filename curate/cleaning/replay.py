"""The replay of decisions: records in, and what stays, goes and changes out, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from ..auditing.audited import Audited
from ..shapes.rows import layout_of_detection
from .edits import apply_edits
from .plan import Plan
from .relabel import label_column


@dataclass(frozen=True, slots=True)
class ReplayedPiece:
    """What became of some records.

    Attributes:
        before: the records as they were.
        kept: the records that stay, as they are now.
        removed: the records that go, as they were.
        changed: frame of ``CHANGED_SCHEMA``, of those that stay.
        missed: findings that were to be masked or repaired and could not.
    """

    before: pl.DataFrame
    kept: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    missed: pl.DataFrame


def replay(audited: Audited, plan: Plan, pieces: Iterable[pl.DataFrame]) -> Iterator[ReplayedPiece]:
    """Do what a plan says to records.

    Args:
        audited: the audited data.
        plan: what the decisions do.
        pieces: its records, or some of them, in their order.
    """
    labels = label_column(audited, layout_of_detection(audited.detection))
    for piece in pieces:
        if piece.is_empty():
            continue
        goes = piece["row"].is_in(_about(plan.removed, piece)["row"].implode())
        by_hand = plan.by_hand.about(piece["row"])
        edited = apply_edits(
            by_hand.put_into(piece.filter(~goes)), _about(plan.edits, piece), labels
        )
        changed = pl.concat([by_hand.changed, edited.changed]).sort("row", maintain_order=True)
        yield ReplayedPiece(piece, edited.records, piece.filter(goes), changed, edited.missed)


def _about(frame: pl.DataFrame, piece: pl.DataFrame) -> pl.DataFrame:
    """Take what a frame, which is in the order of the rows, tells about those of a piece."""
    rows = piece["row"]
    start = frame["row"].search_sorted(rows[0], "left")
    end = frame["row"].search_sorted(rows[-1], "right")
    return frame[int(start) : int(end)].filter(pl.col("row").is_in(rows.implode()))
