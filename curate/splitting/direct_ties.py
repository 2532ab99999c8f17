"""Records that are themselves tied to records of a fixed part, without others in between."""

from __future__ import annotations

import numpy as np
import polars as pl

from .ties import NEAR, Ties

DIRECT_SCHEMA = pl.Schema(
    {"position": pl.Int64, "by": pl.String, "related": pl.Int64, "jaccard": pl.Float64}
)
_NO_NUMBER = pl.lit(None, dtype=pl.Float64)


def direct_ties(ties: Ties, fixed: np.ndarray, candidates: np.ndarray) -> pl.DataFrame:
    """Find the candidates with a key, or nearly the words, of a fixed record.

    Args:
        ties: all records.
        fixed: which records are fixed.
        candidates: which records are looked at.

    Returns:
        Frame of :data:`DIRECT_SCHEMA`, a line for each candidate that is tied: the strictest tie
        and the first fixed record that it leads to; in the order of positions.
    """
    found = [_tied_by_key(name, ties.keys[name], fixed, candidates) for name in ties.keys.columns]
    # Near-duplicates come after the equal words and before the same prompt.
    found.insert(2, _tied_by_words(ties, fixed, candidates))
    strictest = pl.concat(found).unique("position", keep="first", maintain_order=True)
    return strictest.sort("position")


def _tied_by_key(
    name: str, key: pl.Series, fixed: np.ndarray, candidates: np.ndarray
) -> pl.DataFrame:
    keyed = pl.DataFrame(
        {"key": key, "position": np.arange(len(key)), "fixed": fixed, "candidate": candidates}
    ).filter(pl.col("key").is_not_null())
    first = keyed.filter("fixed").group_by("key").agg(related=pl.col("position").min())
    return (
        keyed.filter("candidate")
        .join(first, on="key")
        .select("position", pl.lit(name).alias("by"), "related", jaccard=_NO_NUMBER)
    )


def _tied_by_words(ties: Ties, fixed: np.ndarray, candidates: np.ndarray) -> pl.DataFrame:
    """Follow pairs of near-duplicates, and from each end to all records of the same words.

    Of two swarms of copies the search pairs only the first ones.
    """
    same = numbered(ties.spoken)
    left = same[ties.pairs["left"].to_numpy()]
    right = same[ties.pairs["right"].to_numpy()]
    jaccard = ties.pairs["jaccard"].to_numpy()
    of_fixed = pl.DataFrame({"words": same, "related": np.arange(len(same))}).filter(
        pl.Series(fixed) & (pl.col("words") >= 0)
    )
    first = of_fixed.group_by("words").agg(pl.col("related").min())
    own = first.select("words", other="words", jaccard=pl.lit(1.0))
    both = pl.DataFrame(
        {
            "words": np.concatenate([left, right]),
            "other": np.concatenate([right, left]),
            "jaccard": np.concatenate([jaccard, jaccard]),
        },
        schema=own.schema,
    )
    related = (
        pl.concat([own, both])
        .join(first, left_on="other", right_on="words")
        .sort(["words", "jaccard", "related"], descending=[False, True, False])
        .unique("words", keep="first", maintain_order=True)
    )
    return (
        pl.DataFrame({"words": same, "position": np.arange(len(same))})
        .filter(pl.Series(candidates) & (pl.col("words") >= 0))
        .join(related, on="words")
        .select("position", pl.lit(NEAR).alias("by"), "related", "jaccard")
    )


def numbered(key: pl.Series) -> np.ndarray:
    """Number the different values of a key by where they occur first; -1 for null."""
    frame = key.alias("key").to_frame().with_row_index("position")
    first = frame.select(
        pl.when(pl.col("key").is_not_null())
        .then(pl.col("position").cast(pl.Int64).min().over("key"))
        .otherwise(-1)
    )
    return first.to_series().to_numpy()
