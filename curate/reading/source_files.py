"""Which files make up a source, and what each of them is: format, compression, encoding."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from json import JSONDecoder
from pathlib import Path

from ...workspace.errors import DataError, UsageError
from ...workspace.files import sha256_of_files
from ..formats.compression import COMPRESSION_SUFFIXES, compression_of, content_blocks, first_block
from ..formats.csv_dialect import consistent_delimiters, sniff_dialect
from ..formats.json_values import NotJsonError, parse_json
from ..formats.rows_arrow import FEATHER_1_MAGIC, FILE_MAGIC, STREAM_MAGIC, ends_early, is_arrow
from ..formats.rows_csv import Dialect
from ..formats.rows_parquet import MAGIC as PARQUET_MAGIC
from ..formats.streams import lines_at
from ..formats.text_encoding import (
    UTF_8,
    Encoding,
    byte_order_mark,
    encoding_of,
    in_byte_order,
    transcoded,
)
from .dataset_info import entry_file, names_entry, refuse_bare
from .saved_dataset import DESCRIPTIONS, saved_shards

JSONL, JSON, CSV, TSV, PARQUET, ARROW = "jsonl", "json", "csv", "tsv", "parquet", "arrow"

_FORMAT_OF_SUFFIX = {
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSON,
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".arrow": ARROW,
    ".feather": ARROW,
    ".ipc": ARROW,
}
_BINARY = {PARQUET: "Parquet", ARROW: "Arrow"}
_HEAD_LINES = 20
_HEAD_BYTES = 4096
_ENCODING_BYTES = 1 << 18
_SPREAD_PLACES = 16
_SPREAD_LINES = 16
_READABLE = (
    "tunewise reads .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .arrow and .feather, the text "
    "ones also as .gz, .zst or .xz"
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of rows, and how its bytes are to be taken.

    Attributes:
        path: where it lies.
        format: ``jsonl``, ``json``, ``csv``, ``tsv``, ``parquet`` or ``arrow``.
        encoding: Python's name of a text file's encoding.
        dialect: how the rows of a CSV or TSV file are written.
        notes: what was guessed about the file and should be told.
    """

    path: Path
    format: str
    encoding: str = UTF_8
    dialect: Dialect = field(default_factory=Dialect)
    notes: tuple[str, ...] = ()


def find_files(paths: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """List the files that paths, folders and globs name, in reading order.

    A folder stands for the files below it whose names have a known ending, in name order; hidden
    ones are left out, and so are those that by their names describe data (``dataset_info.json``).
    A folder that the `datasets` library saved stands for its shards in their own order, all splits
    one after another. A file that is named twice is read once. ``dataset_info.json:NAME`` stands
    for what LLaMA-Factory's description names so.

    Raises:
        UsageError: nothing was named, an empty text, or a description without an entry's name.
        DataError: a path does not exist or cannot be looked at, or a folder or glob holds no data.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    if not all(map(str, named)) or not named:
        raise UsageError("no data was named", fix="name a file, a folder or a glob")
    found: dict[Path, Path] = {}
    for item in named:
        try:
            for file in _expand(Path(os.path.expanduser(item))):
                found.setdefault(file.resolve(), file)
        # A path that no file can have, one of a loop of links, or one that may not be looked at.
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(
                f"the path cannot be looked at: {reason}", where=str(item), fix="check the path"
            ) from error
    return tuple(found.values())


def sha256_of_source(files: Sequence[Path]) -> str:
    """Return one SHA-256 of the files' bytes, in their order.

    Raises:
        DataError: a file cannot be read.
    """
    try:
        return sha256_of_files(files)
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror or error}", where=str(error.filename or "")
        ) from error


def identify(path: Path, encoding: str | None = None) -> SourceFile:
    """Tell a file's format by its name, or by its content where the name does not say.

    An empty file is one without rows: among shards that is nothing unusual.

    Args:
        path: the file.
        encoding: how its bytes are to be read, if it is text; told from them by default.

    Raises:
        DataError: the file cannot be opened, or is nothing that tunewise reads.
    """
    named = _FORMAT_OF_SUFFIX.get(_suffix(path))
    head = first_block(path)
    if named in _BINARY or head.startswith((PARQUET_MAGIC, FILE_MAGIC, STREAM_MAGIC)):
        return _identify_binary(path, named, head)
    block = next(content_blocks(path), b"")
    json = named in (JSONL, JSON) or block.lstrip()[:1] in (b"{", b"[")
    found = (
        Encoding(in_byte_order(encoding, block))
        if encoding
        else _find_encoding(path, block, json=json)
    )
    text = _head_text(path, block, found.name)
    if named is None:
        named = _sniff_format(path, text) if text else JSONL
    notes = (found.note,) if found.note else ()
    if named in (JSONL, JSON):
        return SourceFile(path, _jsonl_or_json(named, text), found.name, notes=notes)
    dialect, note = sniff_dialect(text, delimiter="\t" if named == TSV else "")
    return SourceFile(path, named, found.name, dialect, (*notes, *([note] if note else ())))


def _identify_binary(path: Path, named: str | None, head: bytes) -> SourceFile:
    """Tell Parquet and Arrow, which begin with bytes of their own, whatever the name says."""
    if head.startswith(PARQUET_MAGIC):
        return SourceFile(path, PARQUET)
    if is_arrow(head):
        note = (
            "the Arrow stream has no end mark: it may be cut off" if ends_early(path, head) else ""
        )
        return SourceFile(path, ARROW, notes=(note,) if note else ())
    what, fix = f"this is no {_BINARY[named or PARQUET]} file", "write it again"
    if head.startswith(FEATHER_1_MAGIC):
        what, fix = "this is Feather version 1, which is no longer in use", "write it as version 2"
    elif compression_of(head):
        what += f": it is compressed as a whole ({compression_of(head)})"
        fix = "unpack it first; such files are compressed inside"
    raise DataError(what, where=str(path), fix=f"{fix}, or give it the ending of its real format")


def _expand(path: Path) -> list[Path]:
    if names_entry(path):
        path = entry_file(path)
    if path.is_dir():
        files = list(_files_below(path))
        if not files:
            raise DataError(f"the folder holds no data; {_READABLE}", where=str(path))
        return files
    if path.is_file():
        refuse_bare(path)
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


def _files_below(folder: Path) -> Iterator[Path]:
    shards = saved_shards(folder)
    if shards is not None:
        yield from shards
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            # Links between folders may go in circles.
            if not path.is_symlink():
                yield from _files_below(path)
        elif _is_data(path):
            yield path


def _is_data(path: Path) -> bool:
    named = path.name not in DESCRIPTIONS and _suffix(path) in _FORMAT_OF_SUFFIX
    return named and path.is_file()


def _suffix(path: Path) -> str:
    bare = path.with_suffix("") if path.suffix.lower() in COMPRESSION_SUFFIXES.values() else path
    return bare.suffix.lower()


def _find_encoding(path: Path, block: bytes, *, json: bool) -> Encoding:
    """Tell a text file's encoding by its beginning and by lines from all over it."""
    head = block[:_ENCODING_BYTES]
    # A document may have no line breaks; its objects are then as good as lines.
    lines = (head.replace(b"}", b"}\n") if json else head).split(b"\n")
    if len(block) > len(head) or len(lines) > 1:
        # The last one may be cut off.
        lines.pop()
    lines += (line.raw for line in lines_at(path, _SPREAD_PLACES, _SPREAD_LINES))
    return encoding_of(head, lines, json=json)


def _head_text(path: Path, block: bytes, encoding: str) -> bytes:
    """The beginning of a text file as UTF-8, without a byte order mark."""
    if encoding != UTF_8:
        return next(transcoded(iter([block]), encoding), b"")
    mark, _ = byte_order_mark(block)
    if block.count(b"\0", 0, _HEAD_BYTES) > len(block[:_HEAD_BYTES]) / 4:
        raise DataError("this looks like a binary file", where=str(path), fix=_READABLE)
    return block[len(mark) :]


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
    spans_lines = begins_list or lines[0].strip() == b"{" or _is_several_objects(lines[0])
    return JSON if named == JSON or spans_lines or _is_list_of_objects(lines) else JSONL


def _is_list_of_objects(lines: list[bytes]) -> bool:
    if len(lines) != 1 or not lines[0].lstrip().startswith(b"["):
        return False
    try:
        value = parse_json(lines[0])
    except NotJsonError:
        return False
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _is_several_objects(line: bytes) -> bool:
    try:
        text = line.decode().lstrip()
        _, end = JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text.startswith("{") and text[end:].lstrip().startswith("{")


def _is_json(line: bytes) -> bool:
    try:
        parse_json(line)
    except NotJsonError:
        return False
    return True
