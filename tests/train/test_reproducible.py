"""The same recipe, data and versions give the same adapter, hash for hash, in any process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.files import sha256_of_file


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of_file(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_processes_write_the_same_files(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    """In folders of other names, with other orders of sets: all files of the adapter are equal."""
    split = make_split(chat_rows(0, 24), chat_rows(40, 44))
    recipe = Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=1, eval_every=2, threads=1,
        dropout=0.3, samples=1, sample_tokens=3,
    )  # fmt: skip
    elsewhere = tmp_path / "a folder with a longer name"
    shutil.copytree(workspace.store, elsewhere / ".tunewise")
    here = digests(train(workspace, split, recipe).folder / "adapter")

    path = tmp_path / "recipe.toml"
    keys = recipe.model_dump(exclude_none=True, exclude_defaults=True)
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    done = subprocess.run(
        [sys.executable, "-m", "tunewise.cli", "train", "--json", "--recipe", str(path)],
        cwd=elsewhere,
        env={**os.environ, "PYTHONHASHSEED": "4242"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    adapter = Path(json.loads(done.stdout)["adapter"])
    assert elsewhere in adapter.parents
    assert {"adapter_model.safetensors", "adapter_config.json", "README.md"} <= set(here)
    assert digests(adapter) == here
