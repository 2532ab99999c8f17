"""Who is spoken of, in what users and the assistant say, and which groups hardly have records.

Counted are records in which a turn of one side mentions a group, with Wilson intervals (Wilson
1927); the words are those of :mod:`..terms`, in the dimensions gender, religion, ethnicity, age
and disability. Where fewer than ``least_support`` records mention anybody of a dimension, nothing
is said about it. Where the records carry a group of their own (a region, a cohort), those groups
are named whose share is surely below ``least_share_of_even`` of an even one.

Evidence: findings are about the dataset, without a row. ``related`` is the group mentioned most,
``score`` its share among the records that mention anybody; of a rare group (field ``group``) its
name and its share of the records.

Fix: none; what is fair to speak of depends on what the model is for.

Limits: English words alone, counted without context; texts in other languages are left out, and
names tell nothing here.
"""

from __future__ import annotations

import polars as pl

from ..auditing.profile import profile_summary
from ..check import Check, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity
from ..measures.bias import LEAST_SUPPORT, measure_mentions
from ..measures.mentions import SIDES, mention_flags
from ..measures.value_shares import count_values, rare_values


def _representation(context: DatasetContext, check: Check) -> pl.DataFrame:
    hits = [
        *_mentions(context.summary(mention_flags), context.parameter(check, "least_support")),
        *_rare_groups(
            context.summary(profile_summary, "group")["group"],
            context.parameter(check, "least_share_of_even"),
        ),
    ]
    return pl.DataFrame(
        hits,
        schema={"field": pl.String, "score": pl.Float64, "related": pl.String,
                "message": pl.String},
    )  # fmt: skip


def _mentions(flags: pl.DataFrame, least_support: int) -> list[dict[str, object]]:
    """Give one hit for each dimension and side that enough records mention."""
    hits: list[dict[str, object]] = []
    for item in measure_mentions(flags):
        if item.anybody < least_support:
            continue
        most = item.groups[item.most]
        figures = ", ".join(f"{name} {share}" for name, share in item.groups.items())
        hits.append(
            {
                "field": None,
                "score": most.count / item.anybody,
                "related": item.most,
                "message": f"{item.dimension} in what {SIDES[item.side]}, share of "
                f"{most.total:,} records: {figures}",
            }
        )
    return hits


def _rare_groups(groups: pl.Series, least_share_of_even: float) -> list[dict[str, object]]:
    """Give one hit for each group that has far less than an even share of the records."""
    values = count_values(groups)
    return [
        {
            "field": "group",
            "score": share.value,
            "related": name,
            "message": f"group '{name}' has {share} of the records; an even share among "
            f"{len(values)} groups is {1 / len(values):.1%}",
        }
        for name, share in rare_values(values, least_share_of_even)
    ]


CHECK = DatasetCheck(
    name="bias/representation",
    title="who is spoken of, and which groups are rare",
    severity=Severity.INFO,
    fix=Fix.NONE,
    summaries=(mention_flags, profile_summary),
    find=_representation,
    parameters={
        "least_support": Parameter(
            LEAST_SUPPORT, "records that mention anybody; shares of fewer tell nothing"
        ),
        "least_share_of_even": Parameter(
            0.25, "a group with less than a quarter of an even share is rare"
        ),
    },
)
