"""Rows that do not say where they come from, or say it in contradiction to each other.

The source of a row is its column ``source`` (or ``dataset``, ``origin``), or one of these or
``url`` among its other fields, in ``meta`` or ``metadata`` too: see :mod:`..provenance`.

Evidence: where most rows name a source, each row without one (field ``source``); where few or none
do, one finding about the dataset. Of rows with the same content and different sources the later
one, with the first in ``related_row`` and its source in ``related``.

Fix: review; the source must be asked for where the rows were gathered.

Limits: whether a source that is named is the true one, and may be used, cannot be seen.
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import comparison_keys
from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..measures.provenance import SOURCE_FIELDS, provenance_summary

_HIT = {
    "row": pl.Int64,
    "field": pl.String,
    "severity": pl.String,
    "related_row": pl.Int64,
    "related": pl.String,
    "message": pl.String,
}


def _sources(context: DatasetContext, check: Check) -> pl.DataFrame:
    stated = context.summary(provenance_summary, "row", "source")
    named = stated["source"].count()
    context.explain(
        check,
        f"{named:,} of {context.height:,} rows name a source, "
        f"{stated['source'].drop_nulls().n_unique():,} in all"
        if named
        else "no row names a source",
    )
    missing = _missing(context, stated, named, context.parameter(check, "most_share"))
    return pl.concat([missing, _contradictory(context, stated)]).sort("row", nulls_last=False)


def _missing(
    context: DatasetContext, stated: pl.DataFrame, named: int, most_share: float
) -> pl.DataFrame:
    share = named / context.height
    if share == 1:
        return pl.DataFrame(schema=_HIT)
    if share >= most_share:
        return stated.filter(pl.col("source").is_null()).select(
            "row",
            field=pl.lit("source"),
            severity=pl.lit(None, dtype=pl.String),
            related_row=pl.lit(None, dtype=pl.Int64),
            related=pl.lit(None, dtype=pl.String),
            message=pl.lit(f"names no source, as {share:.0%} of the rows do"),
        )
    message = (
        f"only {named:,} of {context.height:,} rows name a source"
        if named
        else f"no row says where it comes from (fields {', '.join(SOURCE_FIELDS)})"
    )
    severity = None if named else Severity.INFO.value
    return pl.DataFrame([{"severity": severity, "message": message}], schema=_HIT)


def _contradictory(context: DatasetContext, stated: pl.DataFrame) -> pl.DataFrame:
    """Find rows with the content of an earlier row, but another source."""
    content = context.summary(comparison_keys, "row", "exact")
    return (
        stated.drop_nulls("source")
        .join(content, on="row", maintain_order="left")
        .with_columns(
            related_row=pl.col("row").first().over("exact"),
            related=pl.col("source").first().over("exact"),
        )
        .filter(pl.col("source") != pl.col("related"))
        .rechunk()
        .select(
            "row",
            field=pl.lit("source"),
            severity=pl.lit(None, dtype=pl.String),
            related_row="related_row",
            related="related",
            message=pl.format(
                "comes from '{}', but row {} with the same content from '{}'",
                "source",
                "related_row",
                "related",
            ),
        )
    )


CHECK = DatasetCheck(
    name="provenance/source",
    title="rows without a source, or with two",
    severity=Severity.LOW,
    fix=Fix.REVIEW,
    summaries=(provenance_summary, comparison_keys),
    find=_sources,
    parameters={
        "most_share": Parameter(
            0.5, "of the rows that name a source; from here on the others are reported one by one"
        ),
    },
)
