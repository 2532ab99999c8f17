from __future__ import annotations

import math

import numpy as np
import pytest

from tunewise.evaluate.verdicts.paired import mcnemar_exact, paired_share_interval
from tunewise.evaluate.verdicts.power import items_to_decide, items_to_hold, items_to_prove_loss

DRAWS = 1_000


def draw(change: float, discordance: float, n: int) -> np.ndarray:
    shares = [(discordance - change) / 2, (discordance + change) / 2, 1 - discordance]
    return np.random.default_rng(n).multinomial(n, shares, size=DRAWS)


@pytest.mark.parametrize(("discordance", "change", "pairs"), [(0.5, 0.4, 23), (0.45, 0.15, 155)])
def test_the_size_of_mcnemars_test_agrees_with_published_calculators(
    discordance: float, change: float, pairs: int
) -> None:
    """Connor's (1987) formula without the 1/Δ that exactness adds."""
    assert math.ceil(items_to_prove_loss(-change, discordance) - 1 / change) == pairs


@pytest.mark.parametrize(("change", "discordance"), [(-0.05, 0.1), (-0.03, 0.05), (-0.1, 0.3)])
def test_a_loss_of_the_planned_size_is_found_four_times_of_five(
    change: float, discordance: float
) -> None:
    n = math.ceil(items_to_prove_loss(change, discordance))
    found = [
        mcnemar_exact(int(lost), int(gained)) < 0.05
        for lost, gained, _ in draw(change, discordance, n)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("change", "discordance"), [(0.0, 0.1), (0.0, 0.02), (0.01, 0.1)])
def test_no_loss_is_shown_to_hold_four_times_of_five(change: float, discordance: float) -> None:
    n = math.ceil(items_to_hold(change, discordance, 0.02))
    held = [
        paired_share_interval(lost, gained, n, 0.9)[0] > -0.02
        for lost, gained, _ in draw(change, discordance, n)[:400]
    ]
    assert np.mean(held) == pytest.approx(0.8, abs=0.07)


def test_the_nearer_decision_is_planned() -> None:
    nothing = items_to_decide(0.0, 0.1, 0.02)
    assert nothing is not None
    assert (nothing.verdict, 1_500 < nothing.items < 2_000) == ("held", True)
    large = items_to_decide(-0.06, 0.1, 0.02)
    assert large is not None
    assert large.verdict == "forgot"
    at_margin = items_to_decide(-0.02, 0.1, 0.02)
    assert at_margin is not None
    assert at_margin.verdict == "forgot"


def test_more_tests_and_clusters_take_more_items() -> None:
    alone = items_to_decide(-0.06, 0.1, 0.02)
    six = items_to_decide(-0.06, 0.1, 0.02, tests=6)
    clustered = items_to_decide(-0.06, 0.1, 0.02, design_effect=3)
    assert alone is not None
    assert six is not None
    assert clustered is not None
    assert alone.items < six.items < clustered.items
    assert clustered.items == pytest.approx(3 * alone.items, abs=3)


def test_without_discordance_a_plan_still_asks_for_the_least_that_could_tell() -> None:
    need = items_to_decide(0.0, 0.0, 0.02)
    assert need is not None
    assert need.items == pytest.approx(133, abs=1)
