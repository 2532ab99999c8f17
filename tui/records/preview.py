"""How a file would be read: its shape and its first rows, without reading all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ...workspace.errors import TunewiseError
from ..texts.marks import counted

if TYPE_CHECKING:
    from ...curate.formats.raw_row import RawRow
    from ...curate.records import Detection
    from ...curate.shapes.rows import Layout, Record

_LOOKED_AT = 200
_ROWS = 3
_MESSAGES = 4
_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row as it is understood: role and text of each message, or why it is set aside."""

    row: int
    label: str = ""
    messages: tuple[tuple[str, str], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """How a source is understood, or why it cannot be."""

    understood: str = ""
    reason: str = ""
    rows: tuple[PreviewRow, ...] = ()
    problem: str = ""


def preview_source(
    path: Path, shape: str | None = None, mapping: Mapping[str, str] | None = None
) -> SourcePreview:
    """Read the head of a file, or of a folder's first file, and tell how its rows are understood.

    The audit looks at more rows than this, so it may decide otherwise where the head is unlike
    the rest.

    Args:
        path: a file or a folder.
        shape: the rows' shape, where detection is wrong.
        mapping: which field plays which part.
    """
    # What reads every format takes a while to import, and only a new file is read.
    from ...curate.reading.dataset_info import detect_described, find_description
    from ...curate.reading.rows import read_rows
    from ...curate.reading.source_files import find_files, identify

    try:
        files = find_files(path)
        file = identify(files[0])
        raws = list(islice(read_rows(file), _LOOKED_AT))
        sample = [raw.value for raw in raws if raw.value is not None]
        if not sample:
            return SourcePreview(problem=raws[0].reason if raws else "it holds no rows")
        described = find_description(path, files)
        detection = detect_described(sample, str(path), shape, mapping, described)
    except TunewiseError as error:
        return SourcePreview(problem=f"{error.what}. {error.fix}".strip())
    except OSError as error:
        return SourcePreview(problem=f"cannot read it: {error.strerror or error}")
    return _describe(file.format, len(files), detection, raws)


def _describe(name: str, files: int, detection: Detection, raws: Sequence[RawRow]) -> SourcePreview:
    from ...curate.shapes.rows import layout_of_detection

    layout = layout_of_detection(detection)
    rows = tuple(_row(number, raw, layout) for number, raw in enumerate(raws[:_ROWS]))
    understood = f"{name}, rows of shape {detection.shape}, kind {layout.shape.kind}"
    if files > 1:
        understood += f", first of {counted(files, 'file')}"
    return SourcePreview(understood, detection.reason, rows)


def _row(number: int, raw: RawRow, layout: Layout) -> PreviewRow:
    from ...curate.shapes.rows import to_record
    from ...curate.shapes.unfit import UnfitError

    if raw.value is None:
        return PreviewRow(number, problem=raw.reason)
    try:
        record = to_record(raw.value, layout)
    except UnfitError as error:
        return PreviewRow(number, problem=str(error))
    return PreviewRow(number, record.label or "", _messages(record))


def _messages(record: Record) -> tuple[tuple[str, str], ...]:
    parts = (("", record.messages), ("chosen", record.chosen), ("rejected", record.rejected))
    found = [
        (part or message.role or "?", (message.content or "")[:_CHARACTERS])
        for part, messages in parts
        for message in messages or ()
    ]
    return tuple(found[:_MESSAGES])
