"""How records are spread over the values of a column: their shares, and those that are rare."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from .shares import Share

_MOST_VALUES = 50
_LEAST_RECORDS_EACH = 20


def count_values(values: pl.Series) -> dict[str, int]:
    """Count the values that are not blank, the most frequent first.

    Example:
        >>> count_values(pl.Series(["b", "a", "b", None, " "]))
        {'b': 2, 'a': 1}
    """
    given = values.filter(values.str.contains(r"\S")).alias("value")
    counts = given.value_counts().sort("count", "value", descending=[True, False])
    return dict(counts.iter_rows())


def rare_values(counts: Mapping[str, int], least_share_of_even: float) -> list[tuple[str, Share]]:
    """Return the values that surely have far less than an even share, the most frequent first.

    Values of a handful of records each are documents or customers, not parts of a population: of
    more than 50 values, or fewer than 20 records for each, none is called rare.

    Args:
        counts: records of each value.
        least_share_of_even: of an even share; the upper end of a rare value's interval is below.
    """
    total = sum(counts.values())
    if not 2 <= len(counts) <= _MOST_VALUES or total < _LEAST_RECORDS_EACH * len(counts):
        return []
    shares = [(name, Share(count, total)) for name, count in counts.items()]
    least = least_share_of_even / len(counts)
    return [(name, share) for name, share in shares if share.interval[1] < least]
