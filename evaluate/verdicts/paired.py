"""Two models on the same items: what changed, how sure that is, and by which test.

Differences are tuned minus base, in scores turned so that more is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from .statistics import (
    CONFIDENCE,
    Floats,
    Integers,
    Mean,
    clustered_mean,
    design_effect,
    is_right_or_wrong,
)

_FLIPS = 20_000
_FLIPS_SEED = 20_240_229
_LARGEST_EXACT_TOTAL = 5_000
# As good as so many equal sums: the normal limit is then off by less than 1 % of p.
_MANY = 100
# With fewer clusters than this that changed at all, the spread that was seen says little about
# the spread there is; the estimates then lean on the worst case.
_SPARSE = 10


def mcnemar_exact(lost: int, gained: int) -> float:
    """Return the two-sided p of McNemar's exact test (1947): a fair coin on the discordant items.

    The exact test, not mid-p: its level holds for every sample size, at the price of some power.
    Fewer than six items that all went one way can never reach 5 %.

    Example:
        >>> mcnemar_exact(6, 0), mcnemar_exact(5, 0)
        (0.03125, 0.0625)
    """
    discordant = lost + gained
    if discordant == 0:
        return 1.0
    return min(1.0, 2 * float(stats.binom.cdf(min(lost, gained), discordant, 0.5)))


def sign_flip_test(sums: Floats) -> float:
    """Return the two-sided p of *each cluster's change was as likely the other way round*.

    Fisher's randomisation test with whole clusters flipped. With one right/wrong item a cluster
    it is McNemar's exact test. Exact for multiples of one number (by convolution) and for few
    clusters (by listing all flips); by the normal limit where many clusters carry it; else by
    20,000 flips from a fixed seed, on sorted sums so that the order of items does not matter.

    Args:
        sums: the summed differences of each cluster, weighted or not.
    """
    sizes = np.sort(np.abs(sums[sums != 0]))
    observed = abs(float(np.sum(sums)))
    if len(sizes) == 0:
        return 1.0
    whole = sizes / sizes[0]
    if np.allclose(whole, np.rint(whole), rtol=1e-9) and whole.sum() <= _LARGEST_EXACT_TOTAL:
        return _exact_flip_p(np.rint(whole).astype(np.int64), round(observed / sizes[0]))
    squares = sizes**2
    if squares.sum() ** 2 >= _MANY * (squares**2).sum():
        return float(2 * stats.norm.sf(observed / math.sqrt(squares.sum())))
    sizes = sizes / sizes[-1]
    observed = observed / float(np.abs(sums).max()) - 1e-5
    if len(sizes) <= 14:
        signs = 1 - 2 * ((np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1)
        return float(np.mean(np.abs(signs @ sizes) >= observed))
    random = np.random.default_rng(_FLIPS_SEED)
    magnitudes = sizes.astype(np.float32)
    reached = 0
    for _ in range(0, _FLIPS, 2_000):
        heads = np.unpackbits(random.integers(0, 256, 2_000 * -(-len(sizes) // 8), np.uint8))
        heads = heads.reshape(2_000, -1)[:, : len(sizes)].astype(np.float32)
        reached += int((np.abs(2 * (heads @ magnitudes) - magnitudes.sum()) >= observed).sum())
    return (1 + reached) / (1 + _FLIPS)


def _exact_flip_p(sizes: Integers, observed: int) -> float:
    """Sum the probabilities of all flips at least as far from zero, by convolution."""
    total = int(sizes.sum())
    chances = np.zeros(total + 1)
    chances[0] = 1.0
    for size in sizes:
        kept = chances * 0.5
        chances = kept.copy()
        chances[size:] += kept[: total + 1 - size]
    positions = 2 * np.arange(total + 1) - total
    return min(1.0, float(chances[np.abs(positions) >= observed].sum()))


def paired_share_interval(
    lost: float, gained: float, n: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return Tango's (1998) score interval for the change of a share of right answers.

    It keeps its coverage where few items changed or none: after n items without any change it
    still reaches ``±z²/(n + z²)``. Effective (fractional) counts are welcome.

    Args:
        lost: items right before and wrong after.
        gained: items wrong before and right after.
        n: all items.
        confidence: two-sided.
    """
    if n <= 0:
        return math.nan, math.nan
    reach = float(stats.norm.ppf((1 + confidence) / 2))
    estimate = (gained - lost) / n

    def bound(sign: int) -> float:
        edge = -sign * (1 - 1e-12)
        if (estimate - edge) * sign <= 0:
            return -float(sign)
        root = optimize.root_scalar(
            lambda change: _tango_score(lost, gained, n, change) - sign * reach,
            bracket=(edge, estimate),
            xtol=1e-10,
        )
        return float(root.root)

    return bound(1), bound(-1)


def paired_share_variance(lost: float, gained: float, change: float) -> float:
    """Return the variance of an item's change if the share had changed by ``change``.

    The discordance is the likeliest one (Tango 1998) given the shares of items lost and gained.
    """
    middle = -gained - lost + (2 - gained + lost) * change
    last = -lost * change * (1 - change)
    share_lost = (math.sqrt(max(0.0, middle * middle - 8 * last)) - middle) / 4
    return max(0.0, 2 * share_lost + change * (1 - change))


def _tango_score(lost: float, gained: float, n: float, change: float) -> float:
    """Return the score statistic of *the share changed by ``change``*."""
    variance = n * paired_share_variance(lost / n, gained / n, change)
    distance = gained - lost - n * change
    if variance == 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired comparison of two models on the same items.

    Attributes:
        mean: the mean change, positive when the tuned model is better.
        low: lower end of the two-sided 95 % interval.
        high: upper end.
        lower: one-sided 95 % lower bound, what *held* is judged by.
        upper: one-sided 95 % upper bound.
        p: two-sided p of *nothing changed*.
        lost: items that became worse.
        gained: items that became better.
        change: mean change with its standard error, for pools; leans on the safe side where few
            items changed.
        spread: mean square of the change, for sample sizes.
        design_effect: how many clustered items count as one independent item.
        test: the test that gave p.
        sums: the summed change of each cluster, shape (clusters,), for the test of a pool.
    """

    mean: float
    low: float
    high: float
    lower: float
    upper: float
    p: float
    lost: int
    gained: int
    change: Mean
    spread: float
    design_effect: float
    test: str
    sums: Floats


_NOTHING = Difference(
    mean=math.nan,
    low=math.nan,
    high=math.nan,
    lower=math.nan,
    upper=math.nan,
    p=math.nan,
    lost=0,
    gained=0,
    change=Mean(math.nan, math.nan, 0),
    spread=math.nan,
    design_effect=1.0,
    test="none",
    sums=np.array([]),
)


def paired_difference(
    base: Floats, tuned: Floats, codes: Integers, *, bounded: bool = True
) -> Difference:
    """Compare two models' scores on the same items.

    Right/wrong scores: McNemar's exact test and Tango's interval; with clusters the sign-flip test
    by cluster, and Tango's interval on effective counts. Other scores: the t interval by clusters,
    corrected for skewness, and the larger p of it and of the sign-flip test.

    Args:
        base: the base's scores, shape (n,), more is better.
        tuned: the tuned model's scores, shape (n,).
        codes: cluster of each item (:func:`cluster_codes`), shape (n,).
        bounded: scores lie in 0 … 1, so that a change can be 1 at most.
    """
    change = tuned - base
    n = len(change)
    if n == 0:
        return _NOTHING
    clustered = int(codes.max()) + 1 < n
    lost, gained = int((change < 0).sum()), int((change > 0).sum())
    sums = np.bincount(codes, weights=change).astype(np.float64)
    sparse = bounded and int(np.count_nonzero(sums)) < _SPARSE
    mean = clustered_mean(change, codes, pseudo=1.0 if sparse else 0.0)
    right_or_wrong = bounded and is_right_or_wrong(base) and is_right_or_wrong(tuned)
    effect = design_effect(change, codes)
    if right_or_wrong:
        if sparse:
            effect = max(effect, design_effect(base, codes))
        counts = (lost / effect, gained / effect, n / effect)
        low, high = paired_share_interval(*counts)
        lower, upper = paired_share_interval(*counts, confidence=2 * CONFIDENCE - 1)
        p = sign_flip_test(sums) if clustered else mcnemar_exact(lost, gained)
    else:
        low, high = mean.interval()
        lower, upper = mean.interval(2 * CONFIDENCE - 1)
        # Flips count few changed items rightly, the corrected t skewed ones: both must agree.
        p = max(sign_flip_test(sums), mean.p_value()) if n > 1 else math.nan
    square = float(change @ change)
    spread = (square + 2) / (n + 2) if sparse else square / n
    test = "McNemar, exact" if right_or_wrong else "sign flips and skewness-corrected t"
    test = "sign flips by cluster" if right_or_wrong and clustered else test
    return Difference(
        mean=mean.value,
        low=low,
        high=high,
        lower=lower,
        upper=upper,
        p=p,
        lost=lost,
        gained=gained,
        change=mean,
        spread=spread,
        design_effect=effect,
        test=test,
        sums=sums,
    )
