"""Where records come from and under which licence: read from the columns and from the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from ..check import CheckContext
from ..formats.json_values import parse_json

SOURCE_FIELDS = ("source", "dataset", "origin", "data_source", "source_url", "url")
LICENCE_FIELDS = ("license", "licence", "license_name", "licence_name")
_NESTED_IN = ("meta", "metadata")
_MOST_CHARACTERS = 200
_EITHER = rf'"(?:{"|".join((*SOURCE_FIELDS, *LICENCE_FIELDS))})"'


def provenance_summary(context: CheckContext) -> pl.DataFrame:
    """Return what each record of a piece says about its origin: a summary.

    Returns:
        See :func:`stated_provenance`.
    """
    return stated_provenance(context.records)


def stated_provenance(records: pl.DataFrame) -> pl.DataFrame:
    """Return what each record says about its origin.

    The source is the record's own, or else the first of :data:`SOURCE_FIELDS` in the untouched
    rest of the row, or in its ``meta`` or ``metadata``; the licence is found likewise by
    :data:`LICENCE_FIELDS`. Blank values count as missing.

    Args:
        records: frame of ``RECORD_SCHEMA``.

    Returns:
        ``row``, ``source``, ``licence``; at most 200 characters each.
    """
    stated = records.select("row", "extra").filter(pl.col("extra").str.contains(_EITHER))
    found = pl.DataFrame(
        [(row, *_stated(extra)) for row, extra in stated.iter_rows()],
        schema={"row": pl.Int64, "stated": pl.String, "licence": pl.String},
        orient="row",
    )
    own = pl.col("source").str.strip_chars().str.slice(0, _MOST_CHARACTERS)
    return (
        records.select("row", source=pl.when(own != "").then(own))
        .join(found, on="row", how="left", maintain_order="left")
        .select("row", source=pl.coalesce("source", "stated"), licence="licence")
    )


def _stated(extra: str) -> tuple[str | None, str | None]:
    """Return source and licence that the rest of a row states."""
    rest: Mapping[str, Any] = parse_json(extra.encode())
    return _first(rest, SOURCE_FIELDS), _first(rest, LICENCE_FIELDS)


def _first(rest: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for place in _places(rest):
        for name in names:
            if text := _text(place.get(name)):
                return text
    return None


def _places(rest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield rest
    for name in _NESTED_IN:
        if isinstance(rest.get(name), dict):
            yield rest[name]


def _text(value: Any) -> str | None:
    """Return a value as text: a string, or several joined; None for everything else."""
    if isinstance(value, list):
        parts = [text for item in value if (text := _text(item))]
        value = " AND ".join(parts)
    if not isinstance(value, str):
        return None
    return value.strip()[:_MOST_CHARACTERS] or None
