"""The list of all plantings and trials: every one of every module of this package."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from .planting import Planting, TrialKind


def _members() -> Iterator[Planting | TrialKind]:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name != "registry":
            loaded = import_module(f".{module.name}", __package__)
            for member in vars(loaded).values():
                if isinstance(member, Planting | TrialKind):
                    yield member


NOT_PLANTED = {
    "schema/user-schema": "what your own schema forbids is known to you alone",
    "duplicates/earlier": "it needs the audit of other data",
    "duplicates/semantic": "rows that mean the same in other words cannot be made up here",
    "tokens/template": "whether a template refuses a row depends on your template alone",
    "tokens/end-token": "it judges the tokenizer, not the rows",
}
"""Checks for which nothing is planted, and why."""

_ALL = tuple(_members())
ALL_PLANTINGS = tuple(member for member in _ALL if isinstance(member, Planting))
ALL_TRIALS = tuple(member for member in _ALL if isinstance(member, TrialKind))
