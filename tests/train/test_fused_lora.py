"""LoRA layers in one operation: PEFT's numbers, weights and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from tunewise.train.loop.loss import token_losses
from tunewise.train.models.adapters import without_adapter
from tunewise.train.models.fused_lora import fuse_lora
from tunewise.train.rows.batches import Collator
from tunewise.train.rows.render import Rendered

ROWS = [Rendered(list(range(5, 5 + size)), [False] * 3 + [True] * (size - 3)) for size in (9, 14)]


def adapted(folder: Path, dtype: torch.dtype = torch.float32, **keys: Any) -> Any:
    """A model with an adapter that has learned something."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    settings: dict[str, Any] = {"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    model = get_peft_model(model, LoraConfig(**{**settings, **keys}))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    return model.train().to(dtype)


def learned(model: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The losses of a batch, and the gradients of all weights that learn."""
    model.zero_grad()
    torch.manual_seed(1)
    losses = token_losses(model, Collator(0)(ROWS))
    losses.mean().backward()
    return losses.detach(), {
        name: weight.grad.clone()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("keys", [{}, {"use_rslora": True, "lora_alpha": 5}])
def test_losses_and_gradients_are_pefts(
    tiny_model: Path, dtype: torch.dtype, keys: dict[str, Any]
) -> None:
    model = adapted(tiny_model, dtype, **keys)
    plain_losses, plain = learned(model)
    assert fuse_lora(model) == 14
    losses, found = learned(model)
    # The loss is computed in float32 whatever the layers are in.
    torch.testing.assert_close(losses, plain_losses, atol=1e-6, rtol=1e-6)
    assert found.keys() == plain.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_the_gradients_are_those_of_the_output(bias: bool) -> None:
    """With dropout, too: differences of the output, at the same masks, are the gradients."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 3, bias=bias)).double()
    config = LoraConfig(r=2, target_modules=["0"], lora_dropout=0.4, init_lora_weights=False)
    model: Any = get_peft_model(net, config).double().train()
    assert fuse_lora(model) == 1
    layer = model.base_model.model[0]
    weights = [layer.lora_A["default"].weight, layer.lora_B["default"].weight]

    def output(x: torch.Tensor, *_weights: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return layer(x)

    assert torch.autograd.gradcheck(
        output, (torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True), *weights)
    )


def test_dropout_leaves_its_share_and_keeps_the_mean() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(6, 6, bias=False))
    config = LoraConfig(r=6, lora_alpha=6, target_modules=["0"], lora_dropout=0.3)
    model: Any = get_peft_model(net, config).train()
    fuse_lora(model)
    layer = model.base_model.model[0]
    with torch.no_grad():
        layer.base_layer.weight.zero_()
        for matrix in (layer.lora_A, layer.lora_B):
            matrix["default"].weight.copy_(torch.eye(6))
        torch.manual_seed(0)
        output = layer(torch.ones(50_000, 6))
        assert float((output == 0).float().mean()) == pytest.approx(0.3, abs=0.004)
        assert float(output.mean()) == pytest.approx(1, abs=0.006)
        assert torch.equal(layer.eval()(torch.ones(3, 6)), torch.ones(3, 6))


def test_masks_are_drawn_from_the_seed(tiny_model: Path) -> None:
    model = adapted(tiny_model, lora_dropout=0.3)
    fuse_lora(model)
    first, second = learned(model), learned(model)
    assert torch.equal(first[0], second[0])
    assert all(torch.equal(gradient, second[1][name]) for name, gradient in first[1].items())


def test_layers_that_are_recomputed_draw_the_same_masks(tiny_model: Path) -> None:
    model = adapted(tiny_model, lora_dropout=0.3)
    fuse_lora(model)
    _, plain = learned(model)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    _, found = learned(model)
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("keys", [{"use_dora": True}, {"lora_bias": True}])
def test_other_layers_are_left_to_peft(tiny_model: Path, keys: dict[str, Any]) -> None:
    if "lora_bias" in keys:
        model: Any = get_peft_model(
            torch.nn.Sequential(torch.nn.Linear(4, 4)),
            LoraConfig(r=2, target_modules=["0"], lora_bias=True),
        )
    else:
        model = adapted(tiny_model, **keys)
    assert fuse_lora(model) == 0


def test_where_it_is_no_plain_product_peft_computes(tiny_model: Path) -> None:
    model = adapted(tiny_model).eval()
    tokens = torch.tensor([[5, 6, 7, 8]])

    def logits() -> torch.Tensor:
        with torch.no_grad():
            return model(tokens).logits

    with without_adapter(model):
        base = logits()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = logits()
    fuse_lora(model)
    with without_adapter(model):
        assert torch.equal(logits(), base)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(logits(), mixed)
    fused = logits()
    model.merge_adapter()
    torch.testing.assert_close(logits(), fused, atol=1e-5, rtol=1e-4)


def test_what_is_saved_is_pefts(tiny_model: Path, tmp_path: Path) -> None:
    model = adapted(tiny_model).eval()
    fuse_lora(model)
    model.save_pretrained(tmp_path)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    plain = PeftModel.from_pretrained(base, tmp_path)
    with torch.no_grad():
        tokens = torch.tensor([[5, 6, 7, 8]])
        torch.testing.assert_close(plain(tokens).logits, model(tokens).logits, atol=1e-6, rtol=1e-5)
