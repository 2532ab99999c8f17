"""How a model computes: attention, recomputation, compiled layers, optimizer, number format."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError
from ..recipe import Recipe
from .hardware import Hardware

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# As transformers' Trainer names them; None leaves it the choice between forms of the same AdamW.
OPTIMIZERS: dict[str, str | None] = {
    "adamw": None,
    "adamw-8bit": "adamw_bnb_8bit",
    "paged-adamw": "paged_adamw_32bit",
    "paged-adamw-8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
}
_ATTENTIONS = {"sdpa": "sdpa", "eager": "eager", "flash": "flash_attention_2"}
# What turns the layers' operations into machine code.
COMPILE_BACKEND = "inductor"
_COMPILERS = ("c++", "g++", "clang++", "cl")


def check_arrangement(recipe: Recipe, hardware: Hardware) -> None:
    """Check that this machine can compute as the recipe asks, before a model is loaded.

    Raises:
        UsageError: a library or the hardware for it is not there; the text says which.
    """
    _check_optimizer(recipe.optimizer, hardware)
    if recipe.attention == "flash":
        _check_flash(hardware)
    if hardware.dtype == "float16" and hardware.device == "cpu":
        raise UsageError(
            "a processor does not train in float16",
            where="[train] dtype",
            fix="set dtype to float32 or bfloat16",
        )
    if recipe.compile and hardware.device == "cpu" and not any(map(shutil.which, _COMPILERS)):
        raise UsageError(
            "compiling for the processor needs a C++ compiler, and there is none",
            where="[train] compile",
            fix="install g++ or clang++, or set compile = false",
        )


def _check_optimizer(name: str, hardware: Hardware) -> None:
    if name in ("adamw", "adafactor"):
        return
    if name.startswith("paged") and hardware.device != "cuda":
        raise UsageError(
            f"{name} moves memory between a GPU and the processor; this run computes on "
            f"{hardware.device}",
            where="[train] optimizer",
            fix="set optimizer = 'adamw-8bit' or 'adamw'",
        )
    if find_spec("bitsandbytes") is None:
        raise UsageError(
            f"the optimizer {name} needs bitsandbytes, which is not installed",
            where="[train] optimizer",
            fix="pip install 'tunewise[quantize]', or set optimizer = 'adamw'",
        )


def _check_flash(hardware: Hardware) -> None:
    from transformers.utils.import_utils import is_flash_attn_2_available

    if hardware.device != "cuda":
        raise UsageError(
            f"flash attention needs a GPU; this run computes on {hardware.device}",
            where="[train] attention",
            fix="set attention = 'sdpa', which uses the fastest kernel that there is",
        )
    if not is_flash_attn_2_available():
        raise UsageError(
            "flash attention needs the package flash-attn, which is not installed",
            where="[train] attention",
            fix="pip install flash-attn, or set attention = 'sdpa'",
        )


def arrange_model(model: PreTrainedModel, recipe: Recipe) -> None:
    """Let a loaded model compute as the recipe says; its weights stay as they are.

    Raises:
        UsageError: the model does not know this attention, or cannot recompute its layers.
    """
    if recipe.attention != "auto":
        _choose_attention(model, recipe.attention)
    if recipe.gradient_checkpointing:
        if not model.supports_gradient_checkpointing:
            raise UsageError(
                f"{type(model).__name__} cannot recompute its layers",
                where="[train] gradient_checkpointing",
                fix="set gradient_checkpointing = false and a smaller batch_size",
            )
        # The other kind loses the gradient where a layer's input has none, as beside an adapter.
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def compile_layers(model: PreTrainedModel) -> int:
    """Compile each layer for itself, which takes far less time than the model as a whole.

    Names of weights stay as they are, so that checkpoints and results do.

    Args:
        model: with its adapter, if it gets one.

    Returns:
        How many layers; 0 where none is of a kind that the library repeats.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [
        module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)
    ]
    for layer in layers:
        layer.compile(backend=COMPILE_BACKEND, dynamic=True)
    return len(layers)


def _choose_attention(model: Any, name: str) -> None:
    try:
        model.set_attn_implementation(_ATTENTIONS[name])
    except (ValueError, ImportError) as error:
        raise UsageError(
            f"{type(model).__name__} does not compute attention this way: "
            f"{str(error).partition(chr(10))[0]}",
            where="[train] attention",
            fix="set attention = 'auto'",
        ) from error
