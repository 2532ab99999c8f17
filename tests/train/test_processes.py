"""One run in two processes of the processor (gloo) against the same run in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from tunewise.train.loop.launch import launch
from tunewise.train.loop.processes import SharedCollator, Team, check_team
from tunewise.train.recipe import Recipe, read_recipe_file
from tunewise.train.rows.batches import Collator, LengthBatches
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, UsageError


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=60), size=st.integers(2, 4))
def test_shares_are_the_batches_dealt_out(lengths: list[int], size: int) -> None:
    order = LengthBatches(lengths, 8, 3)
    shares = [list(Team(rank, size).share(order)) for rank in range(size)]
    for batch, *parts in zip(list(order), *shares, strict=True):
        assert sorted(row for part in parts for row in part) == sorted(batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_process_without_rows_learns_nothing() -> None:
    batch = SharedCollator(Collator(0))([])
    assert len(batch["targets"]) == 0
    assert int(batch["tokens"]) == 0


def test_what_several_processes_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match="too few for 4 processes"):
        check_team(Recipe(batch_size=3), 4)
    with pytest.raises(UsageError, match="one process"):
        check_team(Recipe(task="preference"), 2)
    check_team(Recipe(task="preference"), 1)


def run(root: Path, split: str, recipe: Path, *options: str) -> Path:
    """Train on the command line; returns the artifact's folder."""
    command = [sys.executable, "-m", "tunewise.cli", "train", split, "--recipe", str(recipe)]
    result = subprocess.run(
        [*command, "--workspace", str(root), "--json", "--force", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    return Path(json.loads(result.stdout)["artifact"])


def result_of(folder: Path) -> tuple[pl.DataFrame, dict[str, torch.Tensor]]:
    log = pl.read_parquet(folder / "log.parquet")
    return log, load_file(folder / "adapter" / "adapter_model.safetensors")


@pytest.mark.slow
def test_two_processes_learn_what_one_does(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
) -> None:
    """Nine rows in batches of four: the last batch leaves the second process without a row."""
    split = make_split(chat_rows(0, 9), chat_rows(40, 44))
    recipe = workspace.root / "recipe.toml"
    recipe.write_text(
        f'model = "{tiny_model}"\nrank = 4\ndropout = 0.0\nlearning_rate = 1e-2\nepochs = 4\n'
        "batch_size = 4\ngradient_accumulation = 2\neval_every = 2\ncheckpoint_every = 3\n"
        "samples = 0\n"
    )
    keys = Recipe.model_validate(read_recipe_file(recipe))
    log, weights = result_of(train(workspace, split, keys).folder)
    shared_log, shared_weights = result_of(
        run(workspace.root, split.id, recipe, "--processes", "2")
    )
    counted = ["step", "tokens", "supervised_tokens"]
    assert shared_log.select(counted).equals(log.select(counted))
    for name in ("train_loss", "val_loss", "gradient_norm"):
        ours, theirs = (frame[name].drop_nulls().to_list() for frame in (log, shared_log))
        assert theirs == pytest.approx(ours, rel=1e-4), name
    for name, weight in weights.items():
        torch.testing.assert_close(shared_weights[name], weight, atol=1e-4, rtol=1e-3)


def test_a_process_that_fails_ends_all() -> None:
    """Both fail alike; whichever is noticed first decides how that is told."""
    told = ""
    try:
        code = launch(["no-such-command"], 2, 1)
    except JobError as error:
        code, told = int(error.exit_code), str(error)
    assert code in (2, 4)
    assert (code == 4) == ("process 1 of 2 failed" in told)
