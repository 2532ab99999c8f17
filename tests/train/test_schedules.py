from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_scheduler

from tunewise.train.loop.schedules import learning_rate_factor
from tunewise.train.preflight.preflight import plan
from tunewise.train.recipe import Recipe

SCHEDULES = (
    "cosine", "linear", "constant", "inverse-square-root", "warmup-stable-decay", "restarts",
)  # fmt: skip
LIBRARY = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def factors(recipe: Recipe, steps: int, warmup: int) -> list[float]:
    return [
        learning_rate_factor(step, steps=steps, warmup_steps=warmup, recipe=recipe)
        for step in range(steps)
    ]


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("warmup", [0, 7])
def test_the_common_ones_are_the_librarys_to_the_last_bit(name: str, warmup: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    library = get_scheduler(LIBRARY[name], optimizer, warmup, 50)
    theirs = []
    for _ in range(50):
        theirs.append(library.get_last_lr()[0])
        optimizer.step()
        library.step()
    recipe = Recipe.model_validate({"schedule": name})
    if name == "linear":
        assert factors(recipe, 50, warmup) == pytest.approx(theirs, abs=1e-15)
    else:
        assert factors(recipe, 50, warmup) == theirs


@given(
    name=st.sampled_from(SCHEDULES),
    form=st.sampled_from(["linear", "cosine", "square-root"]),
    steps=st.integers(1, 200),
    share=st.floats(0, 0.9),
    floor=st.floats(0, 1),
)
def test_every_rate_lies_between_nothing_and_the_peak(
    name: str, form: str, steps: int, share: float, floor: float
) -> None:
    recipe = Recipe.model_validate(
        {"schedule": name, "warmup_form": form, "final_learning_rate": floor}
    )
    warmup = int(share * steps)
    rates = factors(recipe, steps, warmup)
    assert all(0 <= rate <= 1 for rate in rates)
    assert rates[:warmup] == sorted(rates[:warmup])
    assert all(rate >= floor for rate in rates[warmup:])
    assert max(rates) == pytest.approx(1, abs=0.35)


def test_a_stable_phase_stays_and_then_falls() -> None:
    recipe = Recipe(schedule="warmup-stable-decay", decay=0.2)
    rates = factors(recipe, 100, 10)
    assert set(rates[10:81]) == {1.0}
    assert rates[80:] == sorted(rates[80:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_restarts_come_back_to_the_peak() -> None:
    rates = factors(Recipe(schedule="restarts"), 80, 0)
    assert [step for step, rate in enumerate(rates) if rate == 1.0] == [0, 20, 40, 60]


def test_forms_of_the_warm_up_meet_at_the_peak() -> None:
    halfway = {
        form: factors(Recipe.model_validate({"warmup_form": form}), 100, 20)[5]
        for form in ("linear", "cosine", "square-root")
    }
    assert halfway["cosine"] < halfway["linear"] < halfway["square-root"]


def test_warm_up_by_steps_or_by_share() -> None:
    assert plan(800, Recipe(warmup=0.1)).warmup_steps == 30
    assert plan(800, Recipe(warmup=0.1, warmup_steps=7)).warmup_steps == 7
    assert plan(8, Recipe(warmup_steps=500)).warmup_steps == 3
