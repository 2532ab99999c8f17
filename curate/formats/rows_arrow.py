"""Arrow's own files and streams (Feather version 2 too) to raw rows, a few thousand at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ...workspace.errors import DataError
from .arrow_values import batch_rows, check_schema
from .compression import Advance
from .raw_row import RawRow

FILE_MAGIC = b"ARROW1"
STREAM_MAGIC = b"\xff\xff\xff\xff"
FEATHER_1_MAGIC = b"FEA1"

_END_OF_STREAM = STREAM_MAGIC + bytes(4)


def is_arrow(head: bytes) -> bool:
    """Tell an Arrow file or stream by its first bytes."""
    return head.startswith((FILE_MAGIC, STREAM_MAGIC))


def ends_early(path: Path, head: bytes) -> bool:
    """Tell whether a stream lacks the mark at its end.

    Such a stream may be whole, but it may also have been cut off between two of its batches.

    Raises:
        OSError: the file cannot be read.
    """
    if not head.startswith(STREAM_MAGIC) or path.stat().st_size < len(_END_OF_STREAM):
        return False
    with path.open("rb") as stream:
        stream.seek(-len(_END_OF_STREAM), 2)
        return stream.read() != _END_OF_STREAM


def arrow_rows(path: Path, advance: Advance) -> Iterator[RawRow]:
    """Yield the rows of an Arrow file or stream; their values are as :mod:`arrow_values` says.

    The file is mapped, so that of a batch only what is looked at has to be in memory (all of it
    where it is compressed). Streams one after another are read as one.

    Args:
        path: the file.
        advance: called with each batch's share of the file's bytes.

    Raises:
        DataError: the file is damaged, or names a column twice.
    """
    number = 0
    try:
        with pa.memory_map(str(path)) as source:
            is_file = source.read(len(FILE_MAGIC)) == FILE_MAGIC
            source.seek(0)
            batches = _file_batches if is_file else _stream_batches
            for batch, size in batches(source, path):
                _check_structure(batch)
                yield from batch_rows(batch, number)
                number += batch.num_rows
                advance(size)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(
            f"the Arrow file cannot be read after row {number:,}: {reason}",
            where=str(path),
            fix="download or write it again",
        ) from error


def _file_batches(source: pa.NativeFile, path: Path) -> Iterator[tuple[pa.RecordBatch, int]]:
    reader = pa.ipc.open_file(source)
    check_schema(reader.schema, path)
    count = reader.num_record_batches
    for number in range(count):
        yield reader.get_batch(number), source.size() // count


def _stream_batches(source: pa.NativeFile, path: Path) -> Iterator[tuple[pa.RecordBatch, int]]:
    while (begun := source.tell()) < source.size():
        reader = pa.ipc.open_stream(source)
        check_schema(reader.schema, path)
        for batch in reader:
            yield batch, source.tell() - begun
            begun = source.tell()


def _check_structure(batch: pa.RecordBatch) -> None:
    """Make sure that what a batch says of itself is true, as nobody has checked so far.

    Texts that are not UTF-8 are a matter of single rows, so they are looked at as bytes.

    Raises:
        ValueError: offsets or indices point beyond what is there.
    """
    batch.validate()
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            # The view would hide what is wrong with a field of no type.
            if "UTF8" not in str(error) or _holds_null(column.type):
                raise
            column.view(_as_bytes(column.type)).validate(full=True)


def _holds_null(kind: pa.DataType) -> bool:
    inner = (kind.field(place).type for place in range(kind.num_fields))
    return pa.types.is_null(kind) or any(map(_holds_null, inner))


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """Return a type with bytes in the place of text, at any depth."""
    for is_text, bare in (
        (pa.types.is_string, pa.binary()),
        (pa.types.is_large_string, pa.large_binary()),
        (pa.types.is_string_view, pa.binary_view()),
    ):
        if is_text(kind):
            return bare
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_bytes(field.type)) for field in kind.fields])
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _as_bytes(kind.value_type), ordered=kind.ordered)
    for is_list, make in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if is_list(kind):
            return make(kind.value_field.with_type(_as_bytes(kind.value_type)))
    return kind
