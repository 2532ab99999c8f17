"""What the app remembers of a person between sessions: the theme chosen last, the tour seen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..workspace.files import read_json, write_json
from .recent import recent_path

THEME, TOUR_SEEN = "theme", "tour_seen"


def state_path() -> Path:
    """Return where it lies, beside the list of recent files."""
    return recent_path().with_name("app.json")


def read_state(path: Path) -> dict[str, Any]:
    """Return what is remembered; nothing where there is nothing, or where it is damaged."""
    found: object = {}
    with suppress(OSError, ValueError):
        found = read_json(path)
    return dict(found) if isinstance(found, dict) else {}


def remember(path: Path, values: Mapping[str, Any]) -> None:
    """Remember more; a state folder that cannot be written is no fault."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**read_state(path), **values})
