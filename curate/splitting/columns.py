"""A record's value by the name that its source gives it."""

from __future__ import annotations

import json

import polars as pl

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..records import Detection
from ..schemas.flat_records import json_path

_LOOKED_AT = 100
_OWN_COLUMNS = ("label", "group", "source", "id")


def column_values(records: pl.DataFrame, detection: Detection, name: str) -> pl.Series:
    """Return a column of the records, or a field of the source that no column holds.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        detection: how the source was understood; it knows that ``label`` was called ``topic``.
        name: the source's own name for the field, or ``label``, ``group``, ``source`` or ``id``.

    Returns:
        Strings, null where a record has no such value; in the records' order, named ``name``.

    Raises:
        UsageError: no record has such a field.
    """
    by_source_name = {
        field: part for part, field in detection.mapping.items() if part in _OWN_COLUMNS and field
    }
    if name in by_source_name:
        return records[by_source_name[name]].alias(name)
    if name in _OWN_COLUMNS:
        values = records[name]
    else:
        values = records["extra"].str.json_path_match(json_path(name))
    if values.null_count() == len(values):
        known = [*by_source_name, *_extra_names(records), *_OWN_COLUMNS]
        raise UsageError(f"no record has a field {name!r}", fix=nearest(name, known))
    return values.alias(name)


def _extra_names(records: pl.DataFrame) -> set[str]:
    """The names of the fields that no column holds, by a look at some records."""
    some = records["extra"].drop_nulls().head(_LOOKED_AT)
    return {name for extra in some for name in json.loads(extra) if not name.startswith("_")}
