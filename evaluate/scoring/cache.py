"""What a model was measured to answer, kept so that it is asked only once.

A file's name is the hash of all that decides its content, so that there is nothing to expire. A
file is written whole or not at all, under a lock: of two processes that want the same, one
measures and the other waits for it. Beside it lies its fingerprint, so that one that a bad disk
has changed is noticed and measured again. A measurement that was killed goes on from its journal.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ...workspace.artifact import Workspace
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import read_json, sha256_of_json, write_json, writing_whole
from ...workspace.lock import locked
from ..items import Answers, TaskInfo
from .journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = "cache"


def cached_frame(
    workspace: Workspace,
    key: Mapping[str, Any],
    measure: Callable[[Journal], pl.DataFrame],
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> pl.DataFrame:
    """Return a measured frame, from an earlier time if it was measured before.

    Args:
        workspace: where it is kept.
        key: JSON values that together decide the result.
        measure: measures it, and notes in the journal what of it is done.
        force: measure again, from the beginning.
        emit: told when another process is measuring the same, when a measurement goes on from
            a journal, and when a kept one was damaged.
    """
    frame, _ = _cached(workspace, key, lambda journal: (measure(journal), {}), force, emit)
    return frame


def cached_answers(
    workspace: Workspace,
    key: Mapping[str, Any],
    measure: Callable[[Journal], Answers],
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Answers:
    """Return a model's items of a task, as :func:`cached_frame` does."""

    def build(journal: Journal) -> tuple[pl.DataFrame, dict[str, Any]]:
        found = measure(journal)
        return found.frame, asdict(found.info)

    frame, info = _cached(workspace, key, build, force, emit)
    return Answers(TaskInfo(**info), frame)


def _cached(
    workspace: Workspace,
    key: Mapping[str, Any],
    build: Callable[[Journal], tuple[pl.DataFrame, dict[str, Any]]],
    force: bool,
    emit: Emit,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    name = sha256_of_json(key)
    path = workspace.store / _FOLDER / f"{name}.parquet"
    with locked(path.with_name(f".{name}.lock"), emit=emit):
        if not force and (found := _read(path, emit)) is not None:
            return found
        with _journal(path.with_suffix(".journal"), force, emit) as journal:
            frame, info = build(journal)
            _write(path, frame, info)
            journal.remove()
        return frame, info


@contextmanager
def _journal(path: Path, force: bool, emit: Emit) -> Iterator[Journal]:
    """Open a journal; what was answered before an error or an interruption is written to it."""
    if force:
        path.unlink(missing_ok=True)
    journal = Journal(path)
    if journal.resumed:
        emit(Note(text=f"going on after {journal.resumed:,} answers that were measured before"))
    try:
        yield journal
    except BaseException:
        journal.write()
        raise


def _read(path: Path, emit: Emit) -> tuple[pl.DataFrame, dict[str, Any]] | None:
    """Return a kept measurement; None where there is none, or only a damaged one.

    Its fingerprint is looked at first: damaged Parquet can end the whole process.
    """
    beside = path.with_suffix(".json")
    if not path.is_file() or not beside.is_file():
        return None
    try:
        content, noted = path.read_bytes(), read_json(beside)
        if sha256(content).hexdigest() == noted["sha256"]:
            return pl.read_parquet(io.BytesIO(content)), noted["info"]
        problem = "it is not what was written"
    except (pl.exceptions.PolarsError, OSError, KeyError, TypeError, ValueError) as error:
        problem = str(error) or type(error).__name__
    emit(
        Note(
            text=f"a kept measurement is damaged and is made again: {path.name} ({problem})",
            level="warning",
        )
    )
    return None


def _write(path: Path, frame: pl.DataFrame, info: Mapping[str, Any]) -> None:
    content = io.BytesIO()
    frame.write_parquet(content)
    # Without its fingerprint a file does not count, so that one of both alone means nothing.
    path.with_suffix(".json").unlink(missing_ok=True)
    with writing_whole(path, "wb") as stream:
        stream.write(content.getvalue())
    noted = {"sha256": sha256(content.getvalue()).hexdigest(), "info": dict(info)}
    write_json(path.with_suffix(".json"), noted)
