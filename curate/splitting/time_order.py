"""Oldest to train, newest to test: the borders between them, and what straddles these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

_MILLISECONDS_FROM, _MICROSECONDS_FROM = 1e11, 1e14
"""Numbers of this size count milli- or microseconds: as seconds they are beyond the year 5000."""


@dataclass(frozen=True, slots=True)
class TimeOrder:
    """Parts by time.

    Attributes:
        parts: the part of each record.
        borders: the time from which on a part begins, by part.
        straddling: how many components have records on both sides of a border.
        older: how many records are in a later part than their own time says, by part.
    """

    parts: np.ndarray
    borders: dict[int, float]
    straddling: int
    older: dict[int, int]


def read_times(values: pl.Series) -> np.ndarray:
    """Read times as seconds since 1970; not a number where there is none or it cannot be read.

    Taken are ISO 8601 (without a zone it counts as UTC) and numbers of seconds, milliseconds or
    microseconds.
    """
    distinct = values.unique()
    seconds = pl.Series([_seconds(text) for text in distinct], dtype=pl.Float64)
    return values.replace_strict(distinct, seconds, return_dtype=pl.Float64).to_numpy()


def _seconds(text: str | None) -> float | None:
    if text is None:
        return float("nan")
    try:
        number = float(text)
    except ValueError:
        return _iso_seconds(text)
    if not np.isfinite(number):
        return float("nan")
    size = abs(number)
    return number / (1e6 if size > _MICROSECONDS_FROM else 1e3 if size > _MILLISECONDS_FROM else 1)


def _iso_seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("nan")


def time_parts(components: np.ndarray, times: np.ndarray, shares: Sequence[float]) -> TimeOrder:
    """Divide components by the time of their newest record, so that none in train is newer.

    A border lies between two different times, where it comes nearest to the wanted share. A
    component with records on both sides goes to the later side: so test and val may hold some
    older records, but train none from after its end.

    Args:
        components: of each record.
        times: of each record, in seconds.
        shares: of the parts, the oldest first; they sum up to 1.
    """
    _, component = np.unique(components, return_inverse=True)
    newest = np.full(component.max(initial=-1) + 1, -np.inf)
    np.maximum.at(newest, component, times)
    decisive = newest[component]
    distinct, counts = np.unique(decisive, return_counts=True)
    until = np.cumsum(counts)
    parts = np.zeros(len(times), dtype=np.int64)
    own = np.zeros(len(times), dtype=np.int64)
    borders: dict[int, float] = {}
    for part in range(1, len(shares)):
        if shares[part] <= 0:
            continue
        wanted = float(np.sum(shares[:part])) * len(times)
        # The first time that is on the later side; both sides keep at least one time.
        first = int(np.argmin(np.abs(until - wanted))) + 1
        lowest = 1 + int(np.searchsorted(distinct, max(borders.values(), default=-np.inf)))
        left = sum(1 for share in shares[part + 1 :] if share > 0)
        first = max(min(first, len(distinct) - 1 - left), lowest if borders else 1)
        if first >= len(distinct):
            continue
        borders[part] = float(distinct[first])
        parts[decisive >= distinct[first]] = part
        own[times >= distinct[first]] = part
    older = parts > own
    by_part = {part: int((older & (parts == part)).sum()) for part in borders}
    return TimeOrder(parts, borders, len(np.unique(component[older])), by_part)
