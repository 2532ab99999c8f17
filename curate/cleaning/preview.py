"""What a cleaning would do, told before it is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ..auditing.audited import Audited
from ..finding import Fix
from .actions import apply_decisions, open_rows
from .borderline import borderline_examples
from .guard import LABEL, SOURCE, Share, shares_of, too_much
from .journal import Decision
from .plan import Plan
from .replay import ReplayedPiece, replay

_FEW_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What a cleaning would do.

    Attributes:
        counts: rows by fate: ``input``, ``kept``, ``removed``, ``set_aside``, ``changed``.
        by_check: ``check, action, rows`` of what the decisions do.
        by_label: what would go of each label.
        by_source: what would go of each source.
        clean_before: share of the records without open high or medium findings.
        clean_after: the same share of the records that are left.
        examples: up to twenty rows that would go or change, the most doubtful first.
        too_much: what would go of beyond the guard's limit; empty if nothing is refused.
        missed: how many findings were to be masked or repaired and cannot be.
    """

    counts: dict[str, int]
    by_check: list[dict[str, Any]]
    by_label: list[Share]
    by_source: list[Share]
    clean_before: float
    clean_after: float
    examples: list[dict[str, Any]]
    too_much: list[Share]
    missed: int

    def to_json(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        return {
            "counts": self.counts,
            "by_check": self.by_check,
            "by_label": [part.to_json() for part in self.by_label],
            "by_source": [part.to_json() for part in self.by_source],
            "quality": {"before": self.clean_before, "after": self.clean_after},
            "examples": self.examples,
            "refusals": [str(part) for part in self.too_much],
            "missed": self.missed,
        }


@dataclass(slots=True)
class Changes:
    """What the edits of a cleaning came to, gathered piece by piece.

    Attributes:
        changed: the rows that became others.
        missed: the findings that were to be masked or repaired and could not.
    """

    changed: list[pl.Series] = field(default_factory=list)
    missed: list[pl.DataFrame] = field(default_factory=list)

    def add(self, piece: ReplayedPiece) -> None:
        """Take in what became of a piece."""
        self.changed.append(piece.changed["row"].unique())
        if not piece.missed.is_empty():
            self.missed.append(piece.missed)

    @property
    def rows(self) -> int:
        """How many rows became others."""
        return sum(len(rows) for rows in self.changed)


def trial_changes(audited: Audited, plan: Plan) -> Changes:
    """Edit the rows that would change, only to see what comes of it."""
    changes = Changes()
    rows = pl.concat([plan.edits["row"], plan.by_hand.records["row"]]).unique()
    if rows.is_empty():
        return changes
    pieces: Iterable[pl.DataFrame]
    if len(rows) <= _FEW_ROWS:
        pieces = [audited.records_at(rows)]
    else:
        concerned = pl.col("row").is_in(rows.implode())
        pieces = (piece.filter(concerned) for piece in audited.record_pieces())
    for piece in replay(audited, plan, pieces):
        changes.add(piece)
    return changes


def describe(
    audited: Audited,
    plan: Plan,
    changes: Changes,
    limit: float,
    decisions: Sequence[Decision],
) -> Preview:
    """Tell what a plan does.

    Args:
        audited: the audited data.
        plan: what the decisions do.
        changes: what its edits come to.
        limit: the share that the guard lets go of any label or source.
        decisions: those that hold, with what was confirmed.
    """
    values = label_values(audited)
    removed = plan.removed["row"]
    shares = shares_of(values, removed)
    missed = pl.concat([plan.edits.clear(), *changes.missed])
    stays = ~values["row"].is_in(removed.implode())
    return Preview(
        counts={
            "input": values.height + audited.set_aside.height,
            "kept": values.height - len(removed),
            "removed": len(removed),
            "set_aside": audited.set_aside.height,
            "changed": changes.rows,
        },
        by_check=_by_check(plan, missed),
        by_label=shares[LABEL],
        by_source=shares[SOURCE],
        clean_before=_clean_share(values["row"], apply_decisions(audited.findings, ())),
        clean_after=_clean_share(values["row"].filter(stays), _still_open(plan, missed)),
        examples=borderline_examples(audited, plan),
        too_much=too_much(shares, limit, decisions),
        missed=missed.height,
    )


def label_values(audited: Audited) -> pl.DataFrame:
    """Return ``row``, ``label`` and ``source`` of all records: what the guard counts by."""
    return audited.scan_records().select("row", "label", "source").collect()


def _by_check(plan: Plan, missed: pl.DataFrame) -> list[dict[str, Any]]:
    removed = plan.removed.with_columns(action=pl.lit(Fix.DROP.value))
    by_hand = plan.by_hand.changed.with_columns(action=pl.col("check"))
    key = ["row", "check", "field", "start", "end"]
    made = plan.edits.join(missed, on=key, how="anti", nulls_equal=True)
    columns = ["row", "check", "action"]
    return (
        pl.concat([frame.select(columns) for frame in (removed, by_hand, made)])
        .group_by("check", "action")
        .agg(rows=pl.col("row").n_unique())
        .sort("check", "action")
        .select("check", "action", "rows")
        .to_dicts()
    )


def _still_open(plan: Plan, missed: pl.DataFrame) -> pl.DataFrame:
    """The findings after the cleaning; an edit that could not be made leaves its finding open."""
    return pl.concat([plan.findings, missed.with_columns(action=pl.lit(None, dtype=pl.String))])


def _clean_share(rows: pl.Series, findings: pl.DataFrame) -> float:
    if rows.is_empty():
        return 1.0
    faulty = int(rows.is_in(open_rows(findings).implode()).sum())
    return 1 - faulty / len(rows)
