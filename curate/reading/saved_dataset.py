"""Folders that the `datasets` library saved (`Dataset.save_to_disk`): their shards in order.

Such a folder holds Arrow shards and, in ``state.json``, their names in order. A folder of several
splits holds one such folder for each, and their names in ``dataset_dict.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError

STATE, SPLITS = "state.json", "dataset_dict.json"
DESCRIPTIONS = frozenset({SPLITS, "dataset_info.json", "dataset_infos.json"})
"""Names of files that describe data and hold no rows."""


def saved_shards(folder: Path) -> list[Path] | None:
    """Return the shards of a saved dataset, of all splits one after another.

    One split is a folder by itself and can be read alone.

    Args:
        folder: any folder.

    Returns:
        The shards in order; None where the folder is no saved dataset.

    Raises:
        DataError: it is one that is damaged or not whole.
        OSError: it cannot be read.
    """
    if (folder / SPLITS).is_file():
        names = _described(folder / SPLITS).get("splits")
        shards: list[Path] = []
        for name in _checked_names(names, folder / SPLITS):
            shards += _shards_of_split(folder / name, folder / SPLITS)
        return shards
    if (folder / STATE).is_file():
        state = _described(folder / STATE)
        if "_data_files" in state:
            return _shards(folder, state)
    return None


def _shards_of_split(split: Path, named_in: Path) -> list[Path]:
    if not (split / STATE).is_file():
        raise DataError(
            f"the saved dataset lacks its split {split.name!r}",
            where=str(named_in),
            fix="save or copy it again, as a whole",
        )
    return _shards(split, _described(split / STATE))


def _shards(folder: Path, state: dict[str, Any]) -> list[Path]:
    if state.get("_indices_data_files"):
        raise DataError(
            "the saved dataset chooses its rows by an index, as early versions of `datasets` did",
            where=str(folder / STATE),
            fix="load it, call flatten_indices() and save it again",
        )
    entries = state.get("_data_files")
    files = entries if isinstance(entries, list) else [None]
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in files]
    shards = [folder / name for name in _checked_names(names, folder / STATE)]
    for shard in shards:
        if not shard.is_file():
            raise DataError(
                f"the saved dataset lacks its shard {shard.name!r}",
                where=str(folder / STATE),
                fix="save or copy it again, as a whole",
            )
    return shards


def _checked_names(names: Any, named_in: Path) -> list[str]:
    """Return names of files beside the one that names them; never a way out of the folder."""
    if not isinstance(names, list) or not all(_is_name(name) for name in names):
        raise DataError(
            "the saved dataset does not say what it consists of",
            where=str(named_in),
            fix="save it again, or name its .arrow files",
        )
    return names


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0")


def _described(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
