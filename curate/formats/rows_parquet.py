"""Parquet to raw rows, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...workspace.errors import DataError
from .arrow_values import batch_rows, check_schema, rows_at_once
from .compression import Advance
from .raw_row import RawRow

MAGIC = b"PAR1"


def parquet_rows(path: Path, advance: Advance) -> Iterator[RawRow]:
    """Yield the rows of a Parquet file; their values are as :mod:`arrow_values` says.

    Args:
        path: the file.
        advance: called with each batch's share of the file's bytes.

    Raises:
        DataError: the file is damaged, or names a column twice.
    """
    size = path.stat().st_size
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            check_schema(file.schema_arrow, path)
            total = max(1, file.metadata.num_rows)
            for group in range(file.num_row_groups):
                facts = file.metadata.row_group(group)
                at_once = rows_at_once(facts.num_rows, facts.total_byte_size)
                for batch in file.iter_batches(batch_size=at_once, row_groups=[group]):
                    yield from batch_rows(batch, number)
                    number += batch.num_rows
                    advance(size * batch.num_rows // total)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(
            f"the Parquet file cannot be read after row {number:,}: {reason}",
            where=str(path),
            fix="download or write it again",
        ) from error
