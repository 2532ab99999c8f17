"""The recipe of a training run: every key, its default, and the reason for it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..workspace.errors import UsageError
from ..workspace.nearest import nearest
from .keys.computing import ComputingKeys
from .keys.forgetting import ForgettingKeys
from .keys.method import ALL_LINEAR, MethodKeys
from .keys.model import ModelKeys
from .keys.optimisation import OptimisationKeys
from .keys.task import TaskKeys
from .keys.watching import WatchingKeys

__all__ = ["ALL_LINEAR", "DEFAULT_LEARNING_RATES", "KEY_GROUPS", "Recipe", "read_recipe_file"]

# Adapters start at zero and need large steps, the few weights of prefixes and factors larger
# ones; whole weights are easily broken by them.
DEFAULT_LEARNING_RATES = {"lora": 2e-4, "prefix": 1e-2, "ia3": 3e-3, "full": 2e-5}

KEY_GROUPS = (
    ModelKeys,
    TaskKeys,
    MethodKeys,
    OptimisationKeys,
    ComputingKeys,
    ForgettingKeys,
    WatchingKeys,
)
"""The groups of keys, in the order in which a page tells of them."""


class Recipe(
    WatchingKeys, ForgettingKeys, ComputingKeys, OptimisationKeys, MethodKeys, TaskKeys, ModelKeys
):
    """`[train]`: what is tuned, how, and for how long.

    A key left at ``None`` is chosen when the run starts; the run's ``recipe.json`` tells what
    was chosen.
    """

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate in use."""
        if self.learning_rate is not None:
            return self.learning_rate
        usual = DEFAULT_LEARNING_RATES[self.method]
        return usual / 10 if self.task == "preference" else usual


def read_recipe_file(path: Path) -> dict[str, Any]:
    """Read a recipe's keys from TOML, at the top level or under ``[train]``.

    Args:
        path: the file.

    Returns:
        The keys that the file sets; their values are checked when the settings are put together.

    Raises:
        UsageError: the file cannot be read, is no TOML, or has a key that no recipe has.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the recipe: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this is no valid TOML: {error}", where=str(path)) from error
    keys = document.get("train", document)
    if not isinstance(keys, dict) or (keys is not document and len(document) > 1):
        raise UsageError(
            "a recipe holds the keys of [train] and nothing else",
            where=str(path),
            fix="put other sections into tunewise.toml",
        )
    for key in keys:
        if key not in Recipe.model_fields:
            raise UsageError(
                f"unknown key {key!r} in the recipe",
                where=str(path),
                fix=nearest(key, Recipe.model_fields),
            )
    return keys
