"""Answers to fixed prompts at every validation: what is asked, what is answered, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.train.loop.samples import SAMPLES_SCHEMA
from tunewise.train.recipe import Recipe
from tunewise.train.rows.render import render_prompt
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import Event, Measured, Sampled
from tunewise.workspace.files import read_json, sha256_of_file

MakeRows = Callable[[int, int], list[dict[str, Any]]]
MakeSplit = Callable[..., Artifact]


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    """Two steps, each followed by a validation."""
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=3e-2, epochs=1, eval_every=1, threads=1,
        batch_size=4, samples=2, sample_tokens=5, keep="last", warmup=0.0,
    )  # fmt: skip


def most_probable(model: Any, tokenizer: Any, prompt: list[int], limit: int) -> str:
    """Answer token by token without a cache, as plainly as that can be done."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + limit:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([tokens])).logits[0, -1]
        tokens.append(int(logits.argmax()))
        if tokens[-1] == tokenizer.eos_token_id:
            break
    return tokenizer.decode(tokens[len(prompt) :], skip_special_tokens=True)


def test_the_same_prompts_are_answered_by_the_base_and_after_every_validation(
    workspace: Workspace,
    make_split: MakeSplit,
    chat_rows: MakeRows,
    recipe: Recipe,
    tiny_model: Path,
) -> None:
    validation = chat_rows(40, 46)
    split = make_split(chat_rows(0, 8), validation)
    events: list[Event] = []
    own = "which bird sings"
    artifact = train(
        workspace,
        split,
        recipe.model_copy(update={"sample_prompts": (own,)}),
        emit=events.append,
    )
    frame = pl.read_parquet(artifact.folder / "samples.parquet")
    assert frame.schema == SAMPLES_SCHEMA
    assert frame["step"].to_list() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert frame["number"].to_list() == [1, 2, 3] * 3
    assert frame["row"][2] is None
    assert frame["prompt"][2] == own

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    for asked in frame.head(2).iter_rows(named=True):
        messages = validation[asked["row"]]["messages"]
        assert asked["expected"] == messages[1]["content"]
        tokens = render_prompt(tokenizer, messages)
        assert asked["prompt"] == tokenizer.decode(tokens)
        assert asked["output"] == most_probable(base, tokenizer, tokens, 5)
    tokens = render_prompt(tokenizer, [{"role": "user", "content": own}])
    assert frame["output"][2] == most_probable(base, tokenizer, tokens, 5)
    assert frame["output"][8] != frame["output"][2]

    told = [event for event in events if isinstance(event, Sampled)]
    assert [event.output for event in told] == frame["output"].to_list()
    document = read_json(artifact.folder / "train.json")
    assert [one["base"] for one in document["samples"]] == frame["output"].to_list()[:3]
    assert [one["kept"] for one in document["samples"]] == frame["output"].to_list()[6:]

    measured = [event for event in events if isinstance(event, Measured)]
    assert all(event.values["memory_bytes"] > 1e6 for event in measured)
    assert "seconds_left" not in measured[0].values
    assert measured[1].values["seconds_left"] > 0
    assert measured[-1].values["seconds_left"] == 0


def test_answers_change_nothing_in_what_is_learned(
    workspace: Workspace, make_split: MakeSplit, chat_rows: MakeRows, recipe: Recipe
) -> None:
    split = make_split(chat_rows(0, 8), chat_rows(40, 44))
    recipe = recipe.model_copy(update={"dropout": 0.3})
    weights = [
        sha256_of_file(
            train(workspace, split, recipe.model_copy(update=update)).folder
            / "adapter"
            / "adapter_model.safetensors"
        )
        for update in ({}, {"samples": 0})
    ]
    assert weights[0] == weights[1]


def test_texts_are_gone_on_with(
    workspace: Workspace, make_split: MakeSplit, recipe: Recipe
) -> None:
    rows = [{"text": "the red bird sings near the blue sea " * 3} for _ in range(4)]
    split = make_split(rows, [], shape="text", kind="text")
    artifact = train(workspace, split, recipe.model_copy(update={"samples": 1}))
    (sample,) = read_json(artifact.folder / "train.json")["samples"]
    assert sample["prompt"] + sample["expected"] == rows[0]["text"]
    assert len(sample["prompt"]) > 20


def test_a_prompt_without_room_for_an_answer_is_refused(
    workspace: Workspace, make_split: MakeSplit, chat_rows: MakeRows, recipe: Recipe
) -> None:
    split = make_split(chat_rows(0, 8), chat_rows(40, 44))
    long = recipe.model_copy(update={"sample_prompts": ("the sea " * 100,)})
    with pytest.raises(UsageError, match="no room for an answer"):
        train(workspace, split, long)
