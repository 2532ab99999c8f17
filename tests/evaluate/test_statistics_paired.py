from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from tunewise.evaluate.verdicts.paired import (
    mcnemar_exact,
    paired_difference,
    paired_share_interval,
    sign_flip_test,
)
from tunewise.evaluate.verdicts.ranking import auc, auc_difference
from tunewise.evaluate.verdicts.statistics import cluster_codes

random = np.random.default_rng(11)


@pytest.mark.parametrize(("lost", "gained"), [(6, 0), (7, 1), (20, 40), (3, 3), (0, 0)])
def test_mcnemar_agrees_with_statsmodels(lost: int, gained: int) -> None:
    reference: Any = mcnemar([[9, lost], [gained, 9]], exact=True)
    expected = reference.pvalue if lost + gained else 1.0
    assert mcnemar_exact(lost, gained) == pytest.approx(expected)


def test_a_published_example_of_paired_shares() -> None:
    """Response of 161 patients (Cavo et al. 2012), in Fagerland, Lydersen and Laake (2017), 8."""
    assert mcnemar_exact(lost=16, gained=6) == pytest.approx(0.052479, abs=1e-6)
    low, high = paired_share_interval(lost=16, gained=6, n=161)
    assert (round(low, 4), round(high, 4)) == (-0.1240, -0.0054)


@pytest.mark.parametrize(("lost", "gained", "n"), [(40, 20, 160), (3, 0, 50), (0, 9, 30)])
def test_tango_inverts_the_score_test_with_the_likeliest_discordance(
    lost: int, gained: int, n: int
) -> None:
    """Finds the nuisance parameter by maximising the likelihood instead of by formula."""
    same = n - lost - gained

    def statistic(change: float) -> float:
        def unlikeliness(share_lost: float) -> float:
            shares = np.array([share_lost, share_lost + change, 1 - 2 * share_lost - change])
            counts = np.array([lost, gained, same])
            return -float(np.sum(counts * np.log(np.maximum(shares, 1e-300))))

        bounds = (max(0.0, -change), (1 - change) / 2)
        found: Any = optimize.minimize_scalar(
            unlikeliness, bounds=bounds, method="bounded", options={"xatol": 1e-12}
        )
        best = found.x
        return (gained - lost - n * change) / math.sqrt(n * (2 * best + change - change**2))

    low, high = paired_share_interval(lost, gained, n)
    assert statistic(low) == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)
    assert statistic(high) == pytest.approx(-stats.norm.ppf(0.975), abs=1e-3)


def test_no_change_seen_is_not_no_change() -> None:
    z = stats.norm.ppf(0.95)
    low, high = paired_share_interval(0, 0, 100, confidence=0.9)
    assert (-low, high) == pytest.approx((z**2 / (100 + z**2),) * 2, abs=1e-6)


def test_everything_lost_reaches_the_end_of_the_scale() -> None:
    low, high = paired_share_interval(5, 0, 5)
    assert low == pytest.approx(-1)
    assert -1 < high < 0
    assert all(map(math.isnan, paired_share_interval(0, 0, 0)))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 200))
@settings(max_examples=80, deadline=None)
def test_tango_covers_the_estimate_and_mirrors(lost: int, gained: int, same: int) -> None:
    n = lost + gained + same
    if n == 0:
        return
    low, high = paired_share_interval(lost, gained, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert paired_share_interval(gained, lost, n) == pytest.approx((-high, -low), abs=1e-8)


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_sign_flips_of_single_items_are_mcnemar(lost: int, gained: int) -> None:
    sums = np.repeat([-1.0, 1.0, 0.0], [lost, gained, 7])
    assert sign_flip_test(sums) == pytest.approx(mcnemar_exact(lost, gained))


@pytest.mark.parametrize("count", [8, 40, 400])
def test_sign_flips_agree_with_a_permutation_test(count: int) -> None:
    sums = random.normal(0.25, 1, count) * np.linspace(1, 3, count)
    expected = stats.permutation_test(
        (sums,), np.sum, permutation_type="samples", n_resamples=20_000, rng=3
    ).pvalue
    assert sign_flip_test(sums) == pytest.approx(expected, abs=0.012)


def test_sign_flips_do_not_depend_on_order_or_scale() -> None:
    sums = random.normal(0.2, 1, 60)
    assert sign_flip_test(random.permutation(sums)) == sign_flip_test(sums)
    assert sign_flip_test(-1000 * sums) == pytest.approx(sign_flip_test(sums), abs=1e-9)
    assert sign_flip_test(np.zeros(4)) == 1


def test_one_large_cluster_does_not_make_many_small_ones_significant() -> None:
    sums = np.concatenate([[-500.0], np.full(40, 0.1)])
    assert sign_flip_test(sums) > 0.5


def test_right_or_wrong_items_are_compared_by_mcnemar_and_tango() -> None:
    base, tuned = np.repeat([1.0, 0.0, 1.0], [16, 6, 139]), np.repeat([0.0, 1.0, 1.0], [16, 6, 139])
    difference = paired_difference(base, tuned, np.arange(161))
    assert (difference.lost, difference.gained) == (16, 6)
    assert difference.mean == pytest.approx(-10 / 161)
    assert (round(difference.low, 4), round(difference.high, 4)) == (-0.1240, -0.0054)
    assert difference.p == pytest.approx(0.052479, abs=1e-6)
    assert difference.test == "McNemar, exact"


def test_scores_in_between_are_compared_by_intervals_and_two_tests() -> None:
    base = random.random(80)
    tuned = np.clip(base + random.normal(0.03, 0.1, 80), 0, 1)
    difference = paired_difference(base, tuned, np.arange(80))
    reference: Any = stats.ttest_rel(tuned, base)
    interval = reference.confidence_interval(0.95)
    assert (difference.low, difference.high) == pytest.approx(tuple(interval), abs=0.002)
    assert difference.p == max(sign_flip_test(tuned - base), difference.change.p_value())
    assert difference.p == pytest.approx(reference.pvalue, abs=0.02)


def test_a_few_changed_scores_are_not_taken_for_certainty() -> None:
    base = np.full(40, 0.5)
    assert paired_difference(base, base, np.arange(40)).lower < -0.02
    assert paired_difference(base, base, np.arange(40), bounded=False).lower == 0


def test_clusters_widen_the_interval_and_weaken_the_test() -> None:
    blocks = np.repeat(
        random.choice([-1.0, 0, 0, 0, 0, 1], 60, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1]), 5
    )
    base = np.where(blocks < 0, 1.0, 0.0)
    tuned = base + blocks
    alone = paired_difference(base, tuned, np.arange(300))
    grouped = paired_difference(base, tuned, cluster_codes(np.repeat(np.arange(60), 5), 300))
    assert grouped.p > alone.p
    assert grouped.low < alone.low < alone.high < grouped.high
    assert grouped.design_effect == pytest.approx(5, rel=0.1)


def test_an_area_counts_pairs() -> None:
    positive, negative = (
        random.integers(3, 9, 30).astype(float),
        random.integers(0, 7, 20).astype(float),
    )
    pairs = positive[:, None] - negative
    assert auc(positive, negative).value == pytest.approx(
        (pairs > 0).mean() + (pairs == 0).mean() / 2
    )


def test_delong_agrees_with_its_definition() -> None:
    positive, negative = random.normal(0.7, 1, 60), random.normal(0, 1, 45)
    wins = (positive[:, None] > negative).astype(float)
    variance = wins.mean(1).var(ddof=1) / 60 + wins.mean(0).var(ddof=1) / 45
    assert auc(positive, negative).standard_error == pytest.approx(math.sqrt(variance))


def test_the_difference_of_two_areas_uses_that_they_share_items() -> None:
    positive, negative = random.normal(0.7, 1, 80), random.normal(0, 1, 80)
    shaken = [side + random.normal(0, 0.05, 80) for side in (positive, negative)]
    difference = auc_difference(positive, negative, *shaken)
    assert difference.value == pytest.approx(
        auc(positive, negative).value - auc(*shaken).value, abs=1e-12
    )
    assert difference.standard_error < auc(positive, negative).standard_error / 3
    assert auc_difference(positive, negative, positive, negative).standard_error == 0


def test_areas_without_overlap_keep_an_error() -> None:
    area = auc(np.array([5.0, 6, 7]), np.array([1.0, 2, 3]))
    assert area.value == 1
    assert area.standard_error > 0.02
    assert math.isnan(auc(np.array([1.0]), np.array([0.0, 1.0])).value)
