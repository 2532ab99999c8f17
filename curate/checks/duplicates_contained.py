"""Records that stand nearly whole within a longer one.

A conversation saved again after each turn, a passage beside the page that it is from: two such
records are not alike as wholes, so ``duplicates/near`` does not name them. Measured is the share
of the shorter one's word 5-grams that the longer one has, exactly (see
:mod:`..near_duplicates.contained`); runs of words that very many records share weigh little.

Evidence: the row, in ``related_row`` the longer one that has most of it, in ``score`` the share.

Fix: review. What the longer one says besides may be the point, and what is learned from each may
be another part of it; one of both is usually enough.

Limits: records under 20 words are not looked at, since much of them stands elsewhere by chance.
Copies and near-duplicates are not reported again. Not searched on Ray.
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import CONTAINED, comparison_keys, near_copies, spoken_words
from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..near_duplicates.contained import CONTAINMENT


def _contained(context: DatasetContext, check: Check) -> pl.DataFrame:
    compared = context.shared(near_copies)
    contained = compared.found.contained
    if contained is None:
        raise CheckSkippedError("not searched on Ray")
    if contained.skipped:
        context.explain(
            check,
            f"up to {contained.skipped:,} pairs were not compared: runs of words that very many "
            "records share",
        )
    rows, characters = compared.columns["row"], compared.columns["characters"]
    pairs = contained.pairs
    times = characters.gather(pairs["within"]) / characters.gather(pairs["text"])
    return pl.DataFrame(
        {
            "row": rows.gather(pairs["text"]),
            "related_row": rows.gather(pairs["within"]),
            "score": pairs["share"],
            "times": times.round(1),
        }
    ).select(
        "row",
        "related_row",
        "score",
        message=pl.format(
            "{} % of its word runs stand in row {}, which is {} times as long",
            (pl.col("score") * 100).floor().cast(pl.Int64),
            "related_row",
            "times",
        ),
    )


CHECK = DatasetCheck(
    name=CONTAINED,
    title="stands within a longer record",
    severity=Severity.LOW,
    fix=Fix.REVIEW,
    summaries=(comparison_keys, spoken_words),
    find=_contained,
    parameters={
        "share": Parameter(CONTAINMENT, "of the shorter one's word runs; an edit breaks five"),
    },
)
