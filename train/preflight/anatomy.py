"""What is known of a model by its configuration, before any weight is loaded."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_EXPERT_KEYS = ("num_experts", "num_local_experts", "n_routed_experts")


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The widths of a decoder that decide what it keeps.

    Attributes:
        layers: how many.
        hidden: width of the residual stream.
        inner: width of the feed-forward layer.
        query: heads times their width.
        key: key heads times their width.
        heads: of the attention.
        vocabulary: tokens it knows.
        choices: what its last layer decides between: the tokens, or labels.
    """

    layers: int
    hidden: int
    inner: int
    query: int
    key: int
    heads: int
    vocabulary: int
    choices: int


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight matrix or vector of a model, by name and shape.

    Attributes:
        name: as the model names it.
        shape: of the weight.
        linear: it belongs to a linear layer that is not the output layer.
        fresh: it belongs to a label head, which always learns.
    """

    name: str
    shape: tuple[int, ...]
    linear: bool
    fresh: bool = False

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        size = 1
        for width in self.shape:
            size *= width
        return size


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What is known of a model without its weights."""

    dimensions: Dimensions
    weights: tuple[Weight, ...]
    tied: bool


def anatomy(config: PretrainedConfig, labels: int = 0) -> Anatomy | str:
    """Take a model apart by its configuration, without memory for weights.

    Args:
        config: of a causal language model.
        labels: that a head decides between in place of the output layer; 0 for no head.

    Returns:
        The anatomy, or why there is no formula for this model.
    """
    text: Any = config.get_text_config()
    names = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")
    missing = [name for name in names if not isinstance(getattr(text, name, None), int)]
    if missing:
        return f"the model's configuration does not tell its {missing[0]}"
    if any(getattr(text, key, None) for key in _EXPERT_KEYS):
        return "there is no formula for mixtures of experts"
    hidden, heads = text.hidden_size, text.num_attention_heads
    width = getattr(text, "head_dim", None) or hidden // heads
    key_heads = getattr(text, "num_key_value_heads", None) or heads
    inner = getattr(text, "intermediate_size", None) or getattr(text, "n_inner", None)
    dimensions = Dimensions(
        layers=text.num_hidden_layers,
        hidden=hidden,
        inner=inner or 4 * hidden,
        query=heads * width,
        key=key_heads * width,
        heads=heads,
        vocabulary=text.vocab_size,
        choices=labels or text.vocab_size,
    )
    try:
        weights, tied = _weights(config, labels)
    except Exception as error:
        # Whatever an architecture does while it is built: a run does not depend on its estimate.
        return f"the model cannot be built without weights: {error}"
    return Anatomy(dimensions, weights, tied)


def _weights(config: PretrainedConfig, labels: int) -> tuple[tuple[Weight, ...], bool]:
    """Return a model's weights, each once, and whether embedding and output layer are one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
    from transformers.pytorch_utils import Conv1D

    kind: Any = AutoModelForCausalLM
    if labels:
        kind, config = AutoModelForSequenceClassification, copy.deepcopy(config)
        config.num_labels = labels
    with torch.device("meta"):
        model: Any = kind.from_config(config)
    output = model.score if labels else model.get_output_embeddings()
    linear = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not output
    }
    weights = tuple(
        Weight(
            name,
            tuple(weight.shape),
            linear=name in linear,
            fresh=bool(labels) and weight is output.weight,
        )
        for name, weight in model.named_parameters()
    )
    embedding = model.get_input_embeddings()
    return weights, output is not None and output.weight is embedding.weight
