"""How much memory a run will need, by formula, before any weight is loaded.

The formula counts what PyTorch's autograd keeps for the backward pass in a decoder layer of the
Llama kind (RMSNorm, rotary positions, grouped queries, gated feed-forward), tensor by tensor, as
Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models" (2022), do for
GPT's layers; and weights, gradients and optimizer states as Rajbhandari et al., "ZeRO" (2020).
`perf/memory_estimates.py` compares it with what processes really took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.hardware import Hardware
from ..recipe import ALL_LINEAR, Recipe
from ..rows.batches import measuring_batches, order_of
from ..rows.packing import Lessons
from ..rows.render import Rendered

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_FLOAT32 = 4
# Bytes that an optimizer keeps for each tuned weight; adafactor's are counted by shape.
_STATE_BYTES = {"adamw": 8, "paged-adamw": 8, "adamw-8bit": 2, "paged-adamw-8bit": 2}
# A quantised weight: NF4 with its double-quantised scales (Dettmers et al., "QLoRA", 2023); int8.
_QUANTISED_BYTES = {"4bit": 0.516, "8bit": 1.01}
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
    """

    layers: int
    hidden: int
    inner: int
    query: int
    key: int
    heads: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight matrix or vector of a model, by name and shape.

    Attributes:
        name: as the model names it.
        shape: of the weight.
        linear: it belongs to a linear layer that is not the output layer.
    """

    name: str
    shape: tuple[int, ...]
    linear: bool

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


@dataclass(frozen=True, slots=True)
class BatchShape:
    """The size of a forward pass.

    Attributes:
        tokens: rows times the longest row, with padding.
        length: of the longest row.
        supervised: positions whose logits are computed.
    """

    tokens: int
    length: int
    supervised: int


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes that a run will need at its fullest moment.

    Attributes:
        weights: of the model and of its adapter, with copies in a shorter number format.
        gradients: of what is tuned.
        optimizer: its states.
        activations: what the largest batch keeps for the backward pass.
        logits: what the loss of the largest batch takes, or the layer that is being computed,
            whichever is more.
        validating: what measuring takes beyond weights and optimizer.
        peak: the most of all at one time; less than the sum, because gradients grow while
            activations go.
        trainable: how many weights are tuned.
        parameters: how many there are.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    validating: int
    peak: int
    trainable: int
    parameters: int

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return asdict(self)


def anatomy(config: PretrainedConfig) -> Anatomy | str:
    """Take a model apart by its configuration, without memory for weights.

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
    )
    try:
        weights, tied = _weights(config)
    except Exception as error:
        # Whatever an architecture does while it is built: a run does not depend on its estimate.
        return f"the model cannot be built without weights: {error}"
    return Anatomy(dimensions, weights, tied)


def _weights(config: PretrainedConfig) -> tuple[tuple[Weight, ...], bool]:
    """Return a model's weights, each once, and whether embedding and output layer are one."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)
    output = model.get_output_embeddings()
    linear = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not output
    }
    weights = tuple(
        Weight(name, tuple(weight.shape), name in linear)
        for name, weight in model.named_parameters()
    )
    embedding = model.get_input_embeddings()
    return weights, output is not None and output.weight is embedding.weight


def estimate_memory(
    model: Anatomy,
    recipe: Recipe,
    hardware: Hardware,
    learning: Sequence[BatchShape],
    measuring: Sequence[BatchShape] = (),
) -> MemoryEstimate:
    """Work out the memory of a run at its fullest moment.

    Args:
        model: what is tuned.
        recipe: of the run; nothing that decides memory left open.
        hardware: device and number format.
        learning: the forward passes of the run, or those that may be the largest.
        measuring: those of a validation.
    """
    short = hardware.torch_dtype.itemsize
    full = recipe.method == "full"
    tuned = _tuned(model, recipe)
    trainable = sum(tuned)
    parameters = sum(weight.size for weight in model.weights)
    weights = _weight_bytes(model, recipe, short, trainable)
    gradients = trainable * _FLOAT32
    optimizer = _optimizer_bytes(tuned, recipe.optimizer)
    head = model.dimensions.vocabulary * model.dimensions.hidden * _FLOAT32 if full else 0
    beside = gradients if recipe.gradient_accumulation > 1 else 0

    def peak_of(shape: BatchShape) -> tuple[int, int, int]:
        kept, loss = _activation_bytes(model.dimensions, recipe, hardware, shape)
        return beside + kept + loss + head, kept, loss

    fullest, activations, logits = max(map(peak_of, learning))
    # An embedding that is also the output layer gets its gradient from both ends.
    at_the_end = gradients + (head if model.tied else 0)
    validating = max((_measuring_bytes(model.dimensions, short, on) for on in measuring), default=0)
    return MemoryEstimate(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=activations,
        logits=logits,
        validating=validating,
        peak=weights + optimizer + max(fullest, at_the_end, validating),
        trainable=trainable,
        parameters=parameters,
    )


def _tuned(model: Anatomy, recipe: Recipe) -> list[int]:
    """Return the sizes of the weights that are tuned, each for itself."""
    widths = model.dimensions
    match recipe.method:
        case "full":
            return [weight.size for weight in model.weights]
        case "prefix":
            return [2 * recipe.virtual_tokens * widths.layers * widths.key]
        case "ia3":
            return [2 * widths.key + widths.inner] * widths.layers
    adapted = [weight for weight in model.weights if _is_target(weight, recipe)]
    sizes = [recipe.rank * width for weight in adapted for width in weight.shape]
    if recipe.dora:
        sizes += [max(weight.shape) for weight in adapted]
    if recipe.train_embeddings == "all":
        sizes += [widths.vocabulary * widths.hidden] * 2
    return sizes


def _is_target(weight: Weight, recipe: Recipe) -> bool:
    if recipe.target_modules == (ALL_LINEAR,):
        return weight.linear
    name = weight.name.removesuffix(".weight")
    return len(weight.shape) == 2 and any(
        name == target or name.endswith(f".{target}") for target in recipe.target_modules
    )


def _weight_bytes(model: Anatomy, recipe: Recipe, short: int, trainable: int) -> int:
    """Return the bytes of all weights, with the copies that a shorter number format takes."""
    linear = sum(weight.size for weight in model.weights if weight.linear)
    others = sum(weight.size for weight in model.weights) - linear
    mixed = short < _FLOAT32
    if recipe.method == "full":
        head = model.dimensions.vocabulary * model.dimensions.hidden
        return (linear + others) * _FLOAT32 + (linear + head) * short * mixed
    frozen = linear * (_QUANTISED_BYTES[recipe.quantize] if recipe.quantize else short)
    return int(frozen + others * short + trainable * (_FLOAT32 + short * mixed))


def _optimizer_bytes(tuned: Sequence[int], name: str) -> int:
    if name == "adafactor":
        # A row and a column of means for each matrix; the square root bounds both from below.
        return sum(round(2 * _FLOAT32 * size**0.5) for size in tuned)
    return sum(tuned) * _STATE_BYTES[name]


def _activation_bytes(
    widths: Dimensions, recipe: Recipe, hardware: Hardware, shape: BatchShape
) -> tuple[int, int]:
    """Return the bytes that are kept for the backward pass, and those at its beginning."""
    short = hardware.torch_dtype.itemsize
    layer = layer_bytes(widths, recipe, hardware, shape.length)
    residual = _FLOAT32 if recipe.method == "full" else short
    norm = _FLOAT32 * widths.hidden * (2 if recipe.method == "full" else 1)
    around = norm + 2 * short * widths.query // widths.heads + residual * widths.hidden
    # Logits and the logarithms of probabilities, whose place their gradient takes, in float32.
    loss = 2 * _FLOAT32 * shape.supervised * widths.vocabulary
    computed = shape.tokens * (3 * widths.inner + 2 * widths.hidden) * short
    if recipe.gradient_checkpointing:
        kept = shape.tokens * (widths.layers * widths.hidden * residual + around)
        return int(kept), int(max(loss, shape.tokens * layer + computed))
    kept = shape.tokens * (widths.layers * layer + around)
    return int(kept), int(max(loss, computed))


def layer_bytes(widths: Dimensions, recipe: Recipe, hardware: Hardware, length: int) -> float:
    """Return the bytes that a decoder layer keeps for each token.

    Args:
        widths: of the model.
        recipe: method, dropout, attention and packing.
        hardware: device and number format.
        length: of the row, which decides the size of a mask and of kept scores.
    """
    short = hardware.torch_dtype.itemsize
    full, mixed = recipe.method == "full", short < _FLOAT32
    # Each norm keeps its input and the root of its mean square; a tuned one also its result.
    norms = 2 * _FLOAT32 * (widths.hidden * (2 if full else 1) + 1)
    gated = 3 * short * widths.inner
    kept = norms + gated + _attention_bytes(widths, recipe, short, length)
    inputs = _inputs_by_layer(widths, recipe)
    if full:
        # A product of weights keeps its input: in float32 once for all who share it.
        shared = 2 * widths.hidden + widths.inner
        return kept + (short * (5 * widths.hidden + widths.inner) if mixed else short * shared)
    if recipe.method == "ia3":
        return kept + short * (2 * widths.key + widths.inner)
    if recipe.method == "prefix" or not inputs:
        return kept
    kept += short * recipe.rank * len(inputs)
    if recipe.dora:
        kept += 2 * short * sum(out for _, out in inputs.values())
    entering = sum(into for into, _ in inputs.values())
    if recipe.dropout and not _is_fused(recipe, short):
        # What was dropped, and the input that is left of it.
        mask = 1 if hardware.device == "cuda" else _FLOAT32
        return kept + entering * (mask + short)
    if mixed:
        return kept + entering * short
    # Without dropout adapters share their inputs; the output projection's is kept already.
    names = set(inputs)
    groups = ({"q", "k", "v"}, {"gate", "up"})
    shared = widths.hidden * sum(bool(group & names) for group in groups)
    masks = entering if recipe.dropout else 0
    return kept + short * (shared + (widths.inner if "down" in names else 0)) + masks


def _is_fused(recipe: Recipe, short: int) -> bool:
    """Tell whether the layers keep their inputs and dropout's masks, and not what is left."""
    return recipe.fused_lora and not (recipe.dora or recipe.quantize) and short == _FLOAT32


def _attention_bytes(widths: Dimensions, recipe: Recipe, short: int, length: int) -> float:
    """Return what the attention of a layer keeps for each token."""
    if recipe.attention == "eager":
        # Queries, keys and values for all heads, every score, and the result where the output
        # projection keeps its input.
        whole_inputs = not recipe.dropout or _is_fused(recipe, short)
        plain_adapter = recipe.method == "lora" and whole_inputs and short == _FLOAT32
        result = recipe.method == "full" or plain_adapter
        scores = widths.heads * length * (_FLOAT32 + (short if short < _FLOAT32 else 0))
        return (3 + result) * short * widths.query + scores
    if recipe.attention != "flash" and (recipe.packing or recipe.method == "prefix"):
        # With a mask, keys and values are repeated for all heads, and the mask is kept.
        return short * (4 * widths.query + length) + _FLOAT32 * widths.heads
    return short * 2 * (widths.query + widths.key) + _FLOAT32 * widths.heads


def _inputs_by_layer(widths: Dimensions, recipe: Recipe) -> dict[str, tuple[int, int]]:
    """Return input and output widths of the projections that get an adapter, by short name."""
    hidden, inner = widths.hidden, widths.inner
    every = {
        "q": (hidden, widths.query),
        "k": (hidden, widths.key),
        "v": (hidden, widths.key),
        "o": (widths.query, hidden),
        "gate": (hidden, inner),
        "up": (hidden, inner),
        "down": (inner, hidden),
    }
    if recipe.target_modules == (ALL_LINEAR,):
        return every
    ends = {target.rpartition(".")[2].removesuffix("_proj") for target in recipe.target_modules}
    return {name: sizes for name, sizes in every.items() if name in ends}


def _measuring_bytes(widths: Dimensions, short: int, shape: BatchShape) -> int:
    """Return what a forward pass takes whose activations are not kept."""
    loss = 2 * _FLOAT32 * shape.supervised * widths.vocabulary
    layer = shape.tokens * short * (3 * widths.inner + 2 * widths.hidden)
    return max(loss, layer)


def learning_shapes(lessons: Lessons, recipe: Recipe, epochs: int = 1) -> list[BatchShape]:
    """Return the sizes of a run's forward passes, epoch by epoch."""
    order = order_of(lessons, recipe)
    lengths = np.array([len(row.tokens) for row in lessons.rows])
    supervised = np.array([sum(row.supervised) for row in lessons.rows])
    shapes = []
    for epoch in range(epochs):
        order.set_epoch(epoch)
        shapes += [_shape(lengths, supervised, batch) for batch in order]
    return shapes


def measuring_shapes(rows: Sequence[Rendered], vocabulary: int, device: str) -> list[BatchShape]:
    """Return the sizes of the forward passes of a validation."""
    lengths = np.array([len(row.tokens) for row in rows])
    supervised = np.array([sum(row.supervised) for row in rows])
    batches = measuring_batches(lengths.tolist(), vocabulary, device)
    return [_shape(lengths, supervised, batch) for batch in batches]


def _shape(lengths: np.ndarray, supervised: np.ndarray, batch: Sequence[int]) -> BatchShape:
    longest = int(lengths[batch].max())
    return BatchShape(len(batch) * longest, longest, int(supervised[batch].sum()))
