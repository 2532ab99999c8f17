"""What a run's loss needs beside its rows, and how rows are measured by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..models.reference import Reference
from ..preflight.preparation import Prepared
from ..rows.tasks import PREFERENCES
from .anchor import Anchor
from .loss import row_losses


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss of a run.

    Attributes:
        measure: returns the mean loss of a model on rows, without learning from them.
        anchor: holds the model to its base; None where the recipe does not ask for it.
        reference: the base, for preferences.
        tokenizer: of the model, for TRL.
    """

    measure: Callable[[Any, Sequence[Any]], float]
    anchor: Anchor | None = None
    reference: Reference | None = None
    tokenizer: Any = None


def objective_of(model: Any, prepared: Prepared, padding: int) -> Objective:
    """Return the loss of a run.

    Args:
        model: as it is before the first step, also when the run goes on from a checkpoint.
        prepared: recipe and rows.
        padding: token id to pad with.
    """
    recipe = prepared.recipe

    def mean_loss(model: Any, rows: Sequence[Any]) -> float:
        return row_losses(model, rows, padding=padding).mean

    if recipe.task == PREFERENCES:
        from .preference import PairMeasure

        reference = Reference(model, recipe)
        measure = PairMeasure(recipe, reference, padding).loss
        return Objective(measure, reference=reference, tokenizer=prepared.tokenizer)
    if recipe.kl_weight:
        reference = Reference(model, recipe)
        return Objective(mean_loss, Anchor(prepared.anchor.rows, recipe, reference, padding))
    return Objective(mean_loss)
