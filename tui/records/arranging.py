"""Searching and sorting very many records: a child process writes the list, the app pages it.

``python -m tunewise.tui.records.arranging RECORDS ORDER TEXT LIST`` writes what a list shows of the
records that hold a text, in an order, to a Parquet file whose pages are read one by one.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import polars as pl

from ...workspace.artifact import Workspace
from .file import arranged

FEW_RECORDS = 20_000
"""So many are searched and sorted at once, without another process."""
_KEPT_LISTS = 6
_ROWS_OF_A_GROUP = 4096
_LOOK_EVERY = 0.05
_MOST_THREADS = "2"


def write_list(records: Path, order: str, text: str, path: Path) -> None:
    """Write a list; it appears under its name only when it is whole.

    Args:
        records: ``records.parquet`` of an audit.
        order: one of ``record_file.ORDERS``.
        text: only records with this text; all where it is empty.
        path: of the list.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        arranged(records, order, text).sink_parquet(
            partial, row_group_size=_ROWS_OF_A_GROUP, compression="lz4"
        )
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def list_path(workspace: Workspace, audit: str, order: str, text: str) -> Path:
    """Return where a list of an audit's records lies."""
    name = hashlib.sha256(f"{order}\0{text}".encode("utf-8", "replace")).hexdigest()[:12]
    return workspace.store / "lists" / f"{audit}-{name}.parquet"


def make_list(
    records: Path, order: str, text: str, path: Path, cancelled: Callable[[], bool]
) -> str:
    """Have a list written by a child process, unless it is there; waits, so not on the event loop.

    Args:
        records: ``records.parquet`` of an audit.
        order: one of ``record_file.ORDERS``.
        text: only records with this text.
        path: of the list.
        cancelled: looked at meanwhile; once it says so the child is ended.

    Returns:
        What went wrong; empty where nothing did.
    """
    if path.is_file():
        with suppress(OSError):
            path.touch()
        return ""
    command = [sys.executable, "-m", __name__, str(records), order, text, str(path)]
    environment = {**os.environ, "POLARS_MAX_THREADS": _MOST_THREADS}
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=environment,
    )  # fmt: skip
    while True:
        try:
            _, told = child.communicate(timeout=_LOOK_EVERY)
            break
        except subprocess.TimeoutExpired:
            if cancelled():
                child.kill()
                child.communicate()
                return "cancelled"
    _forget_old(path.parent)
    if child.returncode:
        last = told.decode("utf-8", errors="replace").strip().splitlines()[-1:]
        return last[0] if last else f"the search ended with {child.returncode}"
    return ""


def _forget_old(folder: Path) -> None:
    """Keep only the lists that were used last."""
    with suppress(OSError):
        lists = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime)
        for path in lists[:-_KEPT_LISTS]:
            path.unlink()


def read_listed(path: Path, start: int, length: int) -> pl.DataFrame:
    """Read neighbouring lines of a list."""
    return pl.scan_parquet(path).slice(start, length).collect()


if __name__ == "__main__":
    write_list(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
