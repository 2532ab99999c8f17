"""What a model was measured to answer, kept so that it is asked only once.

A file's name is the hash of all that decides its content, so that there is nothing to expire. A
file is written whole or not at all, under a lock: of two processes that want the same, one
measures and the other waits for it. An evaluation that was killed goes on from what it finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import polars as pl

from ..workspace.artifact import Workspace
from ..workspace.events import Emit, ignore
from ..workspace.files import sha256_of_json, writing_whole
from ..workspace.lock import locked
from .items import Answers, TaskInfo

_FOLDER = "cache"
_INFO = "tunewise"


def cached_frame(
    workspace: Workspace,
    key: Mapping[str, Any],
    measure: Callable[[], pl.DataFrame],
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> pl.DataFrame:
    """Return a measured frame, from an earlier time if it was measured before.

    Args:
        workspace: where it is kept.
        key: JSON values that together decide the result.
        measure: measures it.
        force: measure again.
        emit: told when another process is measuring the same.
    """
    frame, _ = _cached(workspace, key, lambda: (measure(), {}), force, emit)
    return frame


def cached_answers(
    workspace: Workspace,
    key: Mapping[str, Any],
    measure: Callable[[], Answers],
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Answers:
    """Return a model's items of a task, as :func:`cached_frame` does."""

    def build() -> tuple[pl.DataFrame, dict[str, Any]]:
        found = measure()
        return found.frame, asdict(found.info)

    frame, info = _cached(workspace, key, build, force, emit)
    return Answers(TaskInfo(**info), frame)


def _cached(
    workspace: Workspace,
    key: Mapping[str, Any],
    build: Callable[[], tuple[pl.DataFrame, dict[str, Any]]],
    force: bool,
    emit: Emit,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    name = sha256_of_json(key)
    path = workspace.store / _FOLDER / f"{name}.parquet"
    with locked(path.with_name(f".{name}.lock"), emit=emit):
        if path.is_file() and not force:
            # A file that a bad disk has damaged is measured again.
            with suppress(pl.exceptions.PolarsError, OSError, KeyError, ValueError):
                return pl.read_parquet(path), json.loads(pl.read_parquet_metadata(path)[_INFO])
        frame, info = build()
        with writing_whole(path, "wb") as stream:
            frame.write_parquet(stream, metadata={_INFO: json.dumps(info)})
        return frame, info
