"""A row handed to a person as JSON and taken back: in the editor, from a file, from stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workspace.errors import DataError, UsageError
from ..workspace.safe_text import safe_text
from .editor import edit_text

if TYPE_CHECKING:
    from ..curate.auditing.audited import Audited
    from ..curate.cleaning.edit_row import RowToEdit
    from ..curate.cleaning.journal import Decision

STDIN = "-"
_COMMENT = b"//"
_HELP = (
    "// Mend it and save it; leave it unchanged or empty the file to give up.\n"
    "// Lines like this one, above the row, do not count.\n"
)


def edit_in_editor(audited: Audited, current: RowToEdit, reason: str) -> list[Decision]:
    """Let a person edit a row until it fits, or until they give up.

    Returns:
        The decision; empty where nothing was changed, or the file was emptied.

    Raises:
        UsageError: what was saved is faulty, and was saved so again.
    """
    given = row_as_text(current.value)
    name = f"row-{current.row}.json"
    while True:
        saved = edit_text(given, name)
        if not _without_comments(saved).strip():
            return []
        try:
            return edit_as_told(audited, current, saved, reason)
        except UsageError as error:
            if saved == given:
                raise
            click.echo(f"error: {safe_text(str(error), keep_line_breaks=True)}", err=True)
            given = _with_fault(error, saved)


def edit_as_told(audited: Audited, current: RowToEdit, text: bytes, reason: str) -> list[Decision]:
    """Make the decision that a row is to be what a person wrote; empty where it is that already.

    Raises:
        UsageError: it is no row, or does not fit.
    """
    from ..curate.cleaning.edit_row import editing, parse_row
    from ..curate.formats.json_values import json_text

    value = parse_row(_without_comments(text))
    # As text: to Python, 1 and true are equal, and the order of keys is nothing.
    if json_text(value) == json_text(current.value):
        return []
    return editing(audited, current.row, value, reason=reason)


def read_replacement(name: str) -> bytes:
    """Read the row that replaces another one from a file, or from stdin (``-``).

    Raises:
        DataError: the file cannot be read.
        UsageError: it is empty.
    """
    try:
        text = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise DataError(f"the row cannot be read: {error.strerror or error}", where=name) from error
    if not _without_comments(text).strip():
        raise UsageError("there is no row in it", where="stdin" if name == STDIN else name)
    return text


def row_as_text(value: dict[str, Any]) -> bytes:
    """Return a row as JSON that a person can read and no editor can be fooled by.

    Characters that cannot be seen, such as those that turn the direction of reading, are written
    as escapes, which mean the same.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False)
    unseen = {
        ord(character): _escape(character)
        for character in set(text)
        if character != "\n" and safe_text(character) != character
    }
    return (text.translate(unseen) + "\n").encode("utf-8")


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1]


def _with_fault(error: UsageError, saved: bytes) -> bytes:
    told = safe_text(str(error), keep_line_breaks=True).split("\n")
    comment = "".join(f"// {line.strip()}\n" for line in told) + _HELP
    return comment.encode("utf-8") + _without_comments(saved)


def _without_comments(text: bytes) -> bytes:
    """Leave out the lines above the row that begin with two slashes."""
    lines = text.splitlines(keepends=True)
    first = next((n for n, line in enumerate(lines) if not line.startswith(_COMMENT)), len(lines))
    return b"".join(lines[first:])
