"""Few records that hold much of the text.

Measured is the share of all text that the longest hundredth of the records holds; lengths are in
tokens where a tokenizer is given, else in words.

Evidence: one finding about the dataset, without a row; ``score`` is that share.

Fix: none; shorten or split the longest records, if they are not meant to weigh so much.

Limits: a model that is trained by tokens learns mostly from these records; one that is trained by
records does not.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from ..auditing.profile import counting_summary, profile_summary
from ..check import Check, CheckSkippedError, DatasetCheck, DatasetContext, Parameter
from ..finding import Fix, Severity


def _uneven_lengths(context: DatasetContext, check: Check) -> pl.DataFrame:
    unit = context.summary(counting_summary)["unit"][0]
    values = np.sort(context.summary(profile_summary, "length")["length"].to_numpy())[::-1]
    if len(values) < context.parameter(check, "least_records"):
        raise CheckSkippedError("too few records for shares of their length")
    longest = values[: math.ceil(len(values) / 100)]
    share = longest.sum() / max(1, values.sum())
    half, least = int(np.median(values)), int(longest[-1])
    context.explain(
        check,
        f"half of the records have at most {half:,} {unit}, one in a hundred at least {least:,}",
    )
    if share <= context.parameter(check, "most_share"):
        return pl.DataFrame(schema={"row": pl.Int64})
    return pl.DataFrame(
        {
            "score": [share],
            "message": [
                f"the longest hundredth of the records holds {share:.0%} of all {unit}: at least "
                f"{least:,} each, while half of the records have at most {half:,}"
            ],
        }
    )


CHECK = DatasetCheck(
    name="balance/length",
    title="few records that hold much of the text",
    severity=Severity.INFO,
    fix=Fix.NONE,
    summaries=(profile_summary, counting_summary),
    find=_uneven_lengths,
    parameters={
        "most_share": Parameter(
            0.15, "of the text in the longest hundredth; even long-tailed sets have less"
        ),
        "least_records": Parameter(200, "a hundredth of fewer is one or two records"),
    },
)
