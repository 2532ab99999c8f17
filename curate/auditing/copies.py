"""Which records are copies of which, from small keys of all of them.

A record is a copy by the strictest of three equalities that holds for it: exact, normalised, near
(:mod:`.comparison_text`). Copies are found by 128-bit hashes of what is compared, so that no two
texts are taken for equal by chance, and texts themselves need not be in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ..check import CheckContext, DatasetContext
from ..near_duplicates.contained import CONTAINMENT
from ..near_duplicates.pairs import SHINGLE_SIZE, THRESHOLD, NearDuplicates, near_duplicate_pairs
from ..near_duplicates.ray_runner import ray_cluster
from ..near_duplicates.sharded_pairs import sharded_near_duplicates

_SHARDS_PER_CORE = 4

EXACT, NORMALISED, NEAR = "duplicates/exact", "duplicates/normalised", "duplicates/near"
CONTAINED = "duplicates/contained"


def comparison_keys(context: CheckContext) -> pl.DataFrame:
    """Return what tells copies apart: a summary (see :mod:`.check`).

    Returns:
        ``row``, ``label``, and as hashes (a pair of UInt64; null where there is nothing to
        compare) ``exact``, ``normalised``, ``prompt`` and ``answer``; ``characters`` is the
        length of what was said.
    """
    columns = context.comparison
    return columns.select(
        "row",
        context.records["label"],
        *(fingerprint(name) for name in ("exact", "normalised", "prompt", "answer")),
        characters=pl.col("spoken").str.len_chars().cast(pl.Int64),
    )


def spoken_words(context: CheckContext) -> pl.DataFrame:
    """Return the words by which near-duplicates are found: a summary, ``row`` and ``spoken``."""
    return context.comparison.select("row", "spoken")


def sharing(columns: pl.DataFrame, key: str) -> pl.DataFrame:
    """Leave only the rows whose key another row may have, too.

    Half a key is looked at, which is cheap: most rows need not be grouped by whole keys.

    Args:
        columns: the rows.
        key: a hash as :func:`comparison_keys` makes them; rows without one are left out.
    """
    half = pl.col(key).struct.field("a")
    return columns.filter(half.is_not_null() & half.is_duplicated())


def without_copies(columns: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Leave only the first row of those with an equal key, for each key in turn."""
    for key in keys:
        later = sharing(columns, key).filter(pl.col("row") != pl.col("row").min().over(key))
        columns = columns.filter(~pl.col("row").is_in(later["row"].implode()))
    return columns


def copies(columns: pl.DataFrame, key: str, message: str) -> pl.DataFrame:
    """Return a hit for every row but the first of those with an equal key.

    Args:
        columns: ``row`` and the key.
        key: the column that is equal.
        message: with ``{}`` for the row that stays.
    """
    return (
        sharing(columns, key)
        .with_columns(related_row=pl.col("row").min().over(key))
        .filter(pl.col("row") != pl.col("related_row"))
        .rechunk()
        .select(
            "row",
            "related_row",
            score=1.0,
            cluster="related_row",
            message=pl.format(message, "related_row"),
        )
    )


def longest_first(characters: pl.Series) -> np.ndarray:
    """Order positions by the length of their text, the longest first, then as they come."""
    return np.argsort(-characters.to_numpy(), kind="stable")


NEAR_PAIR_SCHEMA = pl.Schema(
    {
        "left": pl.Int64,
        "right": pl.Int64,
        "score": pl.Float64,
        "same_label": pl.Boolean,
        "left_characters": pl.Int64,
        "right_characters": pl.Int64,
    }
)


@dataclass(frozen=True, slots=True)
class NearCopies:
    """Near-duplicates among the records that are no stricter copies.

    Attributes:
        columns: ``row``, ``label``, ``characters`` of the records that were compared.
        found: the pairs, by position in ``columns``.
        where: where they were searched, if not here.
    """

    columns: pl.DataFrame
    found: NearDuplicates
    where: str = ""

    def pairs(self) -> pl.DataFrame:
        """Return the pairs by row, frame of :data:`NEAR_PAIR_SCHEMA`: what cleaning goes by."""
        left, right = self.found.pairs["left"], self.found.pairs["right"]
        one, other = self.columns[left], self.columns[right]
        return pl.DataFrame(
            {
                "left": one["row"],
                "right": other["row"],
                "score": self.found.pairs["jaccard"],
                "same_label": one["label"].eq_missing(other["label"]),
                "left_characters": one["characters"],
                "right_characters": other["characters"],
            },
            schema=NEAR_PAIR_SCHEMA,
        )


def near_copies(context: DatasetContext) -> NearCopies:
    """Find the near-duplicates, with the settings of ``duplicates/near``.

    Several checks need them: ask for ``context.shared(near_copies)``. They name
    :func:`comparison_keys` and :func:`spoken_words` as their summaries.
    """
    needed = ("row", "label", "exact", "normalised", "characters")
    columns = without_copies(context.summary(comparison_keys, *needed), "exact", "normalised")
    columns = columns.select("row", "label", "characters")
    settings = near_settings(context.parameters)
    pieces, rows = context.summaries.scan_pieces(spoken_words), columns["row"].to_numpy()
    if context.ray is None:
        spoken = (_spoken_of(piece, rows) for piece in pieces)
        folder = context.summaries.folder
        share = context.parameters.get(CONTAINED, {}).get("share", CONTAINMENT)
        found = near_duplicate_pairs(spoken, containment=share, folder=folder, **settings)
        return NearCopies(columns, found)
    with ray_cluster(context.ray) as runner:
        shards = (
            partial(pl.Series.clone, _spoken_of(pl.concat(some), rows))
            for some in _portions(pieces, _SHARDS_PER_CORE * runner.cores)
        )
        found = sharded_near_duplicates(shards, runner, **settings)
        nodes = "one node" if runner.nodes == 1 else f"{runner.nodes:,} nodes"
        return NearCopies(columns, found, f"searched on {nodes} of Ray")


def _spoken_of(piece: pl.LazyFrame, rows: np.ndarray) -> pl.Series:
    """Take the words of some rows, named in ascending order, out of a piece."""
    spoken = piece.collect()
    if not len(rows):
        return spoken["spoken"].clear()
    found = np.searchsorted(rows, spoken["row"].to_numpy()).clip(max=len(rows) - 1)
    return spoken["spoken"].filter(pl.Series(rows[found]) == spoken["row"])


def _portions(pieces: Sequence[pl.LazyFrame], most: int) -> Iterator[Sequence[pl.LazyFrame]]:
    """Put pieces together that follow each other, into no more portions than that."""
    size = -(-len(pieces) // most)
    yield from (pieces[first : first + size] for first in range(0, len(pieces), size or 1))


def near_settings(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``threshold`` and ``shingle_size`` of near-duplicates.

    Args:
        parameters: the user's settings for single checks.
    """
    usual = {"threshold": THRESHOLD, "shingle_size": SHINGLE_SIZE}
    return usual | dict(parameters.get(NEAR, {}))


def fingerprint(name: str) -> pl.Expr:
    """Hash a column of texts to 128 bits; null stays null."""
    text = pl.col(name)
    return pl.when(text.is_not_null()).then(pl.struct(a=text.hash(1), b=text.hash(2))).alias(name)
