"""What the records are about, and how evenly.

The words of a sample of at most ``most_records`` records, drawn by chance with a fixed seed, are
clustered: see :mod:`..topics`. Told are the share of each topic and the words that tell it from the
others, and how many equally frequent topics would be as diverse (Hill 1973).

Evidence: one finding about the dataset, without a row; ``related`` are the words of the largest
topic, ``score`` its share.

Fix: none; the topics of rows that are missing must be written or gathered.

Limits: words are compared, not meanings; English function words alone are left out by a list, in
other languages only what stands in half of the texts. The number of topics is chosen by the
number of records, not found.
"""

from __future__ import annotations

import polars as pl

from ..auditing.profile import profile_summary
from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..measures.shares import effective_number
from ..measures.topics import Topic, find_topics
from ..records import INSTRUCTING_ROLES, message_rows

_MOST_CHARACTERS = 2000
_SHOWN = 8
_SEED = 0


def _topics(context: DatasetContext, check: Check) -> pl.DataFrame:
    rows = context.summary(profile_summary, "row")["row"]
    if len(rows) < context.parameter(check, "least_records"):
        raise CheckSkippedError("too few records for topics")
    rows = rows.sample(min(len(rows), context.parameter(check, "most_records")), seed=_SEED)
    topics = find_topics(_texts(context.records_of(rows)))
    if not topics:
        raise CheckSkippedError("the records have no words to tell topics apart by")
    total = sum(topic.texts for topic in topics)
    effective = effective_number([topic.texts for topic in topics])
    sampled = f"a sample of {len(rows):,} records" if len(rows) < context.height else "the records"
    context.explain(check, f"{len(topics)} topics of {sampled}, effectively {effective:.1f}")
    shown = "; ".join(_described(topic, total) for topic in topics[:_SHOWN])
    more = f"; {len(topics) - _SHOWN} smaller ones" if len(topics) > _SHOWN else ""
    return pl.DataFrame(
        {
            "score": [topics[0].texts / total],
            "related": [", ".join(topics[0].terms)],
            "message": [
                f"{len(topics)} topics of {sampled} are as diverse as {effective:.1f} even ones: "
                f"{shown}{more}"
            ],
        }
    )


def _described(topic: Topic, total: int) -> str:
    return f"{topic.texts / total:.1%} {', '.join(topic.terms)}"


def _texts(records: pl.DataFrame) -> list[str]:
    return (
        message_rows(records)
        .filter(~pl.col("role").is_in(INSTRUCTING_ROLES).fill_null(False))
        .group_by("row", maintain_order=True)
        .agg(text=pl.col("content").drop_nulls().str.slice(0, _MOST_CHARACTERS).str.join("\n"))
    )["text"].to_list()


CHECK = DatasetCheck(
    name="balance/topic",
    title="what the records are about, and how evenly",
    severity=Severity.INFO,
    fix=Fix.NONE,
    summaries=(profile_summary,),
    find=_topics,
    parameters={
        "least_records": Parameter(200, "fewer make no shares of topics"),
        "most_records": Parameter(10_000, "more change the shares by less than a point"),
    },
)
