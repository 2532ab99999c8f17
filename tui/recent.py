"""The data files a person opened lately, kept in their own state folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..workspace.files import read_json, write_json

_KEPT = 10
_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz", ".zst")
_LISTED = 12


def recent_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the list lies (``$XDG_STATE_HOME/tunewise/recent.json``)."""
    base = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "tunewise" / "recent.json"


def recent_files(store: Path) -> list[Path]:
    """Return the files opened lately that are still there, the latest first."""
    listed: object = []
    with suppress(OSError, ValueError):
        listed = read_json(store)
    if not isinstance(listed, list):
        return []
    return [Path(item) for item in listed if isinstance(item, str) and Path(item).is_file()]


def remember_file(store: Path, path: Path) -> None:
    """Put a file at the head of the list; a state folder that cannot be written is no fault."""
    path = path.resolve()
    others = [item for item in recent_files(store) if item != path]
    with suppress(OSError):
        write_json(store, [str(item) for item in (path, *others)][:_KEPT])


def data_files(folder: Path) -> list[Path]:
    """Return files in a folder that look like datasets, by name."""
    found: list[Path] = []
    with suppress(OSError):
        found = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix in _SUFFIXES and path.is_file() and not path.name.startswith(".")
        ]
    return found[:_LISTED]


def bundled_sample() -> Path:
    """Return the dataset that comes with tunewise."""
    return Path(__file__).resolve().parents[1] / "datasets" / "sample.jsonl"
