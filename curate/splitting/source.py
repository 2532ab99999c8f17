"""What is split: records that come piece by piece, as often as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ...workspace.artifact import Artifact
from ...workspace.errors import UsageError
from ...workspace.events import Emit, counting
from ...workspace.files import read_json
from ...workspace.manifest import Input
from ..formats.text_encoding import UTF_8
from ..piece_files import read_in_pieces
from ..reading.read import Source, open_source, read_pieces
from ..reading.source_files import sha256_of_source
from ..records import SET_ASIDE_SCHEMA, Dataset, Detection
from ..shapes.rows import layout_of_detection


class Piece(NamedTuple):
    """Some rows: the records, and those that could not be understood."""

    records: pl.DataFrame
    set_aside: pl.DataFrame


@dataclass(frozen=True, slots=True)
class SplitSource:
    """Where records come from.

    Attributes:
        pieces: reads them, in the same order each time.
        detection: how they were understood.
        kind: of the records.
        input: what the artifact is made from.
        encoding: of text files, where it is not UTF-8.
    """

    pieces: Callable[[Emit], Iterator[Piece]]
    detection: Detection
    kind: str
    input: Input
    encoding: str | None = None


def split_source(source: Artifact | Dataset | Source) -> SplitSource:
    """Take a ``clean`` artifact, files that were looked at, or a dataset in memory.

    Raises:
        UsageError: an artifact of another kind.
    """
    if isinstance(source, Source):
        return source_of_files(source, "source")
    if isinstance(source, Dataset):
        return SplitSource(
            lambda _: iter([Piece(source.records, source.set_aside)]),
            source.detection,
            source.kind,
            Input("source", source.sha256, path=_lines(source.paths)),
        )
    if source.kind != "clean":
        raise UsageError(
            f"an artifact of kind {source.kind!r} cannot be split",
            where=str(source.folder),
            fix="run `tunewise clean` first, and split what it wrote",
        )
    dataset = read_json(source.folder / "clean.json")["dataset"]
    return SplitSource(
        lambda emit: _kept_records(source.folder / "records.parquet", emit),
        Detection(**dataset["detection"]),
        dataset["kind"],
        source.as_input("clean"),
    )


def source_of_files(source: Source, name: str) -> SplitSource:
    """Take files that were looked at.

    Args:
        source: the files.
        name: what they are to the split, for the manifest.
    """
    encodings = {file.encoding for file in source.files}
    return SplitSource(
        lambda emit: (Piece(piece.records, piece.set_aside) for piece in read_pieces(source, emit)),
        source.detection,
        layout_of_detection(source.detection).shape.kind,
        Input(name, sha256_of_source(source.paths), path=_lines(source.paths)),
        encodings.pop() if len(encodings) == 1 and UTF_8 not in encodings else None,
    )


def source_of_part(
    path: Path, shape: str | None, mapping: Mapping[str, str] | None, name: str
) -> SplitSource:
    """Take a file of rows whose shape is known."""
    return source_of_files(open_source(path, shape=shape, mapping=mapping or None), name)


def _lines(paths: Sequence[Path]) -> str:
    return "\n".join(str(path.resolve()) for path in paths)


def _kept_records(path: Path, emit: Emit) -> Iterator[Piece]:
    total = pl.scan_parquet(path).select(pl.len()).collect().item()
    none = pl.DataFrame(schema=SET_ASIDE_SCHEMA)
    with counting(emit, "reading", total=total) as counter:
        for records in read_in_pieces(path):
            yield Piece(records, none)
            counter.advance(records.height)
