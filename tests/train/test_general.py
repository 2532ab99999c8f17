"""General rows mixed into training against forgetting."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from tunewise.train.recipe import Recipe
from tunewise.train.rows.general import general_files, replay_rows
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, UsageError
from tunewise.workspace.events import Event, Note
from tunewise.workspace.files import read_json

MakeRows = Callable[[int, int], list[dict[str, Any]]]


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: MakeRows) -> Artifact:
    return make_split(chat_rows(0, 30), chat_rows(30, 38))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=1, threads=1)


def write_texts(path: Path, count: int) -> Path:
    lines = [
        json.dumps({"text": f"the bird sings near the sea {number}"}) for number in range(count)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@given(st.integers(1, 100_000), st.floats(0.01, 0.9))
def test_replay_is_the_share_of_all_rows(rows: int, share: float):
    drawn = replay_rows(rows, share)

    assert abs(drawn - share * (rows + drawn)) <= 1


def test_general_rows_are_learned_and_counted_apart(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    write_texts(workspace.root / "general.jsonl", 100)
    changes = {"replay": "general.jsonl", "replay_share": 0.25}

    run = train(workspace, split, recipe.model_copy(update=changes))

    document = read_json(run.folder / "train.json")
    assert document["rows"]["train"]["used"] == 30
    assert document["rows"]["replay"]["used"] == 10
    assert document["steps"] == 5, "40 rows in batches of 8"
    supervision = pl.read_parquet(run.folder / "supervision.parquet")
    replayed = supervision.filter(pl.col("part") == "replay")
    assert len(replayed) == 10
    assert (
        replayed["supervised"].to_list() == [n - 1 for n in replayed["tokens"]]
        or (replayed["supervised"] == replayed["tokens"]).all()
    ), "everything of a text is learned"
    tokens = sum(document["rows"][part]["tokens"] for part in ("train", "replay"))
    assert document["tokens"] == tokens


def test_without_replay_nothing_is_said_of_it(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    run = train(workspace, split, recipe)

    assert set(read_json(run.folder / "train.json")["rows"]) == {"train", "val"}
    assert not any(name.startswith("replay") for name in run.manifest.counts)


def test_the_content_of_the_general_rows_decides_not_their_path(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    first = write_texts(workspace.root / "first.jsonl", 50)
    (workspace.root / "second.jsonl").write_bytes(first.read_bytes())
    write_texts(workspace.root / "third.jsonl", 60)

    runs = [
        train(workspace, split, recipe.model_copy(update={"replay": f"{name}.jsonl"}))
        for name in ("first", "second", "third")
    ]

    assert runs[0].id == runs[1].id
    assert runs[0].id != runs[2].id


def test_general_rows_change_what_is_learned(workspace: Workspace, split: Artifact, recipe: Recipe):
    write_texts(workspace.root / "general.jsonl", 50)

    plain = train(workspace, split, recipe)
    mixed = train(workspace, split, recipe.model_copy(update={"replay": "general.jsonl"}))

    weights = [
        load_file(run.folder / "adapter/adapter_model.safetensors") for run in (plain, mixed)
    ]
    assert any(not weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_a_set_for_replay_comes_with_the_project(
    workspace: Workspace, repository_root: Path
) -> None:
    files = general_files(Recipe(replay="bundled", probe="bundled"), workspace.root)
    bundled = repository_root / "datasets" / "replay.jsonl"
    assert files == {"replay": bundled, "probe": bundled}
    assert len(bundled.read_text().splitlines()) == 2000


def test_too_few_general_rows_are_told(workspace: Workspace, split: Artifact, recipe: Recipe):
    write_texts(workspace.root / "general.jsonl", 3)
    heard: list[Event] = []

    train(
        workspace,
        split,
        recipe.model_copy(update={"replay": "general.jsonl", "replay_share": 0.25}),
        emit=heard.append,
    )

    warnings = [
        event.text for event in heard if isinstance(event, Note) and event.level == "warning"
    ]
    assert any(
        "3 rows of 10 wanted for each epoch" in text and "9%" in text for text in warnings
    ), warnings


def test_a_missing_file_is_refused_before_anything_starts(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    with pytest.raises(UsageError, match="no such file of replay rows"):
        train(workspace, split, recipe.model_copy(update={"replay": "nowhere.jsonl"}))


def with_probe(workspace: Workspace, recipe: Recipe, **changes: Any) -> Recipe:
    write_texts(workspace.root / "general.jsonl", 100)
    usual = {"probe": "general.jsonl", "eval_every": 1, "eval_rows": 8, "dropout": 0.0}
    return recipe.model_copy(update=usual | changes)


def test_a_probe_is_measured_and_never_learned_from(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    plain = train(workspace, split, with_probe(workspace, recipe, probe=None))
    run = train(workspace, split, with_probe(workspace, recipe))

    assert (run.folder / "adapter/adapter_model.safetensors").read_bytes() == (
        plain.folder / "adapter/adapter_model.safetensors"
    ).read_bytes()
    log = pl.read_parquet(run.folder / "log.parquet")
    assert log["general_loss"].null_count() == 0
    document = read_json(run.folder / "train.json")
    assert document["rows"]["probe"]["used"] == 8
    assert document["losses"]["base"]["general"] == log["general_loss"][0]
    assert document["over_budget"] is None
    assert run.manifest.inputs[-1].name == "probe"


def test_a_file_serves_for_replay_and_probe_without_sharing_a_row(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    both = with_probe(workspace, recipe, replay="general.jsonl", replay_share=0.5)

    run = train(workspace, split, both)

    supervision = pl.read_parquet(run.folder / "supervision.parquet")
    rows = {
        part: set(supervision.filter(pl.col("part") == part)["row"]) for part in ("replay", "probe")
    }
    assert len(rows["replay"]) == 30
    assert len(rows["probe"]) == 8
    assert not rows["replay"] & rows["probe"]


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_run_ends_beyond_the_budget_and_keeps_a_state_within(
    workspace: Workspace, split: Artifact, recipe: Recipe, keep: str
):
    greedy = with_probe(workspace, recipe, keep=keep, epochs=8, learning_rate=3e-2)
    free = pl.read_parquet(train(workspace, split, greedy).folder / "log.parquet")
    increase = free["general_loss"] / free["general_loss"][0] - 1
    worst = next(
        step for step in range(2, len(free)) if increase[step] == increase[: step + 1].max()
    )
    budget = f"{max(increase[worst] - 1e-4, 0):.6f}"
    first = next(step for step in range(1, len(free)) if increase[step] > float(budget))
    assert first > 1, "the test is about a run that was within its budget for a while"

    held = greedy.model_copy(update={"stop_if": f"general_loss_increase > {budget}"})
    events: list[Event] = []
    run = train(workspace, split, held, emit=events.append)

    document = read_json(run.folder / "train.json")
    assert document["steps"] == first
    assert document["stopped_early"]
    assert document["over_budget"] == pytest.approx(increase[first])
    kept = document["kept_step"]
    assert 0 < kept < first
    assert kept == first - 1 or keep == "best"
    assert document["losses"]["kept"]["general"] == free["general_loss"][kept]
    assert any(isinstance(event, Note) and "forgetting budget" in event.text for event in events)


def test_no_state_within_the_budget_is_an_error(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    strict = with_probe(
        workspace,
        recipe,
        stop_if="general_loss_increase > 0.01",
        method="full",
        learning_rate=0.3,
        eval_every=2,
    )

    with pytest.raises(JobError, match="no state is within the forgetting budget") as caught:
        train(workspace, split, strict)
    assert "replay" in caught.value.fix


def test_a_budget_needs_a_probe_and_a_form(workspace: Workspace, split: Artifact, recipe: Recipe):
    without = recipe.model_copy(update={"stop_if": "general_loss_increase > 0.05"})
    with pytest.raises(UsageError, match="needs general rows"):
        train(workspace, split, without)
    with pytest.raises(ValueError, match="general_loss_increase"):
        Recipe(stop_if="loss > many")
    assert Recipe(stop_if="general_loss_increase>.5").forgetting_budget == 0.5


def test_a_probe_whose_rows_are_all_trained_on(
    workspace: Workspace, split: Artifact, recipe: Recipe
):
    probed = with_probe(workspace, recipe, replay="general.jsonl", replay_share=0.9)

    with pytest.raises(UsageError, match="each is trained on"):
        train(workspace, split, probed)
