"""LoRA's product in one operation: y = x Wᵀ + b + s · (d ∘ x) Aᵀ Bᵀ, with dropout d.

PEFT writes it as eight operations, each of which makes a tensor of the size of its input or output,
and autograd keeps two of these for every layer: dropout's mask, in full numbers, and what it left
of the input. This keeps the input itself, which the layers that read it share, the mask in a byte
a number, and the product with A; it adds to the output in place. PEFT's layers, their weights and
what is saved stay as they are. The gradients are LoRA's (Hu et al. 2021) written out, as Unsloth
does for GPUs.

Without dropout only the order in which numbers are rounded differs from PEFT's. The masks of
dropout are drawn from other random numbers, sixteen bits for each: PyTorch's own draw takes
longer than the products with A and B.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

_WHOLE = (torch.float32, torch.float64)
# What a random number of 16 bits can be, how many are in a word, and the lowest word.
_LEVELS, _NUMBERS_A_WORD, _LOWEST = 1 << 16, 4, -(1 << 63)


def fuse_lora(model: Any) -> int:
    """Let a model's plain LoRA layers compute in one operation, and all others as PEFT does.

    Plain are layers in whole precision with one adapter, neither DoRA nor quantised nor biased.
    Where an adapter is switched off or merged, or under autocast, PEFT's own code computes.

    Args:
        model: with PEFT's LoRA, before its layers are compiled.

    Returns:
        How many layers.
    """
    from peft.tuners.lora.layer import Linear

    layers = [module for module in model.modules() if type(module) is Linear and _is_plain(module)]
    for layer in layers:
        layer.forward = partial(_forward, layer)
    return len(layers)


def _is_plain(layer: Any) -> bool:
    base = layer.get_base_layer()
    names = list(layer.lora_A)
    return (
        type(base) is torch.nn.Linear
        and not base.weight.requires_grad
        and base.weight.dtype in _WHOLE
        and len(names) == 1
        and not layer.lora_variant
        and not layer.lora_bias[names[0]]
        and layer.lora_A[names[0]].weight.dtype == base.weight.dtype
    )


def _forward(layer: Any, x: torch.Tensor, *arguments: Any, **others: Any) -> torch.Tensor:
    """Compute a layer; as PEFT does where it is not only a product."""
    names = layer.active_adapters
    if (
        arguments
        or others
        or layer.disable_adapters
        or layer.merged
        or list(layer.lora_A) != names
        or x.dtype != layer.lora_A[names[0]].weight.dtype
        or torch.is_autocast_enabled(x.device.type)
    ):
        return type(layer).forward(layer, x, *arguments, **others)
    name, base = names[0], layer.get_base_layer()
    dropout = layer.lora_dropout[name]
    rate = dropout.p if dropout.training and isinstance(dropout, torch.nn.Dropout) else 0.0
    return _Lora.apply(
        x,
        base.weight,
        base.bias,
        layer.lora_A[name].weight,
        layer.lora_B[name].weight,
        layer.scaling[name],
        rate,
    )  # pyright: ignore[reportReturnType]


class _Lora(torch.autograd.Function):
    """The operation, with its gradients; the base's weight and bias are frozen."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scaling: float,
        rate: float,
    ) -> torch.Tensor:
        """Return the layer's output.

        Args:
            ctx: keeps what the gradients need.
            x: float32 of shape (…, in).
            weight: of the base, (out, in).
            bias: of the base, (out,).
            down: A, (rank, in).
            up: B, (out, rank).
            scaling: of the adapter's output.
            rate: share of the inputs that dropout sets to zero, rounded to 1/65,536.
        """
        flat = x.reshape(-1, x.shape[-1])
        dropped = round(rate * _LEVELS)
        mask = _mask(flat, dropped) if dropped else None
        inner = _dropped(flat, mask) @ down.t()
        factor = scaling / (1 - dropped / _LEVELS)
        output = linear(flat, weight, bias).addmm_(inner, up.t(), alpha=factor)
        ctx.save_for_backward(x, weight, down, up, inner, mask)
        ctx.factor = factor
        return output.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients by the input, and by A and B."""
        x, weight, down, up, inner, mask = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, weight.shape[0])
        flat = x.reshape(-1, x.shape[-1])
        by_inner = (gradient @ up).mul_(ctx.factor)
        by_up = (gradient.t() @ inner).mul_(ctx.factor)
        by_down = by_inner.t() @ _dropped(flat, mask)
        by_x = None
        if ctx.needs_input_grad[0]:
            if mask is None:
                by_x = (gradient @ weight).addmm_(by_inner, down)
            else:
                by_x = _dropped(by_inner @ down, mask).add_(gradient @ weight)
            by_x = by_x.view(x.shape)
        return by_x, None, None, by_down, by_up, None, None


def _mask(like: torch.Tensor, dropped: int) -> torch.Tensor:
    """Draw which numbers stay: bools of a tensor's shape, false for so many of 65,536."""
    words = -(-like.numel() // _NUMBERS_A_WORD)
    drawn = torch.empty(words, dtype=torch.int64, device=like.device).random_(_LOWEST, None)
    numbers = drawn.view(torch.int16)[: like.numel()].view(like.shape)
    return numbers >= dropped - _LEVELS // 2


def _dropped(numbers: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Return the numbers that a mask lets through, and zeros."""
    if mask is None:
        return numbers
    # A product of floats and bools is several times slower than this on a processor.
    return mask.view(torch.uint8).to(numbers.dtype).mul_(numbers)
