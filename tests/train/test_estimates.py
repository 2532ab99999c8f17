"""What is told of a run before it starts: sizes, memory, time and cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tunewise.cli.main import tunewise
from tunewise.train.preflight.batch_shapes import BatchShape
from tunewise.train.preflight.estimates import memory_warning
from tunewise.train.preflight.warm_up import relative_margin, size_groups
from tunewise.train.recipe import Recipe
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError
from tunewise.workspace.files import read_json


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 40), chat_rows(40, 50))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(model=str(tiny_model), rank=4, epochs=2, threads=1, max_length=128)


def test_tokens_and_ends_are_counted(workspace: Workspace, split: Artifact, recipe: Recipe) -> None:
    facts = preflight(workspace, split, recipe)
    rows = facts["rows"]["train"]
    assert facts["tokens"]["an_epoch"] == rows["tokens"]
    assert facts["tokens"]["run"] == 2 * rows["tokens"]
    assert facts["tokens"]["supervised"] == 2 * rows["supervised"]
    assert facts["end_token"] == {"token": "<|end|>", "rows": 40, "of": 40}
    assert facts["time"] is None
    cut = preflight(workspace, split, recipe.model_copy(update={"max_length": 20}))
    assert cut["end_token"]["rows"] < cut["end_token"]["of"]


def test_the_memory_is_estimated_and_compared(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    memory = preflight(workspace, split, recipe)["memory"]
    assert memory["fits"] is True
    assert memory["total"] == memory["libraries"] + memory["estimate"]["peak"]
    assert memory_warning(memory) is None
    full = {**memory, "fits": False, "total": 8e9, "available": 2e9}
    assert "about 8.0 GB, and 2.0 GB are free" in str(memory_warning(full))
    assert memory_warning({**memory, "fits": None}) is None


def test_a_warm_up_tells_the_time_and_leaves_nothing(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    before = list(workspace.root.rglob("*"))
    facts = preflight(workspace, split, recipe, warm_up=True, price_per_hour=7200.0)
    assert list(workspace.root.rglob("*")) == before
    time, cost = facts["time"], facts["cost"]
    assert 0 < time["low"] <= time["seconds"] <= time["high"]
    assert time["validating"] < time["seconds"]
    assert time["measured_steps"] == 5
    assert cost["amount"] == pytest.approx(2 * time["seconds"])
    assert cost["low"] <= cost["amount"] <= cost["high"]


def test_memory_that_is_not_enough_shows_in_the_warm_up(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr("tunewise.train.loop.trainer.token_losses", full)
    with pytest.raises(JobError, match="memory") as caught:
        preflight(workspace, split, recipe, warm_up=True)
    assert "batch_size = 4 and gradient_accumulation = 2" in caught.value.fix


def test_a_run_keeps_what_was_told_before_it(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    artifact = train(workspace, split, recipe)
    told = read_json(artifact.folder / "preflight.json")
    assert told["schedule"]["steps"] == read_json(artifact.folder / "train.json")["steps"]
    assert told["memory"]["estimate"]["peak"] > 0
    log = pl.read_parquet(artifact.folder / "log.parquet")
    assert told["tokens"]["run"] == log["tokens"].max()


@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=100))
def test_groups_of_batches_hold_each_once_by_size(sizes: list[int]) -> None:
    groups = size_groups([BatchShape(size, size, 1) for size in sizes])
    assert sorted(number for group in groups for number in group) == list(range(len(sizes)))
    ordered = [sizes[number] for group in groups for number in group]
    assert ordered == sorted(ordered)
    assert all(groups)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        rates = random.normal(1.0, 0.1, 5)
        held += abs(rates.mean() - 1.0) <= relative_margin(rates.tolist()) * rates.mean()
    assert 0.92 <= held / 400 <= 0.98
    assert relative_margin([2.0]) == 1.0


def test_on_the_command_line(workspace: Workspace, split: Artifact, recipe: Recipe) -> None:
    command = ["train", split.id, "--model", str(recipe.model), "--dry-run"]
    command += ["--workspace", str(workspace.root)]
    shown = CliRunner().invoke(tunewise, [*command, "--price-per-hour", "3"])
    assert shown.exit_code == 0, shown.output
    for said in (
        "memory    about",
        "time      ",
        "cost      ",
        "40 of 40 rows teach the end token",
    ):
        assert said in shown.output
    short = CliRunner().invoke(tunewise, [*command, "--no-warm-up", "--json"])
    assert json.loads(short.stdout)["time"] is None
    refused = CliRunner().invoke(tunewise, [*command, "--no-warm-up", "--price-per-hour", "3"])
    assert refused.exit_code == 2
