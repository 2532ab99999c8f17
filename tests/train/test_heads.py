"""Labels learned by a head in place of the vocabulary."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tunewise.train.recipe import Recipe
from tunewise.train.rows.render import render_prompt
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import Event, Measured
from tunewise.workspace.files import read_json, sha256_of_file

LABELS = ("bird", "fish", "tree")


def rows(first: int, last: int) -> list[dict[str, str]]:
    return [
        {"text": f"the red {LABELS[n % 3]} number {n}" + " near" * (n % 5), "label": LABELS[n % 3]}
        for n in range(first, last)
    ]


@pytest.fixture
def split(make_split: Callable[..., Artifact]) -> Artifact:
    return make_split(rows(0, 48), rows(48, 60), shape="classification", kind="classification")


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), task="classification-head", rank=4, learning_rate=1e-2, epochs=3,
        eval_every=3, checkpoint_every=2, threads=1, samples=0,
    )  # fmt: skip


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), **changes})


def learned(artifact: Artifact) -> tuple[dict[str, str], list[Any]]:
    weights = {path.name: sha256_of_file(path) for path in artifact.folder.glob("*/*.safetensors")}
    return weights, pl.read_parquet(artifact.folder / "log.parquet")["val_loss"].to_list()


def plain_model(artifact: Artifact, base: Path) -> Any:
    """Load a result as its users do, without this project."""
    names = read_json(next(artifact.folder.glob("*/labels.json")))
    assert tuple(names) == LABELS
    if (whole := artifact.folder / "model").is_dir():
        return AutoModelForSequenceClassification.from_pretrained(whole)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(names))
    return PeftModel.from_pretrained(model, artifact.folder / "adapter")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "full", "learning_rate": 3e-3},
        {"method": "ia3", "learning_rate": 5e-2, "epochs": 8},
        {"packing": True, "max_length": 64, "epochs": 8},
    ],
    ids=str,
)
def test_a_head_learns_labels_and_loads_without_us(
    workspace: Workspace,
    split: Artifact,
    recipe: Recipe,
    tiny_model: Path,
    changes: dict[str, Any],
) -> None:
    artifact = train(workspace, split, changed(recipe, **changes))
    document = read_json(artifact.folder / "train.json")
    assert document["labels"] == list(LABELS)
    assert document["task"] == "classification-head"
    assert document["rows"]["train"]["supervised"] == 48
    kept = document["losses"]["kept"]["val"]
    assert kept < 0.8 * document["losses"]["base"]["val"]
    model = plain_model(artifact, tiny_model).eval()
    tokenizer = AutoTokenizer.from_pretrained(next(artifact.folder.glob("*/labels.json")).parent)
    losses: list[float] = []
    with torch.no_grad():
        for row in rows(48, 60):
            prompt = render_prompt(tokenizer, [{"role": "user", "content": row["text"]}])
            logits = model(input_ids=torch.tensor([prompt])).logits
            losses.append(cross_entropy(logits, torch.tensor([LABELS.index(row["label"])])).item())
    assert sum(losses) / len(losses) == pytest.approx(kept, abs=1e-4)


def test_a_head_goes_on_as_if_it_had_not_been_stopped(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Measured) and event.step == 9:
            os.kill(os.getpid(), signal.SIGINT)

    whole = learned(train(workspace, split, recipe))
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, force=True, emit=stop)
    assert learned(train(workspace, split, recipe, force=True)) == whole


def test_the_rows_are_shown_with_their_labels(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    facts = preflight(workspace, split, recipe)
    assert all(line.endswith(tuple(f"⟦{label}⟧" for label in LABELS)) for line in facts["examples"])
    assert all("learns 1 of" in line for line in facts["examples"])


def test_one_label_leaves_nothing_to_decide(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe
) -> None:
    same = [{"text": f"the fish {n}", "label": "fish"} for n in range(8)]
    split = make_split(same, same[:2], shape="classification", kind="classification")
    with pytest.raises(UsageError, match="leaves nothing to decide"):
        preflight(workspace, split, recipe)
