"""The search for benchmark items in the records, piece by piece, and its outcome for the audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ..check import CheckContext, Context, DatasetContext
from ..contamination.found import Contamination, contamination_of
from ..contamination.index import index_of
from ..contamination.items import CLEAN, CONTAMINATED, UNCHECKABLE
from ..contamination.matches import THRESHOLD, find_matches
from ..contamination.probes import LEAST_WORDS
from ..contamination.search import FREQUENCY_SCHEMA, PLACE_SCHEMA, Searched, search
from ..records import message_rows

BENCHMARK = "contamination/benchmark"
ITEMS_FILE, HITS_FILE = "contamination.parquet", "contamination_hits.parquet"

_SCHEMA = pl.Schema(
    {
        "texts": pl.Int64,
        "places": pl.List(pl.Struct(PLACE_SCHEMA)),
        "frequency": pl.List(pl.Struct(FREQUENCY_SCHEMA)),
    }
)


def searched_records(context: CheckContext) -> pl.DataFrame:
    """Return what a search of a piece found, as one row: a summary (see :mod:`..check`)."""
    if not context.benchmarks:
        return pl.DataFrame(schema=_SCHEMA)
    least_words = _parameters(context)["least_words"]
    found = search(index_of(tuple(context.benchmarks), least_words), context.messages)
    return pl.DataFrame(
        {
            "texts": [found.texts],
            "places": [found.places.to_struct()],
            "frequency": [found.frequency.to_struct()],
        },
        schema=_SCHEMA,
    )


def benchmark_contamination(context: DatasetContext) -> Contamination:
    """Find the benchmarks' items in the records: ask for ``context.shared`` of it.

    Checks that do so name :func:`searched_records` as their summary.
    """
    parameters = _parameters(context)
    index = index_of(tuple(context.benchmarks), parameters["least_words"])
    searched = _together(context.summaries.scan(searched_records))
    matches = find_matches(index, searched, **parameters)
    return contamination_of(
        index,
        searched.texts,
        matches,
        lambda rows: message_rows(context.records_of(rows)).select("row", "field", "content"),
    )


def write_contamination(found: Contamination, folder: Path) -> dict[str, Any]:
    """Keep the outcome beside an audit.

    Returns:
        What the audit's document says of it: ``rows`` searched and the number of items of each
        status, in all and for each task.
    """
    found.items.write_parquet(folder / ITEMS_FILE)
    found.hits.write_parquet(folder / HITS_FILE)
    counted = found.items.group_by("task", maintain_order=True).agg(
        items=pl.len(), **{status: _count(status) for status in _STATUSES}
    )
    return {
        "rows": found.rows,
        "items": found.items.height,
        **{status: found.count(status) for status in _STATUSES},
        "tasks": counted.to_dicts(),
    }


_STATUSES: Sequence[str] = (CLEAN, CONTAMINATED, UNCHECKABLE)


def _count(status: str) -> pl.Expr:
    return (pl.col("status") == status).sum()


def _parameters(context: Context) -> dict[str, Any]:
    return {"threshold": THRESHOLD, "least_words": LEAST_WORDS} | dict(
        context.parameters.get(BENCHMARK, {})
    )


def _together(pieces: pl.LazyFrame) -> Searched:
    """Put the summaries of all pieces together; frequencies are added up as they are read."""
    places = pieces.select(pl.col("places").explode()).drop_nulls().unnest("places").collect()
    frequency = (
        pieces.select(pl.col("frequency").explode())
        .drop_nulls()
        .unnest("frequency")
        .group_by("gram")
        .agg(pl.col("texts").sum())
        .collect(engine="streaming")
    )
    texts = pieces.select(pl.col("texts").sum()).collect().item()
    return Searched(texts, places, frequency)
