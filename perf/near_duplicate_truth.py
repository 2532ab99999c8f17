"""Which rows of a corpus are near-duplicates, counted without anything of the engine.

    python perf/near_duplicate_truth.py CORPUS.arrow TRUTH.arrow [SAMPLED_ROWS]

Every pair with at least one of the sampled rows (all rows by default) whose sets of word 5-grams
have a Jaccard similarity of 0.8 or more, by multiplying the matrix of rows and 5-grams with
itself. Only rows of 25 words or more are compared: there every tool's definition is the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_array

SIZE = 5
THRESHOLD = 0.8
LEAST_WORDS = 25
SCHEMA = pl.Schema({"left": pl.Int64, "right": pl.Int64, "jaccard": pl.Float64})

_ROWS_AT_ONCE = 20_000
_PRODUCTS_AT_ONCE = 50_000_000


def row_shingles(corpus: Path) -> Iterator[pl.DataFrame]:
    """Yield ``row`` and ``shingle`` (polars' hash of the 5-gram's text), each once."""
    rows = pl.scan_ipc(corpus).with_row_index("row").collect_batches(chunk_size=_ROWS_AT_ONCE)
    for piece in rows:
        words = (
            piece.with_columns(word=pl.col("text").str.split(" "))
            .filter(pl.col("word").list.len() >= LEAST_WORDS)
            .select(pl.col("row").cast(pl.Int64), "word")
            .explode("word")
        )
        following = [pl.col("word").shift(-step) for step in range(SIZE)]
        yield (
            words.with_columns(
                shingle=pl.concat_str(following, separator=" ").hash(99),
                inside=pl.col("row").shift(1 - SIZE) == pl.col("row"),
            )
            .filter("inside")
            .select("row", "shingle")
            .unique()
        )


def sampled_rows(rows: int, sampled: int | None) -> np.ndarray:
    """Tell for each row whether its pairs are counted."""
    if sampled is None:
        return np.ones(rows, dtype=bool)
    chosen = np.zeros(rows, dtype=bool)
    chosen[np.random.default_rng(7).choice(rows, sampled, replace=False)] = True
    return chosen


def true_pairs(corpus: Path, sampled: int | None = None) -> pl.DataFrame:
    """Count the pairs; frame of :data:`SCHEMA`."""
    rows = pl.scan_ipc(corpus).select(pl.len()).collect().item()
    chosen = sampled_rows(rows, sampled)
    wanted = pl.Series("shingle", [], dtype=pl.UInt64)
    if sampled is not None:
        is_chosen = pl.Series(chosen)
        wanted = pl.concat(
            [
                piece.filter(is_chosen.gather(piece["row"]))["shingle"]
                for piece in row_shingles(corpus)
            ]
        ).unique()
    sizes = np.zeros(rows, dtype=np.int64)
    entries: list[pl.DataFrame] = []
    for piece in row_shingles(corpus):
        counted = piece["row"].value_counts()
        sizes[counted["row"].to_numpy()] = counted["count"].to_numpy()
        if sampled is not None:
            piece = piece.join(wanted.to_frame(), on="shingle", how="semi")
        entries.append(piece)
    table = pl.concat(entries)
    del entries
    shingle = table["shingle"].to_numpy()
    order = np.argsort(shingle)
    new = np.r_[True, shingle[order][1:] != shingle[order][:-1]]
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(new) - 1
    often = np.bincount(numbers)
    shared = often[numbers] > 1
    row = table["row"].to_numpy()[shared]
    numbers = numbers[shared]
    ones = np.ones(len(row), dtype=np.int32)
    matrix = csr_array((ones, (row, numbers)), shape=(rows, len(often)))
    return _similar(matrix, sizes, np.flatnonzero(chosen), often)


def _similar(
    matrix: csr_array, sizes: np.ndarray, chosen: np.ndarray, often: np.ndarray
) -> pl.DataFrame:
    transposed = matrix.T.tocsr()
    # A row that shares too few of its 5-grams with anybody has no partner.
    chosen = chosen[np.diff(matrix.indptr)[chosen] >= THRESHOLD * np.maximum(1, sizes[chosen])]
    work = np.cumsum(matrix[chosen] @ often.astype(np.float64))
    blocks = (work // _PRODUCTS_AT_ONCE).astype(np.int64)
    found: list[pl.DataFrame] = []
    for block in np.unique(blocks):
        some = chosen[blocks == block]
        product = (matrix[some] @ transposed).tocoo()
        left, right = some[product.coords[0]], product.coords[1].astype(np.int64)
        jaccard = product.data / (sizes[left] + sizes[right] - product.data)
        keep = (jaccard >= THRESHOLD) & (left != right)
        low, high = np.minimum(left[keep], right[keep]), np.maximum(left[keep], right[keep])
        found.append(pl.DataFrame([low, high, jaccard[keep]], schema=SCHEMA))
    return pl.concat([pl.DataFrame(schema=SCHEMA), *found]).unique().sort("left", "right")


if __name__ == "__main__":
    SAMPLED = int(sys.argv[3]) if len(sys.argv) > 3 else None
    true_pairs(Path(sys.argv[1]), SAMPLED).write_ipc(sys.argv[2])
