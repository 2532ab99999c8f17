"""Searching texts piece by piece for places in which an item may stand.

What is kept of a piece is small: how many of its texts have each gram that some item has, and the
words of the places, as far as items have them. What is made of that is in :mod:`.matches`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from .index import Index
from .words import words_of

MOST_AT_ONE_PLACE = 8
"""Of the items that are alike and stand at the same place, so many are looked at closely."""

PLACE_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "probe": pl.Int32,
        "first": pl.Int64,
        "words": pl.List(pl.Int32),
    }
)
"""Row, probe, number of the place's first word among the row's, and the grams of its words."""

FREQUENCY_SCHEMA = pl.Schema({"gram": pl.UInt32, "texts": pl.UInt32})


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search of some texts found.

    Attributes:
        texts: how many were searched.
        places: frame of :data:`PLACE_SCHEMA`.
        frequency: frame of :data:`FREQUENCY_SCHEMA`: the texts that have a gram; those that have
            it not are left out.
    """

    texts: int
    places: pl.DataFrame
    frequency: pl.DataFrame


def search(index: Index, texts: pl.DataFrame) -> Searched:
    """Search rows for places in which an item may stand.

    Args:
        index: what is looked for.
        texts: ``row`` and ``content``; the texts of a row stand together, and are read as one, so
            that a question and its answer may stand in two messages.
    """
    from .match_kernels import find_pairs

    rows, counts = np.unique(texts["row"].to_numpy(), return_counts=True)
    if not len(rows) or not index.probes:
        return Searched(
            len(rows),
            pl.DataFrame(schema=PLACE_SCHEMA),
            pl.DataFrame(schema=FREQUENCY_SCHEMA),
        )
    words = words_of(texts["content"])
    row_words = np.add.reduceat(words.counts, np.cumsum(counts) - counts)
    postings = index.postings
    gram_texts = np.zeros(index.grams, dtype=np.uint32)
    pairs, windows = find_pairs(
        words.hashes,
        row_words,
        index.word_table,
        index.run_table,
        postings.weights,
        postings.starts,
        postings.probes,
        index.run_starts,
        index.probe_runs,
        index.lengths,
        postings.needed,
        postings.spare,
        MOST_AT_ONE_PLACE,
        gram_texts,
    )
    met = np.flatnonzero(gram_texts)
    return Searched(
        len(rows),
        pl.DataFrame(
            {
                "row": rows[pairs[:, 0]],
                "probe": pairs[:, 1],
                "first": pairs[:, 2],
                "words": _lists(windows, pairs[:, 3]),
            },
            schema=PLACE_SCHEMA,
        ),
        pl.DataFrame({"gram": met, "texts": gram_texts[met]}, schema=FREQUENCY_SCHEMA),
    )


def _lists(values: np.ndarray, lengths: np.ndarray) -> pl.Series:
    """Cut numbers into lists."""
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pl.Series(
        pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values, pa.int32()))
    )
