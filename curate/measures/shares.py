"""Shares with their uncertainty, and how evenly counts are spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Share:
    """A share of counted records with its 95 % interval.

    Attributes:
        count: how many have it.
        total: of how many; at least one.
    """

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval."""
        return wilson_interval(self.count, self.total)

    def __str__(self) -> str:
        """Percent with interval."""
        low, high = self.interval
        return f"{percent(self.value)} ({percent(low)}–{percent(high)})"


def percent(share: float) -> str:
    """Return a share as percent; never rounds to all what is not all, and a small one less.

    Example:
        >>> percent(0.2), percent(0.00034), percent(0.9999), percent(1)
        ('20.0%', '0.03%', '99.9%', '100.0%')
    """
    if 0 < share < 0.01:
        return f"{share:.2%}"
    return f"{share if share == 1 else min(share, 0.999):.1%}"


def wilson_interval(count: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    Args:
        count: how many have it.
        total: of how many; of none, the interval is NaN.
        confidence: how often such intervals hold the true share.

    Example:
        >>> [round(bound, 3) for bound in wilson_interval(5, 10)]
        [0.237, 0.763]
    """
    if total <= 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = count / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_number(counts: Sequence[int]) -> float:
    """Return how many equally frequent values would be as diverse: the exponential of entropy.

    Hill (1973), "Diversity and evenness", the number of order 1.

    Example:
        >>> effective_number([5, 5]), round(effective_number([9, 1]), 2)
        (2.0, 1.38)
    """
    total = sum(counts)
    entropy = -sum(count / total * math.log(count / total) for count in counts if count)
    return math.exp(entropy)
