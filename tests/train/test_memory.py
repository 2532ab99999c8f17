from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, MixtralConfig

from tunewise.train.models.fused_lora import fuse_lora
from tunewise.train.models.hardware import Hardware
from tunewise.train.preflight.memory import (
    Anatomy,
    BatchShape,
    anatomy,
    estimate_memory,
    layer_bytes,
    learning_shapes,
)
from tunewise.train.recipe import Recipe
from tunewise.train.rows.packing import arrange
from tunewise.train.rows.render import Rendered

ROWS, LENGTH = 2, 48
CPU = Hardware("cpu", "float32", 1)


def config(layers: int = 2) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=100, hidden_size=64, intermediate_size=160, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=2,
    )  # fmt: skip


def known(layers: int = 2) -> Anatomy:
    found = anatomy(config(layers))
    assert isinstance(found, Anatomy)
    return found


def kept_by_autograd(recipe: Recipe, layers: int) -> float:
    """Bytes a token that a forward pass keeps, besides weights and their copies."""
    model: Any = AutoModelForCausalLM.from_config(config(layers), dtype=torch.float32)
    model.set_attn_implementation("eager" if recipe.attention == "eager" else "sdpa")
    if recipe.method == "lora":
        model = get_peft_model(
            model,
            LoraConfig(
                task_type="CAUSAL_LM",
                r=recipe.rank,
                lora_dropout=recipe.dropout,
                target_modules="all-linear",
            ),
        )
        assert not recipe.fused_lora or fuse_lora(model) == 7 * layers
        model = model.get_base_model()
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    halves = torch.cat([torch.arange(LENGTH // 2)] * 2).expand(ROWS, -1)
    positions = {"position_ids": halves} if recipe.packing else {}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.model(torch.randint(0, 100, (ROWS, LENGTH)), use_cache=False, **positions)
    assert output.last_hidden_state.requires_grad
    return sum(storage.nbytes() for storage in kept.values()) / (ROWS * LENGTH)


@pytest.mark.parametrize(
    "keys",
    [
        {"method": "lora", "dropout": 0.05},
        {"method": "lora", "dropout": 0.0},
        {"method": "lora", "dropout": 0.1, "attention": "eager"},
        {"method": "lora", "dropout": 0.05, "fused_lora": True},
        {"method": "lora", "dropout": 0.1, "attention": "eager", "fused_lora": True},
        {"method": "full"},
        {"method": "full", "attention": "eager"},
        {"method": "full", "packing": True},
    ],
)
def test_a_layer_keeps_what_autograd_keeps(keys: dict[str, Any]) -> None:
    recipe = Recipe.model_validate({"rank": 4, **keys})
    one_layer = kept_by_autograd(recipe, 3) - kept_by_autograd(recipe, 2)
    assert layer_bytes(known().dimensions, recipe, CPU, LENGTH) == pytest.approx(one_layer)


def test_what_is_tuned_is_counted_as_peft_counts_it() -> None:
    model: Any = AutoModelForCausalLM.from_config(config())
    size = sum(weight.numel() for weight in model.parameters())
    shape = [BatchShape(96, 48, 30)]
    assert estimate_memory(known(), Recipe(method="full"), CPU, shape).trainable == size
    for targets in ("all-linear", ["q_proj", "down_proj"]):
        recipe = Recipe.model_validate({"rank": 4, "target_modules": targets})
        adapted: Any = get_peft_model(
            AutoModelForCausalLM.from_config(config()),
            LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=targets),
        )
        estimate = estimate_memory(known(), recipe, CPU, shape)
        assert estimate.trainable == adapted.get_nb_trainable_parameters()[0]
        assert estimate.parameters == size


def test_every_saving_shows() -> None:
    shapes = [BatchShape(8 * 512, 512, 600)]

    def peak(**keys: Any) -> int:
        return estimate_memory(known(8), Recipe.model_validate(keys), CPU, shapes).peak

    plain, full = peak(), peak(method="full")
    assert peak(gradient_checkpointing=True) < 0.5 * plain
    assert peak(dropout=0.0) < plain
    assert peak(attention="eager") > 1.5 * plain
    assert peak(method="full", optimizer="adamw-8bit") < full
    assert peak(method="full", gradient_accumulation=2) > full
    short = Hardware("cuda", "bfloat16", 1)
    assert estimate_memory(known(8), Recipe(), short, shapes).peak < plain
    quantised = estimate_memory(known(8), Recipe(quantize="4bit"), short, shapes)
    assert quantised.weights < estimate_memory(known(8), Recipe(), short, shapes).weights


def test_the_largest_batch_decides() -> None:
    rows = [Rendered([1] * size, [False] * (size - 2) + [True] * 2) for size in (5, 9, 30, 4)]
    shapes = learning_shapes(arrange(rows), Recipe(batch_size=2, seed=3))
    assert sorted((on.tokens, on.supervised) for on in shapes) == [(10, 4), (60, 4)]
    estimate = estimate_memory(known(), Recipe(), CPU, shapes)
    assert estimate == estimate_memory(known(), Recipe(), CPU, [shapes[0], max(
        shapes, key=lambda on: on.tokens)])  # fmt: skip


def test_measuring_can_be_the_fullest_moment() -> None:
    small, large = BatchShape(8, 8, 8), BatchShape(100_000, 100, 100_000)
    without = estimate_memory(known(), Recipe(), CPU, [small])
    assert estimate_memory(known(), Recipe(), CPU, [small], [large]).peak > 10 * without.peak


def test_what_no_formula_knows_is_said() -> None:
    assert "experts" in str(anatomy(MixtralConfig(num_hidden_layers=1)))
