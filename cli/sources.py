"""Data as it is named on the command line or in the settings.

Files, entries of a `dataset_info.json`, standard input, and datasets of the Hub.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..workspace.artifact import LATEST
from ..workspace.errors import DataError, UsageError
from ..workspace.manifest import MANIFEST_NAME
from .session import Session

if TYPE_CHECKING:
    from .settings import Settings

STANDARD_INPUT, HUB, DATASET_INFO = "-", "hub:", "dataset_info.json"


def names_data(text: str) -> bool:
    """Tell whether an argument names data; else it names an artifact."""
    if text == STANDARD_INPUT or text.startswith(HUB):
        return True
    if text == LATEST:
        return False
    is_artifact = os.path.isfile(os.path.join(text, MANIFEST_NAME))
    is_there = os.path.exists(text) or glob.has_magic(text) or f"{DATASET_INFO}:" in text
    return not is_artifact and is_there


def data_paths(given: Sequence[str], session: Session, settings: Settings) -> list[Path]:
    """Return the data files to work on: those named, else `[data] paths`.

    Standard input (``-``) and datasets of the Hub (``hub:…``) are kept in the workspace first.

    Raises:
        UsageError: neither names any.
        DataError: what should be kept cannot be had.
        JobError: it cannot be written.
    """
    base = Path() if given else session.workspace.root
    paths: list[Path] = []
    for text in dict.fromkeys(given or settings.data.paths):
        if text == STANDARD_INPUT:
            paths.append(_standard_input(session, settings))
        elif text.startswith(HUB):
            paths += _hub_files(text, base, session)
        else:
            paths.append(base / text)
    if not paths:
        raise UsageError(
            "no data was named",
            where=session.command,
            fix="name a file, or set `paths` under [data] in tunewise.toml",
        )
    return paths


def _standard_input(session: Session, settings: Settings) -> Path:
    from ..curate.reading.standard_input import keep_standard_input

    if sys.stdin is None:
        raise DataError("standard input is closed", fix="pipe data into the command")
    return keep_standard_input(
        sys.stdin.buffer,
        session.workspace,
        encoding=settings.data.encoding,
        emit=session.emit,
    )


def _hub_files(text: str, base: Path, session: Session) -> list[Path]:
    from ..curate.reading.hub_dataset import keep_hub_dataset, parse_hub

    dataset = parse_hub(text)
    if dataset.is_local:
        # Like any other path of the settings it begins at the workspace.
        dataset = replace(dataset, name=str(base.absolute() / os.path.expanduser(dataset.name)))
    return keep_hub_dataset(dataset, session.workspace, emit=session.emit)
