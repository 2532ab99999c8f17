"""The bundled base model: its files, its chat format and its general ability."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tunewise.datasets.chat_format import END_OF_TURN, render_chat
from tunewise.datasets.make_benchmarks import BENCHMARKS, Benchmark
from tunewise.datasets.make_corpus import corpus_digest

BASE = Path(__file__).resolve().parents[2] / "datasets" / "base"
TURNS = (
    ("system", "Be short and clear."),
    ("user", "What is 2+3?"),
    ("assistant", "2+3=5"),
    ("user", "Grüße <3 – 東京!"),
    ("assistant", "Hello!"),
)
MESSAGES = [{"role": role, "content": content} for role, content in TURNS]
ITEMS = 100


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(BASE)


@pytest.fixture(scope="module")
def model() -> Any:
    torch.set_num_threads(1)
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32).eval()


def test_weights_are_small_and_stored_whole(model: Any):
    assert (BASE / "model.safetensors").stat().st_size <= 10_000_000
    assert sum(parameter.numel() for parameter in model.parameters()) <= 2_000_000
    assert model.config.max_position_embeddings == 512
    assert model.config.tie_word_embeddings


def test_special_tokens_are_distinct(tokenizer: Any):
    tokens = {tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id}
    assert len(tokens) == 3
    assert tokenizer.eos_token == END_OF_TURN


@pytest.mark.parametrize("text", ["Hello!", "Grüße <3 – 東京!", "a\n\tb  c", "\x00\x1b", "🎻"])
def test_any_text_survives_encoding(tokenizer: Any, text: str):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_are_split_singly(tokenizer: Any):
    assert tokenizer.tokenize("1234") == ["1", "2", "3", "4"]


def test_template_is_stable_from_turn_to_turn(tokenizer: Any):
    shorter = ""
    for count in range(1, len(MESSAGES) + 1):
        longer = tokenizer.apply_chat_template(MESSAGES[:count], tokenize=False)
        assert longer.startswith(shorter)
        assert longer == render_chat(TURNS[:count])
        shorter = longer


def test_generation_prompt_is_the_start_of_the_answer(tokenizer: Any):
    asked = tokenizer.apply_chat_template(MESSAGES[:2], tokenize=False, add_generation_prompt=True)
    answered = tokenizer.apply_chat_template(MESSAGES[:3], tokenize=False)
    assert answered == asked + "2+3=5" + END_OF_TURN


def test_template_marks_what_the_assistant_says(tokenizer: Any):
    encoded = tokenizer.apply_chat_template(
        MESSAGES, return_dict=True, return_assistant_tokens_mask=True
    )
    said = [
        token
        for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        if mask
    ]
    assert tokenizer.decode(said) == f"2+3=5{END_OF_TURN}Hello!{END_OF_TURN}"


def test_model_answers_a_chat_and_stops(tokenizer: Any, model: Any):
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is 17+25?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    output = model.generate(**inputs, max_new_tokens=20, do_sample=False)[0]
    assert tokenizer.decode(output).endswith(f"17+25=42{END_OF_TURN}")


@pytest.mark.parametrize("stage", [0, 1])
def test_recipe_names_the_corpus_that_the_scripts_make(stage: int):
    recipe = json.loads((BASE / "recipe.json").read_text(encoding="utf-8"))
    described = recipe["corpus"][stage]
    digest = corpus_digest(described["prefix_documents"], recipe["recipe"]["corpus_seed"], stage)
    assert digest == described["prefix_sha256"]


def test_loss_curve_falls():
    lines = (BASE / "loss_curve.jsonl").read_text(encoding="utf-8").splitlines()
    points = [json.loads(line) for line in lines]
    assert points[-1]["train_loss"] < 0.4 * points[0]["train_loss"]
    assert points[-1]["validation_loss"] < 1.2 * points[-1]["train_loss"]


def _rows(benchmark: Benchmark) -> list[dict]:
    lines = benchmark.data_path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:ITEMS]]


def _log_likelihood(model: Any, context: list[int], continuation: list[int]) -> float:
    tokens = torch.tensor([context + continuation])
    with torch.no_grad():
        scores = torch.log_softmax(model(tokens).logits[0, :-1], dim=-1)
    places = torch.arange(len(context) - 1, tokens.shape[1] - 1)
    return scores[places, tokens[0, len(context) :]].sum().item()


@pytest.mark.parametrize(
    "benchmark",
    [b for b in BENCHMARKS if b.name in ("grammar", "facts", "patterns", "stories")],
    ids=lambda benchmark: benchmark.name,
)
def test_choices_are_made_well_above_chance(benchmark: Benchmark, tokenizer: Any, model: Any):
    right = 0
    for row in _rows(benchmark):
        query = tokenizer.encode(row["query"])
        scores = [
            _log_likelihood(model, query, tokenizer.encode(" " + choice))
            for choice in row["choices"]
        ]
        right += scores.index(max(scores)) == row["gold"]
    assert benchmark.chance is not None
    assert right / ITEMS > benchmark.chance + 0.25


def test_sums_are_mostly_right(tokenizer: Any, model: Any):
    [benchmark] = [b for b in BENCHMARKS if b.name == "arithmetic"]
    right = 0
    for row in _rows(benchmark)[:40]:
        inputs = torch.tensor([tokenizer.encode(row["prompt"])])
        output = model.generate(inputs, max_new_tokens=4, do_sample=False)[0, inputs.shape[1] :]
        right += tokenizer.decode(output).split("\n")[0].split("<")[0] == row["answer"]
    assert right >= 24


def test_text_is_much_less_surprising_than_noise(tokenizer: Any, model: Any):
    [benchmark] = [b for b in BENCHMARKS if b.name == "text"]
    for row in _rows(benchmark)[:10]:
        tokens = tokenizer.encode(row["text"])
        total = _log_likelihood(model, [tokenizer.bos_token_id], tokens)
        assert -total / len(tokens) < 2.5
