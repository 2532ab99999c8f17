"""Columns whose shares are to be the same in every part: their values, or bands of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from .ties import Ties

LENGTH = "length"
"""A column of this name means the number of words, unless the rows have a field of that name."""

_BANDS = 5
_MOST_NUMBERS = 20
"""A column of numbers with more different ones than this is cut into bands."""


@dataclass(frozen=True, slots=True)
class Strata:
    """The columns to keep in balance.

    Attributes:
        columns: their names.
        values: of every record, as strings; empty where a record has none.
        height: the number of records.
    """

    columns: tuple[str, ...]
    values: pl.DataFrame
    height: int

    def codes(self) -> np.ndarray:
        """Return the values as integers from 0 on, records by columns."""
        if not self.columns:
            return np.zeros((self.height, 1), dtype=np.int64)
        ranks = self.values.select(pl.col(name).rank("dense") - 1 for name in self.columns)
        return ranks.to_numpy().astype(np.int64).reshape(-1, len(self.columns))


def choose_strata(ties: Ties, wanted: Sequence[str], counted: np.ndarray, usual: str) -> Strata:
    """Return the columns that were asked for; by default the label, where it has few values.

    Args:
        ties: the records.
        wanted: the columns; among the values of ``ties``.
        counted: which records are split at all; bands are made of their numbers.
        usual: what the source calls the label.
    """
    if wanted:
        read = {name: _values(ties, name, counted) for name in dict.fromkeys(wanted)}
        return Strata(tuple(read), pl.DataFrame(read), ties.height)
    labels = ties.rows["label"]
    distinct = labels.filter(pl.Series(counted)).drop_nulls().n_unique()
    if 2 <= distinct <= int(counted.sum()) / 2:
        return Strata((usual,), labels.fill_null("").alias(usual).to_frame(), ties.height)
    return Strata((), pl.DataFrame(), ties.height)


def _values(ties: Ties, name: str, counted: np.ndarray) -> pl.Series:
    values = ties.values[name]
    if name == LENGTH and values.null_count() == len(values):
        return _bands(ties.rows["words"].cast(pl.Float64), counted, " words")
    numbers = values.cast(pl.Float64, strict=False)
    given = values.len() - values.null_count()
    is_number = numbers.is_finite().fill_null(False)
    if given and int(is_number.sum()) == given and numbers.n_unique() > _MOST_NUMBERS:
        return _bands(numbers, counted, "")
    return values.fill_null("")


def _bands(numbers: pl.Series, counted: np.ndarray, unit: str) -> pl.Series:
    """Cut numbers into bands with about as many records each, named by what is in them."""
    known = np.sort(numbers.filter(pl.Series(counted)).drop_nulls().to_numpy())
    places = [len(known) * band // _BANDS for band in range(1, _BANDS)]
    edges = np.unique(known[places]) if len(known) else known
    found = np.searchsorted(edges, numbers.fill_null(0).to_numpy(), side="left")
    names = []
    for band in range(len(edges) + 1):
        inside = known[np.searchsorted(edges, known, side="left") == band]
        low, high = (f"{inside[0]:g}", f"{inside[-1]:g}") if len(inside) else ("", "")
        names.append(f"{low}–{high}{unit}" if low != high else f"{low}{unit}")
    bands = pl.Series(names, dtype=pl.String).gather(found)
    return bands.zip_with(numbers.is_not_null(), pl.Series([""])).alias(numbers.name)
