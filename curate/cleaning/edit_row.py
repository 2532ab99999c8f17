"""A row edited by hand, or labels set: what stands there now, and the decision that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ...workspace.errors import UsageError
from ..auditing.audited import Audited
from ..export import source_rows
from ..formats.json_values import NotJsonError, parse_json
from ..shapes.rows import layout_of_detection
from ..shapes.unfit import UnfitError
from .by_hand import understand
from .journal import DROP, EDIT, RELABEL, Decision, new_decision
from .plan import make_plan
from .replay import replay


@dataclass(frozen=True, slots=True)
class RowToEdit:
    """A row as it stands.

    Attributes:
        row: its number in the source.
        value: the source row with what was decided so far.
        goes: why it is removed; empty where it stays.
    """

    row: int
    value: dict[str, Any]
    goes: str = ""


def row_to_edit(audited: Audited, decisions: Sequence[Decision], row: int) -> RowToEdit:
    """Return a row as the clean data have it; one that goes as it is in the source.

    Args:
        audited: the audited data.
        decisions: those that hold.
        row: its number.

    Raises:
        UsageError: there is no such record.
    """
    record = _records(audited, [row])
    plan = make_plan(audited, decisions)
    (piece,) = replay(audited, plan, [record])
    (value,) = source_rows(pl.concat([piece.kept, piece.removed]), audited.detection)
    goes = plan.removed.filter(pl.col("row") == row)
    reason = f"{goes['check'].item()}: {goes['reason'].item()}" if goes.height else ""
    return RowToEdit(row, value, reason)


def parse_row(text: bytes) -> dict[str, Any]:
    """Read a row that a person wrote.

    Raises:
        UsageError: it is no JSON object.
    """
    try:
        value = parse_json(text)
    except NotJsonError as error:
        raise UsageError(f"the edited row cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise UsageError("the edited row is no JSON object", fix="keep the braces around it")
    return value


def editing(
    audited: Audited, row: int, value: dict[str, Any], *, reason: str = ""
) -> list[Decision]:
    """Make the decision that a row is to be another one; nothing is written yet.

    Args:
        audited: the audited data.
        row: its number.
        value: the whole new row, in the source's shape.
        reason: why, for the journal.

    Raises:
        UsageError: there is no such record, or the new row does not fit the source's shape.
    """
    kind = _records(audited, [row])["kind"].item()
    layout = layout_of_detection(audited.detection)
    try:
        understand(row, value, layout, kind)
    except UnfitError as error:
        raise UsageError(
            f"the edited row does not fit the shape {layout.shape.name!r}: {error}",
            fix=f"a row has {layout.shape.about}",
        ) from error
    parameters = {"row": value}
    audit = audited.artifact.id
    return [new_decision(EDIT, rows=[row], audit=audit, parameters=parameters, reason=reason)]


def relabelling(
    audited: Audited, rows: Sequence[int], label: str, *, reason: str = ""
) -> list[Decision]:
    """Make the decision that rows have another label; nothing is written yet.

    Raises:
        UsageError: the rows have no labels, or one of them is no record.
    """
    if not rows:
        raise UsageError("no row was named whose label is to change", fix="name it with `--row`")
    if not layout_of_detection(audited.detection).fields.get("label"):
        raise UsageError(
            "no field of these rows was read as a label",
            where=f"shape {audited.detection.shape!r}",
            fix="audit them again with `--map label=FIELD`",
        )
    _records(audited, rows)
    parameters = {"label": label.encode("utf-8", errors="replace").decode("utf-8")}
    audit = audited.artifact.id
    return [new_decision(RELABEL, rows=rows, audit=audit, parameters=parameters, reason=reason)]


def dropping(audited: Audited, rows: Sequence[int], *, reason: str = "") -> list[Decision]:
    """Make the decision that rows go, whatever was found about them; nothing is written yet.

    Raises:
        UsageError: one of them is no record.
    """
    _records(audited, rows)
    return [new_decision(DROP, rows=rows, audit=audited.artifact.id, reason=reason)]


def is_known_label(audited: Audited, label: str) -> bool:
    """Tell whether any record has a label."""
    labelled = audited.scan_records().filter(pl.col("label") == label)
    return bool(labelled.select(pl.len()).collect().item())


def _records(audited: Audited, rows: Sequence[int]) -> pl.DataFrame:
    records = audited.records_at(rows)
    for row in sorted(set(rows) - set(records["row"])):
        set_aside = audited.set_aside.filter(pl.col("row") == row)
        if set_aside.height:
            raise UsageError(
                f"row {row} was set aside: {set_aside['reason'].item()}",
                where=f"{set_aside['path'].item()}, line {set_aside['line'].item()}",
                fix="mend it in the source and audit that again",
            )
        raise UsageError(
            f"there is no row {row}",
            where=", ".join(map(str, audited.paths)),
            fix=f"rows are counted from 0 to {audited.count_rows() - 1}",
        )
    return records
