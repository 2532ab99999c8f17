"""Scores on all, clean, contaminated and uncheckable items, and what contamination adds.

A model that has seen an item is asked something else than one that has not: the score on clean
items is what can be compared. How much more it gained on contaminated items than on clean ones
says how much of the gain is memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...curate.contamination.items import CLEAN, CONTAMINATED, UNCHECKABLE
from ...curate.measures.shares import wilson_interval
from .judgement import LOSS
from .measures import ExposedGain, TaskScores
from .paired import paired_difference
from .statistics import (
    Floats,
    Integers,
    Mean,
    cluster_codes,
    clustered_mean,
    is_right_or_wrong,
    stratified_mean,
)

if TYPE_CHECKING:
    from .exposure import Exposure

ALL = "all"
STATUSES = (CLEAN, CONTAMINATED, UNCHECKABLE)
SUBSETS = (ALL, *STATUSES)


def scores_by_status(scores: TaskScores, statuses: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return a task's scores on each kind of its items, where there are any.

    Args:
        scores: of both models.
        statuses: of the items, in the same order.

    Returns:
        ``items`` (all, clean, contaminated or uncheckable), ``n``, ``base``, ``base_ci``,
        ``tuned``, ``tuned_ci``, ``delta`` (positive where the tuned model is better) and ``ci``,
        with intervals of 95 %; null where they cannot be told.
    """
    kinds = np.array([status or "" for status in statuses])
    return [
        {"items": subset, **_scored(scores, chosen)}
        for subset in SUBSETS
        if (chosen := (kinds == subset) | (subset == ALL)).any()
    ]


def contamination_document(
    exposure: Exposure, tasks: Sequence[tuple[TaskScores, Sequence[str | None]]]
) -> dict[str, Any] | None:
    """Return what an evaluation says of contamination; None where nothing was searched.

    Args:
        exposure: what a search of the training rows found.
        tasks: the scores of each benchmark, and the status of its items.
    """
    if exposure.found is None:
        return None
    return {
        "rows": dict(exposure.rows),
        "not_searched": list(exposure.not_searched),
        **{status: exposure.found.count(status) for status in STATUSES},
        "tasks": [
            {
                "task": scores.task,
                "kind": scores.kind,
                **{status: list(statuses).count(status) for status in STATUSES},
                "scores": scores_by_status(scores, statuses),
            }
            for scores, statuses in tasks
        ],
    }


def exposed_gain(tasks: Sequence[tuple[TaskScores, Sequence[str | None]]]) -> ExposedGain | None:
    """Return how much more was gained on contaminated items than on clean ones.

    The difference of the mean changes of each task, then their mean with equal weights. Tasks
    with a loss, or with fewer than two independent items of either kind, take no part.

    Args:
        tasks: the scores of each, and the status of its items.
    """
    gains: list[Mean] = []
    counts = {CLEAN: 0, CONTAMINATED: 0}
    for scores, statuses in tasks:
        if scores.kind == LOSS:
            continue
        kinds = np.array([status or "" for status in statuses])
        parts = {kind: _mean_change(scores, kinds == kind) for kind in counts}
        if any(math.isnan(mean.standard_error) for mean in parts.values()):
            continue
        gains.append(_minus(parts[CONTAMINATED], parts[CLEAN]))
        for kind in counts:
            counts[kind] += int((kinds == kind).sum())
    if not gains:
        return None
    return ExposedGain(stratified_mean(gains), counts[CONTAMINATED], counts[CLEAN])


def _scored(scores: TaskScores, chosen: np.ndarray) -> dict[str, Any]:
    base, tuned, codes = _of(scores, chosen)
    sign = 1 if scores.higher_is_better else -1
    # A loss is no share, and better where it is lower.
    difference = paired_difference(sign * base, sign * tuned, codes, bounded=scores.kind != LOSS)
    return {
        "n": len(base),
        "base": float(base.mean()),
        "base_ci": _interval(scores, base, codes),
        "tuned": float(tuned.mean()),
        "tuned_ci": _interval(scores, tuned, codes),
        "delta": difference.mean,
        "ci": _finite(difference.low, difference.high),
    }


def _of(scores: TaskScores, chosen: np.ndarray) -> tuple[Floats, Floats, Integers]:
    clusters = None if scores.clusters is None else scores.clusters[chosen]
    base, tuned = scores.base[chosen], scores.tuned[chosen]
    return base, tuned, cluster_codes(clusters, len(base))


def _interval(scores: TaskScores, values: Floats, codes: Integers) -> tuple[float, float] | None:
    """Return the 95 % interval of a mean score."""
    alone = len(values) == (int(codes.max()) + 1 if len(codes) else 0)
    if scores.kind != LOSS and alone and is_right_or_wrong(values):
        return wilson_interval(float(values.sum()), len(values))
    low, high = clustered_mean(values, codes).interval()
    if scores.kind != LOSS:
        low, high = max(0.0, low), min(1.0, high)
    return _finite(low, high)


def _mean_change(scores: TaskScores, chosen: np.ndarray) -> Mean:
    base, tuned, codes = _of(scores, chosen)
    if not len(base):
        return Mean(math.nan, math.nan, 0)
    change = tuned - base if scores.higher_is_better else base - tuned
    # As if one more item had been won and one lost: no change seen is not certainty.
    return clustered_mean(change, codes, pseudo=1.0)


def _minus(one: Mean, other: Mean) -> Mean:
    """Return the difference of independent means (Welch 1947)."""
    parts = [(mean.standard_error**2, mean.degrees) for mean in (one, other)]
    total = sum(variance for variance, _ in parts)
    fourth = sum(variance**2 / degrees for variance, degrees in parts)
    degrees = total**2 / fourth if fourth else math.inf
    return Mean(one.value - other.value, math.sqrt(total), degrees)


def _finite(low: float, high: float) -> tuple[float, float] | None:
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None
