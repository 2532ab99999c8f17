"""What rows teach, by task: texts in pieces, labels of a vocabulary, several tasks mixed."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.train.recipe import Recipe
from tunewise.train.rows.render import Rendered
from tunewise.train.rows.tasks import pieces
from tunewise.train.run import preflight, train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import Event, Note
from tunewise.workspace.files import read_json


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=1, eval_every=3, threads=1,
        samples=0,
    )  # fmt: skip


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), **changes})


@given(st.integers(1, 200), st.integers(2, 40))
def test_pieces_teach_every_token_once_and_none_is_a_crumb(length: int, most: int) -> None:
    text = Rendered([*range(length)], [False] + [True] * (length - 1))
    found = pieces(text, most)
    learned = [
        token
        for piece in found
        for token, taught in zip(piece.tokens, piece.supervised, strict=True)
        if taught
    ]
    assert learned == [*range(1, length)]
    assert all(len(piece.tokens) <= most for piece in found)
    assert all(not piece.supervised[0] for piece in found)
    assert all(after.tokens[0] == before.tokens[-1] for before, after in pairwise(found))
    sizes = [len(piece.tokens) for piece in found]
    assert max(sizes) - min(sizes) <= 1


def texts(first: int, last: int) -> list[dict[str, str]]:
    words = ["red", "bird", "sings", "near", "the", "sea"]
    return [
        {"text": " ".join(words[(number + step) % 6] for step in range(5 + 20 * (number % 4)))}
        for number in range(first, last)
    ]


def test_pretraining_learns_whole_documents_in_pieces(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe
) -> None:
    split = make_split(texts(0, 16), texts(16, 20), shape="text", kind="text")
    whole = changed(recipe, task="pretraining")
    events: list[Event] = []
    facts = preflight(
        workspace, split, changed(recipe, task="pretraining", max_length=24), emit=events.append
    )
    uncut = preflight(workspace, split, whole)["rows"]["train"]
    cut = facts["rows"]["train"]
    assert cut["supervised"] == uncut["supervised"]
    assert cut["used"] == cut["rows"] == 16
    assert cut["truncated"] == cut["lost_supervised"] == 0
    assert cut["tokens"] > uncut["tokens"]
    told = [event.text for event in events if isinstance(event, Note)]
    assert any("cut into" in text and "at most 24 tokens" in text for text in told)
    artifact = train(workspace, split, changed(recipe, task="pretraining", max_length=24))
    document = read_json(artifact.folder / "train.json")
    assert document["supervised_tokens"] == uncut["supervised"]
    assert document["losses"]["kept"]["val"] < document["losses"]["base"]["val"]
    manifest = artifact.manifest
    assert manifest.counts["train_used"] + manifest.counts["train_refused"] == 16


def test_a_task_refuses_rows_of_another_kind(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    recipe: Recipe,
    chat_rows: Callable[[int, int], list[dict[str, Any]]],
) -> None:
    split = make_split(chat_rows(0, 8), chat_rows(8, 10))
    for task in ("pretraining", "classification-head", "preference"):
        with pytest.raises(UsageError, match="the split holds chat rows"):
            preflight(workspace, split, changed(recipe, task=task))


@pytest.fixture
def mixed(tmp_path: Path) -> dict[str, Any]:
    for name, rows in (("texts.jsonl", texts(0, 6)), ("labels.jsonl", labelled(40))):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"mix": {"texts.jsonl": 0.2, "labels.jsonl": 0.3}}


def labelled(count: int, labels: tuple[str, ...] = ("fish", "tree")) -> list[dict[str, str]]:
    return [
        {"text": f"the {labels[n % len(labels)]} number {n}", "label": labels[n % len(labels)]}
        for n in range(count)
    ]


def test_tasks_are_mixed_by_their_shares(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    recipe: Recipe,
    chat_rows: Callable[[int, int], list[dict[str, Any]]],
    mixed: dict[str, Any],
) -> None:
    split = make_split(chat_rows(0, 20), chat_rows(20, 24))
    chosen = changed(recipe, **mixed, epochs=2, batch_size=5)
    facts = preflight(workspace, split, chosen)
    assert facts["schedule"]["steps"] == 2 * 40 / 5
    assert facts["rows"]["mix:texts.jsonl"]["used"] == 6
    assert facts["rows"]["mix:labels.jsonl"]["used"] == 24
    artifact = train(workspace, split, chosen)
    supervision = pl.read_parquet(artifact.folder / "supervision.parquet")
    learned: dict[str, Any] = {
        part: supervision.filter(part=part)["supervised"].sum()
        for part in ("train", "mix:texts.jsonl", "mix:labels.jsonl")
    }
    lengths = supervision.filter(part="mix:texts.jsonl")["supervised"].to_list()
    # Sixteen turns of six texts: four come three times, two come twice.
    repeated = sum(lengths[turn % 6] for turn in range(16))
    expected = 2 * learned["train"] + repeated + learned["mix:labels.jsonl"]
    assert read_json(artifact.folder / "train.json")["supervised_tokens"] == expected
    assert {item.name for item in artifact.manifest.inputs} >= {
        "mix:texts.jsonl",
        "mix:labels.jsonl",
    }


def test_a_mixed_file_that_is_missing_is_named(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    recipe: Recipe,
    chat_rows: Callable[[int, int], list[dict[str, Any]]],
) -> None:
    split = make_split(chat_rows(0, 8), chat_rows(8, 10))
    with pytest.raises(UsageError, match="no such file of mix rows"):
        preflight(workspace, split, changed(recipe, mix={"none.jsonl": 0.5}))


def test_labels_outside_the_vocabulary_are_refused_or_told(
    workspace: Workspace, make_split: Callable[..., Artifact], recipe: Recipe
) -> None:
    rows = labelled(12, ("fish", "tree", "bird"))
    split = make_split(rows, [*rows[:4], {"text": "a", "label": "new"}],
                       shape="classification", kind="classification")  # fmt: skip
    facts = preflight(workspace, split, changed(recipe, labels=("fish", "tree")))
    assert facts["rows"]["train"]["refused"] == 4
    assert {reason["reason"] for reason in facts["refusals"]} == {
        "its label is none of the vocabulary's"
    }
    open_vocabulary = preflight(workspace, split, recipe)
    assert open_vocabulary["rows"]["train"]["refused"] == 0
    assert "1 row of val has labels that are not learned: new" in open_vocabulary["warnings"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "classification-head", "probe": "x"}, "probe is about"),
        ({"task": "classification-head", "method": "prefix"}, "lora, ia3 or full only"),
        ({"task": "preference", "replay": "x"}, "pairs alone"),
        ({"task": "pretraining", "labels": ("a", "b")}, "knows no labels"),
        ({"preference_beta": 0.5}, "means nothing to task"),
        ({"kl_weight": 1.0}, "no general rows"),
        ({"kl_texts": "x"}, "would not be used"),
        ({"kl_weight": 1.0, "kl_texts": "x", "initialisation": "pissa"}, "not the base any more"),
    ],
)
def test_tasks_that_cannot_be_are_refused_with_their_reason(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    changes: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises(UsageError, match=words):
        preflight(workspace, make_split([], []), Recipe(model="no/such/model", **changes))
