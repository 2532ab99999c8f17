"""Records back to rows in their source's own shape, and rows to files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from ..workspace.errors import DataError
from ..workspace.files import writing_whole
from .formats.json_values import json_bytes
from .records import Detection
from .shapes.record_frame import records_of
from .shapes.rows import layout_of_detection, to_row
from .shapes.unfit import UnfitError


def source_rows(records: pl.DataFrame, detection: Detection) -> Iterator[dict[str, Any]]:
    """Write records as the rows they came from.

    Untouched records give the very rows of the source: all fields with their values and types, in
    their order. An edited record gives its row with the edit.

    Args:
        records: frame of ``RECORD_SCHEMA``, as read or edited.
        detection: how the source was understood when it was read.

    Yields:
        One row a record, in the order of the frame.

    Raises:
        DataError: a record was edited so that the source's shape cannot express it.
    """
    layout = layout_of_detection(detection)
    for number, record in zip(records["row"], records_of(records, layout), strict=True):
        try:
            yield to_row(record, layout)
        except UnfitError as error:
            raise DataError(
                f"the edited row no longer fits the shape {detection.shape!r}: {error}",
                where=f"row {number}",
                fix="take the edit back, or keep to what the source's shape can hold",
            ) from error


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSON lines, whole or not at all.

    Returns:
        The number of rows written.
    """
    with writing_whole(path, "wb") as stream:
        return write_rows(stream, rows)


def write_rows(stream: IO[bytes], rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSON lines to an open file; returns their number."""
    count = 0
    for row in rows:
        stream.write(json_bytes(row) + b"\n")
        count += 1
    return count
