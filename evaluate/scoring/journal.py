"""Answers of a task that is not finished yet, kept as they come.

A journal is one file beside the cache's: lines of JSON, each behind a checksum, added to every few
seconds. A measurement that was killed reads it and goes on with what is missing; a line that was
being written then, or that a bad disk has changed, does not count. When the task is finished its
journal goes. Short tasks never write one.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

_SECONDS_BETWEEN_WRITES = 2.0
_NAME_LENGTH = 16


class Journal:
    """Keeps answers by their part of a task and their number in it.

    Only one process may have it open; the cache's lock sees to that.

    Args:
        path: the file; None keeps nothing.
        clock: tells seconds.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Read what an earlier attempt left."""
        self.path = path
        self._clock = clock
        self._written = clock()
        self._waiting: list[tuple[str, int, Any]] = []
        self._found: dict[str, dict[int, Any]] = {}
        if path is not None and path.is_file():
            self._found = _read(path)

    @property
    def resumed(self) -> int:
        """How many answers an earlier attempt left."""
        return sum(len(part) for part in self._found.values())

    def found(self, part: str) -> dict[int, Any]:
        """Return the answers of a part that an earlier attempt left, by number."""
        return self._found.get(part, {})

    def keep(self, part: str, numbers: Sequence[int], values: Sequence[Any]) -> None:
        """Note answers; they are on the disk some seconds later at most.

        Args:
            part: names what is asked; it must be another one for other questions.
            numbers: of the questions.
            values: their answers, as JSON values or arrays.
        """
        if self.path is None:
            return
        self._waiting += zip([part] * len(numbers), numbers, values, strict=True)
        if self._clock() - self._written >= _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Put on the disk what is noted."""
        if self.path is None or not self._waiting:
            return
        text = json.dumps(self._waiting, default=lambda array: array.tolist())
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="ascii") as stream:
            # A line that was cut off is ended, so that this one begins at a beginning.
            stream.write(f"\n{_checksum(text)} {text}\n")
        self._waiting = []
        self._written = self._clock()

    def remove(self) -> None:
        """Throw it away: the task is finished."""
        self._waiting = []
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def part_name(*content: Any) -> str:
    """Return a name for a part of a task: a hash of all that is asked in it.

    Args:
        content: JSON values, or sequences of token ids.
    """
    digest = sha256()
    for value in content:
        digest.update(json.dumps(value, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:_NAME_LENGTH]


def _read(path: Path) -> dict[str, dict[int, Any]]:
    found: dict[str, dict[int, Any]] = {}
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        checksum, _, text = line.partition(" ")
        if not text or _checksum(text) != checksum:
            continue
        with suppress(ValueError, TypeError):
            for part, number, value in json.loads(text):
                found.setdefault(part, {})[number] = value
    return found


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8')):08x}"
