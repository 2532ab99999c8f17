"""Reading a source: files to a dataset, in which every row is a record or set aside."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.errors import DataError
from ..workspace.events import Emit, counting, ignore
from ..workspace.files import sha256_of_files
from .raw_row import RawRow
from .record_frame import RecordColumns, content_id
from .records import RECORD_SCHEMA, SET_ASIDE_SCHEMA, Dataset, Detection
from .rows import read_rows, spread_rows
from .shape_detection import detect_shape
from .shape_messages import UnfitError
from .shape_rows import Layout, Record, layout_of_detection, to_record
from .source_files import SourceFile, find_files, identify

_LOOKED_AT = 1000
_MOST_FILES_LOOKED_AT = 16
_PIECE_ROWS = 8192
_PIECE_BYTES = 64 << 20


def read_dataset(
    paths: str | Path | Sequence[str | Path],
    *,
    shape: str | None = None,
    mapping: Mapping[str, str] | None = None,
    emit: Emit = ignore,
) -> Dataset:
    """Read JSONL, JSON, CSV, TSV or Parquet into records.

    Every row becomes a record or is set aside with its place, its bytes and the reason. Blank
    lines of JSONL and CSV are no rows. The text formats may be gzip or zstd and UTF-8, UTF-16 or
    UTF-32 (the latter two with a byte order mark). Files are read in pieces of some ten thousand
    rows; besides the records themselves only one piece is held in memory.

    Args:
        paths: a file, a folder of shards (read in name order), a glob, or several of these.
        shape: the name of the row shape; detected by default.
        mapping: which source field plays which part, such as ``{"content": "value"}``; the parts
            not named are looked for, and ``""`` says that no field plays a part. The shape and
            mapping of a dataset's ``detection`` read the same rows again in the same way.
        emit: told about progress, in bytes.

    Raises:
        UsageError: an unknown shape or part.
        DataError: nothing can be read, or the rows fit no shape or several.
    """
    files = [identify(path) for path in find_files(paths)]
    where = ", ".join(str(file.path) for file in files[:3]) + (", …" if len(files) > 3 else "")
    sample, faults = _sample(files)
    if not sample:
        raise _nothing_readable(faults, where)
    detection = detect_shape(sample, where, shape, mapping)
    layout = layout_of_detection(detection)
    gathered = _gather(files, layout, emit)
    if not gathered.records:
        raise _nothing_readable(gathered.reasons, where)
    if detection.chosen_by == "detected" and gathered.unfit > gathered.records:
        raise _mostly_unfit(gathered, detection, where)
    paths = tuple(file.path for file in files)
    return Dataset(
        paths=paths,
        format="+".join(dict.fromkeys(file.format for file in files)),
        detection=detection,
        kind=layout.shape.kind,
        sha256=sha256_of_files(paths),
        rows=gathered.rows,
        records=pl.concat(gathered.frames),
        set_aside=pl.DataFrame(gathered.set_aside, schema=SET_ASIDE_SCHEMA, orient="row"),
    )


def understood_examples(dataset: Dataset, count: int = 3) -> list[dict[str, Any]]:
    """Return the first records as they were understood, without what is empty.

    Example of one: ``{"row": 0, "kind": "chat", "messages": [{"role": "user", "content": "Hi"}]}``.
    """
    columns = [name for name in RECORD_SCHEMA if name != "extra"]
    return [
        {name: _without_nulls(value) for name, value in record.items() if value is not None}
        for record in dataset.records.select(columns).head(count).iter_rows(named=True)
    ]


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [{name: item for name, item in message.items() if item is not None} for message in value]


@dataclass(slots=True)
class _Gathered:
    """What came of the rows: records, and rows set aside, with the reasons counted."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    set_aside: list[tuple[Any, ...]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    unfit: int = 0

    @property
    def records(self) -> int:
        """Number of rows that became records."""
        return self.rows - len(self.set_aside)

    def put_aside(self, path: Path, raw: RawRow, reason: str) -> None:
        """Take in a row that could not be understood."""
        place = (str(path), raw.line, raw.offset)
        self.set_aside.append((self.rows, *place, reason, raw.raw))
        self.reasons[reason] += 1


def _gather(files: Sequence[SourceFile], layout: Layout, emit: Emit) -> _Gathered:
    gathered = _Gathered()
    columns = RecordColumns(layout.shape.kind)
    held = 0
    total = sum(file.path.stat().st_size for file in files)
    with counting(emit, "reading", total=total, unit="bytes") as counter, _no_collection():
        for file in files:
            for raw in read_rows(file, counter.advance):
                record = _understand(raw, file.path, layout, gathered)
                if record is not None:
                    columns.add(gathered.rows, record)
                    held += len(raw.raw)
                    if len(columns) >= _PIECE_ROWS or held >= _PIECE_BYTES:
                        gathered.frames.append(columns.take_frame())
                        held = 0
                gathered.rows += 1
    gathered.frames.append(columns.take_frame())
    return gathered


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for cycles among millions of young rows, which have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _understand(raw: RawRow, path: Path, layout: Layout, gathered: _Gathered) -> Record | None:
    """Return a row's record; None where it had to be set aside."""
    if raw.value is None:
        gathered.put_aside(path, raw, raw.reason)
        return None
    try:
        record = to_record(raw.value, layout)
    except UnfitError as error:
        gathered.unfit += 1
        gathered.put_aside(path, raw, str(error))
        return None
    if record.id is None:
        record.id = content_id(raw.value)
    return record


def _sample(files: Sequence[SourceFile]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Return some readable rows from the beginnings of files and from all over them."""
    step = max(1, len(files) // _MOST_FILES_LOOKED_AT)
    looked_into = files[::step]
    each = max(1, _LOOKED_AT // len(looked_into))
    sample: list[dict[str, Any]] = []
    faults: Counter[str] = Counter()
    for file in looked_into:
        wanted = len(sample) + each
        for raw in read_rows(file):
            if raw.value is None:
                faults[raw.reason] += 1
                continue
            sample.append(raw.value)
            if len(sample) == wanted:
                break
        sample += (raw.value for raw in spread_rows(file) if raw.value is not None)
    return sample, faults


def _nothing_readable(reasons: Counter[str], where: str) -> DataError:
    if not reasons:
        return DataError("the source holds no rows", where=where)
    (reason, count), *_ = reasons.most_common(1)
    return DataError(
        f"no row can be read; the most frequent fault ({count:,} times): {reason}",
        where=where,
        fix="check that the file is what its name says, or give --shape and --map",
    )


def _mostly_unfit(gathered: _Gathered, detection: Detection, where: str) -> DataError:
    (reason, count), *_ = gathered.reasons.most_common(1)
    return DataError(
        f"the first rows look like {detection.shape!r}, but {gathered.unfit:,} of "
        f"{gathered.rows:,} rows do not fit; the most frequent fault ({count:,} times): {reason}",
        where=where,
        fix="split the file by shape, or say which one is meant with --shape; the other rows are "
        "then set aside",
    )
