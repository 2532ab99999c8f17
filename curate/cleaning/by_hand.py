"""Changes by hand: rows that a person edited, and labels that a person set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ...workspace.errors import UsageError
from ..auditing.audited import Audited
from ..formats.json_values import json_text, parse_json
from ..records import MESSAGE_PARTS, RECORD_SCHEMA
from ..shapes.record_frame import RecordColumns, content_id
from ..shapes.rows import RESERVED, Layout, has_own_id, layout_of_detection, to_record
from ..shapes.unfit import UnfitError
from .edits import CHANGED_SCHEMA
from .journal import EDIT, RELABEL, Decision
from .relabel import LabelColumn, label_column

_COLUMNS = ("label", "group", "source")
_ALWAYS_TOLD = ("role", "content")


@dataclass(frozen=True, slots=True)
class HandChanges:
    """What a person changed.

    Attributes:
        records: the rows as they become, frame of ``RECORD_SCHEMA``, in order.
        changed: frame of ``CHANGED_SCHEMA``, one line a field that became another. Its ``check``
            is ``edit`` or ``relabel``.
    """

    records: pl.DataFrame
    changed: pl.DataFrame

    def without(self, rows: pl.Series) -> HandChanges:
        """Leave rows out."""
        stays = ~pl.col("row").is_in(rows.implode())
        return HandChanges(self.records.filter(stays), self.changed.filter(stays))

    def about(self, rows: pl.Series) -> HandChanges:
        """Leave out what is about other rows."""
        if self.records.is_empty():
            return self
        here = pl.col("row").is_in(rows.implode())
        return HandChanges(self.records.filter(here), self.changed.filter(here))

    def put_into(self, records: pl.DataFrame) -> pl.DataFrame:
        """Put the changed rows in the place of the rows that they were."""
        if self.records.is_empty():
            return records
        others = records.filter(~pl.col("row").is_in(self.records["row"].implode()))
        return pl.concat([others, self.records]).sort("row")


def hand_changes(audited: Audited, decisions: Sequence[Decision]) -> HandChanges:
    """Work out what edits and new labels make of their rows.

    The last edit of a row counts, and a label that was set after it; an edit holds the whole row
    as the person left it, so that it takes the place of what came before.

    Args:
        audited: the audited data.
        decisions: those that hold.

    Raises:
        UsageError: a row is no record, or does not fit the shape that the data were read as.
    """
    by_row: dict[int, list[Decision]] = {}
    for decision in decisions:
        if decision.action in (EDIT, RELABEL):
            for row in decision.rows or ():
                by_row.setdefault(row, []).append(decision)
    if not by_row:
        return HandChanges(pl.DataFrame(schema=RECORD_SCHEMA), pl.DataFrame(schema=CHANGED_SCHEMA))
    layout = layout_of_detection(audited.detection)
    labels = label_column(audited, layout)
    originals = audited.records_at(by_row)
    for row in by_row.keys() - set(originals["row"]):
        raise _no_record(row, by_row[row][-1])
    become: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for original in originals.iter_rows(named=True):
        new, relabelled = _become(original, by_row[original["row"]], layout, labels)
        told = list(_differences(original, new, relabelled, layout))
        if told:
            become.append(new)
            lines += told
    return HandChanges(
        pl.DataFrame(become, schema=RECORD_SCHEMA), pl.DataFrame(lines, schema=CHANGED_SCHEMA)
    )


def understand(row: int, value: dict[str, Any], layout: Layout, kind: str) -> dict[str, Any]:
    """Return a source row as a record, a row of ``RECORD_SCHEMA``.

    Raises:
        UnfitError: it does not fit the layout's shape.
    """
    record = to_record(value, layout)
    if record.id is None:
        record.id = content_id(value)
    columns = RecordColumns(kind)
    columns.add(row, record)
    return columns.take_frame().row(0, named=True)


def _become(
    original: dict[str, Any], decisions: Sequence[Decision], layout: Layout, labels: LabelColumn
) -> tuple[dict[str, Any], bool]:
    """Return what a record becomes, and whether its label was set after the last edit."""
    new, relabelled = dict(original), False
    for decision in decisions:
        relabelled = decision.action == RELABEL
        if relabelled:
            labels.write(new, decision.parameters["label"])
            continue
        try:
            new = understand(original["row"], decision.parameters["row"], layout, original["kind"])
        except UnfitError as error:
            raise UsageError(
                f"the edit of row {original['row']} no longer fits the shape "
                f"{layout.shape.name!r}: {error}",
                where=f"decision {decision.id}",
                fix=f"take it back: --undo-decision {decision.id}; or read the data as before",
            ) from error
    return new, relabelled


def _no_record(row: int, decision: Decision) -> UsageError:
    return UsageError(
        f"row {row}, which was changed by hand, is no record of the audited data",
        where=f"decision {decision.id}",
        fix=f"take it back: --undo-decision {decision.id}",
    )


def _differences(
    original: dict[str, Any], new: dict[str, Any], relabelled: bool, layout: Layout
) -> Iterator[dict[str, Any]]:
    """Yield a line for each field that became another."""
    row = original["row"]
    told = list(_different_fields(original, new, layout))
    if not told and original["extra"] != new["extra"]:
        # The same said in another way, such as keys in another order.
        told = [("extra", original["extra"], new["extra"])]
    for field, before, after in told:
        check = RELABEL if relabelled and field == "label" else EDIT
        yield {"row": row, "field": field, "before": before, "after": after, "check": check}


def _different_fields(
    original: dict[str, Any], new: dict[str, Any], layout: Layout
) -> Iterator[tuple[str, str | None, str | None]]:
    before, after = (_rest(record) for record in (original, new))
    ids = [record["id"] if has_own_id(rest, layout) else None
           for record, rest in ((original, before), (new, after))]  # fmt: skip
    if ids[0] != ids[1]:
        yield "id", ids[0], ids[1]
    for part in MESSAGE_PARTS:
        yield from _different_messages(part, original[part] or (), new[part] or ())
    for name in _COLUMNS:
        if original[name] != new[name]:
            yield name, original[name], new[name]
    for name in before | after:
        # As text: to Python, 1 and true are equal.
        one, other = _as_text(before, name), _as_text(after, name)
        if name != RESERVED and one != other:
            yield f"extra.{name}", one, other


def _different_messages(
    part: str, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Compare messages place by place; one that is new or gone is told with all it says."""
    for index in range(max(len(before), len(after))):
        old = before[index] if index < len(before) else None
        new = after[index] if index < len(after) else None
        for key in old or new or ():
            one, other = (None if side is None else side[key] for side in (old, new))
            is_told = key in _ALWAYS_TOLD and (old is None or new is None)
            if one != other or is_told:
                yield f"{part}[{index}].{key}", _text(one), _text(other)


def _rest(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that no column holds."""
    return parse_json(record["extra"].encode()) if record["extra"] else {}


def _as_text(rest: dict[str, Any], name: str) -> str | None:
    return json_text(rest[name]) if name in rest else None


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json_text(value)
