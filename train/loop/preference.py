"""Preferences: chosen answers over rejected ones, by TRL's trainer for DPO.

Direct preference optimisation (Rafailov et al. 2023) takes beta times the log-ratio of the tuned
model's and the base's probability of an answer for its reward, and widens the margin between the
rewards of the chosen and the rejected answer. The loss and its figures are TRL's; rows, order,
learning rates, checkpoints and validation are those of every other run.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset
from torch.nn.functional import logsigmoid
from transformers import TrainerCallback
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from ..models.reference import Reference
from ..recipe import Recipe
from ..rows.tasks import Pair
from .course import Course
from .loss import RowLosses, row_losses

if TYPE_CHECKING:
    from .objective import Objective


class PairCollator:
    """Makes tensors of pairs, in the form that TRL's loss reads.

    Args:
        padding: token id to pad with; it is masked.
    """

    def __init__(self, padding: int) -> None:
        """Take the padding."""
        self._padding = padding

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
        """Pad all answers to the longest one.

        Returns:
            ``input_ids``, ``attention_mask`` and ``completion_mask`` of shape (2 × pairs, length),
            int64: first all chosen answers, then all rejected ones; ``tokens`` and ``supervised``,
            how many there are without padding.
        """
        rows = [*pairs, *(pair.rejected for pair in pairs)]
        length = max(len(row.tokens) for row in rows)
        tokens = np.full((len(rows), length), self._padding, dtype=np.int64)
        seen = np.zeros((len(rows), length), dtype=np.int64)
        learned = np.zeros((len(rows), length), dtype=np.int64)
        for index, row in enumerate(rows):
            tokens[index, : len(row.tokens)] = row.tokens
            seen[index, : len(row.tokens)] = 1
            learned[index, : len(row.tokens)] = row.supervised
        return {
            "input_ids": torch.from_numpy(tokens),
            "attention_mask": torch.from_numpy(seen),
            "completion_mask": torch.from_numpy(learned),
            "tokens": torch.tensor(int(seen.sum())),
            "supervised": torch.tensor(int(learned.sum())),
        }


class PreferenceTrainer(Course, DPOTrainer):
    """TRL's trainer over our rows, in our order.

    TRL would render and cut the rows its own way, and keep a copy of a fresh adapter as its
    reference; here the rows come rendered as evaluation renders them, and the reference is the
    base itself.
    """

    def __init__(
        self,
        model: Any,
        settings: dict[str, Any],
        recipe: Recipe,
        objective: Objective,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        """Take what is learned and how.

        Args:
            model: on its device.
            settings: of the loop, as transformers calls them.
            recipe: tells the loss.
            objective: brings the base, and the tokenizer, of which TRL asks the padding's name.
            callbacks: follow the run.
        """
        arguments = DPOConfig(
            **settings,
            beta=recipe.preference_beta,
            loss_type=[recipe.preference_loss],
            max_length=None,
            gradient_checkpointing=recipe.gradient_checkpointing,
        )
        assert objective.reference is not None
        weights = {name: weight.dtype for name, weight in model.named_parameters()}
        super().__init__(
            model=model,
            ref_model=objective.reference.copy,
            args=arguments,
            data_collator=_as_they_are,
            # The rows come from our own loader; TRL only looks whether there are some.
            train_dataset=Dataset.from_dict({"prompt": ["…"]}),
            # A copy, because TRL names a padding token where there is none.
            processing_class=copy.deepcopy(objective.tokenizer),
            callbacks=[*callbacks],
        )
        if "ref" in getattr(model, "peft_config", {}):
            model.delete_adapter("ref")
        for name, weight in model.named_parameters():
            # Beside a quantised base TRL rounds the adapter to bfloat16, where small steps vanish.
            if weight.requires_grad and weight.dtype != weights[name]:
                weight.data = weight.data.to(weights[name])

    def _prepare_dataset(self, dataset: Any, *arguments: Any, **options: Any) -> Any:
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = []

    def supervised_in(self, batch: dict[str, torch.Tensor]) -> int:
        """Return how many tokens a batch teaches."""
        return int(batch.pop("supervised"))

    def create_model_card(self, *arguments: Any, **options: Any) -> None:
        """Write none: a checkpoint is nothing to publish."""


def _as_they_are(pairs: Any) -> Any:
    """Stand in for TRL's collator: the batches come from our own loader."""
    return pairs


class PairMeasure:
    """Measures a model on pairs by the loss that it is trained by.

    Args:
        recipe: tells the loss.
        reference: the base, whose probabilities are worked out once.
        padding: token id to pad with.
    """

    def __init__(self, recipe: Recipe, reference: Reference, padding: int) -> None:
        """Measure nothing yet."""
        self._recipe = recipe
        self._reference = reference
        self._padding = padding
        self._known: dict[int, tuple[RowLosses, RowLosses]] = {}

    def loss(self, model: Any, pairs: Sequence[Pair]) -> float:
        """Return the mean loss of pairs.

        Args:
            model: left in the mode it was in.
            pairs: the same object gives the same base's figures.
        """
        if id(pairs) not in self._known:
            with self._reference.base() as base:
                self._known[id(pairs)] = self._sides(base, pairs)
        now = self._sides(model, pairs)
        before = self._known[id(pairs)]
        gains = [
            torch.from_numpy(was.summed - found.summed)
            for found, was in zip(now, before, strict=True)
        ]
        chosen, rejected = gains
        beta = self._recipe.preference_beta
        match self._recipe.preference_loss:
            case "sigmoid":
                losses = -logsigmoid(beta * (chosen - rejected))
            case "hinge":
                losses = torch.relu(1 - beta * (chosen - rejected))
            case "ipo":
                lengths = [torch.from_numpy(side.tokens) for side in now]
                difference = chosen / lengths[0] - rejected / lengths[1]
                losses = (difference - 1 / (2 * beta)) ** 2
        return float(losses.mean())

    def _sides(self, model: Any, pairs: Sequence[Pair]) -> tuple[RowLosses, RowLosses]:
        rejected = [pair.rejected for pair in pairs]
        return (
            row_losses(model, pairs, padding=self._padding),
            row_losses(model, rejected, padding=self._padding),
        )
