"""Which files make up a source, and what each of them is: format, compression, encoding."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..workspace.errors import DataError, UsageError
from .json_values import NotJsonError, parse_json
from .rows_csv import consistent_delimiters, sniff_delimiter
from .streams import byte_order_mark, compression_of, decompressed, first_block, transcoded

JSONL, JSON, CSV, TSV, PARQUET = "jsonl", "json", "csv", "tsv", "parquet"

_FORMAT_OF_SUFFIX = {
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSON,
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".parquet": PARQUET,
    ".pq": PARQUET,
}
_COMPRESSION_SUFFIXES = (".gz", ".zst")
_PARQUET_MAGIC = b"PAR1"
_HEAD_LINES = 20
_HEAD_BYTES = 4096
_READABLE = (
    "tunewise reads .jsonl, .ndjson, .json, .csv, .tsv and .parquet, the text ones also as "
    ".gz or .zst"
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of rows, and how its bytes are to be taken.

    Attributes:
        path: where it lies.
        format: ``jsonl``, ``json``, ``csv``, ``tsv`` or ``parquet``.
        delimiter: what stands between the fields of a CSV row; empty for other formats.
    """

    path: Path
    format: str
    delimiter: str = ""


def find_files(paths: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """List the files that paths, folders and globs name, in reading order.

    A folder stands for the files below it whose names have a known ending, in name order; hidden
    ones are left out. A file that is named twice is read once.

    Raises:
        UsageError: nothing was named.
        DataError: a path does not exist, or a folder or glob holds no data.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    if not named:
        raise UsageError("no data was named", fix="name a file, a folder or a glob")
    found = [file for item in named for file in _expand(Path(item).expanduser())]
    return tuple({file.resolve(): file for file in found}.values())


def identify(path: Path) -> SourceFile:
    """Tell a file's format by its name, or by its content where the name does not say.

    An empty file is one without rows: among shards that is nothing unusual.

    Raises:
        DataError: the file cannot be opened, or is nothing that tunewise reads.
    """
    named = _FORMAT_OF_SUFFIX.get(_suffix(path))
    head = first_block(path)
    if named == PARQUET or head.startswith(_PARQUET_MAGIC):
        if not head.startswith(_PARQUET_MAGIC):
            raise DataError(
                "this is no Parquet file: it does not begin with the bytes PAR1",
                where=str(path),
                fix="write the file again, or give it the ending of its real format",
            )
        return SourceFile(path, PARQUET)
    text = _head_text(path, head) if head else b""
    if named is None:
        named = _sniff_format(path, text) if text else JSONL
    if named in (JSONL, JSON):
        return SourceFile(path, _jsonl_or_json(named, text))
    return SourceFile(path, named, "\t" if named == TSV else sniff_delimiter(text))


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_data(file, path))
        if not files:
            raise DataError(f"the folder holds no data; {_READABLE}", where=str(path))
        return files
    if path.is_file():
        return [path]
    if path.exists():
        raise DataError("this is no regular file", where=str(path), fix="copy it to a file first")
    matches = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
    files = [file for file in matches if file.is_file()]
    if not files:
        raise DataError(
            "there is no such file or folder",
            where=str(path),
            fix="check the path; a glob must be quoted and match at least one file",
        )
    return files


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and _suffix(file) in _FORMAT_OF_SUFFIX and file.is_file()


def _suffix(path: Path) -> str:
    bare = path.with_suffix("") if path.suffix.lower() in _COMPRESSION_SUFFIXES else path
    return bare.suffix.lower()


def _head_text(path: Path, head: bytes) -> bytes:
    """The beginning of a text file as UTF-8, without a byte order mark."""
    block = next(decompressed(path, compression_of(head)), b"")
    mark, encoding = byte_order_mark(block)
    if not mark and block.count(b"\0", 0, _HEAD_BYTES) > len(block[:_HEAD_BYTES]) / 4:
        raise DataError(
            "this looks like a binary file, or like UTF-16 without a byte order mark",
            where=str(path),
            fix=f"save it as UTF-8; {_READABLE}",
        )
    return next(transcoded(iter([block[len(mark) :]]), encoding), b"")


def _sniff_format(path: Path, text: bytes) -> str:
    first = text.lstrip()[:1]
    if first == b"[":
        return JSON
    if first == b"{":
        return JSONL
    if first and consistent_delimiters(text):
        return CSV
    raise DataError(
        "neither the name nor the content tells what format this is",
        where=str(path),
        fix=_READABLE,
    )


def _jsonl_or_json(named: str, text: bytes) -> str:
    """Tell a row a line from one document, whatever the ending claims.

    Writers often give JSON lines the ending ``.json``. An unindented line that is an object by
    itself settles it: inside a document that spans lines, objects are indented or end in commas.
    """
    lines = [line for line in text.split(b"\n", _HEAD_LINES)[:_HEAD_LINES] if line.strip()]
    if not lines:
        return named
    objects = sum(line.startswith(b"{") and _is_json(line) for line in lines)
    begins_list = lines[0].lstrip().startswith(b"[") and not _is_json(lines[0])
    if 2 * objects > len(lines) or (objects and not begins_list):
        return named if len(lines) == 1 else JSONL
    spans_lines = begins_list or lines[0].strip() == b"{"
    return JSON if named == JSON or spans_lines or _is_list_of_objects(lines) else JSONL


def _is_list_of_objects(lines: list[bytes]) -> bool:
    if len(lines) != 1 or not lines[0].lstrip().startswith(b"["):
        return False
    try:
        value = parse_json(lines[0])
    except NotJsonError:
        return False
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _is_json(line: bytes) -> bool:
    try:
        parse_json(line)
    except NotJsonError:
        return False
    return True
