"""Adapters: small weights that learn beside a frozen base, by PEFT.

LoRA (Hu et al. 2021), scaled by the root of its rank (rsLoRA, Kalajdzievski 2023), with
magnitudes apart from directions (DoRA, Liu et al. 2024), or beginning at the base's strongest
directions (PiSSA, Meng et al. 2024; OLoRA, Büyükakyüz 2024); prefixes of keys and values (Li and
Liang 2021); factors of activations (IA³, Liu et al. 2022).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError
from ...workspace.nearest import nearest
from ..recipe import ALL_LINEAR, Recipe
from .base_model import first_line

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel

# What a model puts out, as PEFT calls it: tokens or labels.
GENERATES, CLASSIFIES = "CAUSAL_LM", "SEQ_CLS"


def add_adapter(
    model: PreTrainedModel,
    recipe: Recipe,
    *,
    task: str = GENERATES,
    new_tokens: tuple[int, ...] = (),
) -> PeftModel:
    """Freeze a model and put a fresh adapter beside its layers.

    Args:
        model: changed in place.
        recipe: tells which adapter.
        task: what the model puts out.
        new_tokens: ids whose embeddings are learned.

    Raises:
        UsageError: a target module does not exist (the known ones are named), or the model's
            layers cannot take the adapter.
    """
    from peft import get_peft_model, prepare_model_for_kbit_training

    if recipe.method != "prefix" and recipe.target_modules != (ALL_LINEAR,):
        _check_targets(model, recipe.target_modules)
    if recipe.quantize:
        prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    config = _config(model, recipe, task, new_tokens)
    try:
        adapted: Any = get_peft_model(model, config)
    except (ValueError, NotImplementedError) as error:
        raise UsageError(
            f"the model's layers cannot take this adapter: {first_line(error)}",
            where=f"[train] method = {recipe.method!r}, target_modules",
            fix=f"set target_modules = {ALL_LINEAR!r}, or method = 'lora'",
        ) from error
    # As sets, which they are by now, they would be written in another order by every process.
    for name in ("target_modules", "feedforward_modules"):
        if isinstance(chosen := getattr(config, name, None), set | list):
            setattr(adapted.peft_config["default"], name, sorted(chosen))
    return adapted


def without_adapter(model: Any) -> AbstractContextManager[Any]:
    """Return a context in which a model answers as its base does.

    A model without an adapter is its own base. After PiSSA's or OLoRA's start the base is only
    what those directions left of it, so this must not be used there.
    """
    return model.disable_adapter() if hasattr(model, "disable_adapter") else nullcontext()


class Saver:
    """Writes a model's result: an adapter for the untouched base, or all its weights.

    PiSSA and OLoRA take the adapter's first product B₀A₀ out of the base's weights. What was
    learned is BA - B₀A₀, which is a LoRA of twice the rank: [B, -B₀][A; A₀]. That is saved, by
    PEFT's own conversion, so that the base needs no change and its file stays the same.

    Args:
        model: as it is before the first step, also when a run goes on from a checkpoint.
        recipe: of the run.
        folder: where the first state of such an adapter is kept; removed by :meth:`close`.
        gather: returns the weights by name, where the model holds a part of each only.
    """

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        folder: Path,
        gather: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        """Keep the adapter's first state, if it will be needed."""
        self._model = model
        self._recipe = recipe
        self._gather = gather
        self._first: Path | None = None
        if recipe.is_adapter and recipe.initialisation != "zero":
            self._first = folder
            shutil.rmtree(folder, ignore_errors=True)
            config = model.peft_config["default"]
            kind, config.init_lora_weights = config.init_lora_weights, True
            model.save_pretrained(folder)
            config.init_lora_weights = kind

    def save(self, folder: Path) -> None:
        """Write the model as it is into a folder, as safetensors."""
        options: dict[str, Any] = {"state_dict": self._gather()} if self._gather else {}
        if not self._recipe.is_adapter:
            self._model.save_pretrained(folder, **options)
            return
        all_embeddings = self._recipe.train_embeddings == "all"
        # Rows of added tokens are saved by themselves; the rest of the matrix is the base's.
        if not all_embeddings:
            options["save_embedding_layers"] = False
        if self._first is not None:
            options["path_initial_model_for_weight_conversion"] = str(self._first)
        self._model.save_pretrained(folder, **options)

    def close(self) -> None:
        """Remove what was kept."""
        if self._first is not None:
            shutil.rmtree(self._first, ignore_errors=True)


def _config(
    model: PreTrainedModel, recipe: Recipe, task: str, new_tokens: tuple[int, ...]
) -> PeftConfig:
    """Return PEFT's configuration of a recipe's adapter."""
    from peft import IA3Config, LoraConfig, PrefixTuningConfig, TaskType

    kind = TaskType(task)
    named: Any = None if recipe.target_modules == (ALL_LINEAR,) else sorted(recipe.target_modules)
    if recipe.method == "prefix":
        return PrefixTuningConfig(task_type=kind, num_virtual_tokens=recipe.virtual_tokens)
    if recipe.method == "ia3":
        forward = None if named is None else [name for name in named if _is_feedforward(name)]
        return IA3Config(task_type=kind, target_modules=named, feedforward_modules=forward)
    start: Any = True if recipe.initialisation == "zero" else recipe.initialisation
    layers = _vocabulary_layers(model, with_output=task == GENERATES)
    everything = recipe.train_embeddings == "all"
    rows: Any = {layer: list(new_tokens) for layer in layers}
    return LoraConfig(
        task_type=kind,
        r=recipe.rank,
        lora_alpha=recipe.adapter_alpha,
        lora_dropout=recipe.dropout,
        target_modules=named or ALL_LINEAR,
        use_rslora=recipe.rslora,
        use_dora=recipe.dora,
        init_lora_weights=start,
        modules_to_save=layers if everything else None,
        trainable_token_indices=rows if new_tokens and not everything else None,
        ensure_weight_tying=bool(new_tokens or everything) and _is_tied(model),
    )


def _vocabulary_layers(model: PreTrainedModel, *, with_output: bool) -> list[str]:
    """Return the names of the embedding and, where it has weights of its own, the output layer."""
    wanted: list[Any] = [model.get_input_embeddings()]
    if with_output and not _is_tied(model):
        wanted.append(model.get_output_embeddings())
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    return [names[id(layer)] for layer in wanted]


def _is_tied(model: PreTrainedModel) -> bool:
    given: Any = model.get_input_embeddings()
    output: Any = model.get_output_embeddings()
    return output is not None and output.weight is given.weight


def _is_feedforward(name: str) -> bool:
    """Tell whether a layer belongs to a feed-forward block: IA³ scales what goes into those."""
    last = name.rpartition(".")[2]
    return any(part in last for part in ("down", "up", "gate", "fc", "mlp", "dense_4h", "w1", "w2"))


def _check_targets(model: PreTrainedModel, targets: tuple[str, ...]) -> None:
    names = [
        name.removesuffix(".weight")
        for name, weight in model.named_parameters(remove_duplicate=False)
        if name.endswith(".weight") and weight.dim() > 1
    ]
    known = sorted({part for name in names if (part := name.rpartition(".")[2]).isidentifier()})
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            hint = nearest(target, known)
            listing = f"; the model has {', '.join(known)}" if hint.startswith("did") else ""
            raise UsageError(
                f"the model has no layer {target!r}",
                where="target_modules",
                fix=f"{hint}{listing}; or {ALL_LINEAR}",
            )
