"""What autograd keeps of a decoder layer for the backward pass, tensor by tensor.

For layers of the Llama kind (RMSNorm, rotary positions, grouped queries, gated feed-forward), as
Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models" (2022), do for
GPT's. A test compares with what autograd's own hooks see.
"""

from __future__ import annotations

from ..models.hardware import Hardware
from ..recipe import ALL_LINEAR, Recipe
from .anatomy import Dimensions

_FLOAT32 = 4


def layer_bytes(
    widths: Dimensions, recipe: Recipe, hardware: Hardware, length: int, *, masked: bool = False
) -> float:
    """Return the bytes that a decoder layer keeps for each token.

    Args:
        widths: of the model.
        recipe: method, dropout, attention and packing.
        hardware: device and number format.
        length: of the row, which decides the size of a mask and of kept scores.
        masked: the batch has a mask for its padding.
    """
    short = hardware.torch_dtype.itemsize
    full, mixed = recipe.method == "full", short < _FLOAT32
    # Each norm keeps its input and the root of its mean square; a tuned one also its result.
    norms = 2 * _FLOAT32 * (widths.hidden * (2 if full else 1) + 1)
    # Beside quantised weights the rest of the base is float32, and so are products with them.
    product = _FLOAT32 if recipe.quantize else short
    gated = 3 * product * widths.inner
    masked = masked or recipe.packing or recipe.method == "prefix"
    kept = norms + gated + _attention_bytes(widths, recipe, short, length, masked)
    inputs = _inputs_by_layer(widths, recipe)
    if recipe.quantize == "8bit" and (recipe.dropout or mixed or recipe.method != "lora"):
        # Its products keep their inputs, which are others than the adapter's.
        kept += _FLOAT32 * (2 * widths.hidden + widths.inner)
    if full:
        # A product of weights keeps its input: in float32 once for all who share it.
        shared = 2 * widths.hidden + widths.inner
        return kept + (short * (5 * widths.hidden + widths.inner) if mixed else short * shared)
    if recipe.method == "ia3":
        return kept + short * scaled_widths(widths, recipe)
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


def scaled_widths(widths: Dimensions, recipe: Recipe) -> int:
    """Return the widths of what IA³ scales, which it keeps: results, or a feed-forward's input."""
    if recipe.target_modules == (ALL_LINEAR,):
        return 2 * widths.key + widths.inner
    names = _inputs_by_layer(widths, recipe)
    forward = {"gate", "up", "down"}
    return sum(into if name in forward else out for name, (into, out) in names.items())


def _attention_bytes(
    widths: Dimensions, recipe: Recipe, short: int, length: int, masked: bool
) -> float:
    """Return what the attention of a layer keeps for each token."""
    if recipe.attention == "eager":
        # Queries, keys and values for all heads, every score, and the result where the output
        # projection keeps its input.
        whole_inputs = not recipe.dropout or _is_fused(recipe, short)
        plain_adapter = recipe.method == "lora" and whole_inputs and short == _FLOAT32
        result = recipe.method == "full" or plain_adapter
        scores = widths.heads * length * (_FLOAT32 + (short if short < _FLOAT32 else 0))
        return (3 + result) * short * widths.query + scores
    if recipe.attention != "flash" and masked:
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
