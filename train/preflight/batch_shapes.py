"""The sizes of a run's forward passes, which decide their memory and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..recipe import Recipe
from ..rows.batches import measuring_batches, order_of
from ..rows.packing import Lessons
from ..rows.render import Rendered
from ..rows.tasks import Pair


@dataclass(frozen=True, slots=True)
class BatchShape:
    """The size of a forward pass.

    Attributes:
        tokens: rows times the longest row, with padding.
        length: of the longest row.
        supervised: positions whose logits are computed.
        masked: attention is told where the padding is, by a mask.
    """

    tokens: int
    length: int
    supervised: int
    masked: bool = False


def learning_shapes(lessons: Lessons, recipe: Recipe, epochs: int = 1) -> list[BatchShape]:
    """Return the sizes of a run's forward passes, epoch by epoch."""
    order = order_of(lessons, recipe)
    shapes = []
    for epoch in range(epochs):
        order.set_epoch(epoch)
        shapes += _shapes(lessons.rows, order)
    return shapes


def measuring_shapes(rows: Sequence[Rendered], vocabulary: int, device: str) -> list[BatchShape]:
    """Return the sizes of the forward passes of a validation, by sides where rows are pairs."""
    rejected = [row.rejected for row in rows if isinstance(row, Pair)]
    shapes = []
    for side in (rows, rejected):
        lengths = [len(row.tokens) for row in side]
        batches = measuring_batches(lengths, vocabulary, device)
        shapes += [_shape([side[number] for number in batch]) for batch in batches]
    return shapes


def anchor_shapes(rows: Sequence[Rendered], recipe: Recipe) -> list[BatchShape]:
    """Return what the forward passes over general rows may be at most.

    Args:
        rows: on which the model is held to its base; they are drawn in any order.
        recipe: tells how many at a time.
    """
    rows = sorted(rows, key=lambda row: len(row.tokens))[-recipe.batch_size :]
    # A run shorter than the rows goes round.
    return [_shape((rows * recipe.batch_size)[: recipe.batch_size])] if rows else []


def _shapes(rows: Sequence[Rendered], batches: Iterable[Sequence[int]]) -> list[BatchShape]:
    """Return the sizes of batches; numpy counts, because there are many."""
    pairs = [row for row in rows if isinstance(row, Pair)]
    sides = [rows, [pair.rejected for pair in pairs]] if pairs else [rows]
    lengths = np.array([[len(row.tokens) for row in side] for side in sides])
    supervised = np.array([[sum(row.supervised) for row in side] for side in sides]).sum(axis=0)
    shapes = []
    for batch in batches:
        of_batch = lengths[:, batch]
        longest = int(of_batch.max())
        masked = bool(pairs) and bool((of_batch < longest).any())
        places = of_batch.size * longest
        shapes.append(BatchShape(places, longest, int(supervised[batch].sum()), masked))
    return shapes


def _shape(rows: Sequence[Rendered]) -> BatchShape:
    longest = max(len(row.tokens) for row in rows)
    supervised = sum(sum(row.supervised) for row in rows)
    return BatchShape(len(rows) * longest, longest, supervised)
