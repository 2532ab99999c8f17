"""What a run is made from: the base model, the files of general rows, and the keys that count."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..workspace.artifact import Workspace
from ..workspace.errors import UsageError
from .models.base_model import BaseModel, find_base_model
from .preflight.combinations import check_combinations
from .recipe import Recipe
from .rows.general import ANCHOR, PROBE, REPLAY, general_files
from .tracking.tracker import check_trackers


def parameters_of(recipe: Recipe, general: Mapping[str, Path]) -> dict[str, Any]:
    """Return the keys that decide the result; files take part by their content instead."""
    files = {key for key in (REPLAY, PROBE, ANCHOR) if key in general}
    nothing = {"checkpoint_every", "report_to"}
    return recipe.model_dump(mode="json", exclude={"model", *files, *nothing})


def find_inputs(workspace: Workspace, recipe: Recipe) -> tuple[BaseModel, dict[str, Path]]:
    """Find the base model, and by key the files of general rows that a recipe names."""
    if recipe.model is None:
        raise UsageError(
            "no base model is named",
            where="[train] model",
            fix="give --model FOLDER, or set model under [train] in tunewise.toml",
        )
    check_combinations(recipe)
    check_trackers(recipe.report_to)
    _quiet_libraries()
    base = find_base_model(recipe.model)
    return base, general_files(recipe, workspace.root)


def _quiet_libraries() -> None:
    """Keep the libraries' own bars, hints and telemetry off the terminal; errors still raise."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if find_spec("deepspeed"):
        # accelerate imports it wherever it is, and its log goes to the stdout that it finds.
        with redirect_stdout(sys.stderr):
            import_module("deepspeed")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|peft")
    # What is saved of such an adapter is turned into one for the untouched base.
    warnings.filterwarnings("ignore", message="(PiSSA|OLoRA) changes the base weights")
