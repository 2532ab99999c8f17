"""The loss, computed only where there is something to learn.

The output layer is the widest of a small model, and most positions of a conversation are prompt:
its logits are computed at the supervised positions alone. What comes out is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from ..models.hardware import without_gradients
from ..models.heads import label_logits
from ..rows.batches import Collator, measuring_batches
from ..rows.render import Rendered
from .cross_entropy import cross_entropies

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Of a batch, what the model itself is given.
_SEEN = ("input_ids", "position_ids")


@dataclass(frozen=True, slots=True)
class RowLosses:
    """Losses of rows, in their order.

    Attributes:
        summed: for each row, the cross-entropy summed over its supervised tokens, in nats.
        tokens: for each row, its supervised tokens.
    """

    summed: np.ndarray
    tokens: np.ndarray

    @property
    def mean(self) -> float:
        """The mean loss a token: every token counts the same, whatever row it is in."""
        return float(self.summed.sum() / self.tokens.sum())


def token_losses(model: PreTrainedModel, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the cross-entropy of each target of a batch, in nats.

    Args:
        model: a causal language model, with an adapter or without.
        batch: as :class:`~tunewise.train.rows.batches.Collator` makes it, on the model's device.

    Returns:
        Float32, one number for each of ``batch["targets"]``.
    """
    return cross_entropies(supervised_logits(model, batch), batch["targets"])


def supervised_logits(model: PreTrainedModel, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return what a model puts out where there is something to learn.

    Args:
        model: a causal language model, or one with a head for labels.
        batch: as in :func:`token_losses`.

    Returns:
        Float32 of shape (places, vocabulary), or (places, labels) for a head.
    """
    # What sums gradients over processes wraps the model and hides its parts.
    bare: Any = model.module if isinstance(model, DistributedDataParallel) else model
    output_layer: Any = bare.get_output_embeddings()
    if output_layer is None:
        return label_logits(model, batch).float()
    with _only_at(output_layer, batch["positions"]):
        seen = {name: batch[name] for name in _SEEN if name in batch}
        return model(**seen, use_cache=False).logits[0].float()


def row_losses(model: PreTrainedModel, rows: Sequence[Rendered], *, padding: int = 0) -> RowLosses:
    """Measure a model on rows, without learning from them.

    Args:
        model: as in :func:`token_losses`; left in the mode (training or not) it was in.
        rows: each with at least one supervised token.
        padding: token id to pad with; any will do.
    """
    collate = Collator(padding)
    summed = np.zeros(len(rows))
    tokens = np.array([sum(row.supervised) for row in rows], dtype=np.int64)
    lengths = [len(row.tokens) for row in rows]
    was_training = model.training
    model.eval()
    try:
        with without_gradients():
            vocabulary = model.config.get_text_config().vocab_size
            for numbers in measuring_batches(lengths, vocabulary, model.device.type):
                batch = collate([rows[number] for number in numbers])
                batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
                losses = token_losses(model, batch).double().cpu().numpy()
                borders = np.cumsum([0, *tokens[numbers[:-1]]])
                summed[numbers] = np.add.reduceat(losses, borders)
    finally:
        model.train(was_training)
    return RowLosses(summed, tokens)


@contextmanager
def _only_at(output_layer: torch.nn.Module, positions: torch.Tensor) -> Iterator[None]:
    """Let the output layer see the hidden states at some positions only, as one long row.

    Whatever a model does to its logits afterwards, such as scaling or capping them, it does to
    each alone, so the result is what it would be among all positions.
    """

    def select(_layer: torch.nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *others = arguments
        return (hidden.flatten(0, 1).index_select(0, positions).unsqueeze(0), *others)

    handle = output_layer.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()
