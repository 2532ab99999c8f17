"""The columns of a piece of the data that a user's schema speaks of, typed as it wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..formats.json_values import parse_json
from ..records import Dataset
from ..shapes.leftover import KEPT
from ..shapes.rows import RESERVED
from .flat_records import FLAT_COLUMNS, TEXT_COLUMNS, flat_records
from .json_columns import TypedColumn, typed_column
from .user_schema import UserColumn, UserSchema

_OWN_PARTS = ("label", "group", "source", "id")
_UNTYPED_FORMATS = ("csv", "tsv")
_NONE = object()


@dataclass(frozen=True, slots=True)
class SchemaColumns:
    """The columns of a schema for some records.

    Attributes:
        frame: the flat columns (see :func:`.flat_records.flat_records`), and in their place or
            besides them those of the schema; null where there is no value of the right type.
        absent: by column, the positions of the records without that field.
        unfit: by column, what was found where the type is another, by position.
        others: for each record, the source's fields that the schema does not name.
    """

    frame: pl.DataFrame
    absent: Mapping[str, frozenset[int]]
    unfit: Mapping[str, Mapping[int, str]]
    others: Sequence[Sequence[str]]

    def field(self, name: str, position: int) -> str:
        """Return where a column's value stands, such as ``messages[1].content`` of ``answer``."""
        if name in TEXT_COLUMNS:
            return self.frame[f"field_of_{name}"][position] or name
        return name


def schema_columns(dataset: Dataset, schema: UserSchema) -> SchemaColumns:
    """Make the columns that a schema names.

    A column is one of the flattened record; or a field of the source, also where a column of the
    record holds it under another name (``category`` for ``label``).

    Args:
        dataset: a piece of the source.
        schema: names the columns and their types.
    """
    flat = flat_records(dataset.records)
    rows = [_SourceRow.of(extra) for extra in dataset.records["extra"]]
    held = {
        field: part
        for part, field in dataset.detection.mapping.items()
        if part in _OWN_PARTS and field
    }
    untyped = set(dataset.format.split("+")) <= {*_UNTYPED_FORMATS}
    typed: dict[str, TypedColumn] = {}
    absent: dict[str, frozenset[int]] = {}
    for name, column in schema.columns.items():
        if name in held:
            values = _held_values(rows, name, dataset.records[held[name]])
        elif name in FLAT_COLUMNS:
            values = flat[name].to_list()
        else:
            values = [row.fields.get(name, _NONE) for row in rows]
        absent[name] = frozenset(i for i, value in enumerate(values) if value is _NONE)
        typed[name] = _typed([None if v is _NONE else v for v in values], column, untyped)
    known = {*schema.columns, *held}
    return SchemaColumns(
        flat.with_columns(**{name: column.values for name, column in typed.items()}),
        absent,
        {name: column.unfit for name, column in typed.items()},
        [sorted(row.fields.keys() - known) for row in rows],
    )


@dataclass(frozen=True, slots=True)
class _SourceRow:
    """What a record keeps of its source row besides its columns.

    Attributes:
        fields: those that no column holds.
        originals: of fields that a column holds in another form, such as a number as text.
    """

    fields: dict[str, Any]
    originals: dict[str, Any]

    @classmethod
    def of(cls, extra: str | None) -> _SourceRow:
        fields: dict[str, Any] = {} if extra is None else parse_json(extra.encode())
        return cls(fields, fields.pop(RESERVED, {}).get(KEPT, {}))


def _held_values(rows: Sequence[_SourceRow], name: str, column: pl.Series) -> list[Any]:
    """Return a field's values as they were; null in the column means that there was none."""
    return [
        row.originals.get(name, _NONE if value is None else value)
        for row, value in zip(rows, column, strict=True)
    ]


def _typed(values: list[Any], column: UserColumn, untyped: bool) -> TypedColumn:
    if untyped:
        # In CSV nothing between two commas is no value.
        values = [None if value == "" else value for value in values]
    if column.dtype is None:
        return TypedColumn(pl.Series(values, strict=False), {})
    return typed_column(values, column.dtype, from_text=column.from_text or untyped)
