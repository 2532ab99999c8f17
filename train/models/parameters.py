"""Which weights learn how fast, and from when on: by matrix, and by layer.

Lower layers hold what is general and upper ones what is particular, so slower steps below
(layer-wise decay) and a start from the top (gradual unfreezing) let a model forget less; both are
of Howard and Ruder 2018, *Universal Language Model Fine-tuning*. LoRA+ (Hayou et al. 2024) lets
the second of an adapter's matrices learn faster than the first.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..recipe import Recipe

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer

# The first number in a parameter's name is its layer's, in every architecture of transformers.
_LAYER = re.compile(r"\.(\d+)\.")


def make_optimizer(
    model: Any,
    recipe: Recipe,
    optimizer: type[Optimizer],
    settings: dict[str, Any],
    decaying: Set[str],
) -> Optimizer | None:
    """Make an optimizer whose groups have learning rates of their own.

    Args:
        model: with gradients where it is to be tuned.
        recipe: of the run.
        optimizer: the class that Trainer chose.
        settings: its arguments, the peak learning rate among them.
        decaying: names of the parameters that the weight decay is for.

    Returns:
        The optimizer; None where all weights learn alike and Trainer's own will do.
    """
    if recipe.loraplus_ratio is not None:
        from peft.optimizers import create_loraplus_optimizer

        rate = settings["lr"]
        others = {name: value for name, value in settings.items() if name != "lr"}
        return create_loraplus_optimizer(
            model,
            optimizer,
            lr=rate,
            loraplus_lr_ratio=recipe.loraplus_ratio,
            loraplus_weight_decay=recipe.weight_decay,
            **others,
        )
    if recipe.layer_decay < 1:
        return optimizer(_groups_by_layer(model, recipe, settings["lr"], decaying), **settings)
    return None


class Unfreezing(TrainerCallback):
    """Lets the uppermost layer learn first, and one more below it at a time, the embeddings last.

    What is above the layers learns from the beginning. Which layers learn is a function of the
    step alone, so a run can go on in the middle.
    """

    def __init__(self, model: Any, steps: int) -> None:
        """Take the model, and the steps until all of it learns."""
        layers = layers_of(model)
        self._weights = [
            (weight, layers[name]) for name, weight in model.named_parameters() if name in layers
        ]
        self._layers = layer_count(model)
        self._steps = steps

    def lowest(self, step: int) -> int:
        """Return the lowest layer that learns in a step; -1 are the embeddings."""
        if step >= self._steps:
            return -1
        return self._layers - 1 - step * self._layers // self._steps

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **objects: Any,
    ) -> None:
        """Switch the layers for the step that begins."""
        lowest = self.lowest(state.global_step)
        for weight, layer in self._weights:
            weight.requires_grad_(layer >= lowest)


def layer_count(model: Any) -> int:
    """Return how many layers a model has."""
    found = (_LAYER.search(name) for name, _ in model.named_parameters())
    return max((int(match[1]) for match in found if match), default=-1) + 1


def layers_of(model: Any) -> dict[str, int]:
    """Return for each parameter that learns the layer it is in.

    Returns:
        By name: -1 for the embeddings, the number of layers for what comes after them.
    """
    given = {id(weight) for weight in model.get_input_embeddings().parameters()}
    above = layer_count(model)

    def layer(name: str, weight: Parameter) -> int:
        if id(weight) in given:
            return -1
        found = _LAYER.search(name)
        return int(found[1]) if found else above

    return {
        name: layer(name, weight)
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def _groups_by_layer(
    model: Any, recipe: Recipe, rate: float, decaying: Set[str]
) -> list[dict[str, Any]]:
    """Return the optimizer's groups, the fastest first, whose learning rate is the one told."""
    layers = layers_of(model)
    top = max(layers.values(), default=0)
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, weight in model.named_parameters():
        if name not in layers:
            continue
        key = layers[name], name in decaying
        if key not in groups:
            groups[key] = {
                "params": [],
                "lr": rate * recipe.layer_decay ** (top - layers[name]),
                "weight_decay": recipe.weight_decay if name in decaying else 0.0,
            }
        groups[key]["params"].append(weight)
    return [groups[key] for key in sorted(groups, reverse=True)]
