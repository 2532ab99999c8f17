"""Rows written to a file of the user's: JSON lines, JSON, CSV or Parquet, compressed or not."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from ...workspace.errors import JobError, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import writing_whole
from ...workspace.nearest import nearest
from ..formats.json_values import json_text, parse_json, type_name

JSONL, JSON, CSV, TSV, PARQUET = ".jsonl", ".json", ".csv", ".tsv", ".parquet"
GZIP, ZSTD = ".gz", ".zst"
FORMATS = (JSONL, JSON, CSV, TSV, PARQUET)
COMPRESSIONS = (GZIP, ZSTD)

_ROWS_AT_ONCE = 4096
_ZSTD_LEVEL = 10


def check_output(path: Path, sources: Sequence[Path], *, replace: bool) -> None:
    """Make sure that rows may be written to a file, before anything is done.

    Args:
        path: the file.
        sources: files that must never be written over.
        replace: an existing file may be.

    Raises:
        UsageError: it is a source, exists already, is a folder, or its ending tells no format.
    """
    _format_of(path)
    for source in sources:
        if path.exists() and source.exists() and path.samefile(source):
            raise UsageError(
                "this is the source itself, which is never changed",
                where=str(path),
                fix="name another file",
            )
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), fix="name a file in it")
    if path.exists() and not replace:
        raise UsageError(
            "the file is there already", where=str(path), fix="name another one, or use --force"
        )


def write_row_file(path: Path, lines: Path, emit: Emit = ignore) -> int:
    """Write rows to a file, whole or not at all.

    Its ending tells the format (``.jsonl``, ``.json``, ``.csv``, ``.tsv``, ``.parquet``) and the
    compression (``.gz`` or ``.zst`` after it). A format that cannot hold the rows as they are is
    refused; what it cannot tell apart (a missing field from an empty one) is said.

    Args:
        path: the file.
        lines: the rows as JSON lines.
        emit: told what the format does not keep.

    Returns:
        The number of rows.

    Raises:
        UsageError: the format cannot hold the rows.
        JobError: the disk is full or cannot be written.
    """
    name, compression = _format_of(path)
    try:
        with writing_whole(path, "wb") as plain:
            if name == PARQUET:
                return _write_parquet(plain, lines, path, emit)
            with _compressing(plain, compression) as stream:
                if name in (JSONL, JSON):
                    return _write_json(stream, lines, as_list=name == JSON)
                delimiter = "\t" if name == TSV else ","
                return _write_csv(stream, lines, delimiter, path, emit)
    except OSError as error:
        raise JobError(
            f"the rows cannot be written: {error.strerror or error}",
            where=str(error.filename or path),
            fix="free some space or check the folder's permissions, then run the command again",
        ) from error


def _format_of(path: Path) -> tuple[str, str]:
    """Return a file's format and compression by its endings."""
    compression = path.suffix.lower() if path.suffix.lower() in COMPRESSIONS else ""
    bare = path.with_suffix("") if compression else path
    name = bare.suffix.lower()
    if name not in FORMATS:
        raise UsageError(
            f"the ending {name!r} tells no format" if name else "the name has no ending",
            where=str(path),
            fix=f"use one of {', '.join(FORMATS)}; {nearest(name, FORMATS)}",
        )
    if compression and name == PARQUET:
        raise UsageError(
            "a Parquet file is compressed inside", where=str(path), fix=f"leave {compression} out"
        )
    return name, compression


def _compressing(stream: IO[bytes], compression: str) -> AbstractContextManager[IO[bytes]]:
    if compression == GZIP:
        # Neither name nor time: equal rows give equal bytes.
        return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0))
    if compression == ZSTD:
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(stream, closefd=False)
    return nullcontext(stream)


def _rows(lines: Path) -> Iterator[dict[str, Any]]:
    with lines.open("rb") as stream:
        for line in stream:
            yield parse_json(line)


def _write_json(stream: IO[bytes], lines: Path, *, as_list: bool) -> int:
    count = 0
    with lines.open("rb") as rows:
        for count, line in enumerate(rows, 1):
            if as_list:
                stream.write(b"[\n" if count == 1 else b",\n")
                line = line.rstrip(b"\n")
            stream.write(line)
    if as_list:
        stream.write(b"\n]\n" if count else b"[]\n")
    return count


def _write_csv(stream: IO[bytes], lines: Path, delimiter: str, path: Path, emit: Emit) -> int:
    columns, notes = _csv_columns(_rows(lines), path)
    if notes:
        emit(Note(text=f"{path.name} holds text only: " + "; ".join(notes), level="warning"))
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    try:
        plain, quoting = (
            csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=how)
            for how in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
        )
        count = -1
        for cells in _cells(lines, columns):
            # Python 3.11 sees no need for quotes around a carriage return.
            writer = quoting if any("\r" in cell for cell in cells) else plain
            writer.writerow(cells)
            count += 1
        text.flush()
    finally:
        text.detach()
    return count


def _csv_columns(rows: Iterable[dict[str, Any]], path: Path) -> tuple[list[str], list[str]]:
    """Return the columns of rows, and what a table of texts does not keep of them."""
    columns: dict[str, None] = {}
    typed: set[str] = set()
    empty: set[str] = set()
    counts: dict[str, int] = {}
    total = 0
    for row in rows:
        total += 1
        for name, value in row.items():
            columns[name] = None
            counts[name] = counts.get(name, 0) + 1
            if isinstance(value, dict | list):
                raise UsageError(
                    f"the field {name!r} of the clean row {total} is {type_name(value)}, which "
                    "fits in no cell",
                    where=str(path),
                    fix="write .jsonl, .json or .parquet",
                )
            if value is None:
                empty.add(name)
            elif not isinstance(value, str):
                typed.add(name)
    notes: list[str] = []
    if typed:
        notes.append(f"numbers, true and false become text ({', '.join(sorted(typed))})")
    missing = empty | {name for name, count in counts.items() if count < total}
    if missing:
        notes.append(f"null and missing become empty ({', '.join(sorted(missing))})")
    return list(columns), notes


def _cells(lines: Path, columns: list[str]) -> Iterator[list[str]]:
    """Yield the header, then the rows."""
    yield columns
    for row in _rows(lines):
        yield [_cell(row.get(name)) for name in columns]


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json_text(value)


def _write_parquet(stream: IO[bytes], lines: Path, path: Path, emit: Emit) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = _parquet_schema(lines)
        count = different = 0
        with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
            for rows in _batches(_rows(lines)):
                table = pa.Table.from_pylist(rows, schema=schema)
                writer.write_table(table)
                count += len(rows)
                different += sum(
                    row != other for row, other in zip(rows, table.to_pylist(), strict=True)
                )
    except (pa.ArrowException, OverflowError) as error:
        raise UsageError(
            f"Parquet cannot hold these rows: {str(error).splitlines()[0]}",
            where=str(path),
            fix="it wants one type a column, and a field in every object; write .jsonl",
        ) from error
    if different:
        text = (
            f"{different} rows read from {path.name} will not quite be equal: there, fields that "
            "a row lacks are null, and a column of whole and other numbers is one of floats"
        )
        emit(Note(text=text, level="warning"))
    return count


def _parquet_schema(lines: Path) -> Any:
    """Find out the types of all rows; a column that is a number here and null there is one."""
    import pyarrow as pa

    schema = pa.schema([])
    for rows in _batches(_rows(lines)):
        names = dict.fromkeys(name for row in rows for name in row)
        some = pa.Table.from_pydict({name: [row.get(name) for row in rows] for name in names})
        schema = pa.unify_schemas([schema, some.schema], promote_options="permissive")
    return schema


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch
