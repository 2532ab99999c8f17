"""A record's value by the name that its source gives it."""

from __future__ import annotations

import json

import polars as pl

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
    """
    by_source_name = _own_columns(detection)
    if name in by_source_name:
        return records[by_source_name[name]].alias(name)
    if name in _OWN_COLUMNS:
        return records[name]
    return records["extra"].str.json_path_match(json_path(name)).alias(name)


def column_names(records: pl.DataFrame, detection: Detection) -> set[str]:
    """Return the names that :func:`column_values` takes, by a look at some records."""
    some = records["extra"].drop_nulls().head(_LOOKED_AT)
    extra = {name for text in some for name in json.loads(text) if not name.startswith("_")}
    return {*_own_columns(detection), *extra, *_OWN_COLUMNS}


def _own_columns(detection: Detection) -> dict[str, str]:
    """Return the records' columns by the names of the source's fields."""
    return {
        field: part for part, field in detection.mapping.items() if part in _OWN_COLUMNS and field
    }
