from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaConfig,
    MixtralConfig,
)

from tunewise.train.models.adapters import CLASSIFIES, add_adapter
from tunewise.train.models.fused_lora import fuse_lora
from tunewise.train.models.hardware import Hardware
from tunewise.train.preflight.activations import layer_bytes
from tunewise.train.preflight.anatomy import Anatomy, anatomy
from tunewise.train.preflight.batch_shapes import (
    BatchShape,
    anchor_shapes,
    learning_shapes,
    measuring_shapes,
)
from tunewise.train.preflight.memory import estimate_memory
from tunewise.train.recipe import Recipe
from tunewise.train.rows.packing import arrange
from tunewise.train.rows.render import Rendered
from tunewise.train.rows.tasks import Pair

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


def kept_a_layer(recipe: Recipe, *, masked: bool = False) -> float:
    """Bytes a token that a layer keeps; what is the same for any batch, such as factors, is not."""
    more, fewer = (
        kept_by_autograd(recipe, 2, rows, masked=masked)
        - kept_by_autograd(recipe, 1, rows, masked=masked)
        for rows in (2 * ROWS, ROWS)
    )
    return (more - fewer) / (ROWS * LENGTH)


def kept_by_autograd(recipe: Recipe, layers: int, rows: int, *, masked: bool) -> int:
    """Bytes that a forward pass keeps, besides weights and their copies."""
    model: Any = AutoModelForCausalLM.from_config(config(layers), dtype=torch.float32)
    model.set_attn_implementation("eager" if recipe.attention == "eager" else "sdpa")
    if recipe.is_adapter:
        model = add_adapter(model, recipe)
        assert not recipe.fused_lora or fuse_lora(model) == 7 * layers
        model = model.get_base_model()
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    halves = torch.cat([torch.arange(LENGTH // 2)] * 2).expand(rows, -1)
    positions = {"position_ids": halves} if recipe.packing else {}
    if masked:
        positions = {"attention_mask": torch.ones(rows, LENGTH, dtype=torch.int64).tril(LENGTH - 2)}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.model(torch.randint(0, 100, (rows, LENGTH)), use_cache=False, **positions)
    assert output.last_hidden_state.requires_grad
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize(
    "keys",
    [
        {"method": "lora", "dropout": 0.05},
        {"method": "lora", "dropout": 0.0},
        {"method": "lora", "dropout": 0.1, "attention": "eager"},
        {"method": "lora", "dropout": 0.05, "fused_lora": True},
        {"method": "lora", "dropout": 0.1, "attention": "eager", "fused_lora": True},
        {"method": "lora", "dropout": 0.05, "dora": True},
        {"method": "lora", "dropout": 0.0, "dora": True},
        {"method": "ia3"},
        {"method": "ia3", "target_modules": ["q_proj", "up_proj"]},
        {"method": "full"},
        {"method": "full", "attention": "eager"},
        {"method": "full", "packing": True},
    ],
)
def test_a_layer_keeps_what_autograd_keeps(keys: dict[str, Any]) -> None:
    recipe = Recipe.model_validate({"rank": 4, **keys})
    one_layer = kept_a_layer(recipe)
    assert layer_bytes(known().dimensions, recipe, CPU, LENGTH) == pytest.approx(one_layer)


def test_a_mask_is_kept_with_keys_and_values_for_all_heads() -> None:
    recipe = Recipe(rank=4)
    one_layer = kept_a_layer(recipe, masked=True)
    counted = layer_bytes(known().dimensions, recipe, CPU, LENGTH, masked=True)
    assert counted == pytest.approx(one_layer)


@pytest.mark.parametrize(
    "keys", [{"dora": True}, {"method": "ia3"}, {"method": "prefix", "virtual_tokens": 7}]
)
def test_every_adapter_is_counted_as_peft_counts_it(keys: dict[str, Any]) -> None:
    recipe = Recipe.model_validate({"rank": 4, **keys})
    adapted: Any = add_adapter(AutoModelForCausalLM.from_config(config()), recipe)
    estimate = estimate_memory(known(), recipe, CPU, [BatchShape(96, 48, 30)])
    assert estimate.trainable == adapted.get_nb_trainable_parameters()[0]


def test_a_label_head_is_tuned_and_takes_the_place_of_the_vocabulary() -> None:
    headed = anatomy(config(), labels=3)
    assert isinstance(headed, Anatomy)
    recipe, shape = Recipe(rank=4, task="classification-head"), [BatchShape(96, 48, 2)]
    plain: Any = AutoModelForSequenceClassification.from_config(LlamaConfig.from_dict(
        {**config().to_dict(), "num_labels": 3}))  # fmt: skip
    estimate = estimate_memory(headed, recipe, CPU, shape)
    assert estimate.parameters == sum(weight.numel() for weight in plain.parameters())
    adapted: Any = add_adapter(plain, recipe, task=CLASSIFIES)
    assert estimate.trainable == adapted.get_nb_trainable_parameters()[0]


def test_pairs_count_both_sides() -> None:
    rows = [
        Pair([1] * chosen, [False] * (chosen - 2) + [True] * 2, rejected=Rendered(
            [1] * rejected, [False] * (rejected - 3) + [True] * 3))
        for chosen, rejected in ((6, 6), (6, 6), (9, 30), (9, 8))
    ]  # fmt: skip
    recipe = Recipe(batch_size=2, task="preference")
    shapes = learning_shapes(arrange(rows), recipe)
    assert sorted((on.tokens, on.length, on.supervised, on.masked) for on in shapes) == [
        (24, 6, 10, False),
        (120, 30, 10, True),
    ]
    measured = measuring_shapes(rows, 100, "cpu")
    assert sorted((on.tokens, on.supervised) for on in measured) == [(36, 8), (120, 12)]


def test_the_base_beside_the_run_takes_memory() -> None:
    shape = [BatchShape(8 * 512, 512, 600)]

    def peak(anchored: list[BatchShape] | None = None, **keys: Any) -> int:
        recipe = Recipe.model_validate(keys)
        return estimate_memory(known(8), recipe, CPU, shape, anchored=anchored or []).peak

    weights = sum(weight.size for weight in known(8).weights)
    assert peak(method="full", kl_weight=0.5) - peak(method="full") == 4 * weights
    assert peak(kl_weight=0.5) == peak()
    assert peak(shape, kl_weight=0.5) > 1.8 * peak()
    rows = [Rendered([1] * size, [False] + [True] * (size - 1)) for size in (4, 9, 7)]
    assert anchor_shapes(rows, Recipe(batch_size=2)) == [BatchShape(18, 9, 14)]
    assert anchor_shapes(rows, Recipe(batch_size=4))[0].tokens == 36
    assert anchor_shapes([], Recipe()) == []


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
