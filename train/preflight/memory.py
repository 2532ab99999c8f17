"""How much memory a run will need, by formula, before any weight is loaded.

Weights, gradients and optimizer states are counted as Rajbhandari et al., "ZeRO" (2020), do; what
is kept for the backward pass by :mod:`~tunewise.train.preflight.activations`.
`perf/memory_estimates.py` compares the sum with what processes really took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..models.hardware import Hardware
from ..recipe import ALL_LINEAR, Recipe
from ..rows.tasks import PREFERENCES
from .activations import layer_bytes, scaled_widths
from .anatomy import Anatomy, Dimensions, Weight
from .batch_shapes import BatchShape

_FLOAT32 = 4
# Bytes that an optimizer keeps for each tuned weight; adafactor's are counted by shape.
_STATE_BYTES = {"adamw": 8, "paged-adamw": 8, "adamw-8bit": 2, "paged-adamw-8bit": 2}
# A quantised weight: NF4 with its double-quantised scales (Dettmers et al., "QLoRA", 2023); int8.
_QUANTISED_BYTES = {"4bit": 0.516, "8bit": 1.01}


# The pieces in which TRL computes the logits of preferences, twice; it keeps none.
_TILE_TOKENS, _TILE_CHOICES = 4096, 32768
# Without Triton's kernel a piece's backward pass holds eight tables in float32, and one of bits.
_TILE_BYTES = 8 * _FLOAT32 + 1


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


def estimate_memory(
    model: Anatomy,
    recipe: Recipe,
    hardware: Hardware,
    learning: Sequence[BatchShape],
    measuring: Sequence[BatchShape] = (),
    anchored: Sequence[BatchShape] = (),
) -> MemoryEstimate:
    """Work out the memory of a run at its fullest moment.

    Args:
        model: what is tuned.
        recipe: of the run; nothing that decides memory left open.
        hardware: device and number format.
        learning: the forward passes of the run, or those that may be the largest.
        measuring: those of a validation.
        anchored: those over general rows on which the model is held to its base.
    """
    short = hardware.torch_dtype.itemsize
    full = recipe.method == "full"
    if recipe.task == PREFERENCES:
        # TRL switches dropout off, so that the base and the tuned model see the same.
        recipe = recipe.model_copy(update={"dropout": 0.0})
    tuned = _tuned(model, recipe)
    trainable = sum(tuned)
    parameters = sum(weight.size for weight in model.weights)
    weights = _weight_bytes(model, recipe, short, trainable)
    gradients = trainable * _FLOAT32
    optimizer = _optimizer_bytes(tuned, recipe.optimizer)
    head = model.dimensions.choices * model.dimensions.hidden * _FLOAT32 if full else 0
    beside = gradients if recipe.gradient_accumulation > 1 else 0

    held = max((_anchor_bytes(model, recipe, hardware, on) for on in anchored), default=(0, 0))

    def peak_of(shape: BatchShape) -> tuple[int, int, int]:
        kept, loss = _activation_bytes(model, recipe, hardware, shape)
        if anchored:
            kept += held[0]
            logarithms = _FLOAT32 * shape.supervised * model.dimensions.choices
            loss = max(loss, logarithms + held[1])
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
    heads = [weight.size for weight in model.weights if weight.fresh]
    match recipe.method:
        case "full":
            return [weight.size for weight in model.weights]
        case "prefix":
            return [2 * recipe.virtual_tokens * widths.layers * widths.key, *heads]
        case "ia3":
            return [scaled_widths(widths, recipe)] * widths.layers + heads
    adapted = [weight for weight in model.weights if _is_target(weight, recipe)]
    sizes = [recipe.rank * width for weight in adapted for width in weight.shape]
    if recipe.dora:
        sizes += [weight.shape[0] for weight in adapted]
    if recipe.train_embeddings == "all":
        sizes += [widths.vocabulary * widths.hidden] * 2
    return sizes + heads


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
        head = model.dimensions.choices * model.dimensions.hidden
        # The base is kept, too, where the loss asks for it: a frozen copy.
        copies = 2 if recipe.kl_weight or recipe.task == PREFERENCES else 1
        return copies * (linear + others) * _FLOAT32 + (linear + head) * short * mixed
    adapter = trainable * (_FLOAT32 + short * mixed)
    if recipe.quantize:
        # PEFT makes float32 of what is not quantised.
        return int(linear * _QUANTISED_BYTES[recipe.quantize] + others * _FLOAT32 + adapter)
    return (linear + others) * short + adapter


def _optimizer_bytes(tuned: Sequence[int], name: str) -> int:
    if name == "adafactor":
        # A row and a column of means for each matrix; the square root bounds both from below.
        return sum(round(2 * _FLOAT32 * size**0.5) for size in tuned)
    return sum(tuned) * _STATE_BYTES[name]


def _activation_bytes(
    model: Anatomy, recipe: Recipe, hardware: Hardware, shape: BatchShape
) -> tuple[int, int]:
    """Return the bytes that are kept for the backward pass, and those at its beginning."""
    widths = model.dimensions
    short = hardware.torch_dtype.itemsize
    layer = layer_bytes(widths, recipe, hardware, shape.length, masked=shape.masked)
    residual = _FLOAT32 if recipe.method == "full" or recipe.quantize else short
    norm = _FLOAT32 * widths.hidden * (2 if recipe.method == "full" else 1)
    around = norm + 2 * short * widths.query // widths.heads + residual * widths.hidden
    # Logits and the logarithms of probabilities, whose place their gradient takes, in float32.
    loss = 2 * _FLOAT32 * shape.supervised * widths.choices
    if recipe.task == PREFERENCES:
        loss = _tile_bytes(widths, hardware, shape)
    computed = int(shape.tokens * (3 * widths.inner + 2 * widths.hidden) * short)
    computed += _whole_matrices(model, recipe, short)
    if recipe.gradient_checkpointing:
        kept = shape.tokens * (widths.layers * widths.hidden * residual + around)
        return int(kept), int(max(loss, shape.tokens * layer + computed))
    kept = shape.tokens * (widths.layers * layer + around)
    return int(kept), int(max(loss, computed))


def _tile_bytes(widths: Dimensions, hardware: Hardware, shape: BatchShape) -> int:
    """Return what a piece of the logits takes in TRL's loss of preferences."""
    on_gpu = hardware.device == "cuda"
    # Elsewhere every position is computed, so that the pieces are always of one size.
    places = min(shape.supervised if on_gpu else shape.tokens, _TILE_TOKENS)
    each = hardware.torch_dtype.itemsize if on_gpu else _TILE_BYTES
    return places * min(widths.choices, _TILE_CHOICES) * each


def _anchor_bytes(
    model: Anatomy, recipe: Recipe, hardware: Hardware, shape: BatchShape
) -> tuple[int, int]:
    """Return the same for a pass over general rows, beside which the base's answers are held.

    At the fullest moment there are the logarithms of both's probabilities, the base's
    probabilities, the difference and the product.
    """
    kept, _ = _activation_bytes(model, recipe, hardware, shape)
    return kept, 5 * _FLOAT32 * shape.supervised * model.dimensions.choices


def _whole_matrices(model: Anatomy, recipe: Recipe, short: int) -> int:
    """Return what a layer's computation takes that is as large as its weights."""
    sizes = [weight for weight in model.weights if _is_target(weight, recipe)]
    if not recipe.quantize and not (recipe.dora and recipe.method == "lora"):
        return 0
    largest = max((weight.size for weight in sizes), default=0)
    if not recipe.dora:
        # Made of 4 or 8 bits for one product.
        return largest * short
    # DoRA's norms: a unit matrix, and the weight with and without the adapter's product.
    widest = max((weight.shape[-1] for weight in sizes), default=0)
    return _FLOAT32 * (widest**2 + 3 * largest)


def _measuring_bytes(widths: Dimensions, short: int, shape: BatchShape) -> int:
    """Return what a forward pass takes whose activations are not kept."""
    loss = 2 * _FLOAT32 * shape.supervised * widths.choices
    layer = shape.tokens * short * (3 * widths.inner + 2 * widths.hidden)
    return max(loss, layer)
