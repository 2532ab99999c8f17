"""Labels set anew, each written under the source's own name and with its own type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..auditing.audited import Audited
from ..formats.json_values import NotJsonError, json_text, parse_json
from ..shapes.leftover import KEPT
from ..shapes.rows import RESERVED, Layout

_TYPED = (bool, int, float)


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """How a source writes its labels.

    Attributes:
        field: the source's name of the label; empty where it has none.
        example: a label of the source, as it stands there; null where there is none.
    """

    field: str
    example: Any = None

    def write(self, record: dict[str, Any], label: str) -> None:
        """Give a record another label, in place.

        A label that is a number, true or false in the source is one afterwards, where the new one
        can be read as such.

        Args:
            record: one row of the records as a dictionary.
            label: the new label.
        """
        record["label"] = label
        extra = parse_json(record["extra"].encode()) if record["extra"] else {}
        left = extra.get(RESERVED, {})
        kept = left.get(KEPT, {})
        own = kept.get(self.field)
        typed = _as(type(self.example if own is None else own), label)
        if typed is None and self.field not in kept:
            return
        kept = {name: value for name, value in kept.items() if name != self.field}
        if typed is not None:
            kept[self.field] = typed
        left = {name: value for name, value in left.items() if name != KEPT}
        left |= {KEPT: kept} if kept else {}
        rest = {name: value for name, value in extra.items() if name != RESERVED}
        rest |= {RESERVED: left} if left else {}
        record["extra"] = json_text(rest) if rest else None


def label_column(audited: Audited, layout: Layout) -> LabelColumn:
    """Find out how a source writes its labels: by the first record that has one."""
    field = layout.fields.get("label", "")
    if not field:
        return LabelColumn(field)
    first = (
        audited.scan_records()
        .filter(pl.col("label").is_not_null())
        .select("label", "extra")
        .head(1)
        .collect()
    )
    if first.is_empty():
        return LabelColumn(field)
    label, extra = first.row(0)
    kept = parse_json(extra.encode()).get(RESERVED, {}).get(KEPT, {}) if extra else {}
    return LabelColumn(field, kept.get(field, label))


def _as(kind: type, label: str) -> bool | int | float | None:
    """Read a label as a value of a type; None where it is none."""
    if kind not in _TYPED:
        return None
    try:
        value = parse_json(label.encode())
    except (NotJsonError, UnicodeEncodeError):
        return None
    fits = type(value) is kind or (kind is float and type(value) is int)
    return value if fits and json_text(value) == label else None
