"""Datasets that the `datasets` library loads by name: kept as Parquet in the workspace."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...workspace.artifact import Workspace
from ...workspace.errors import DataError, JobError, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import sha256_of_files

PREFIX = "hub:"
"""What the name of such a dataset begins with among paths."""

_NOTATION = re.compile(
    r"hub:(?P<name>[^@#:]+)(?:@(?P<revision>[^#:]+))?(?:#(?P<config>[^:]+))?(?::(?P<split>.+))?"
)
_LOCAL = (".", "/", "~")
_NOT_IN_NAMES = re.compile(r"[^\w.+-]+")
_SHELF = "hub"
_ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A dataset by name.

    Attributes:
        name: ``owner/name`` on the Hub, or the path of a local folder.
        revision: a branch, tag or commit; the newest where it is empty.
        config: which of the dataset's configurations; its only or default one where it is empty.
        split: which split; all of them, one after another, where it is empty.
    """

    name: str
    revision: str = ""
    config: str = ""
    split: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the name is that of a folder."""
        return self.name.startswith(_LOCAL)


def parse_hub(text: str) -> HubDataset:
    """Read ``hub:NAME[@REVISION][#CONFIG][:SPLIT]``.

    Raises:
        UsageError: the text has another form.

    Example:
        >>> parse_hub("hub:owner/name@v1.0#german:train")
        HubDataset(name='owner/name', revision='v1.0', config='german', split='train')
    """
    match = _NOTATION.fullmatch(text)
    if match is None:
        raise UsageError(
            "this names no dataset of the Hub",
            where=text,
            fix="write hub:OWNER/NAME, and where needed @REVISION, #CONFIG and :SPLIT behind it",
        )
    dataset = HubDataset(**{part: value or "" for part, value in match.groupdict().items()})
    if dataset.is_local and dataset.revision:
        raise UsageError("a local folder has no revisions", where=text, fix="leave @… out")
    if not dataset.is_local and Path(dataset.name).exists():
        raise UsageError(
            "a local folder has the same name as the dataset of the Hub",
            where=text,
            fix=f"write hub:./{dataset.name} for the folder, or go to another folder",
        )
    return dataset


def keep_hub_dataset(
    dataset: HubDataset, workspace: Workspace, *, emit: Emit = ignore
) -> list[Path]:
    """Load a dataset and write its splits as Parquet into the workspace, whole or not at all.

    Code that comes with a dataset is never run.

    Args:
        dataset: what to load.
        workspace: the files are kept in its ``.tunewise/hub``, in a folder named after their
            content.
        emit: told where they lie.

    Returns:
        A file for each split, in the dataset's own order.

    Raises:
        UsageError: the package `datasets` is not installed.
        DataError: there is no such dataset, configuration or split, or it cannot be reached.
        JobError: the disk is full or cannot be written.
    """
    splits = _load(dataset, emit)
    shelf = workspace.store / _SHELF
    names = [
        f"{number}-{_NOT_IN_NAMES.sub('_', split)}.parquet"
        for number, split in enumerate(splits, 1)
    ]
    try:
        kept = _write(dict(zip(names, splits.values(), strict=True)), shelf)
    except OSError as error:
        raise JobError(
            f"the dataset cannot be kept: {error.strerror or error}",
            where=str(shelf),
            fix="free some space or check the folder's permissions, then run the command again",
        ) from error
    emit(Note(text=f"{dataset.name} ({', '.join(splits)}) is kept in {kept}"))
    return [kept / name for name in names]


def _write(files: Mapping[str, Any], shelf: Path) -> Path:
    """Write datasets as files into a folder named after their content."""
    shelf.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=shelf))
    try:
        for name, rows in files.items():
            rows.to_parquet(incoming / name)
        kept = shelf / sha256_of_files(incoming / name for name in files)[:_ID_DIGITS]
        if not kept.exists():
            incoming.chmod(0o755)
            incoming.rename(kept)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return kept


def _load(dataset: HubDataset, emit: Emit) -> Mapping[str, Any]:
    """Return the splits by name."""
    try:
        import datasets
    except ImportError as error:
        raise UsageError(
            "a dataset by name needs the package 'datasets', which is not installed",
            where=f"{PREFIX}{dataset.name}",
            fix="pip install 'datasets>=4'",
        ) from error
    datasets.disable_progress_bars()
    if not dataset.is_local:
        emit(Note(text=f"asking the Hub for {dataset.name}"))
    try:
        loaded = datasets.load_dataset(
            os.path.expanduser(dataset.name),
            name=dataset.config or None,
            revision=dataset.revision or None,
            split=dataset.split or None,
        )
    # Whatever goes wrong inside: no network, no such name, rows that do not fit together.
    except Exception as error:
        raise _unloadable(dataset, error) from error
    if isinstance(loaded, Mapping):
        return {str(split): rows for split, rows in loaded.items()}
    return {dataset.split: loaded}


def _unloadable(dataset: HubDataset, error: Exception) -> DataError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    fix = "check its name, configuration and split"
    if dataset.is_local:
        fix = "check the folder, or name it without hub: to read its files one by one"
    elif isinstance(error, ConnectionError):
        fix = "check the network (and HF_HUB_OFFLINE); or download the files and name them"
    return DataError(
        f"the dataset cannot be loaded: {reason}", where=f"{PREFIX}{dataset.name}", fix=fix
    )
