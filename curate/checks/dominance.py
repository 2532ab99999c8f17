"""Whether one value of a column dominates: shared by the checks of labels, sources and groups."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ..auditing.profile import profile_summary
from ..check import Check, CheckSkippedError, DatasetContext
from ..measures.shares import Share, effective_number
from ..measures.value_shares import count_values, rare_values

_SHOWN = 5
_HIT = {
    "field": pl.String,
    "score": pl.Float64,
    "related": pl.String,
    "message": pl.String,
}


def values_of(context: DatasetContext, check: Check, column: str) -> dict[str, int]:
    """Count a column's values, the most frequent first.

    Raises:
        CheckSkippedError: the column has fewer than two values, or hardly one twice.
    """
    counts = count_values(context.summary(profile_summary, column)[column])
    if len(counts) < 2:
        raise CheckSkippedError(f"the rows have no {column}s, or one {column} alone")
    total = sum(counts.values())
    if len(counts) > context.parameter(check, "most_values") * total:
        raise CheckSkippedError(f"{len(counts):,} values in {total:,} rows are no {column}s")
    return counts


def uneven_values(
    context: DatasetContext, check: Check, column: str, *, tell_rare: bool = False
) -> pl.DataFrame:
    """Return a hit about the dataset where a column's values are far from evenly frequent.

    Args:
        context: the whole dataset.
        check: whose parameters ``least_evenness`` and ``most_times_even`` judge, and whose
            ``most_values`` tells values from texts; with ``tell_rare`` also
            ``least_share_of_even``.
        column: ``label``, ``source`` or ``group``.
        tell_rare: name the rare values, and let them be a reason, too.
    """
    counts = values_of(context, check, column)
    total = sum(counts.values())
    effective = effective_number(list(counts.values()))
    context.explain(check, f"{len(counts):,} {column}s, effectively {effective:.1f}")
    name, most = next(iter(counts.items()))
    times = most / total * len(counts)
    rare = rare_values(counts, context.parameter(check, "least_share_of_even")) if tell_rare else []
    is_even = effective / len(counts) >= context.parameter(check, "least_evenness")
    if is_even and times <= context.parameter(check, "most_times_even") and not rare:
        return pl.DataFrame(schema=_HIT)
    message = (
        f"'{name}' is {most / total:.1%} of the {column}s, {times:.1f} times an even share; the "
        f"{len(counts):,} {column}s are as diverse as {effective:.1f} even ones"
    )
    if tell_rare:
        message += _largest(counts, total) + _rarest(rare)
    return pl.DataFrame(
        [{"field": column, "score": most / total, "related": name, "message": message}],
        schema=_HIT,
    )


def _largest(counts: Mapping[str, int], total: int) -> str:
    largest = list(counts.items())[:_SHOWN]
    return "; the largest: " + ", ".join(f"'{name}' {count / total:.1%}" for name, count in largest)


def _rarest(rare: list[tuple[str, Share]]) -> str:
    if not rare:
        return ""
    shown = ", ".join(f"'{name}' {share}" for name, share in rare[-_SHOWN:])
    return f"; {len(rare)} rare: {shown}"
