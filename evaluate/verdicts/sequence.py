"""What a sequence of trainings learned and forgot: the measures of continual learning.

``R[i, j]`` is the score on task j after the training i, tasks numbered as the trainings that taught
them. With T trainings (Lopez-Paz and Ranzato 2017, *Gradient episodic memory*):

* average accuracy ``1/T Σ_j R[T, j]``;
* backward transfer ``1/(T−1) Σ_{j<T} (R[T, j] − R[j, j])``: below zero is forgetting;
* forward transfer ``1/(T−1) Σ_{j>1} (R[j−1, j] − b_j)``, with b the untouched base, which here
  takes the place of their untrained network.

And forgetting (Chaudhry et al. 2018, *Riemannian walk*):
``1/(T−1) Σ_{j<T} (max_{l<T} R[l, j] − R[T, j])``, over the trainings l from j on: before its own a
task has not been learned.

Differences are of the same items, so their intervals are paired; tasks count equally. Which
earlier training was best is chosen by these same items, which makes the forgetting measure look a
little larger than it is; its interval is that of the difference from the chosen one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .paired import paired_difference, sign_flip_test
from .statistics import Floats, Integers, Mean, clustered_mean, stratified_mean

# Stands for the base before the first training, among the numbers of trainings.
BASE = -1


@dataclass(frozen=True, slots=True)
class LearnedTask:
    """One task's items as answered after several trainings.

    Attributes:
        scores: by the training's number (from 0; :data:`BASE` for none), more is better; shape
            (items,) each.
        codes: cluster of each item, shape (items,).
    """

    scores: Mapping[int, Floats]
    codes: Integers

    def mean(self, after: int) -> Mean | None:
        """Return the mean score after a training; None where it was not measured."""
        found = self.scores.get(after)
        return None if found is None else clustered_mean(found, self.codes)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure over tasks, with its 95 % interval and, for differences, the p of *no change*."""

    value: float
    ci: tuple[float, float] | None
    p: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"value": self.value, "ci": self.ci, "p": self.p}


@dataclass(frozen=True, slots=True)
class Transfer:
    """All measures of a sequence; None where an evaluation that it takes is missing."""

    average: Measure | None
    backward: Measure | None
    forgetting: Measure | None
    forward: Measure | None


def measure_transfer(tasks: Sequence[LearnedTask]) -> Transfer:
    """Measure a sequence.

    Args:
        tasks: one for each training, in its order.
    """
    last = len(tasks) - 1
    finals = [task.mean(last) for task in tasks]
    return Transfer(
        average=_mean([one for one in finals if one]) if all(finals) else None,
        backward=_difference([(task, place, last) for place, task in enumerate(tasks[:-1])]),
        forgetting=_difference(
            [(task, last, _best(task, place, last)) for place, task in enumerate(tasks[:-1])]
        ),
        forward=_difference([(task, BASE, place) for place, task in enumerate(tasks[1:])]),
    )


def _best(task: LearnedTask, learned: int, last: int) -> int | None:
    """Return after which training before the last a task was answered best; None if not known."""
    known = range(learned, last)
    if any(place not in task.scores for place in known):
        return None
    return max(known, key=lambda place: float(task.scores[place].mean()))


def _mean(parts: Sequence[Mean]) -> Measure:
    mean = stratified_mean(parts)
    return Measure(mean.value, _interval(*mean.interval()))


def _difference(
    changes: Sequence[tuple[LearnedTask, int | None, int | None]],
) -> Measure | None:
    """Return the mean change over tasks between two of each task's trainings."""
    if not changes:
        return None
    found = []
    for task, before, after in changes:
        first, second = (None if one is None else task.scores.get(one) for one in (before, after))
        if first is None or second is None:
            return None
        found.append((paired_difference(first, second, task.codes), len(first)))
    if len(found) == 1:
        one = found[0][0]
        return Measure(one.mean, _interval(one.low, one.high), _number(one.p))
    mean = stratified_mean([part.change for part, _ in found])
    flips = sign_flip_test(np.concatenate([part.sums / items for part, items in found]))
    return Measure(mean.value, _interval(*mean.interval()), _number(max(mean.p_value(), flips)))


def _interval(low: float, high: float) -> tuple[float, float] | None:
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
