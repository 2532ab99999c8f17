"""Preferences, and a hold on the base: what needs the model as it was beside what it becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.curate.reading.read import read_dataset
from tunewise.train.loop.loss import row_losses
from tunewise.train.recipe import Recipe
from tunewise.train.rows.supervision import prepare_part
from tunewise.train.rows.tasks import learn_pairs
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.files import read_json

from .runs import changed, learned, stopping_at


def pair(number: int) -> dict[str, Any]:
    good, bad = ("red bird", "blue fish") if number % 2 else ("red tree sings", "blue sea")
    return {
        "prompt": [{"role": "user", "content": f"the {number % 7} near"}],
        "chosen": [{"role": "assistant", "content": good}],
        "rejected": [{"role": "assistant", "content": bad}],
    }


@pytest.fixture
def pairs(make_split: Callable[..., Artifact]) -> Artifact:
    rows = [pair(number) for number in range(32)]
    return make_split(rows[:24], rows[24:], shape="preference", kind="preference")


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=2, eval_every=2, threads=1,
        checkpoint_every=2, samples=0,
    )  # fmt: skip


def goes_on(workspace: Workspace, split: Artifact, recipe: Recipe) -> Artifact:
    """Train a recipe, train it again with a stop between, and compare."""
    whole = learned(train(workspace, split, recipe).folder)
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, force=True, emit=stopping_at(2))
    artifact = train(workspace, split, recipe, force=True)
    assert learned(artifact.folder) == whole
    return artifact


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "full", "learning_rate": 1e-3, "preference_loss": "ipo"},
        {"preference_loss": "hinge", "gradient_accumulation": 2, "epochs": 4},
        {"quantize": "4bit"},
    ],
    ids=str,
)
def test_the_chosen_answers_become_likelier_than_the_rejected(
    workspace: Workspace, pairs: Artifact, recipe: Recipe, changes: dict[str, Any]
) -> None:
    chosen = changed(recipe, task="preference", **changes)
    # The others differ in the loss alone.
    resumed = "preference_loss" not in changes or chosen.method == "full"
    artifact = (goes_on if resumed else train)(workspace, pairs, chosen)
    log = pl.read_parquet(artifact.folder / "log.parquet")
    margins, accuracies = log["reward_margin"].drop_nulls(), log["reward_accuracy"].drop_nulls()
    assert margins[0] == pytest.approx(0, abs=1e-5)
    assert margins[-1] > 0
    assert accuracies[-1] == 1.0
    losses = read_json(artifact.folder / "train.json")["losses"]
    assert losses["kept"]["val"] < losses["base"]["val"]
    assert {path.name for path in artifact.folder.rglob("ref*")} == set()


def test_validation_is_by_the_loss_of_the_training(
    workspace: Workspace, pairs: Artifact, recipe: Recipe, tiny_model: Path
) -> None:
    """The loss by hand, from the adapter in plain PEFT."""
    artifact = train(workspace, pairs, changed(recipe, task="preference", preference_beta=0.3))
    base: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    model: Any = PeftModel.from_pretrained(base, artifact.folder / "adapter").eval()
    dataset = read_dataset(pairs.folder / "val.jsonl", shape="preference")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    rows: Any = prepare_part("val", dataset, tokenizer, learn=learn_pairs).rows
    sides = [rows, [row.rejected for row in rows]]
    after = [row_losses(model, side).summed for side in sides]
    with model.disable_adapter():
        before = [row_losses(model, side).summed for side in sides]
    gained = (before[0] - after[0]) - (before[1] - after[1])
    loss = -torch.nn.functional.logsigmoid(torch.from_numpy(0.3 * gained)).mean()
    losses = read_json(artifact.folder / "train.json")["losses"]
    assert losses["kept"]["val"] == pytest.approx(float(loss), abs=1e-5)
    assert losses["base"]["val"] == pytest.approx(0.6931, abs=1e-4)


def test_pairs_with_nothing_to_prefer_are_refused(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe
) -> None:
    same = pair(0) | {"rejected": pair(0)["chosen"]}
    rows = [same, *(pair(number) for number in range(6))]
    split = make_split(rows, rows[1:3], shape="preference", kind="preference")
    facts = preflight(workspace, split, changed(recipe, task="preference"))
    assert facts["rows"]["train"]["refused"] == 1
    assert "its answers are the same" in facts["refusals"][0]["reason"]


@pytest.fixture
def chats(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 24), chat_rows(40, 46))


@pytest.fixture
def general(tmp_path: Path) -> str:
    rows = [{"text": f"swims the sea near {number} tree grows"} for number in range(20)]
    (tmp_path / "general.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "general.jsonl"


@pytest.mark.parametrize(
    "changes",
    [{}, {"method": "full", "learning_rate": 2e-3}, {"gradient_accumulation": 2, "epochs": 4}],
    ids=str,
)
def test_a_hold_on_the_base_keeps_the_model_near_it(
    workspace: Workspace, chats: Artifact, recipe: Recipe, general: str, changes: dict[str, Any]
) -> None:
    """Next to no weight shows how far the model would go if it were not held."""
    distances = {}
    for weight in (1e-9, 20.0):
        held = changed(recipe, kl_weight=weight, kl_texts=general, keep="last", **changes)
        artifact = train(workspace, chats, held)
        log = pl.read_parquet(artifact.folder / "log.parquet")
        assert log["divergence"][1] == pytest.approx(0, abs=1e-6)
        distances[weight] = log["divergence"][-1]
        losses = read_json(artifact.folder / "train.json")["losses"]
        assert losses["kept"]["val"] < losses["base"]["val"]
    assert 0 < distances[20.0] < 0.5 * distances[1e-9]
    if changes:
        goes_on(workspace, chats, held)
    assert "kl_texts" in {item.name for item in artifact.manifest.inputs}
