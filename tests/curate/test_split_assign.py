"""Assignment: components whole, shares reached, columns in balance, the same in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.splitting.assign import assign_parts
from tunewise.curate.splitting.time_order import read_times, time_parts

THREE = (0.7, 0.15, 0.15)


def keys_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**63, count).astype(np.uint64)


def drift(parts: np.ndarray, strata: np.ndarray) -> float:
    whole = np.bincount(strata) / len(strata)
    inside = [strata[parts == part] for part in np.unique(parts)]
    shares = [np.bincount(values, minlength=len(whole)) / len(values) for values in inside]
    return max(float(np.abs(share - whole).max()) for share in shares)


@settings(max_examples=80, deadline=None)
@given(
    components=st.lists(st.integers(0, 12), min_size=1, max_size=80),
    labels=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    ratios=st.sampled_from([THREE, (0.8, 0.0, 0.2), (0.2,) * 5, (0.5, 0.5)]),
    seed=st.integers(0, 99),
)
def test_no_component_is_divided_and_order_makes_no_difference(
    components: list[int], labels: list[int], ratios: tuple[float, ...], seed: int
) -> None:
    chance = np.random.default_rng(seed)
    count, array = len(components), np.array(components)
    strata = np.column_stack([chance.integers(0, label, count) for label in labels])
    keys = chance.permutation(count).astype(np.uint64)
    parts = assign_parts(array, strata, keys, ratios)
    assert set(parts) <= {part for part, share in enumerate(ratios) if share}
    for component in set(components):
        assert len(set(parts[array == component])) == 1
    wanted = sum(share > 0 for share in ratios)
    assert len(set(parts)) == min(wanted, len(set(components)))
    order = chance.permutation(count)
    again = assign_parts(1000 - array[order], strata[order], keys[order], ratios)
    assert (again == parts[order]).all()


@settings(max_examples=40, deadline=None)
@given(count=st.integers(20, 300), seed=st.integers(0, 99))
def test_what_is_fixed_stays_and_counts(count: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    fixed = np.full(count, -1)
    fixed[: count // 4] = 2
    strata = chance.integers(0, 3, count)
    parts = assign_parts(np.arange(count), strata, keys_of(count, seed), (0.5, 0.0, 0.5), fixed)
    assert (parts[: count // 4] == 2).all()
    assert abs((parts == 2).sum() - count / 2) <= 1


def test_many_small_strata_still_come_near_the_ratios() -> None:
    count = 3000
    strata = np.repeat(np.arange(count // 2), 2)
    parts = assign_parts(np.arange(count), strata, keys_of(count), THREE)
    assert np.abs(np.bincount(parts) / count - THREE).max() < 0.001


@pytest.mark.parametrize("columns", [1, 3])
def test_heavy_tailed_groups_stay_in_balance(columns: int) -> None:
    chance = np.random.default_rng(1)
    sizes = np.minimum((chance.pareto(1.1, 9000) + 1).astype(int), 2000)
    components = np.repeat(np.arange(len(sizes)), sizes)
    strata = np.column_stack(
        [
            chance.choice(6, len(components), p=[0.5, 0.2, 0.1, 0.1, 0.07, 0.03])
            for _ in range(columns)
        ]
    )
    parts = assign_parts(components, strata, keys_of(len(components)), THREE)
    assert np.abs(np.bincount(parts) / len(parts) - THREE).max() < 0.001
    assert max(drift(parts, strata[:, column]) for column in range(columns)) < 0.005
    several = np.bincount(components)[components] > 1
    shares = [several[parts == part].mean() for part in range(3)]
    assert max(shares) - min(shares) < 0.02, "val and test have small and large components alike"


def test_large_components_lie_where_they_fit() -> None:
    components = np.r_[np.zeros(40, int), np.ones(30, int), np.arange(2, 32)]
    parts = assign_parts(components, np.zeros(100, int), keys_of(100), THREE)
    assert np.bincount(parts).tolist() == [70, 15, 15]
    assert set(parts[:70]) == {0}
    tens = assign_parts(np.repeat(np.arange(10), 10), np.zeros(100, int), keys_of(100), THREE)
    assert sorted(np.bincount(tens).tolist()) == [10, 20, 70]


def test_balance_reaches_what_components_allow_in_small_data() -> None:
    """Two components of one label each: they can only lie apart, and all else stays even."""
    components = np.r_[np.zeros(10, int), np.ones(10, int), np.arange(2, 82)]
    strata = np.r_[np.zeros(10, int), np.ones(10, int), np.arange(80) % 2]
    parts = assign_parts(components, strata, keys_of(100), (0.5, 0.5))
    assert np.bincount(parts).tolist() == [50, 50]
    assert drift(parts, strata) == 0


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 30), min_size=3, max_size=120),
    components=st.integers(1, 60),
    seed=st.integers(0, 99),
)
def test_no_row_of_train_is_newer_than_the_borders(
    times: list[int], components: int, seed: int
) -> None:
    moments = np.array(times, dtype=float)
    component = np.random.default_rng(seed).integers(0, components, len(times))
    found = time_parts(component, moments, THREE)
    for number in set(component):
        assert len(set(found.parts[component == number])) == 1
    for part, border in found.borders.items():
        assert (moments[found.parts < part] < border).all()
    older = {
        part: int(((found.parts == part) & (moments < border)).sum())
        for part, border in found.borders.items()
    }
    assert found.older == older
    assert (found.straddling > 0) == (sum(older.values()) > 0)


def test_borders_lie_where_the_shares_are_nearest() -> None:
    found = time_parts(np.arange(100), np.arange(100.0), THREE)
    assert np.bincount(found.parts).tolist() == [70, 15, 15]
    without = time_parts(np.arange(100), np.arange(100.0), (0.8, 0.0, 0.2))
    assert np.bincount(without.parts).tolist() == [80, 0, 20]
    same = time_parts(np.arange(90), np.repeat([1.0, 2.0, 3.0], 30), THREE)
    assert np.bincount(same.parts).tolist() == [30, 30, 30]


def test_times_are_read_in_the_usual_forms() -> None:
    import polars as pl

    texts = ["2024-05-01T00:00:00Z", "2024-05-01", "2024-05-01T02:00:00+02:00", "1714521600",
             "1714521600000", "1714521600000000"]  # fmt: skip
    read = read_times(pl.Series([*texts, "soon", None, "", "nan", "inf", "٢"]))
    assert read[: len(texts)].tolist() == [1714521600.0] * len(texts)
    assert np.isnan(read[len(texts) : -1]).all()
