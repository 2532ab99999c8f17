"""Means, shares and their uncertainty: clusters, chance, several tests at once, pools.

Pure functions over arrays. An *item* is one question asked of both models; a *cluster* is a set
of items that are alike (sentences of one document, rows of one template), so that they must not
count as independent evidence. The comparison of two models is in :mod:`.paired`, sample sizes in
:mod:`.power`, ranks (AUC) in :mod:`.ranking`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over items with its cluster-robust standard error.

    Intervals and tests correct t for skewness after Hall (1992), because a few items that change
    much among many that change little pull mean and standard error the same way: with 40 such
    items plain t errs at one end three times as often as it says.

    Attributes:
        value: the mean.
        standard_error: NaN where there are fewer than two clusters.
        degrees: degrees of freedom for t: clusters − 1.
        skew: skewness of the mean's own distribution (that of the clusters over √clusters).
    """

    value: float
    standard_error: float
    degrees: float
    skew: float = 0.0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the two-sided interval; NaNs where there is no standard error."""
        if math.isnan(self.standard_error):
            return math.nan, math.nan
        reach = float(stats.t.ppf((1 + confidence) / 2, self.degrees))
        low, high = (
            self.value - self.standard_error * self._uncorrected(end) for end in (reach, -reach)
        )
        return low, high

    def p_value(self) -> float:
        """Return the two-sided p of *the mean is zero*."""
        if math.isnan(self.standard_error):
            return math.nan
        if self.standard_error == 0:
            return 1.0 if self.value == 0 else 0.0
        distance = self._corrected(self.value / self.standard_error)
        return float(2 * stats.t.sf(abs(distance), self.degrees))

    def _corrected(self, distance: float) -> float:
        """Return Hall's transformation of a t value: ``t + k t²/3 + k² t³/27 + k/6``."""
        skew = self.skew
        return distance + skew * distance**2 / 3 + skew**2 * distance**3 / 27 + skew / 6

    def _uncorrected(self, distance: float) -> float:
        """Return the t value that Hall's transformation makes ``distance`` of."""
        if abs(self.skew) < 1e-6:
            return distance
        return 3 / self.skew * (math.cbrt(1 + self.skew * (distance - self.skew / 6)) - 1)


def cluster_codes(clusters: Sequence[object] | np.ndarray | None, n: int) -> Integers:
    """Number the clusters 0, 1, …; without clusters every item is one of its own."""
    if clusters is None:
        return np.arange(n)
    return np.unique(np.asarray(clusters).astype(str), return_inverse=True)[1].astype(np.int64)


def clustered_mean(values: Floats, codes: Integers, *, pseudo: float = 0.0) -> Mean:
    """Return the mean over items with its standard error by clusters.

    The variance is the delete-one-cluster jackknife, for a mean
    ``(G−1)/G · Σ_g (e_g / (n − m_g))²`` with ``e_g`` the summed residuals and ``m_g`` the size of
    cluster g. For equal clusters it is the sandwich estimator of Liang and Zeger (1986) with the
    usual correction G/(G−1), as Miller (2024, "Adding error bars to evals") advises; for unequal
    ones it is the larger and safer one (CR3: Bell and McCaffrey 2002; MacKinnon, Nielsen and Webb
    2023). Without clusters it is the plain standard error of a mean.

    Args:
        values: shape (n,).
        codes: cluster of each item, 0 … G−1, shape (n,).
        pseudo: if above zero, two more clusters of average size whose items are ``+pseudo`` and
            ``−pseudo`` take part in the standard error (not in the mean): Bonett and Price (2012)
            do so for right/wrong items, so that no change seen is not taken for no change.
    """
    n = len(values)
    if n == 0:
        return Mean(math.nan, math.nan, 0)
    mean = float(values.mean())
    sizes = np.bincount(codes).astype(float)
    sums = np.bincount(codes, weights=values)
    groups = len(sizes)
    if groups < 2:
        return Mean(mean, math.nan, 0)
    center = mean
    if pseudo:
        size = n / groups
        sizes = np.append(sizes, [size, size])
        sums = np.append(sums, [size * pseudo, -size * pseudo])
        center = float(sums.sum() / sizes.sum())
    total, count = sizes.sum(), len(sizes)
    moves = (sums - sizes * center) / (total - sizes)
    square = float(moves @ moves)
    skew = float((moves**3).sum()) / square**1.5 if square else 0.0
    return Mean(mean, math.sqrt((count - 1) / count * square), groups - 1, skew)


def design_effect(values: Floats, codes: Integers) -> float:
    """Return how many clustered items count as one independent item; at least 1.

    Korn and Graubard (1998): the variance by clusters over that of as many independent items,
    times the squared ratio of the t quantiles, which pays for few clusters. Where nothing varies
    it is 1, as they propose.
    """
    n = len(values)
    groups = int(codes.max()) + 1 if n else 0
    if groups in (0, n):
        return 1.0
    if groups < 2:
        return float(n)
    plain = float(values.var()) / n
    if plain == 0:
        return 1.0
    clustered = clustered_mean(values, codes)
    quantiles = stats.t.ppf(0.975, [groups - 1, n - 1])
    ratio = clustered.standard_error**2 / plain * float(quantiles[0] / quantiles[1]) ** 2
    return min(float(n), max(1.0, ratio))


def is_right_or_wrong(scores: Floats) -> bool:
    """Tell whether every score is 0 or 1."""
    return bool(np.all((scores == 0) | (scores == 1)))


def above_chance_p(scores: Floats, codes: Integers, chance: float) -> float:
    """Return the one-sided p of *no better than chance*.

    Right/wrong scores: the exact binomial tail; with clusters on effective counts (Korn and
    Graubard 1998), by the incomplete beta function, which is the same tail for whole numbers.
    Other scores: a one-sided t test by clusters.
    """
    n = len(scores)
    if n == 0:
        return math.nan
    if is_right_or_wrong(scores):
        effect = design_effect(scores, codes)
        right = float(scores.sum()) / effect
        return (
            1.0 if right == 0 else float(special.betainc(right, (n / effect) - right + 1, chance))
        )
    mean = clustered_mean(scores, codes)
    if math.isnan(mean.standard_error):
        return math.nan
    if mean.standard_error == 0:
        return 0.0 if mean.value > chance else 1.0
    return float(stats.t.sf((mean.value - chance) / mean.standard_error, mean.degrees))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number by Holm's (1979) step-down; NaN stays and does not count.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    adjusted = [math.nan] * len(p_values)
    order = sorted(
        (index for index, p in enumerate(p_values) if not math.isnan(p)),
        key=lambda index: p_values[index],
    )
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def stratified_mean(parts: Sequence[Mean]) -> Mean:
    """Return the mean of independent means, each with equal weight.

    ``SE = √Σ SE_t² / T`` (Cochran 1977, 5.2), degrees of freedom after Satterthwaite (1946).
    """
    count = len(parts)
    if count == 0:
        return Mean(math.nan, math.nan, 0)
    value = sum(part.value for part in parts) / count
    variances = [part.standard_error**2 for part in parts]
    total = sum(variances)
    if math.isnan(total):
        return Mean(value, math.nan, 0)
    if total == 0:
        return Mean(value, 0.0, math.inf)
    fourth = sum(
        variance**2 / part.degrees for variance, part in zip(variances, parts, strict=True)
    )
    third = sum(part.skew * part.standard_error**3 for part in parts)
    return Mean(value, math.sqrt(total) / count, total**2 / fourth, third / total**1.5)


def retention(base: Floats, tuned: Floats, codes: Integers, chance: float) -> Mean:
    """Return the share of the base's ability above chance that the tuned model kept.

    ``(tuned − chance) / (base − chance)`` of the means, with the standard error of a ratio by the
    delta method over clusters (Cochran 1977, 6.3). Meaningless where the base is at chance: the
    caller asks only where it is significantly above.
    """
    ability = float(base.mean()) - chance
    kept = (float(tuned.mean()) - chance) / ability
    residual = clustered_mean((tuned - chance) - kept * (base - chance), codes)
    return Mean(kept, residual.standard_error / abs(ability), residual.degrees)


def bootstrap_by_cluster(
    columns: Floats,
    codes: Integers,
    statistic: Callable[[Floats], Floats],
    *,
    resamples: int = 2_000,
    seed: int = 17,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return the percentile interval of a function of means, drawing whole clusters.

    Efron (1979), clusters after Davison and Hinkley (1997, 3.8). Drawing single items of
    clustered data would make the interval too narrow.

    Args:
        columns: shape (n, k), k quantities of each item.
        codes: cluster of each item, shape (n,).
        statistic: maps the means of the columns, shape (resamples, k), to (resamples,).
        resamples: number of draws.
        seed: of the draws.
        confidence: two-sided.
    """
    sizes = np.bincount(codes).astype(float)
    sums = np.stack([np.bincount(codes, weights=column) for column in columns.T], axis=1)
    groups = len(sizes)
    drawn = np.random.default_rng(seed).multinomial(groups, [1 / groups] * groups, size=resamples)
    values = statistic((drawn @ sums) / (drawn @ sizes)[:, None])
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
