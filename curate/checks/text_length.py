"""Messages much longer or shorter than the others of their role.

Lengths, in letters without white space around, are compared on a logarithmic scale, where they are
nearly normal. A message is an outlier by the modified z-score (Iglewicz and Hoaglin 1993, "How to
Detect and Handle Outliers", section 3.3), whose middle and spread no outlier can move::

    z = (x - median(x)) / (1.4826 * median(|x - median(x)|)),   x = log(1 + letters)

and if it is several times longer or shorter than the median as well: where all are of nearly one
length, the spread says little. Where short and long ones are all usual, the spread is too wide for
anything to stand out; there a message is an outlier that is ``times_longest`` as long as the length
that one in a hundred exceeds. Since many long ones move that length, it is enough to be so long
beside the length that one in twenty exceeds, if it is also beyond that by one and a half times its
distance from the median on the logarithmic scale. A character of a script without blanks between
words says as much as a short word and counts as three.

Evidence: ``field`` is the message, ``score`` the number of times that it is longer or shorter than
the median of its role. One finding a message.

Fix: somebody must look (``review``).

Limits: a dataset of very long and very short answers has no outliers. That a length is unusual does
not make it wrong.
"""

from __future__ import annotations

import polars as pl

from ..check import (
    Check,
    CheckContext,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    Parameter,
)
from ..finding import Fix, Severity
from ..near_duplicates.comparison_text import SPACELESS_CHARACTER

_NORMAL = 1.4826
_LONG, _RATHER_LONG = 0.99, 0.95
_DISTANCES = 1.5
_LETTERS_OF_A_CHARACTER = 3


def message_lengths(context: CheckContext) -> pl.DataFrame:
    """Return the letters of each message that has any: ``row, field, role, letters, length``."""
    content = pl.col("content")
    letters = content.str.strip_chars().str.len_chars()
    other = pl.when(content.str.len_bytes() >= 2 * content.str.len_chars()).then(content)
    spaceless = other.str.count_matches(SPACELESS_CHARACTER).fill_null(0)
    return context.messages.select(
        "row",
        "field",
        "role",
        letters=letters,
        length=letters + (_LETTERS_OF_A_CHARACTER - 1) * spaceless,
    ).filter(pl.col("role").is_not_null(), pl.col("letters") > 0)


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    lengths = context.summaries.scan(message_lengths).with_columns(x=pl.col("length").log1p())
    distance = (pl.col("x") - pl.col("middle")).abs()
    middle = lengths.group_by("role").agg(
        middle=pl.col("x").median(),
        median=pl.col("length").median(),
        long=pl.col("length").quantile(_LONG),
        rather_long=pl.col("length").quantile(_RATHER_LONG),
        messages=pl.len(),
    )
    placed = lengths.join(middle, on="role", maintain_order="left")
    spread = placed.group_by("role").agg(spread=_NORMAL * distance.median())
    roles = middle.join(spread, on="role").sort("role").collect()
    roles = roles.filter(pl.col("messages") >= context.parameter(check, "least_messages"))
    if roles.is_empty():
        raise CheckSkippedError("too few messages of any role to tell what length is usual")
    medians = (f"{role} {median:,.0f}" for role, median in roles.select("role", "median").rows())
    context.explain(check, f"median letters: {', '.join(medians)}")
    least = pl.col("spread") * context.parameter(check, "most_deviations")
    rather_long = pl.col("rather_long")
    far_beyond = rather_long * (rather_long / pl.col("median")) ** _DISTANCES
    times_longest = context.parameter(check, "times_longest")
    longest = pl.min_horizontal(
        times_longest * pl.col("long"),
        pl.max_horizontal(times_longest * rather_long, far_beyond),
    )
    times = (pl.col("length") / pl.col("median")).log().abs().exp()
    is_far = times >= context.parameter(check, "least_times")
    return (
        placed.join(roles.lazy().select("role", "spread"), on="role", maintain_order="left")
        .filter((distance > least) & is_far | (pl.col("length") > longest))
        .collect()
        .rechunk()
        .select(
            "row",
            "field",
            score=times,
            message=pl.format(
                "{} letters; half of the messages of '{}' have at most {}",
                "letters",
                "role",
                pl.col("median").cast(pl.Int64),
            ),
        )
    )


CHECK = DatasetCheck(
    name="text/length",
    title="messages of unusual length",
    severity=Severity.INFO,
    fix=Fix.REVIEW,
    summaries=(message_lengths,),
    find=_find,
    parameters={
        "most_deviations": Parameter(
            5.0, "robust standard deviations; 3.5 is usual, but real lengths have longer tails"
        ),
        "least_times": Parameter(8.0, "longer or shorter than the median of the role"),
        "times_longest": Parameter(
            2.5, "the length that one message in a hundred exceeds; real ones reach twice"
        ),
        "least_messages": Parameter(100, "of a role; fewer do not tell what is usual"),
    },
)
