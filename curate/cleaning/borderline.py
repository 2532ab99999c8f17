"""Examples of what a cleaning does, the most doubtful first, each with what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from ..auditing.audited import Audited
from ..evidence import Excerpt, around_difference, finding_excerpts
from ..finding import Fix
from .plan import Plan
from .replay import replay

EXAMPLES = 20
_WIDTH = 240


def borderline_examples(
    audited: Audited, plan: Plan, count: int = EXAMPLES
) -> list[dict[str, Any]]:
    """Return rows that go or change; of every check the least sure first, in turns.

    Args:
        audited: the audited data.
        plan: what would be done.
        count: how many at most.

    Returns:
        Objects with ``row, check, action, reason, score, field, related_row``; ``text`` is what
        was said around the evidence, ``related_text`` the same of the counterpart and ``after``
        what the text becomes. ``evidence``, ``related_evidence`` and ``becomes`` have these in
        three pieces: ``before``, ``hit``, ``after``.
    """
    chosen = _least_sure(plan, count)
    wanted = pl.concat([chosen["row"], chosen["related_row"].drop_nulls()])
    records = audited.records_at(wanted)
    changed = {
        (line["row"], line["field"]): line
        for piece in replay(audited, plan, [records])
        for line in piece.changed.iter_rows(named=True)
    }
    by_row = {record["row"]: record for record in records.iter_rows(named=True)}
    return [
        item | _shown(item, by_row, changed.get((item["row"], item["field"])))
        for item in chosen.iter_rows(named=True)
    ]


def _least_sure(plan: Plan, count: int) -> pl.DataFrame:
    columns = ["row", "check", "score", "field", "start", "end"]
    going = plan.removed.select(*columns, "reason", "related_row", action=pl.lit(Fix.DROP.value))
    changing = plan.edits.select(
        *columns, "action", reason="message", related_row=pl.lit(None, dtype=pl.Int64)
    )
    by_hand = plan.by_hand.changed.select(
        "row",
        "check",
        "field",
        action="check",
        reason=pl.lit("changed by hand"),
        score=pl.lit(None, dtype=pl.Float64),
        start=pl.lit(None, dtype=pl.Int64),
        end=pl.lit(None, dtype=pl.Int64),
        related_row=pl.lit(None, dtype=pl.Int64),
    )
    order = [*columns, "action", "reason", "related_row"]
    return (
        pl.concat([frame.select(order) for frame in (going, changing, by_hand)])
        .sort("score", "row", nulls_last=True, maintain_order=True)
        .unique(["row", "check"], keep="first", maintain_order=True)
        .with_columns(turn=pl.int_range(pl.len()).over("check", "action"))
        .sort("turn", "score", nulls_last=True, maintain_order=True)
        .head(count)
        .drop("turn")
    )


def _shown(
    item: Mapping[str, Any],
    records: Mapping[int, Mapping[str, Any]],
    line: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the texts that show why a row goes or how it changes."""
    related = records.get(item["related_row"])
    other = become = None
    if line is not None and item["action"] != Fix.DROP:
        before, after = line["before"] or "", line["after"] or ""
        span = (item["start"], item["end"])
        part, become = around_difference(before, after, span, width=_WIDTH)
    else:
        part, other = finding_excerpts(item, records[item["row"]], related, width=_WIDTH)
    pieces = {"evidence": part, "related_evidence": other, "becomes": become}
    return {
        "text": _joined(part),
        "related_text": _joined(other),
        "after": _joined(become),
        **{name: None if piece is None else asdict(piece) for name, piece in pieces.items()},
    }


def _joined(part: Excerpt | None) -> str | None:
    return None if part is None else f"{part.before}{part.hit}{part.after}"
