"""Licences that are missing, unknown, contradictory, or that forbid commercial use.

The licence of a row is its field ``license`` or ``licence``, in ``meta`` or ``metadata`` too: see
:mod:`..provenance`. Known are the identifiers of SPDX and of the Hugging Face Hub
(:mod:`..licences`).

Evidence: where most rows name a licence, each row without one (field ``licence``); where few or
none do, one finding about the dataset. Of a licence that is unknown, says nothing, or forbids
commercial use, one finding about the dataset, with a row that names it in ``related_row`` and the
licence in ``related``. Of a source that is under two licences, the first row under the rarer one,
with the first row under the other in ``related_row``.

Fix: review; drop the rows whose licence does not allow what the model is for.

Limits: this reads identifiers, not licences, and is no legal advice. A licence that is named for
the whole in a file beside the data is not seen.
"""

from __future__ import annotations

import difflib

import polars as pl

from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..measures.licences import KNOWN_TO_THE_HUB, SILENT, find_licence
from ..measures.provenance import LICENCE_FIELDS, provenance_summary

_HIT = {
    "row": pl.Int64,
    "field": pl.String,
    "severity": pl.String,
    "related_row": pl.Int64,
    "related": pl.String,
    "message": pl.String,
}
_MOST_LICENCES = 50


def _licences(context: DatasetContext, check: Check) -> pl.DataFrame:
    stated = context.summary(provenance_summary)
    named = stated["licence"].count()
    counts = (
        stated.drop_nulls("licence")
        .group_by("licence")
        .agg(rows=pl.len(), first=pl.col("row").min())
        .sort("rows", "licence", descending=[True, False])
    )
    context.explain(
        check,
        f"{named:,} of {context.height:,} rows name a licence, {counts.height:,} in all"
        if named
        else "no row names a licence",
    )
    hits = [
        *_missing(context, stated, named, context.parameter(check, "most_share")),
        *(_judged(*line) for line in counts.head(_MOST_LICENCES).iter_rows()),
        *_contradictory(stated),
    ]
    return pl.DataFrame([hit for hit in hits if hit], schema=_HIT).sort("row", nulls_last=False)


def _missing(
    context: DatasetContext, stated: pl.DataFrame, named: int, most_share: float
) -> list[dict[str, object]]:
    share = named / context.height
    if share == 1:
        return []
    if share >= most_share:
        message = f"names no licence, as {share:.0%} of the rows do"
        without = stated.filter(pl.col("licence").is_null())["row"]
        return [{"row": row, "field": "licence", "message": message} for row in without]
    if named:
        return [{"message": f"only {named:,} of {context.height:,} rows name a licence"}]
    message = f"no row names its licence (fields {', '.join(LICENCE_FIELDS[:2])})"
    return [{"severity": Severity.INFO.value, "message": message}]


def _judged(text: str, rows: int, first: int) -> dict[str, object] | None:
    """Return a hit where a licence says nothing, is not known, or forbids commercial use."""
    where = {"related_row": first, "related": text}
    if text.lower() in SILENT:
        return {**where, "message": f"the licence of {_rows(rows)} is '{text}': it says nothing"}
    licence = find_licence(text)
    if licence is None:
        close = difflib.get_close_matches(text.lower()[:50], KNOWN_TO_THE_HUB, n=1)
        hint = f"; did they mean '{close[0]}'?" if close else ""
        message = f"'{text}' ({_rows(rows)}) is no licence known to SPDX or the Hugging Face Hub"
        return {**where, "message": message + hint}
    if licence.forbids_commerce:
        return {**where, "message": f"'{text}' ({_rows(rows)}) forbids commercial use"}
    return None


def _contradictory(stated: pl.DataFrame) -> list[dict[str, object]]:
    """Return a hit for each licence of a source but its most frequent one."""
    by_source = (
        stated.drop_nulls()
        .group_by("source", "licence")
        .agg(rows=pl.len(), first=pl.col("row").min())
        .filter(pl.len().over("source") > 1)
        .sort("source", "rows", "first", descending=[False, True, False])
        .with_columns(
            usual=pl.col("licence").first().over("source"),
            usual_rows=pl.col("rows").first().over("source"),
            usual_first=pl.col("first").first().over("source"),
        )
        .filter(pl.col("licence") != pl.col("usual"))
    )
    return [
        {
            "row": line["first"],
            "field": "licence",
            "related_row": line["usual_first"],
            "related": line["usual"],
            "message": f"'{line['source']}' is under '{line['licence']}' in {_rows(line['rows'])}, "
            f"but under '{line['usual']}' in {line['usual_rows']:,}",
        }
        for line in by_source.iter_rows(named=True)
    ]


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


CHECK = DatasetCheck(
    name="provenance/licence",
    title="licences that are missing, unknown, at odds or not for commerce",
    severity=Severity.LOW,
    fix=Fix.REVIEW,
    summaries=(provenance_summary,),
    find=_licences,
    parameters={
        "most_share": Parameter(
            0.5, "of the rows that name a licence; from here on the others are reported one by one"
        ),
    },
)
