"""Examples of what a cleaning does, the most doubtful first, each with what shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from ..auditing.audited import Audited
from ..evidence import Excerpt, excerpt, field_text
from ..finding import Fix
from ..near_duplicates.comparison_text import INSTRUCTING_ROLES
from ..records import MESSAGE_PARTS
from .actions import COPY_CHECKS
from .plan import Plan
from .replay import replay

EXAMPLES = 20
_WIDTH = 240
# Where two texts differ is looked for so far into them.
_FAR = 200_000


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
        part, become = _around_difference(before, after, item["start"], item["end"])
    else:
        record = records[item["row"]]
        text = field_text(record, item["field"])
        if text is None:
            part_named = item["field"] in MESSAGE_PARTS
            text = _said(record, (item["field"],) if part_named else MESSAGE_PARTS)
        part = excerpt(text, item["start"], item["end"], width=_WIDTH)
        if related is not None and item["check"] in COPY_CHECKS:
            part, other = _around_difference(_said(record), _said(related))
        elif related is not None:
            other = excerpt(_said(related), None, None, width=_WIDTH)
    pieces = {"evidence": part, "related_evidence": other, "becomes": become}
    return {
        "text": _joined(part),
        "related_text": _joined(other),
        "after": _joined(become),
        **{name: None if piece is None else asdict(piece) for name, piece in pieces.items()},
    }


def _around_difference(
    one: str, other: str, start: int | None = None, end: int | None = None
) -> tuple[Excerpt, Excerpt]:
    """Show two texts where they differ; the first at a place that is known, if it is."""
    if one == other:
        same = excerpt(one, None, None, width=_WIDTH)
        return same, same
    one, other = one[:_FAR], other[:_FAR]
    first = _shared_prefix(one, other)
    left_out = _shared_prefix(one[first:][::-1], other[first:][::-1])
    shown = excerpt(other, first, len(other) - left_out, width=_WIDTH)
    if start is None or end is None:
        start, end = first, len(one) - left_out
    return excerpt(one, start, end, width=_WIDTH), shown


def _shared_prefix(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginning, by halving."""
    shared, most = 0, min(len(one), len(other))
    while shared < most:
        middle = (shared + most + 1) // 2
        if one[shared:middle] == other[shared:middle]:
            shared = middle
        else:
            most = middle - 1
    return shared


def _joined(part: Excerpt | None) -> str | None:
    return None if part is None else f"{part.before}{part.hit}{part.after}"


def _said(record: Mapping[str, Any], parts: Sequence[str] = MESSAGE_PARTS) -> str:
    """Return what a record says, without its system prompt."""
    return "\n".join(
        message["content"]
        for part in parts
        for message in record[part] or ()
        if message["content"] and message["role"] not in INSTRUCTING_ROLES
    )
