"""The model of a run, ready to learn: loaded, arranged, and with its adapter."""

from __future__ import annotations

from typing import Any

from ...workspace.events import Emit, Note
from ..preflight.preparation import Prepared
from ..rows.packing import check_separation
from ..rows.tasks import HEAD
from .adapters import CLASSIFIES, GENERATES, add_adapter
from .arrangement import arrange_model, compile_layers
from .base_model import (
    BaseModel,
    check_vocabulary,
    extend_vocabulary,
    load_weights,
    padding_token,
)
from .fused_lora import fuse_lora
from .heads import load_head


def model_to_tune(base: BaseModel, prepared: Prepared, emit: Emit) -> Any:
    """Load a run's model, and seed all random numbers before its adapter is made.

    Args:
        base: which model.
        prepared: recipe, rows and hardware.
        emit: told of what the recipe asks for and the model does not have.

    Returns:
        A ``PreTrainedModel``, or a ``PeftModel`` around one.

    Raises:
        UsageError: the weights, the tokenizer and the recipe do not go together.
    """
    from transformers import set_seed

    recipe, tokenizer = prepared.recipe, prepared.tokenizer
    padding = padding_token(tokenizer)
    set_seed(recipe.seed)
    options: dict[str, Any] = {
        "trust_remote_code": recipe.trust_remote_code,
        "train_all": not recipe.is_adapter,
        "quantize": recipe.quantize,
    }
    has_head = recipe.task == HEAD
    model: Any = (
        load_head(base, prepared.hardware, prepared.labels, padding=padding, **options)
        if has_head
        else load_weights(base, prepared.hardware, **options)
    )
    if prepared.new_tokens:
        extend_vocabulary(model, len(tokenizer))
    check_vocabulary(model, tokenizer)
    arrange_model(model, recipe)
    if recipe.packing:
        check_separation(model, prepared.train.rows, padding)
    set_seed(recipe.seed)
    if recipe.is_adapter:
        kind = CLASSIFIES if has_head else GENERATES
        model = add_adapter(model, recipe, task=kind, new_tokens=prepared.new_tokens)
    if recipe.fused_lora and not fuse_lora(model):
        emit(Note(text="no LoRA layer can be fused: computed as ever", level="warning"))
    if recipe.compile and not compile_layers(model):
        emit(Note(text="this model has no layers to compile", level="warning"))
    return model
