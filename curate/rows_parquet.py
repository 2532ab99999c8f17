"""Parquet to raw rows: values as JSON has them, so that rows can be written out again."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..workspace.errors import DataError
from .compression import Advance
from .raw_row import RawRow

_ROWS_AT_ONCE = 4096


def parquet_rows(path: Path, advance: Advance) -> Iterator[RawRow]:
    """Yield the rows of a Parquet file.

    Dates, times and decimals become text, bytes become base64 text, and numbers that JSON cannot
    hold (NaN, infinity) become null. A row's raw bytes are its JSON.

    Args:
        path: the file.
        advance: called with a row group's share of the file's bytes.

    Raises:
        DataError: the file is damaged, or names a column twice.
    """
    size = path.stat().st_size
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _refuse_repeated_columns(file, path)
            total = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                for row in _batch_rows(_as_micro_seconds(batch)):
                    number += 1
                    yield row._replace(line=number)
                advance(size * batch.num_rows // total)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the Parquet file cannot be read after row {number:,}: {reason}",
            where=str(path),
            fix="download or write it again",
        ) from error


def _batch_rows(batch: pa.RecordBatch) -> Iterator[RawRow]:
    try:
        values = batch.to_pylist()
    except UnicodeDecodeError as error:
        if batch.num_rows == 1:
            yield RawRow(None, f"not UTF-8: {error.reason}", 0, None, _arrow_bytes(batch))
            return
        middle = batch.num_rows // 2
        yield from _batch_rows(batch.slice(0, middle))
        yield from _batch_rows(batch.slice(middle))
        return
    for value in values:
        raw = orjson.dumps(value, default=_as_json)
        yield RawRow(orjson.loads(raw), "", 0, None, raw)


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _as_micro_seconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Turn times in nanoseconds, which Python's own types cannot hold, into text."""
    columns = [
        column.cast(pa.string()) if _is_nanoseconds(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _is_nanoseconds(kind: pa.DataType) -> bool:
    return (pa.types.is_timestamp(kind) or pa.types.is_time(kind)) and kind.unit == "ns"


def _arrow_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _refuse_repeated_columns(file: pq.ParquetFile, path: Path) -> None:
    names = file.schema_arrow.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"the file names a column twice: {', '.join(map(repr, repeated))}",
            where=str(path),
            fix="rename one of them",
        )
