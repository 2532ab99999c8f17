"""Simulated suites where the truth is known: how often does a verdict cry wolf, or sleep?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tunewise.evaluate.verdicts.judgement import Judgement
from tunewise.evaluate.verdicts.measures import TaskScores
from tunewise.evaluate.verdicts.verdict import judge_tasks

SUITES = 200
TASKS = 6
# The largest count out of SUITES that a rate of 5 % exceeds only once in a thousand times.
ALLOWED = SUITES * 0.05 + 3.1 * math.sqrt(SUITES * 0.05 * 0.95)


def task(
    random: np.random.Generator,
    name: str,
    *,
    n: int,
    accuracy: float = 0.7,
    discordance: float = 0.1,
    change: float = 0.0,
    size: int = 1,
    together: float = 0.0,
    chance: float | None = None,
) -> TaskScores:
    """Draw right/wrong items; clusters of ``size`` change as one with probability ``together``."""
    groups = n // size
    codes = np.repeat(np.arange(groups), size)
    as_one = (random.random(groups) < together)[codes]

    def draw() -> np.ndarray:
        return np.where(as_one, random.random(groups)[codes], random.random(groups * size))

    base = (draw() < accuracy).astype(float)
    flips = draw()
    lose = flips < (discordance - change) / 2 / accuracy
    gain = flips < (discordance + change) / 2 / (1 - accuracy)
    tuned = np.where(base == 1, ~lose, gain).astype(float)
    return TaskScores(
        task=name,
        group="general",
        metric="acc",
        kind="share",
        higher_is_better=True,
        chance=chance,
        base=base,
        tuned=tuned,
        clusters=codes if size > 1 else None,
    )


def suites(seed: int, count: int = SUITES, tasks: int = TASKS, **truth: Any) -> list[Judgement]:
    random = np.random.default_rng(seed)
    return [
        judge_tasks([task(random, f"task {i}", **truth) for i in range(tasks)])
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    "truth",
    [
        {"n": 300},
        {"n": 120, "discordance": 0.3},
        {"n": 400, "size": 10, "together": 1.0},
        {"n": 400, "size": 4, "together": 0.5},
        {"n": 300, "accuracy": 0.5, "discordance": 0.5, "chance": 0.5},
    ],
    ids=["plain", "discordant", "clustered", "half-clustered", "at chance"],
)
def test_a_suite_without_loss_says_forgot_in_at_most_one_of_twenty(truth: dict[str, Any]) -> None:
    forgot = sum(judgement.overall == "forgot" for judgement in suites(1, **truth))
    assert forgot <= ALLOWED


@pytest.mark.parametrize(
    "truth",
    [{"n": 400}, {"n": 600, "size": 10, "together": 1.0}, {"n": 200, "discordance": 0.04}],
    ids=["plain", "clustered", "few changes"],
)
def test_a_task_that_lost_its_margin_is_held_in_at_most_one_of_twenty(
    truth: dict[str, Any],
) -> None:
    judged = suites(2, tasks=1, change=-0.02, **truth)
    held = sum(judgement.tasks[0].verdict == "held" for judgement in judged)
    assert held <= ALLOWED


def test_ignoring_clusters_would_cry_wolf() -> None:
    """The same data without cluster names: what the clustered test protects from."""
    random = np.random.default_rng(3)
    forgot = 0
    for _ in range(100):
        drawn = [task(random, f"task {i}", n=600, size=10, together=1.0) for i in range(TASKS)]
        for scores in drawn:
            object.__setattr__(scores, "clusters", None)
        forgot += judge_tasks(drawn).overall == "forgot"
    assert forgot > 30


def test_a_grave_loss_is_found() -> None:
    judged = suites(4, count=60, n=400, change=-0.08, discordance=0.14)
    assert all(judgement.overall == "forgot" for judgement in judged)


def test_items_as_many_as_needed_decide_four_times_of_five() -> None:
    """Take ``needs`` of undecided tasks at its word: with so many items, are they decided?"""
    random = np.random.default_rng(5)
    decided, asked = 0, 0
    for _ in range(250):
        first = judge_tasks([task(random, "first", n=500, change=0.0)]).tasks[0]
        if first.needs is None or first.delta is None:
            continue
        discordance = (first.lost + first.gained) / first.n
        second = judge_tasks(
            [
                task(
                    random,
                    "second",
                    n=first.n + first.needs,
                    change=first.delta,
                    discordance=discordance,
                )
            ]
        ).tasks[0]
        asked += 1
        decided += second.verdict != "undecided"
    assert asked > 100
    assert 0.7 < decided / asked < 0.95
