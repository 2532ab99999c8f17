"""A sample of a source's records, drawn while it is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ...workspace.events import Emit, ignore
from ..reading.read import Source, read_pieces

_KEY = "_key"


@dataclass(frozen=True, slots=True)
class Sample:
    """Records drawn from a source.

    Attributes:
        records: frame of ``RECORD_SCHEMA``, in the order of the source.
        rows: rows in the source.
        set_aside: rows that could not be understood.
    """

    records: pl.DataFrame
    rows: int
    set_aside: int


def sample_records(source: Source, most: int, seed: int, emit: Emit = ignore) -> Sample:
    """Draw at most so many records, each set of them as likely as any other.

    Every record gets a random key, and those with the smallest keys stay, so that no more than
    one piece and the sample are in memory.

    Args:
        source: what is read.
        most: size of the sample.
        seed: decides which.
        emit: told about progress.

    Raises:
        DataError: no row can be understood, or most do not fit the shape that was detected.
    """
    draw = np.random.default_rng(seed)
    kept: list[pl.DataFrame] = []
    rows = set_aside = 0
    for piece in read_pieces(source, emit):
        rows += piece.rows
        set_aside += piece.set_aside.height
        keys = pl.Series(_KEY, draw.random(piece.records.height))
        drawn = pl.concat([*kept, piece.records.with_columns(keys)])
        kept = [drawn.bottom_k(most, by=_KEY)]
    return Sample(kept[0].sort("row").drop(_KEY), rows, set_aside)
