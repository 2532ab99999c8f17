"""A hold on the base: what the model says of general rows shall not move far from what it said.

Added to the loss is the divergence KL(base ‖ tuned) of the next-token probabilities at the
learned places of general rows, mean over the tokens: learning without forgetting by distillation
from one's former self (Li and Hoiem 2016, *Learning without Forgetting*).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import kl_div, log_softmax

from ..models.reference import Reference
from ..recipe import Recipe
from ..rows.batches import Collator
from ..rows.render import Rendered
from .loss import supervised_logits


class Anchor:
    """Measures how far a model has moved from its base, on some general rows at a time.

    Which rows are taken is a function of the seed and the number of the forward pass alone, so
    that a run can go on in the middle.

    Args:
        rows: general rows, each with at least one supervised token.
        recipe: of the run.
        reference: the base.
        padding: token id to pad with.
    """

    def __init__(
        self, rows: Sequence[Rendered], recipe: Recipe, reference: Reference, padding: int
    ) -> None:
        """Shuffle the rows."""
        order = np.random.default_rng(recipe.seed + 3).permutation(len(rows))
        self._rows = [rows[number] for number in order.tolist()]
        self._size = recipe.batch_size
        self._reference = reference
        self._collate = Collator(padding)

    def divergence(self, model: Any, number: int) -> torch.Tensor:
        """Return the mean divergence a token, in nats.

        Args:
            model: being tuned.
            number: of the forward pass, from 0.
        """
        places = range(number * self._size, (number + 1) * self._size)
        batch = self._collate([self._rows[place % len(self._rows)] for place in places])
        inputs = {name: tensor.to(model.device) for name, tensor in batch.items()}
        with self._reference.base() as base:
            expected = log_softmax(supervised_logits(base, inputs), dim=-1)
        found = log_softmax(supervised_logits(model, inputs), dim=-1)
        return kl_div(found, expected, log_target=True, reduction="batchmean")
