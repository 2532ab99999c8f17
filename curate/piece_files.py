"""Frames that do not fit in memory: Parquet files written and read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import polars as pl

_ROWS_A_GROUP = 8192


class PieceWriter(Protocol):
    """Takes the next piece of a file."""

    def __call__(self, frame: pl.DataFrame, /) -> None:
        """Write a frame of the file's columns at the end."""
        ...


@contextmanager
def writing_pieces(path: Path, schema: pl.Schema) -> Iterator[PieceWriter]:
    """Write a Parquet file of pieces; it can be read when the block has ended.

    Args:
        path: where; inside a folder that is itself moved into place when whole.
        schema: the columns.

    Yields:
        What takes the pieces.
    """
    import pyarrow.parquet as pq

    oldest = pl.CompatLevel.oldest()
    columns = pl.DataFrame(schema=schema).to_arrow(compat_level=oldest).schema
    with pq.ParquetWriter(path, columns, compression="zstd") as writer:

        def write(frame: pl.DataFrame, /) -> None:
            table = frame.select(*schema).to_arrow(compat_level=oldest)
            writer.write_table(table, row_group_size=_ROWS_A_GROUP)

        yield write


def read_in_pieces(path: Path) -> Iterator[pl.DataFrame]:
    """Read a Parquet file as it was written, some thousand rows at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield pl.DataFrame(file.read_row_group(group))
