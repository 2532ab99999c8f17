"""Areas under the ROC curve, and the difference of two on the same items."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from .statistics import Floats, Mean


def auc(positive: Floats, negative: Floats) -> Mean:
    """Return the chance that a positive item scores above a negative one; ties count half.

    The standard error is DeLong's (DeLong, DeLong and Clarke-Pearson 1988) by midranks (Sun and
    Xu 2014). Where the two sides do not overlap at all it would be zero; then Hanley and McNeil's
    (1982) is taken, half a pair away from the edge.

    Args:
        positive: scores that should be high, shape (m,).
        negative: scores that should be low, shape (n,).

    Example:
        >>> auc(np.array([3.0, 4.0]), np.array([1.0, 3.0])).value
        0.875
    """
    if min(len(positive), len(negative)) < 2:
        return Mean(math.nan, math.nan, 0)
    value, above, below = _placements(positive, negative)
    variance = above.var(ddof=1) / len(positive) + below.var(ddof=1) / len(negative)
    if variance == 0:
        variance = _hanley_mcneil_variance(value, len(positive), len(negative))
    return Mean(value, math.sqrt(variance), math.inf)


def auc_difference(
    positive: Floats, negative: Floats, other_positive: Floats, other_negative: Floats
) -> Mean:
    """Return the AUC of one scoring minus that of another on the same items, with DeLong's error.

    Args:
        positive: scores of the positive items, shape (m,).
        negative: scores of the negative items, shape (n,).
        other_positive: the other scoring of the same positive items, shape (m,).
        other_negative: the other scoring of the same negative items, shape (n,).
    """
    if min(len(positive), len(negative)) < 2:
        return Mean(math.nan, math.nan, 0)
    value, above, below = _placements(positive, negative)
    other, other_above, other_below = _placements(other_positive, other_negative)
    variance = (above - other_above).var(ddof=1) / len(positive)
    variance += (below - other_below).var(ddof=1) / len(negative)
    if variance == 0 and value != other:
        variance = _hanley_mcneil_variance(value, len(positive), len(negative))
    return Mean(value - other, math.sqrt(variance), math.inf)


def _placements(positive: Floats, negative: Floats) -> tuple[float, Floats, Floats]:
    """Return the AUC and for each item the share of the other side that it is right about."""
    m, n = len(positive), len(negative)
    together = stats.rankdata(np.concatenate([positive, negative]))
    above = (together[:m] - stats.rankdata(positive)) / n
    below = 1 - (together[m:] - stats.rankdata(negative)) / m
    return float(above.mean()), above, below


def _hanley_mcneil_variance(value: float, m: int, n: int) -> float:
    area = (value * m * n + 0.5) / (m * n + 1)
    both_above = area / (2 - area)
    both_below = 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (m - 1) * (both_above - area**2) + (n - 1) * (both_below - area**2)
    return spread / (m * n)
