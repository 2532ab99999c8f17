"""Standard input as a file of the workspace, since later steps read the source again."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from ...workspace.artifact import Workspace
from ...workspace.errors import DataError, JobError
from ...workspace.events import Emit, Note, counting, ignore
from ..formats.compression import BLOCK, COMPRESSION_SUFFIXES, compression_of, first_block
from .source_files import identify

NAME = "-"
"""How standard input is named among paths."""

_SHELF = "standard-input"
_ID_DIGITS = 16


def keep_standard_input(
    stream: BinaryIO, workspace: Workspace, *, encoding: str | None = None, emit: Emit = ignore
) -> Path:
    """Write what comes from standard input into the workspace, whole or not at all.

    Args:
        stream: what is read to its end.
        workspace: the file is kept in its ``.tunewise/standard-input``, named after its content:
            equal input is one file.
        encoding: of the text; told from its bytes by default.
        emit: told about progress, and where the file lies.

    Returns:
        The file, with the ending of its format.

    Raises:
        DataError: nothing came, or nothing that tunewise reads.
        JobError: the disk is full or cannot be written.
    """
    shelf = workspace.store / _SHELF
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".incoming-", dir=shelf)
    except OSError as error:
        raise _unwritable(shelf, error) from error
    incoming = Path(name)
    try:
        digest = _copy(stream, handle, emit)
        kept = shelf / f"{digest[:_ID_DIGITS]}{_ending(incoming, encoding)}"
        incoming.replace(kept)
    except OSError as error:
        raise _unwritable(shelf, error) from error
    finally:
        incoming.unlink(missing_ok=True)
    emit(Note(text=f"standard input is kept as {kept}"))
    return kept


def _copy(stream: BinaryIO, handle: int, emit: Emit) -> str:
    digest = hashlib.sha256()
    with (
        os.fdopen(handle, "wb") as file,
        counting(emit, "reading standard input", unit="bytes") as counter,
    ):
        while block := stream.read(BLOCK):
            digest.update(block)
            file.write(block)
            counter.advance(len(block))
        file.flush()
        os.fsync(file.fileno())
        if not counter.done:
            raise DataError("standard input is empty", fix="pipe data into the command")
    return digest.hexdigest()


def _ending(path: Path, encoding: str | None) -> str:
    try:
        found = identify(path, encoding)
    except DataError as error:
        raise DataError(error.what, where="standard input", fix=error.fix) from error
    return f".{found.format}{COMPRESSION_SUFFIXES.get(compression_of(first_block(path)), '')}"


def _unwritable(shelf: Path, error: OSError) -> JobError:
    return JobError(
        f"standard input cannot be kept: {error.strerror or error}",
        where=str(shelf),
        fix="free some space or check the folder's permissions, then run the command again",
    )
