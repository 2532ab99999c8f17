"""The base as it was, beside the model that is being tuned from it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..recipe import Recipe
from .adapters import without_adapter


class Reference:
    """Answers as the base did.

    Beside an adapter the base is there all the time; of a model that is tuned as a whole a frozen
    copy is kept, which takes the memory of its weights again.

    Args:
        model: as it is before the first step, also when a run goes on from a checkpoint.
        recipe: tells whether it learns by an adapter.
    """

    def __init__(self, model: Any, recipe: Recipe) -> None:
        """Keep a copy where the model itself will change."""
        self._model = model
        self.copy: Any = None
        if not recipe.is_adapter:
            self.copy = copy.deepcopy(model).eval().requires_grad_(False)

    @contextmanager
    def base(self) -> Iterator[Any]:
        """Give the base for the length of a block: without gradients, and not in training."""
        if self.copy is not None:
            with torch.no_grad():
                yield self.copy
            return
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad(), without_adapter(self._model):
                yield self._model
        finally:
            self._model.train(was_training)
