"""The examples in docstrings run, and no module carries words that belong elsewhere."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("workspace", "curate", "train", "evaluate", "cli", "tui")
MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if path.name not in {"__init__.py", "__main__.py"} and ">>>" in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(f"tunewise.{name}")
    outcome = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path)
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if not re.match(r'\s*r?"""', path.read_text("utf-8"))
    ]
    assert silent == []
