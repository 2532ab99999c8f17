"""Files compared piece by piece with what they should hold, and the first differences told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import polars as pl

from ...workspace.artifact import Artifact
from ..piece_files import read_in_pieces

_DIFFERENCES_TOLD = 10
_CHARACTERS_TOLD = 300
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where what was written is not what comes out now.

    Attributes:
        file: the file, or ``source`` or ``journal``.
        place: the line, the row and column, or the key; empty where the whole is meant.
        expected: what comes out of source and journal.
        found: what was written.
    """

    file: str
    place: str
    expected: str
    found: str


@dataclass(slots=True)
class Verification:
    """What was compared, and the first differences.

    Attributes:
        artifact: the clean data.
        compared: what was compared, and how much of it, such as ``("clean.jsonl", "12 bytes")``.
        differences: the first of them.
    """

    artifact: Artifact
    compared: list[tuple[str, str]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Tell whether further differences need not be looked for."""
        return len(self.differences) >= _DIFFERENCES_TOLD

    def add(self, file: str, place: str, expected: object, found: object) -> None:
        """Take in a difference."""
        if not self.is_full:
            self.differences.append(Difference(file, place, _short(expected), _short(found)))

    def to_json(self) -> dict[str, Any]:
        """Return the verification as JSON values."""
        return {
            "artifact": str(self.artifact.folder),
            "id": self.artifact.id,
            "equal": not self.differences,
            "compared": [{"what": what, "amount": amount} for what, amount in self.compared],
            "differences": [
                {
                    "file": difference.file,
                    "place": difference.place,
                    "expected": difference.expected,
                    "found": difference.found,
                }
                for difference in self.differences
            ],
        }


class LineComparison:
    """Compares a file of lines, byte by byte, with the lines that it should hold."""

    def __init__(self, verification: Verification, path: Path) -> None:
        """Begin at the start of a file."""
        self._verification = verification
        self._path = path
        self._stream: IO[bytes] | None = None
        self._lines = self._bytes = 0
        try:
            self._stream = path.open("rb")
        except OSError as error:
            verification.add(path.name, "", "a file", error.strerror or error)

    def expect(self, lines: bytes) -> None:
        """Compare the next lines; after the first difference nothing is compared any more."""
        if self._stream is None:
            return
        found = self._stream.read(len(lines))
        if found == lines:
            self._lines += lines.count(b"\n")
            self._bytes += len(lines)
            return
        wanted, there = lines.split(b"\n"), (found + self._stream.readline()).split(b"\n")
        pairs = enumerate(zip(wanted, [*there, *[b""] * len(wanted)], strict=False), 1)
        number, (one, other) = next(item for item in pairs if item[1][0] != item[1][1])
        self._verification.add(self._path.name, f"line {self._lines + number}", one, other)
        self._close()

    def end(self) -> None:
        """Make sure that there is no more, and say what was compared."""
        if self._stream is None:
            return
        if more := self._stream.readline():
            self._verification.add(self._path.name, f"line {self._lines + 1}", _NOTHING, more)
        self._close()
        self._verification.compared.append((self._path.name, f"{self._bytes:,} bytes"))

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None


class TableComparison:
    """Compares a Parquet file, value by value, with the rows that it should hold."""

    def __init__(self, verification: Verification, path: Path, name: str) -> None:
        """Begin at the first row of a file."""
        self._verification = verification
        self._name = name
        self._pieces: Iterator[pl.DataFrame] | None = read_in_pieces(path)
        self._held = pl.DataFrame()
        self._rows = 0

    def expect(self, frame: pl.DataFrame) -> None:
        """Compare the next rows; after the first difference nothing is compared any more."""
        if self._pieces is None or frame.is_empty():
            return
        found = self._take(frame.height)
        if found is None:
            return
        if found.equals(frame) and found.schema == frame.schema:
            self._rows += frame.height
            return
        self._verification.add(self._name, *_first_difference(frame, found))
        self._pieces = None

    def end(self) -> None:
        """Make sure that there is no more, and say what was compared."""
        if self._pieces is None:
            return
        more = self._take(1)
        if more is not None and not more.is_empty():
            self._verification.add(self._name, "", f"{self._rows:,} rows", "more of them")
        self._pieces = None
        self._verification.compared.append((self._name, f"{self._rows:,} rows"))

    def _take(self, count: int) -> pl.DataFrame | None:
        """Return the next rows of the file, or None where it cannot be read."""
        import pyarrow as pa

        try:
            while self._held.height < count and self._pieces is not None:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._held = pl.concat([self._held, piece]) if self._held.width else piece
        except (OSError, pa.ArrowException) as error:
            self._verification.add(self._name, "", "a Parquet file", str(error).split("\n")[0])
            self._pieces = None
            return None
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def _first_difference(frame: pl.DataFrame, found: pl.DataFrame) -> tuple[str, object, object]:
    """Return the place of the first value that differs, and both values."""
    if found.height and frame.schema != found.schema:
        return "columns", dict(frame.schema), dict(found.schema)
    for number, one in enumerate(frame.iter_rows(named=True)):
        other = found.row(number, named=True) if number < found.height else None
        if one != other:
            row = one.get("row", number)
            if other is None:
                return f"row {row}", one, _NOTHING
            column = next(name for name in one if one[name] != other[name])
            return f"row {row}, {column}", one[column], other[column]
    return "", f"{frame.height} rows", f"{found.height} rows"


def _short(value: object) -> str:
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _CHARACTERS_TOLD else text[: _CHARACTERS_TOLD - 1] + "…"
