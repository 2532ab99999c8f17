"""What an evaluation measured, before anyone judges it: plain arrays, one value per item.

The scoring side fills these; the statistics read them. Nothing here decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from .statistics import Mean

Kind = Literal["share", "loss"]


class Choices(NamedTuple):
    """Which of an item's choices was taken, by place; -1 where the answer is none of them.

    Attributes:
        tuned: by the tuned model, int64 of shape (n,).
        right: the right one, int64 of shape (n,).
    """

    tuned: np.ndarray
    right: np.ndarray


@dataclass(frozen=True, slots=True)
class TaskScores:
    """One task's score per item, for both models on the same items.

    Attributes:
        task: its name, such as ``grammar`` or ``domain/answer-choice``.
        group: the pool it belongs to, such as ``general`` or ``domain``.
        metric: what the numbers are, such as ``acc``.
        kind: ``share`` for values from 0 to 1 (right/wrong included), ``loss`` for losses.
        higher_is_better: False for losses.
        chance: the score of blind guessing, from 0 to 1; None where guessing has no meaning.
        base: the base model's scores, float64 of shape (n,).
        tuned: the tuned model's scores of the same items in the same order, float64 of shape (n,).
        clusters: integers of shape (n,), equal where items hang together (one document, one
            entity); None where every item stands alone.
        decides: whether the task takes part in the verdict; False is shown only.
        margin: the change that is still tolerated, in the metric's unit for shares and as a
            share of the base for losses; None takes the default of the kind.
        choices: what was chosen among an item's choices; None where nothing is.
    """

    task: str
    group: str
    metric: str
    kind: Kind
    higher_is_better: bool
    chance: float | None
    base: np.ndarray
    tuned: np.ndarray
    clusters: np.ndarray | None = None
    decides: bool = True
    margin: float | None = None
    choices: Choices | None = None

    def __post_init__(self) -> None:
        """Refuse scores that are not paired item by item."""
        if self.base.ndim != 1 or self.base.shape != self.tuned.shape:
            raise ValueError(f"{self.task}: scores of shape {self.base.shape}, {self.tuned.shape}")
        if self.clusters is not None and self.clusters.shape != self.base.shape:
            raise ValueError(f"{self.task}: clusters of shape {self.clusters.shape}")


@dataclass(frozen=True, slots=True)
class ExposedGain:
    """How much more was gained on benchmark items that stand in the training rows.

    Attributes:
        difference: mean change on contaminated items, less that on clean ones.
        contaminated: how many items of the first kind took part.
        clean: how many of the second.
    """

    difference: Mean
    contaminated: int
    clean: int


class CurvePoint(NamedTuple):
    """Losses during training at a step where validation was measured (nan: not measured)."""

    step: int
    validation_loss: float
    train_loss: float


@dataclass(frozen=True, slots=True)
class OverfittingMeasures:
    """What tells learning from memorising; every array has one float64 value per row.

    Losses are the mean negative log-likelihood of a row's supervised tokens, in nats.
    Membership scores are Min-K%++ (higher: looks more like something the model was trained on).
    Verbatim values are the share of the second half of a row's answer that the tuned model
    reproduces word for word when given everything before it. ``train`` arrays belong to one
    sample of the training rows, in the same order; validation and test likewise.

    Attributes:
        validation_curve: losses over the training, in the order of the steps.
    """

    train_losses_base: np.ndarray
    train_losses_tuned: np.ndarray
    validation_losses_base: np.ndarray
    validation_losses_tuned: np.ndarray
    test_losses_base: np.ndarray
    test_losses_tuned: np.ndarray
    membership_train_base: np.ndarray
    membership_train_tuned: np.ndarray
    membership_test_base: np.ndarray
    membership_test_tuned: np.ndarray
    verbatim_train: np.ndarray
    verbatim_heldout: np.ndarray
    validation_curve: tuple[CurvePoint, ...]
