"""How often do verdicts cry wolf, and do they find what the tables say they find?

    python perf/verdict_simulation.py                     a few minutes of processor time
    python perf/verdict_simulation.py --suites 200        a first look
    python perf/verdict_simulation.py --write             and keep the results

Suites are drawn whose truth is known, of right/wrong items and of losses, alone and in clusters,
and judged by the shipped code (`evaluate/verdicts/verdict.py`). Beside it, on the very same draws,
two rules that are in use: the unpaired z test of lm-eval's `scripts/model_comparator.py`, where a
task counts as forgotten if p < 5 % and the tuned model is worse, and a fixed threshold, where a
task counts as forgotten if it lost more than 10 % of the base's score. A suite is forgotten if one
of its tasks is. Only false alarms and power are told; no model is asked.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
from scipy import stats

from tunewise.evaluate.verdicts.judgement import FORGOT, HELD, LOSS, SHARE
from tunewise.evaluate.verdicts.measures import TaskScores
from tunewise.evaluate.verdicts.power import ALPHA, POWER, items_to_hold, items_to_prove_loss
from tunewise.evaluate.verdicts.verdict import MARGIN, judge_tasks

RESULTS = Path(__file__).resolve().parent / "results" / "verdict_simulation.json"
SEED = 20_260_301
THRESHOLD = 0.10
TASKS = 6


@dataclass(frozen=True, slots=True)
class Truth:
    """How a task's items come about.

    Attributes:
        n: items.
        accuracy: the base's, and by and large the tuned model's.
        discordance: share of items that change.
        change: true mean change, in shares.
        size: items in a cluster.
        together: probability that a cluster changes as one.
        chance: the score of guessing.
        losses: the scores are losses, whose changes have a long tail.
    """

    n: int
    accuracy: float = 0.7
    discordance: float = 0.1
    change: float = 0.0
    size: int = 1
    together: float = 0.0
    chance: float | None = None
    losses: bool = False

    @property
    def design_effect(self) -> float:
        """How many items count as one: two of a cluster change alike with ``together``."""
        return 1 + (self.size - 1) * self.together


@dataclass(frozen=True, slots=True)
class Scenario:
    """Suites of one kind, and what is counted in them."""

    name: str
    question: str
    tasks: Sequence[Truth]
    stated: float
    at_most: bool
    hit: Callable[[Any], bool] = field(compare=False)


def draw(random: np.random.Generator, name: str, truth: Truth) -> TaskScores:
    """Draw a task's scores of both models."""
    groups = math.ceil(truth.n / truth.size)
    codes = np.repeat(np.arange(groups), truth.size)
    as_one = (random.random(groups) < truth.together)[codes]

    def uniform() -> np.ndarray:
        return np.where(as_one, random.random(groups)[codes], random.random(len(codes)))

    clusters = codes if truth.size > 1 else None
    if truth.losses:
        base = 2.5 + 0.6 * stats.norm.ppf(uniform())
        # A log-normal change with mean zero: most items a little better, a few much worse.
        tail = np.exp(0.8 * stats.norm.ppf(uniform()) - 0.32) - 1
        tuned = base + 0.1 * tail - truth.change
        return TaskScores(name, "general", "nll", LOSS, False, None, base, tuned, clusters)
    base = (uniform() < truth.accuracy).astype(float)
    flips = uniform()
    lose = flips < (truth.discordance - truth.change) / 2 / truth.accuracy
    gain = flips < (truth.discordance + truth.change) / 2 / (1 - truth.accuracy)
    tuned = np.where(base == 1, ~lose, gain).astype(float)
    return TaskScores(name, "general", "acc", SHARE, True, truth.chance, base, tuned, clusters)


def z_test_forgot(scores: TaskScores) -> bool:
    """Judge as lm-eval's model_comparator: means and standard errors as if unpaired."""
    n = len(scores.base)
    errors = [float(one.std(ddof=1)) / math.sqrt(n) for one in (scores.base, scores.tuned)]
    worse = float((scores.tuned - scores.base).mean()) * (-1 if scores.higher_is_better else 1)
    error = math.hypot(*errors)
    return error > 0 and worse > 0 and 2 * float(stats.norm.sf(worse / error)) < ALPHA


def threshold_forgot(scores: TaskScores) -> bool:
    """Judge by a fixed threshold on the relative loss."""
    worse = float((scores.tuned - scores.base).mean()) * (-1 if scores.higher_is_better else 1)
    return worse > THRESHOLD * float(scores.base.mean())


PLAIN = Truth(500)
CLUSTERED = Truth(500, size=10, together=1.0)
HALF = Truth(500, size=4, together=0.5)
MIXED = (
    Truth(100, accuracy=0.6, discordance=0.2, chance=0.25),
    Truth(300, accuracy=0.55, discordance=0.3, chance=0.5),
    replace(HALF, n=1500, accuracy=0.9, discordance=0.05),
    replace(CLUSTERED, n=600),
    Truth(400, losses=True),
    replace(HALF, n=400, losses=True),
)


def scenarios() -> list[Scenario]:
    """Return everything that is simulated."""
    return [*calm_suites(), *sized_tasks()]


def calm_suites() -> list[Scenario]:
    """Return suites in which nothing was lost: every *forgot* is a false alarm."""
    truths = {
        "independent, 500 items a task": [PLAIN] * TASKS,
        "independent, 100 items, 30 % change": [Truth(100, discordance=0.3)] * TASKS,
        "clusters of 10 that change as one, 500 items": [CLUSTERED] * TASKS,
        "10 clusters of 50 that change as one, 500 items": [replace(CLUSTERED, size=50)] * TASKS,
        "clusters of 4, half as one, 500 items": [HALF] * TASKS,
        "mixed: shares and losses, alone and in clusters": MIXED,
    }
    return [
        Scenario(name, "nothing was lost; the suite says forgot", tasks, ALPHA, True, suite_forgot)
        for name, tasks in truths.items()
    ]


def sized_tasks() -> list[Scenario]:
    """Return tasks with as many items as a decision takes, and tasks at the margin."""
    kinds = {
        "independent": PLAIN,
        "clusters of 10": CLUSTERED,
        "clusters of 4, half as one": HALF,
    }
    found: list[Scenario] = []
    for kind, truth in kinds.items():
        for change in (-0.03, -0.05):
            lost = _sized(replace(truth, change=change), _for_loss)
            # They are there for Holm alone, so they may be small.
            tasks = [lost, *[replace(truth, n=300)] * (TASKS - 1)]
            name = f"{kind}, one task of {TASKS} lost {-100 * change:g} points, {lost.n:,} items"
            found.append(Scenario(name, "the task says forgot", tasks, POWER, False, first_forgot))
        calm = _sized(truth, _for_hold)
        name = f"{kind}, nothing lost, {calm.n:,} items"
        found.append(Scenario(name, "the task says held", [calm], POWER, False, first_held))
        edge = replace(truth, n=600, change=-MARGIN)
        name = f"{kind}, the margin of {100 * MARGIN:g} points lost, 600 items"
        found.append(Scenario(name, "the task says held", [edge], ALPHA, True, first_held))
    return found


def _for_loss(truth: Truth) -> float:
    return items_to_prove_loss(truth.change, truth.discordance, alpha=ALPHA / TASKS)


def _for_hold(truth: Truth) -> float:
    return items_to_hold(truth.change, truth.discordance, MARGIN)


def _sized(truth: Truth, items: Callable[[Truth], float]) -> Truth:
    """Give a task as many items as ``verdicts/power.py`` says it takes, clusters counted."""
    return replace(truth, n=math.ceil(items(truth) * truth.design_effect))


def suite_forgot(judgement: Any) -> bool:
    """Whether the whole suite was called forgotten."""
    return judgement.overall == FORGOT


def first_forgot(judgement: Any) -> bool:
    """Whether the first task was."""
    return judgement.tasks[0].verdict == FORGOT


def first_held(judgement: Any) -> bool:
    """Whether the first task was called held."""
    return judgement.tasks[0].verdict == HELD


def simulate(scenario: Scenario, suites: int, seed: int) -> dict[str, Any]:
    """Draw and judge suites, and count."""
    random = np.random.default_rng(seed)
    begin = time.process_time()
    ours = z_test = threshold = 0
    about_suite = scenario.hit is suite_forgot
    for _ in range(suites):
        drawn = [draw(random, f"task {i}", truth) for i, truth in enumerate(scenario.tasks)]
        ours += scenario.hit(judge_tasks(drawn))
        looked_at = drawn if about_suite else drawn[:1]
        z_test += any(map(z_test_forgot, looked_at))
        threshold += any(map(threshold_forgot, looked_at))
    counts = {"tunewise": ours}
    if scenario.hit is not first_held:
        # Neither of the two can say that a task held.
        counts |= {"lm_eval_z_test": z_test, "threshold_10_percent": threshold}
    return {
        "scenario": scenario.name,
        "counted": scenario.question,
        "stated": scenario.stated,
        "stated_is": "at most" if scenario.at_most else "power",
        "suites": suites,
        "tasks": len(scenario.tasks),
        "items_a_task": [truth.n for truth in scenario.tasks],
        **{name: _rate(count, suites) for name, count in counts.items()},
        "cpu_seconds": round(time.process_time() - begin, 1),
    }


def _rate(count: int, of: int) -> dict[str, Any]:
    """Return a share with its exact 95 % interval (Clopper and Pearson 1934)."""
    interval = stats.binomtest(count, of).proportion_ci(0.95, method="exact")
    return {"rate": count / of, "ci": [round(interval.low, 5), round(interval.high, 5)]}


def shown(result: dict[str, Any]) -> str:
    """Return a result as a line."""
    names = ("tunewise", "lm_eval_z_test", "threshold_10_percent")
    rates = [
        f"{100 * result[name]['rate']:.1f} [{100 * result[name]['ci'][0]:.1f}, "
        f"{100 * result[name]['ci'][1]:.1f}]"
        if name in result
        else "–"
        for name in names
    ]
    bound = "≤ " if result["stated_is"] == "at most" else ""
    cells = [result["scenario"], result["counted"], f"{bound}{100 * result['stated']:.0f}", *rates]
    return f"| {' | '.join(cells)} |"


def exceeded(results: Sequence[dict[str, Any]]) -> list[str]:
    """Return the scenarios whose bound is surely broken: the interval lies above it."""
    return [
        result["scenario"]
        for result in results
        if result["stated_is"] == "at most" and result["tunewise"]["ci"][0] > result["stated"]
    ]


def main() -> None:
    """Simulate, print a table, and fail where a bound is broken."""
    parser = argparse.ArgumentParser(
        description="False alarms and power of the verdicts, by simulation."
    )
    parser.add_argument("--suites", type=int, default=2_000, help="per scenario")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}")
    arguments = parser.parse_args()
    begin = time.process_time()
    print("| truth | counted | stated, % | tunewise | lm-eval's z test | 10 % threshold |")
    print("|---|---|---|---|---|---|")
    results = []
    for number, scenario in enumerate(scenarios()):
        results.append(simulate(scenario, arguments.suites, arguments.seed + number))
        print(shown(results[-1]), flush=True)
    seconds = round(time.process_time() - begin, 1)
    print(f"{seconds} CPU seconds")
    if arguments.write:
        document = {"seed": arguments.seed, "cpu_seconds": seconds, "results": results}
        RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if broken := exceeded(results):
        raise SystemExit(f"bound broken: {'; '.join(broken)}")


if __name__ == "__main__":
    main()
