"""Keys of a recipe that cannot go together, refused before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from ...workspace.errors import MissingExtraError, UsageError
from ..models.quantized import check_quantizer
from ..recipe import Recipe
from ..rows.tasks import HEAD, PREFERENCES, PRETRAINING

# What only some methods can do; asked of another, it would silently not be done.
_ONLY_FOR = {
    "rslora": ("lora",),
    "dora": ("lora",),
    "initialisation": ("lora",),
    "loraplus_ratio": ("lora",),
    "quantize": ("lora", "prefix", "ia3"),
    "train_embeddings": ("lora",),
    "fused_lora": ("lora",),
}
# Measures of a method, which do no harm to another.
_MEASURES = {
    "rank": ("lora",),
    "alpha": ("lora",),
    "dropout": ("lora",),
    "target_modules": ("lora", "ia3"),
    "virtual_tokens": ("prefix",),
}


def check_combinations(recipe: Recipe) -> None:
    """Check that the keys of a recipe go together.

    Raises:
        UsageError: they do not; the first fault is told, with its reason.
        MissingExtraError: what a key needs is not installed.
    """
    for key, reason, fix in _faults(recipe):
        value = getattr(recipe, key)
        raise UsageError(reason, where=f"[train] {key} = {_written(value)}", fix=fix)
    if recipe.task == PREFERENCES and find_spec("trl") is None:
        raise MissingExtraError("trl", extra="preference", purpose="task = 'preference'")
    if recipe.quantize:
        check_quantizer(f"quantize = {recipe.quantize!r}")


def _faults(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Yield a key, why it cannot be, and what to do."""
    yield from _unheeded(recipe)
    yield from _first_states(recipe)
    yield from _layers(recipe)
    if recipe.fused_lora and recipe.compile:
        yield (
            "fused_lora",
            "compile makes operations of its own out of the layers",
            "choose one of the two",
        )
    if recipe.method == "prefix":
        yield from _prefixes(recipe)
    yield from _courses(recipe)
    yield from _tasks(recipe)
    yield from _anchors(recipe)


def idle_keys(recipe: Recipe) -> list[str]:
    """Return the keys that are set to something and mean nothing to the recipe's method."""
    return [
        key for key in _MEASURES if _is_set(recipe, key) and recipe.method not in _MEASURES[key]
    ]


def _unheeded(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    for key, methods in _ONLY_FOR.items():
        if _is_set(recipe, key) and recipe.method not in methods:
            yield (
                key,
                f"{key} means nothing to method {recipe.method!r}",
                f"leave it out, or set method to {' or '.join(methods)}",
            )


def _is_set(recipe: Recipe, key: str) -> bool:
    return getattr(recipe, key) != Recipe.model_fields[key].default


def _first_states(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Look at starts that take something out of the base's weights."""
    if recipe.initialisation == "zero":
        return
    start = recipe.initialisation
    if recipe.dora:
        yield (
            "initialisation",
            f"what {start} and dora learn together is no LoRA that fits the untouched base, so "
            "it could not be saved as one",
            "choose one of the two",
        )
    if recipe.quantize:
        yield (
            "initialisation",
            f"{start} changes the base's weights, which are rounded again afterwards: what is "
            "saved would not fit the untouched base",
            "leave quantize or initialisation out",
        )
    if recipe.train_embeddings == "all" or recipe.add_tokens:
        yield (
            "initialisation",
            f"an adapter that begins by {start} cannot be converted for the untouched base if "
            "embeddings are learned, too",
            "leave initialisation, or add_tokens and train_embeddings, out",
        )


def _prefixes(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    if recipe.packing:
        yield (
            "packing",
            "every row needs the prefix before it, packed rows have but one",
            "set packing = false, or another method",
        )
    if recipe.gradient_checkpointing:
        yield (
            "gradient_checkpointing",
            "a prefix lies in the layers' cache, which recomputing them leaves out",
            "set gradient_checkpointing = false, or another method",
        )


def _layers(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    for key in ("layer_decay", "unfreezing"):
        if _is_set(recipe, key) and recipe.method == "prefix":
            yield key, "a prefix is one matrix for all layers", f"leave {key} out"
    if _is_set(recipe, "layer_decay") and recipe.loraplus_ratio is not None:
        yield (
            "layer_decay",
            "loraplus_ratio sets the learning rates by matrix, layer_decay by layer",
            "choose one of the two",
        )


def _courses(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    if recipe.keep_checkpoints and not recipe.is_adapter:
        yield (
            "keep_checkpoints",
            "every validation would write the whole model",
            "tune an adapter, such as method = 'lora', or leave it out",
        )


def _tasks(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Look at what other tasks than the supervised one leave no place for."""
    if recipe.task == HEAD:
        for key in ("replay", "probe", "stop_if", "kl_weight", "mix", "sample_prompts"):
            if _is_set(recipe, key):
                yield (
                    key,
                    f"a head for labels in place of the vocabulary says nothing about texts, "
                    f"which {key} is about",
                    f"leave {key} out, or learn the labels as text (task = 'supervised')",
                )
        if recipe.method == "prefix" or recipe.train_embeddings == "all":
            yield "task", "a head is learned with lora, ia3 or full only", "set method = 'lora'"
    if recipe.task == PREFERENCES:
        if recipe.packing or recipe.method == "prefix" or recipe.initialisation != "zero":
            yield (
                "task",
                "preferences are learned from whole rows against the base without its adapter, "
                "which packing, a prefix, pissa and olora do not leave as it is",
                "leave them out",
            )
        for key in ("replay", "mix", "kl_weight"):
            if _is_set(recipe, key):
                yield (
                    key,
                    "a preference run learns from pairs alone, and is held to the base already",
                    f"leave {key} out; preference_beta says how strongly it is held",
                )
    elif recipe.task != PREFERENCES and any(
        _is_set(recipe, key) for key in ("preference_beta", "preference_loss")
    ):
        key = "preference_beta" if _is_set(recipe, "preference_beta") else "preference_loss"
        yield key, f"{key} means nothing to task {recipe.task!r}", "set task = 'preference'"
    if recipe.labels and recipe.task in (PRETRAINING, PREFERENCES):
        yield "labels", f"task {recipe.task!r} knows no labels", "leave labels out"


def _anchors(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Look at what holds a model to its base."""
    if recipe.kl_weight and not recipe.kl_texts:
        yield (
            "kl_weight",
            "there are no general rows to compare the model with its base on",
            "name a file of general texts or chats as kl_texts",
        )
    if recipe.kl_texts and not recipe.kl_weight:
        yield "kl_texts", "kl_weight is 0, so they would not be used", "set kl_weight, such as 0.1"
    if recipe.kl_weight and recipe.initialisation != "zero":
        yield (
            "kl_weight",
            f"after a start by {recipe.initialisation} the model without its adapter is not the "
            "base any more",
            "leave initialisation out",
        )
    if recipe.kl_weight and recipe.add_tokens:
        yield (
            "kl_weight",
            "tokens are added that the base has no probabilities for",
            "leave kl_weight or add_tokens out",
        )


def _written(value: Any) -> str:
    """Write a value as a recipe has it."""
    return str(value).lower() if isinstance(value, bool) else repr(value)
