"""How the dataset is distributed: labels, and lengths.

These are findings about the dataset, not about rows.

Limits: whether an imbalance is a fault depends on what the model will meet; the figures say only
that it is there.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, Parameter, RowCheck
from ..finding import Fix, Severity


def effective_number(counts: list[int]) -> float:
    """Return how many equally frequent values would be as diverse: the exponential of entropy.

    Hill (1973), "Diversity and evenness", the number of order 1.

    Example:
        >>> effective_number([5, 5]), round(effective_number([9, 1]), 2)
        (2.0, 1.38)
    """
    total = sum(counts)
    entropy = -sum(count / total * math.log(count / total) for count in counts if count)
    return math.exp(entropy)


def _label_balance(context: CheckContext, check: Check) -> pl.DataFrame:
    labels = context.records["label"]
    labels = labels.filter(labels.str.contains(r"\S"))
    counts = labels.value_counts(sort=True)
    if counts.height < 2:
        raise CheckSkippedError("the rows have no labels, or one label alone")
    if counts.height > context.parameter(check, "most_labels") * len(labels):
        raise CheckSkippedError(f"{counts.height:,} values in {len(labels):,} rows are no labels")
    numbers = counts["count"].to_list()
    largest = numbers[0] / len(labels)
    evenness = effective_number(numbers) / len(numbers)
    times = largest * len(numbers)
    context.explain(check, f"{len(numbers):,} labels, effectively {evenness * len(numbers):.1f}")
    is_even = evenness >= context.parameter(check, "least_evenness")
    if is_even and times <= context.parameter(check, "most_times_even"):
        return pl.DataFrame(schema={"row": pl.Int64})
    name = counts["label"][0]
    return pl.DataFrame(
        {
            "row": [None],
            "field": ["label"],
            "score": [largest],
            "related": [name],
            "message": [
                f"'{name}' is {largest:.1%} of the labels, {times:.1f} times an even share; the "
                f"{len(numbers):,} labels are as diverse as {evenness * len(numbers):.1f} even ones"
            ],
        }
    )


def _length_balance(context: CheckContext, check: Check) -> pl.DataFrame:
    """Report a dataset in which few records hold much of the text."""
    lengths = context.lengths
    values = np.sort(lengths.frame["length"].to_numpy())[::-1]
    if len(values) < context.parameter(check, "least_records"):
        raise CheckSkippedError("too few records for shares of their length")
    longest = values[: math.ceil(len(values) / 100)]
    share = longest.sum() / max(1, values.sum())
    half, least = int(np.median(values)), int(longest[-1])
    context.explain(
        check,
        f"half of the records have at most {half:,} {lengths.unit}, one in a hundred at least "
        f"{least:,}",
    )
    if share <= context.parameter(check, "most_share"):
        return pl.DataFrame(schema={"row": pl.Int64})
    return pl.DataFrame(
        {
            "row": [None],
            "score": [share],
            "message": [
                f"the longest hundredth of the records holds {share:.0%} of all {lengths.unit}: "
                f"at least {least:,} each, while half of the records have at most {half:,}"
            ],
        }
    )


CHECKS = (
    RowCheck(
        name="balance/label",
        title="labels that are far from evenly frequent",
        severity=Severity.LOW,
        fix=Fix.NONE,
        find=_label_balance,
        parameters={
            "least_evenness": Parameter(
                0.8, "effective number of labels by their number; 80:20 between two gives 0.82"
            ),
            "most_times_even": Parameter(2.5, "times an even share that one label may have"),
            "most_labels": Parameter(
                0.5, "more different values a row than this are texts, not labels"
            ),
        },
    ),
    RowCheck(
        name="balance/length",
        title="few records that hold much of the text",
        severity=Severity.INFO,
        fix=Fix.NONE,
        find=_length_balance,
        parameters={
            "most_share": Parameter(
                0.15, "of the text in the longest hundredth; even long-tailed sets have less"
            ),
            "least_records": Parameter(200, "a hundredth of fewer is one or two records"),
        },
    ),
)
