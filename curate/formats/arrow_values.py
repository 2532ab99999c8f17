"""Record batches of Arrow to raw rows: values as JSON has them, so that rows can be written again.

Dates, times and decimals become text, bytes become base64 text, and numbers that JSON cannot hold
(NaN, infinity) become null. A row's raw bytes are its JSON.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from ...workspace.errors import DataError
from .json_values import MAX_DEPTH
from .raw_row import RawRow

_ROWS_AT_ONCE = 4096
_BYTES_AT_ONCE = 16 << 20


def rows_at_once(rows: int, size: int) -> int:
    """Return how many rows of so many, of a size in bytes together, are to be taken at once."""
    return max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE * rows // max(1, size)))


def check_schema(schema: pa.Schema, path: Path) -> None:
    """Make sure that rows of a schema can be told apart from nothing, and their fields by name.

    Raises:
        DataError: a column or a field within one is named twice, no column can hold a value, or
            one is nested too deeply.
    """
    if any(_depth(kind) > MAX_DEPTH for kind in schema.types):
        raise DataError(f"a column is nested deeper than {MAX_DEPTH} levels", where=str(path))
    twice = _repeated(schema.names) or next(filter(None, map(_repeated_within, schema.types)), "")
    if twice:
        raise DataError(
            f"the file names a column twice: {twice!r}", where=str(path), fix="rename one of them"
        )
    if all(pa.types.is_null(kind) for kind in schema.types):
        raise DataError("the file has no column that holds values", where=str(path))


def batch_rows(batch: pa.RecordBatch, begun: int) -> Iterator[RawRow]:
    """Yield the rows of a batch; one whose values cannot be read comes out with the reason.

    Args:
        batch: what was read.
        begun: how many rows of the file came before.
    """
    size = rows_at_once(batch.num_rows, batch.nbytes)
    for start in range(0, batch.num_rows, size):
        yield from _part_rows(_as_text_beyond_python(batch.slice(start, size)), begun + start)


def _part_rows(batch: pa.RecordBatch, begun: int) -> Iterator[RawRow]:
    try:
        values = batch.to_pylist()
        lines = [orjson.dumps(value, default=_as_json) for value in values]
    # Whatever pyarrow and Python's own types say of a value that is none to them: text that is not
    # UTF-8, a date beyond the year 9999, a time zone that nobody knows.
    except (ValueError, OverflowError, LookupError, TypeError) as error:
        if batch.num_rows == 1:
            yield RawRow(None, _reason(error), begun + 1, None, _arrow_bytes(batch))
            return
        middle = batch.num_rows // 2
        yield from _part_rows(batch.slice(0, middle), begun)
        yield from _part_rows(batch.slice(middle), begun + middle)
        return
    for number, line in enumerate(lines, begun + 1):
        yield RawRow(orjson.loads(line), "", number, None, line)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason}"
    return f"a value that cannot be read: {error}"


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Decimal | timedelta):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def _as_text_beyond_python(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Turn times in nanoseconds, which Python's own types cannot hold, into text."""
    targets = [_readable(kind) for kind in batch.schema.types]
    if targets == batch.schema.types:
        return batch
    columns = [
        column if column.type == target else column.cast(target)
        for column, target in zip(batch.columns, targets, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _readable(kind: pa.DataType) -> pa.DataType:
    """Return the type with text in the place of nanoseconds, at any depth."""
    if pa.types.is_temporal(kind):
        return pa.string() if getattr(kind, "unit", "") == "ns" else kind
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_readable(field.type)) for field in kind.fields])
    if pa.types.is_map(kind):
        return pa.map_(_readable(kind.key_type), _readable(kind.item_type))
    for is_list, make in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if is_list(kind):
            return make(kind.value_field.with_type(_readable(kind.value_type)))
    return kind


def _depth(kind: pa.DataType) -> int:
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    return 1 + max(map(_depth, inner), default=0)


def _repeated(names: list[str]) -> str:
    return next((name for name, times in Counter(names).items() if times > 1), "")


def _repeated_within(kind: pa.DataType) -> str:
    """Return a name that a struct has twice, at any depth."""
    inner = [kind.field(place) for place in range(kind.num_fields)]
    twice = _repeated([field.name for field in inner]) if pa.types.is_struct(kind) else ""
    return twice or next(filter(None, (_repeated_within(field.type) for field in inner)), "")


def _arrow_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()
