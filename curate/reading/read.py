"""Reading a source: files to pieces of a dataset, in which every row is a record or set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.errors import DataError
from ...workspace.events import Emit, Note, counting, ignore
from ..formats.text_encoding import check_encoding
from ..records import MESSAGE_PARTS, RECORD_SCHEMA, Dataset, Detection
from ..shapes.rows import layout_of_detection
from .dataset_info import detect_described, find_description
from .pieces import RowCount, pieces_of
from .rows import read_rows, spread_rows
from .source_files import SourceFile, find_files, identify, sha256_of_source

_LOOKED_AT = 1000
_LOOKED_AT_BYTES = 64 << 20
_MOST_FILES_LOOKED_AT = 16
_EXAMPLE_CHARACTERS = 300
_EXAMPLE_MESSAGES = 10


@dataclass(frozen=True, slots=True)
class Source:
    """Files whose rows were looked at, and how they are to be understood.

    Attributes:
        files: the files, in reading order.
        detection: the row shape and how it was found.
    """

    files: tuple[SourceFile, ...]
    detection: Detection

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the files lie."""
        return tuple(file.path for file in self.files)

    @property
    def format(self) -> str:
        """The files' format; joined by ``+`` where they differ."""
        return "+".join(dict.fromkeys(file.format for file in self.files))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed about the files, in sentences that name them."""
        named: dict[str, list[str]] = {}
        for file in self.files:
            for note in file.notes:
                named.setdefault(note, []).append(file.path.name)
        return tuple(
            f"{names[0]}{f' and {len(names) - 1:,} more' if names[1:] else ''}: {note}"
            for note, names in named.items()
        )

    @property
    def where(self) -> str:
        """The files for messages about faults."""
        return _named(self.files)


def open_source(
    paths: str | Path | Sequence[str | Path],
    *,
    shape: str | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Source:
    """Find files and tell the shape of their rows by a look at some of them.

    Args:
        paths: a file, a folder of shards (read in name order), a glob, an entry of a
            ``dataset_info.json``, or several of these.
        shape: the name of the row shape; by default what a ``dataset_info.json`` beside the files
            says, else detected.
        mapping: which source field plays which part, such as ``{"content": "value"}``; the parts
            not named are looked for, and ``""`` says that no field plays a part. The shape and
            mapping of a dataset's ``detection`` read the same rows again in the same way.
        encoding: Python's name of the text files' encoding; told from their bytes by default.

    Raises:
        UsageError: an unknown shape, part or encoding.
        DataError: nothing can be read, or the rows fit no shape or several.
    """
    encoding = check_encoding(encoding) if encoding else None
    found = find_files(paths)
    description = None if shape or mapping else find_description(paths, found)
    files = tuple(identify(path, encoding) for path in found)
    sample, faults = _sample(files)
    if not sample:
        raise _nothing_readable(faults, _named(files))
    detection = detect_described(sample, _named(files), shape, mapping, description)
    return Source(files, detection)


def read_pieces(source: Source, emit: Emit = ignore) -> Iterator[Dataset]:
    """Read a source piece by piece, so that no more than one of them is in memory.

    Every row becomes a record or is set aside with its place, its bytes and the reason. Blank
    lines of JSONL and CSV are no rows. A piece has some ten thousand rows, fewer where they are
    long; the row numbers go on from piece to piece.

    Args:
        source: what to read.
        emit: told what was guessed about the files, and about progress, in bytes.

    Yields:
        Datasets of some rows each; their ``sha256`` is empty, since it belongs to the whole.

    Raises:
        DataError: no row can be understood, or most rows do not fit the shape that was detected;
            told after the last piece.
    """
    for note in source.notes:
        emit(Note(text=note))
    layout = layout_of_detection(source.detection)
    count = RowCount()
    total = sum(file.path.stat().st_size for file in source.files)
    with counting(emit, "reading", total=total, unit="bytes") as counter:
        pieces = pieces_of(source.files, layout, count, counter.advance)
        for records, set_aside in pieces:
            yield Dataset(
                paths=source.paths,
                format=source.format,
                detection=source.detection,
                kind=layout.shape.kind,
                sha256="",
                rows=records.height + set_aside.height,
                records=records,
                set_aside=set_aside,
            )
    if count.rows == count.set_aside:
        raise _nothing_readable(count.reasons, source.where)
    if source.detection.chosen_by == "detected" and count.unfit > count.rows - count.set_aside:
        raise _mostly_unfit(count, source)


def read_dataset(
    paths: str | Path | Sequence[str | Path],
    *,
    shape: str | None = None,
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    emit: Emit = ignore,
) -> Dataset:
    """Read a whole source into memory; see :func:`open_source` and :func:`read_pieces`.

    Raises:
        UsageError: an unknown shape, part or encoding.
        DataError: nothing can be read, or the rows fit no shape or several.
    """
    source = open_source(paths, shape=shape, mapping=mapping, encoding=encoding)
    pieces = list(read_pieces(source, emit))
    return replace(
        pieces[0],
        sha256=sha256_of_source(source.paths),
        rows=sum(piece.rows for piece in pieces),
        records=pl.concat([piece.records for piece in pieces]),
        set_aside=pl.concat([piece.set_aside for piece in pieces]),
    )


def understood_examples(dataset: Dataset, count: int = 3) -> list[dict[str, Any]]:
    """Return the first records as they were understood, shortened and without what is empty.

    A text that is cut ends in an ellipsis; ``left_out`` counts the messages that are not shown.

    Example of one: ``{"row": 0, "kind": "chat", "messages": [{"role": "user", "content": "Hi"}]}``.
    """
    columns = [name for name in RECORD_SCHEMA if name != "extra"]
    heads = [pl.col(part).list.head(_EXAMPLE_MESSAGES) for part in MESSAGE_PARTS]
    lengths = pl.sum_horizontal(
        pl.col(part).list.len().fill_null(0).cast(pl.Int64) for part in MESSAGE_PARTS
    )
    some = dataset.records.select(columns).head(count).with_columns(*heads, left_out=lengths)
    examples: list[dict[str, Any]] = []
    for record in some.iter_rows(named=True):
        shown = {name: _shortened(value) for name, value in record.items() if value is not None}
        shown["left_out"] -= sum(len(shown.get(part, ())) for part in MESSAGE_PARTS)
        examples.append(
            {name: value for name, value in shown.items() if name != "left_out" or value}
        )
    return examples


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        cut = len(value) > _EXAMPLE_CHARACTERS
        return value[: _EXAMPLE_CHARACTERS - 1] + "…" if cut else value
    if not isinstance(value, list):
        return value
    return [
        {name: _shortened(item) for name, item in message.items() if item is not None}
        for message in value
    ]


def _sample(files: Sequence[SourceFile]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Return some readable rows from the beginnings of files and from all over them."""
    step = max(1, len(files) // _MOST_FILES_LOOKED_AT)
    looked_into = files[::step]
    each = max(1, _LOOKED_AT // len(looked_into))
    sample: list[dict[str, Any]] = []
    faults: Counter[str] = Counter()
    size = 0
    for file in looked_into:
        wanted = len(sample) + each
        for raw in read_rows(file):
            if raw.value is None:
                faults[raw.reason] += 1
                continue
            sample.append(raw.value)
            size += len(raw.raw)
            if len(sample) == wanted or size > _LOOKED_AT_BYTES:
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


def _mostly_unfit(count: RowCount, source: Source) -> DataError:
    (reason, times), *_ = count.reasons.most_common(1)
    return DataError(
        f"the first rows look like {source.detection.shape!r}, but {count.unfit:,} of "
        f"{count.rows:,} rows do not fit; the most frequent fault ({times:,} times): {reason}",
        where=source.where,
        fix="split the file by shape, or say which one is meant with --shape; the other rows are "
        "then set aside",
    )


def _named(files: Sequence[SourceFile]) -> str:
    return ", ".join(str(file.path) for file in files[:3]) + (", …" if len(files) > 3 else "")
