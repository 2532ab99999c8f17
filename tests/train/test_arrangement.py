"""Ways to compute that change time and memory, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from tunewise.train.loop.loss import token_losses
from tunewise.train.models import arrangement
from tunewise.train.models.arrangement import arrange_model, check_arrangement, compile_layers
from tunewise.train.models.hardware import Hardware, choose_hardware
from tunewise.train.recipe import Recipe
from tunewise.train.rows.batches import Collator
from tunewise.train.rows.render import Rendered
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.files import read_json

CPU, GPU = Hardware("cpu", "float32", 1), Hardware("cuda", "bfloat16", 1)
ROWS = [Rendered(list(range(5, 5 + size)), [False] * 3 + [True] * (size - 3)) for size in (9, 14)]


def gradients(folder: Path, recipe: Recipe) -> tuple[float, dict[str, torch.Tensor]]:
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
    arrange_model(model, recipe)
    if recipe.compile:
        assert compile_layers(model) == 2
    loss = token_losses(model, Collator(0)(ROWS)).mean()
    loss.backward()
    return float(loss), {name: weight.grad for name, weight in model.named_parameters()}


@pytest.mark.parametrize(
    "keys",
    [{"gradient_checkpointing": True}, {"attention": "eager"}, {"compile": True}],
    ids=lambda keys: next(iter(keys)),
)
def test_the_gradients_stay_the_same(
    tiny_model: Path, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Traced as always, but not turned into machine code, which takes a minute.
    monkeypatch.setattr(arrangement, "COMPILE_BACKEND", "aot_eager")
    plain_loss, plain = gradients(tiny_model, Recipe())
    loss, found = gradients(tiny_model, Recipe.model_validate(keys))
    assert loss == pytest.approx(plain_loss, abs=1e-6)
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


def test_a_run_that_recomputes_its_layers_learns_the_same(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
) -> None:
    """With dropout: what is computed again draws the same numbers again."""
    split = make_split(chat_rows(0, 16), chat_rows(40, 44))
    recipe = Recipe(model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=2, dropout=0.3)
    losses = [
        read_json(train(workspace, split, keys).folder / "train.json")["losses"]
        for keys in (recipe, recipe.model_copy(update={"gradient_checkpointing": True}))
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("keys", "hardware", "said"),
    [
        ({"optimizer": "paged-adamw-8bit"}, CPU, "between a GPU and the processor"),
        ({"attention": "flash"}, CPU, "needs a GPU"),
        ({"attention": "flash"}, GPU, "flash-attn"),
        ({}, Hardware("cpu", "float16", 1), "does not train in float16"),
    ],
)
def test_what_this_machine_cannot_do_is_said_before_anything_is_loaded(
    keys: dict[str, Any], hardware: Hardware, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_arrangement(Recipe.model_validate(keys), hardware)
    assert caught.value.fix


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrangement, "find_spec", lambda name: None)
    monkeypatch.setattr(arrangement.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match="bitsandbytes") as caught:
        check_arrangement(Recipe(optimizer="adamw-8bit"), CPU)
    assert "tunewise[quantize]" in caught.value.fix
    with pytest.raises(UsageError, match="compiler"):
        check_arrangement(Recipe(compile=True), CPU)
    check_arrangement(Recipe(), CPU)


@pytest.mark.parametrize("optimizer", ["adamw-8bit", "adafactor"])
def test_other_optimizers_learn(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
    optimizer: str,
) -> None:
    if optimizer == "adamw-8bit":
        pytest.importorskip("bitsandbytes", reason="the extra quantize is not installed")
    split = make_split(chat_rows(0, 16), chat_rows(40, 44))
    recipe = Recipe.model_validate(
        {"model": str(tiny_model), "rank": 64, "learning_rate": 1e-2, "optimizer": optimizer}
    )
    losses = read_json(train(workspace, split, recipe).folder / "train.json")["losses"]
    assert losses["kept"]["val"] < losses["base"]["val"]


@pytest.mark.parametrize(
    ("native", "capability", "chosen"),
    [
        (True, (8, 0), "bfloat16"),
        (False, (7, 5), "float16"),
        (False, (7, 0), "float16"),
        (False, (6, 1), "float32"),
    ],
)
def test_the_number_format_is_what_the_gpu_computes_in(
    monkeypatch: pytest.MonkeyPatch, native: bool, capability: tuple[int, int], chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert choose_hardware(threads=1).dtype == chosen
