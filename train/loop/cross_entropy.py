"""Cross-entropy in less memory, with the same numbers as PyTorch's.

PyTorch holds three tables of the size of the logits when the backward pass begins: the logarithms
of the probabilities, the gradient of each loss by them, which is zero but for one number a row,
and the gradient by the logits. Here the second is made for some rows at a time, and the third
takes the place of the first. The arithmetic is that of PyTorch's own kernels, so that nothing
changes, not even a last bit; a test compares.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

# Numbers at a time: 1 MB in float32, which a core's caches hold.
_AT_A_TIME = 1 << 18


def cross_entropies(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of each row, in nats; its gradient can be asked for once.

    Args:
        logits: float32 of shape (rows, choices).
        targets: int64 of shape (rows,), each below ``choices``.

    Returns:
        Float32 of shape (rows,).
    """
    return _CrossEntropies.apply(logits, targets)  # pyright: ignore[reportReturnType]


class _CrossEntropies(torch.autograd.Function):
    """The operation, with its gradient."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Keep the logarithms of the probabilities; return those of the targets, negative."""
        logarithms = torch.log_softmax(logits, dim=-1)
        ctx.save_for_backward(logarithms, targets)
        return -logarithms.gather(1, targets[:, None])[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Write the gradient over the logarithms; autograd refuses to use them again."""
        logarithms, targets = ctx.saved_tensors
        at_a_time = max(1, _AT_A_TIME // logarithms.shape[1])
        rows = zip(
            *(table.split(at_a_time) for table in (logarithms, targets[:, None], -gradients[0])),
            strict=True,
        )
        for part, chosen, gradient in rows:
            at_targets = torch.zeros_like(part).scatter_(1, chosen, gradient[:, None])
            part.copy_(torch.ops.aten._log_softmax_backward_data(at_targets, part, -1, part.dtype))
        return logarithms, None
