from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import statsmodels.api
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tunewise.evaluate.verdicts.statistics import (
    Mean,
    above_chance_p,
    bootstrap_by_cluster,
    cluster_codes,
    clustered_mean,
    design_effect,
    holm,
    retention,
    stratified_mean,
)

random = np.random.default_rng(5)


def test_without_clusters_the_error_is_the_plain_one() -> None:
    values = random.normal(size=40)
    mean = replace(clustered_mean(values, np.arange(40)), skew=0.0)
    assert mean.standard_error == pytest.approx(stats.sem(values))
    assert mean.interval() == pytest.approx(
        stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    )
    reference: Any = stats.ttest_1samp(values, 0)
    assert mean.p_value() == pytest.approx(reference.pvalue)


def test_equal_clusters_give_the_sandwich_of_liang_and_zeger() -> None:
    codes = np.repeat(np.arange(12), 5)
    values = random.normal(size=60) + random.normal(size=12)[codes]
    model = statsmodels.api.OLS(values, np.ones(60)).fit(
        cov_type="cluster", cov_kwds={"groups": codes}
    )
    mean = clustered_mean(values, codes)
    assert mean.standard_error == pytest.approx(float(model.bse[0]))
    assert mean.degrees == 11


def test_skewness_moves_the_interval_as_halls_transformation_says() -> None:
    values = random.exponential(1, 30)
    mean = clustered_mean(values, np.arange(30))
    assert mean.skew == pytest.approx(stats.skew(values) / math.sqrt(30))
    low, high = mean.interval()
    plain_low, plain_high = replace(mean, skew=0.0).interval()
    assert plain_low < low < mean.value < plain_high < high
    for end in (low, high):
        at_end = clustered_mean(values - end, np.arange(30))
        assert at_end.p_value() == pytest.approx(0.05)


def test_the_skewness_of_a_pool_is_that_of_its_mean() -> None:
    first, second = random.exponential(1, (2, 50))
    parts = [clustered_mean(part, np.arange(50)) for part in (first, second)]
    together = clustered_mean(
        np.concatenate([first - first.mean(), second - second.mean()]), np.arange(100)
    )
    assert stratified_mean(parts).skew == pytest.approx(together.skew)


def test_a_skewed_mean_is_covered_better_than_by_plain_t() -> None:
    """Exponential values, whose mean is 1; each end of the interval should miss it at 2.5 %."""
    missed, missed_plain = 0, 0
    for _ in range(1_000):
        mean = clustered_mean(random.exponential(1, 40), np.arange(40))
        missed += mean.interval()[1] < 1
        missed_plain += replace(mean, skew=0.0).interval()[1] < 1
    assert missed < 0.06 * 1_000
    assert missed < missed_plain


def test_unequal_clusters_give_the_jackknife_over_clusters() -> None:
    codes = cluster_codes(random.integers(0, 9, 70), 70)
    values = random.normal(size=70) + codes
    left_out = np.array([values[codes != code].mean() for code in range(9)])
    expected = math.sqrt(8 / 9 * ((left_out - values.mean()) ** 2).sum())
    assert clustered_mean(values, codes).standard_error == pytest.approx(expected)


def test_a_mean_of_one_cluster_or_of_nothing_has_no_error() -> None:
    assert math.isnan(clustered_mean(np.ones(5), np.zeros(5, int)).standard_error)
    assert math.isnan(clustered_mean(np.array([]), np.arange(0)).value)
    assert math.isnan(Mean(1.0, math.nan, 0).p_value())
    assert all(map(math.isnan, Mean(1.0, math.nan, 0).interval()))


def test_clusters_may_be_named_by_anything() -> None:
    assert cluster_codes(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    assert cluster_codes(None, 3).tolist() == [0, 1, 2]


def test_copies_of_an_item_count_as_one() -> None:
    once = (random.random(200) < 0.4).astype(float)
    effect = design_effect(np.repeat(once, 8), np.repeat(np.arange(200), 8))
    assert effect == pytest.approx(8, rel=0.05)
    assert design_effect(once, np.arange(200)) == 1
    assert design_effect(once, np.zeros(200, int)) == 200
    assert design_effect(np.ones(40), np.repeat(np.arange(10), 4)) == 1


@pytest.mark.parametrize(("right", "n", "chance"), [(30, 100, 0.25), (60, 100, 0.5), (0, 20, 0.5)])
def test_above_chance_is_the_exact_binomial_tail(right: int, n: int, chance: float) -> None:
    scores = np.repeat([1.0, 0.0], [right, n - right])
    expected = stats.binomtest(right, n, chance, alternative="greater").pvalue
    assert above_chance_p(scores, np.arange(n), chance) == pytest.approx(expected)


def test_clusters_make_it_harder_to_be_above_chance() -> None:
    once = np.repeat([1.0, 0.0], [65, 35])
    alone = above_chance_p(once, np.arange(100), 0.5)
    tenfold, codes = np.repeat(once, 10), np.repeat(np.arange(100), 10)
    assert above_chance_p(tenfold, np.arange(1000), 0.5) < 1e-9
    assert above_chance_p(tenfold, codes, 0.5) == pytest.approx(alone, rel=0.3)


def test_shares_that_are_not_right_or_wrong_are_tested_by_t() -> None:
    scores = random.random(50) * 0.8
    reference: Any = stats.ttest_1samp(scores, 0.3, alternative="greater")
    assert above_chance_p(scores, np.arange(50), 0.3) == pytest.approx(reference.pvalue)
    assert above_chance_p(np.full(9, 0.4), np.arange(9), 0.3) == 0
    assert math.isnan(above_chance_p(np.array([0.4]), np.arange(1), 0.3))
    assert math.isnan(above_chance_p(np.array([]), np.arange(0), 0.3))


@pytest.mark.parametrize("count", [1, 2, 6, 67])
def test_holm_agrees_with_statsmodels(count: int) -> None:
    p_values = list(random.random(count) ** 3)
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_holm_only_raises_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = np.array(holm(p_values))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(adjusted[order]) >= 0)
    assert np.all((adjusted >= np.array(p_values)) & (adjusted <= 1))


def test_holm_leaves_out_what_was_not_tested() -> None:
    adjusted = holm([0.01, math.nan, 0.03])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])
    assert holm([]) == []


def test_a_pool_of_two_is_welch() -> None:
    first, second = random.normal(0.3, 1, 30), random.normal(0, 2, 45)
    parts = [clustered_mean(first, np.arange(30)), clustered_mean(-second, np.arange(45))]
    pool = replace(stratified_mean(parts), skew=0.0)
    welch: Any = stats.ttest_ind(first, second, equal_var=False)
    assert pool.value == pytest.approx((first.mean() - second.mean()) / 2)
    assert pool.p_value() == pytest.approx(welch.pvalue)
    assert pool.degrees == pytest.approx(welch.df)


def test_a_pool_without_tasks_or_errors_says_so() -> None:
    assert math.isnan(stratified_mean([]).value)
    assert math.isnan(stratified_mean([Mean(0.1, math.nan, 0), Mean(0.1, 0.1, 9)]).standard_error)


def test_retention_is_what_is_kept_above_chance() -> None:
    base, tuned = np.repeat([1.0, 0.0], [75, 25]), np.repeat([1.0, 0.0], [50, 50])
    kept = retention(base, tuned, np.arange(100), 0.25)
    assert kept.value == pytest.approx(0.5)


def test_the_error_of_retention_agrees_with_the_bootstrap() -> None:
    codes = np.repeat(np.arange(150), 4)
    skill = random.normal(0.8, 0.5, 150)[codes]
    base = (random.normal(skill, 1) > 0).astype(float)
    tuned = (random.normal(skill - 0.3, 1) > 0).astype(float)
    kept = retention(base, tuned, codes, 0.5)
    drawn = bootstrap_by_cluster(
        np.stack([base, tuned], axis=1),
        codes,
        lambda means: (means[:, 1] - 0.5) / (means[:, 0] - 0.5),
    )
    assert kept.interval() == pytest.approx(drawn, abs=0.03)


def test_the_bootstrap_is_repeatable_and_agrees_with_theory() -> None:
    values = random.normal(size=(300, 1))
    codes = np.arange(300)
    drawn = bootstrap_by_cluster(values, codes, lambda means: means[:, 0])
    assert drawn == bootstrap_by_cluster(values, codes, lambda means: means[:, 0])
    assert drawn == pytest.approx(clustered_mean(values[:, 0], codes).interval(), abs=0.02)
