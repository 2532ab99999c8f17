from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.evaluate.items import choices_taken
from tunewise.evaluate.reporting.gate import gate
from tunewise.evaluate.reporting.summary import headline
from tunewise.evaluate.verdicts.broken import looks_broken
from tunewise.evaluate.verdicts.judgement import Judgement, TaskVerdict
from tunewise.evaluate.verdicts.measures import Choices, TaskScores
from tunewise.evaluate.verdicts.verdict import judge_tasks
from tunewise.workspace.errors import ExitCode, JobError

TASK_KEYS = {
    *("task", "group", "metric", "kind", "n", "base", "tuned", "delta", "ci", "p", "p_adjusted"),
    *("lost", "gained", "verdict", "needs", "margin", "chance", "base_above_chance_p"),
    *("retention", "decides", "note"),
}


def right_or_wrong(
    lost: int, gained: int, both_right: int, both_wrong: int = 0, **changes: object
) -> TaskScores:
    """Scores with these counts, as the task ``grammar`` of the general suite."""
    counts = [lost, gained, both_right, both_wrong]
    scores = TaskScores(
        task="grammar",
        group="general",
        metric="acc",
        kind="share",
        higher_is_better=True,
        chance=None,
        base=np.repeat([1.0, 0.0, 1.0, 0.0], counts),
        tuned=np.repeat([0.0, 1.0, 1.0, 0.0], counts),
    )
    return replace(scores, **changes)  # type: ignore[arg-type]


def losses(base: np.ndarray, tuned: np.ndarray, **changes: object) -> TaskScores:
    scores = TaskScores(
        task="prose",
        group="general",
        metric="nll",
        kind="loss",
        higher_is_better=False,
        chance=None,
        base=base,
        tuned=tuned,
    )
    return replace(scores, **changes)  # type: ignore[arg-type]


def judge_one(scores: TaskScores) -> TaskVerdict:
    return judge_tasks([scores]).tasks[0]


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((0, 0, 150), "held"),
        ((0, 0, 100), "undecided"),
        ((5, 5, 1490), "held"),
        ((60, 15, 425), "forgot"),
        ((15, 60, 425), "improved"),
        ((30, 22, 448), "undecided"),
        ((5, 0, 45), "undecided"),
        ((0, 6, 45), "improved"),
    ],
)
def test_a_task_gets_the_verdict_that_its_counts_allow(
    counts: tuple[int, int, int], verdict: str
) -> None:
    assert judge_one(right_or_wrong(*counts)).verdict == verdict


def test_a_forgotten_task_tells_what_was_lost() -> None:
    """The figures of the pocket example: 131 lost, 49 gained of 1,000."""
    task = judge_one(right_or_wrong(131, 49, 412, 408))
    assert task.verdict == "forgot"
    assert (task.n, task.lost, task.gained) == (1000, 131, 49)
    assert (task.base, task.tuned) == pytest.approx((0.543, 0.461))
    assert task.delta == pytest.approx(-0.082)
    assert task.ci is not None
    assert task.ci[0] < -0.082 < task.ci[1] < 0
    assert task.p is not None
    assert task.p < 1e-8
    assert (task.needs, task.margin) == (None, 0.02)


def test_a_real_loss_inside_the_margin_is_held_with_a_note() -> None:
    task = judge_one(right_or_wrong(40, 10, 4950))
    assert task.p_adjusted is not None
    assert task.p_adjusted < 0.05
    assert task.verdict == "held"
    assert "inside the margin of 2 points" in task.note


def test_a_base_at_chance_can_lose_nothing_but_can_gain() -> None:
    at_chance = right_or_wrong(40, 30, 40, 190, chance=0.25, task="guessing")
    task = judge_one(at_chance)
    assert task.verdict == "uninformative"
    assert task.base_above_chance_p is not None
    assert task.base_above_chance_p > 0.05
    assert task.retention is None
    assert "nothing to lose" in task.note
    gained = judge_one(right_or_wrong(10, 150, 40, 100, chance=0.25))
    assert gained.verdict == "improved"


def test_retention_is_told_where_the_base_is_above_chance() -> None:
    task = judge_one(right_or_wrong(50, 0, 100, 50, chance=0.5))
    assert task.retention == pytest.approx(0.0)
    assert task.retention_ci is not None
    assert task.retention_ci[0] < 0 < task.retention_ci[1]


def test_losses_are_turned_so_that_better_is_positive() -> None:
    random = np.random.default_rng(3)
    base = random.normal(3.0, 0.5, 400)
    worse = judge_one(losses(base, base * 1.05 + random.normal(0, 0.05, 400)))
    assert worse.verdict == "forgot"
    assert worse.delta is not None
    assert worse.delta < 0
    assert worse.tuned is not None
    assert worse.base is not None
    assert worse.tuned > worse.base
    assert worse.margin == pytest.approx(0.02 * worse.base)
    assert judge_one(losses(base, base * 0.95)).verdict == "improved"
    held = judge_one(losses(base, base * 1.005 + random.normal(0, 0.02, 400)))
    assert held.verdict == "held"
    assert "inside the margin of 2 %" in held.note


def test_identical_losses_are_held() -> None:
    base = np.array([2.0, 3.0, 2.5, 2.2])
    assert judge_one(losses(base, base)).verdict == "held"


def test_a_share_where_less_is_better_is_turned_too() -> None:
    task = right_or_wrong(60, 15, 425, higher_is_better=False, chance=0.9)
    verdict = judge_one(task)
    assert verdict.verdict == "improved"
    assert verdict.delta == pytest.approx(0.09)
    assert (verdict.lost, verdict.gained) == (15, 60)


def test_a_margin_of_its_own_replaces_the_default() -> None:
    scores = right_or_wrong(30, 22, 448)
    assert judge_one(scores).verdict == "undecided"
    assert judge_one(replace(scores, margin=0.10)).verdict == "held"
    assert judge_tasks([scores], margin_share=0.10).tasks[0].verdict == "held"


def test_undecided_says_how_many_more_items_and_for_what() -> None:
    task = judge_one(right_or_wrong(25, 22, 453))
    assert task.needs is not None
    assert task.needs_for == "held"
    assert f"{task.needs:,} more items would show that it held" in task.note
    nearer_to_loss = judge_one(right_or_wrong(24, 12, 464))
    assert nearer_to_loss.verdict == "undecided"
    assert nearer_to_loss.needs_for == "forgot"
    assert judge_one(right_or_wrong(0, 0, 100)).needs_for == "held"


def test_copies_of_items_change_nothing_when_they_are_clustered() -> None:
    scores = right_or_wrong(12, 4, 84)
    tenfold = replace(
        scores,
        base=np.repeat(scores.base, 10),
        tuned=np.repeat(scores.tuned, 10),
        clusters=np.repeat(np.arange(100), 10),
    )
    assert judge_one(replace(tenfold, clusters=None)).verdict == "forgot"
    once, copied = judge_one(scores), judge_one(tenfold)
    assert copied.verdict == once.verdict == "undecided"
    assert copied.clusters == 100
    assert copied.p == pytest.approx(once.p)
    assert copied.ci == pytest.approx(once.ci, abs=0.01)


def test_holm_runs_over_the_deciding_tasks_of_each_suite() -> None:
    borderline = right_or_wrong(20, 7, 973)
    alone = judge_one(borderline)
    assert alone.p == alone.p_adjusted
    calm = [right_or_wrong(10, 10, 980, task=f"calm {i}") for i in range(4)]
    shown = [right_or_wrong(10, 10, 980, task=f"shown {i}", decides=False) for i in range(9)]
    domain = right_or_wrong(20, 7, 973, task="answers", group="domain")
    judged = {task.task: task for task in judge_tasks([borderline, *calm, *shown, domain]).tasks}
    assert alone.p is not None
    assert judged["grammar"].p_adjusted == pytest.approx(5 * alone.p)
    assert judged["answers"].p_adjusted == pytest.approx(alone.p)
    assert judged["shown 0"].p_adjusted == judged["shown 0"].p


def test_a_task_that_is_only_shown_decides_nothing() -> None:
    disaster = right_or_wrong(200, 0, 300, decides=False, task="shown")
    judgement = judge_tasks([disaster, right_or_wrong(5, 5, 1490)])
    assert judgement.tasks[0].verdict == "forgot"
    assert judgement.overall == "held"
    assert judgement.pools[0].tasks == 1


def suite(*counts: tuple[int, int, int], group: str = "general") -> Judgement:
    return judge_tasks(
        [right_or_wrong(*entry, task=f"task {i}", group=group) for i, entry in enumerate(counts)]
    )


def test_many_small_losses_show_in_the_pool() -> None:
    judgement = suite(*[(26, 10, 464)] * 6)
    assert {task.verdict for task in judgement.tasks} == {"undecided"}
    assert judgement.pools[0].verdict == "forgot"
    assert judgement.overall == "forgot"


def test_the_pool_can_hold_where_single_tasks_are_undecided_and_names_them() -> None:
    judgement = suite(*[(12, 12, 376)] * 6)
    pool = judgement.pools[0]
    assert judgement.overall == pool.overall == "held"
    assert pool.undecided == tuple(f"task {i}" for i in range(6))
    assert pool.delta == pytest.approx(0)
    assert pool.n == 2400


def test_one_forgotten_task_is_not_outweighed() -> None:
    judgement = suite((60, 15, 425), *[(4, 9, 987)] * 5)
    assert judgement.pools[0].verdict in {"held", "undecided"}
    assert judgement.pools[0].forgot == ("task 0",)
    assert judgement.overall == "forgot"


def test_a_pool_of_one_task_is_that_task() -> None:
    judgement = suite((20, 9, 471))
    task, pool = judgement.tasks[0], judgement.pools[0]
    assert (pool.delta, pool.ci, pool.p, pool.verdict) == (
        task.delta,
        task.ci,
        task.p,
        task.verdict,
    )


def test_losses_and_shares_are_pooled_on_one_scale() -> None:
    random = np.random.default_rng(0)
    base = random.normal(4.0, 0.3, 500)
    pool = judge_tasks(
        [right_or_wrong(50, 20, 930), losses(base, base * 1.01 + random.normal(0, 0.01, 500))]
    ).pools[0]
    assert pool.delta == pytest.approx((-0.03 - 0.01) / 2, abs=0.001)
    assert pool.margin == pytest.approx(0.02)


def test_a_suite_at_chance_is_undecided_and_says_why() -> None:
    judgement = judge_tasks([right_or_wrong(40, 40, 40, 180, chance=0.25)])
    assert judgement.overall == "undecided"
    assert judgement.pools[0].tasks == 0
    assert judgement.pools[0].delta is None
    assert "above chance" in judgement.pools[0].note


@pytest.mark.parametrize(
    ("counts", "gain"),
    [
        ((5, 60, 200), "improved"),
        ((60, 5, 200), "worse"),
        ((5, 5, 1990), "not improved"),
        ((5, 8, 200), "undecided"),
    ],
)
def test_the_domain_is_judged_by_what_it_gained(counts: tuple[int, int, int], gain: str) -> None:
    judgement = suite(counts, group="domain")
    assert judgement.domain_gain == gain
    assert judgement.overall == "undecided"


def test_nothing_measured_is_undecided() -> None:
    judgement = judge_tasks([])
    assert (judgement.overall, judgement.domain_gain) == ("undecided", "undecided")
    assert judgement.pools == ()


@pytest.mark.parametrize("kind", ["share", "loss"])
@pytest.mark.parametrize("n", [0, 1])
def test_no_items_or_one_are_undecided(kind: str, n: int) -> None:
    task = right_or_wrong(0, 0, n, kind=kind, chance=None if kind == "loss" else 0.5)
    verdict = judge_one(task)
    assert verdict.n == n
    assert verdict.verdict in {"undecided", "uninformative"}
    assert verdict.note


def test_a_task_without_items_is_named_and_does_not_spoil_the_pool() -> None:
    judgement = judge_tasks([right_or_wrong(5, 5, 1490), right_or_wrong(0, 0, 0, task="empty")])
    assert judgement.overall == "held"
    assert judgement.pools[0].undecided == ("empty",)


def test_scores_that_are_no_numbers_are_an_error_that_names_the_task() -> None:
    base = np.array([2.0, math.inf, 3.0])
    with pytest.raises(JobError, match="1 of 3 items") as raised:
        judge_one(losses(base, np.array([2.0, 2.0, 3.0])))
    assert "prose" in raised.value.where
    with pytest.raises(JobError, match="1 of 3 items"):
        judge_one(losses(np.array([2.0, 2.5, 3.0]), np.array([2.0, math.nan, 3.0])))


def test_the_json_is_plain_and_has_the_promised_keys() -> None:
    judgement = judge_tasks([right_or_wrong(5, 5, 90, chance=0.5), right_or_wrong(0, 0, 0)])
    document = json.loads(json.dumps(judgement.to_json(), allow_nan=False))
    assert set(document["tasks"][0]) >= TASK_KEYS
    assert {"group", "n", "tasks", "delta", "ci", "verdict", "undecided"} <= set(
        document["pools"][0]
    )
    assert document["overall"] == judgement.overall
    assert document["tasks"][1]["delta"] is None


COUNTS = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda counts: sum(counts) > 0)
MIRRORED = {
    "held": {"held", "improved", "undecided", "forgot"},
    "forgot": {"improved"},
    "undecided": {"undecided", "held"},
    "improved": {"forgot", "held", "broken"},
    "broken": {"improved"},
}


@given(COUNTS, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_items_does_not_matter(
    counts: tuple[int, int, int, int], shuffler: object
) -> None:
    scores = right_or_wrong(*counts, chance=0.3)
    n = len(scores.base)
    order = np.random.default_rng(n).permutation(n)
    clusters = np.arange(n) // 3
    for task in (scores, replace(scores, clusters=clusters)):
        shuffled = replace(
            task,
            base=task.base[order],
            tuned=task.tuned[order],
            clusters=None if task.clusters is None else task.clusters[order],
        )
        first, second = judge_one(task), judge_one(shuffled)
        assert first.verdict == second.verdict
        assert first.p == pytest.approx(second.p)
        assert first.ci == pytest.approx(second.ci, abs=1e-9)


@given(COUNTS)
@settings(max_examples=80, deadline=None)
def test_swapping_the_models_mirrors_forgot_and_improved(
    counts: tuple[int, int, int, int],
) -> None:
    lost, gained, right, wrong = counts
    task = judge_one(right_or_wrong(lost, gained, right, wrong))
    mirror = judge_one(right_or_wrong(gained, lost, right, wrong))
    assert mirror.delta == pytest.approx(-(task.delta or 0.0))
    assert mirror.p == pytest.approx(task.p)
    assert mirror.verdict in MIRRORED[task.verdict]


@given(
    st.integers(0, 5),
    st.integers(0, 400),
    st.integers(1, 5),
    st.sampled_from(["acc", "f1"]),
)
@settings(max_examples=80, deadline=None)
def test_fewer_than_six_changed_items_never_say_forgot(
    lost: int, right: int, size: int, metric: str
) -> None:
    scores = right_or_wrong(lost, 0, right, 3, metric=metric)
    if metric == "f1":
        scores = replace(scores, base=scores.base * 0.9, tuned=scores.tuned * 0.9)
    clusters = np.arange(len(scores.base)) // size
    for task in (scores, replace(scores, clusters=clusters)):
        judgement = judge_tasks([task, replace(task, task="calm", tuned=task.base)])
        assert judgement.tasks[0].verdict != "forgot"
        assert judgement.overall != "forgot"


@given(COUNTS, st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_losing_more_never_turns_forgot_into_held(
    counts: tuple[int, int, int, int], more: int
) -> None:
    lost, gained, right, wrong = counts
    if judge_one(right_or_wrong(lost, gained, right, wrong)).verdict == "forgot":
        right += more
        worse = judge_one(right_or_wrong(lost + more, gained, right - more, wrong))
        assert worse.verdict in ("forgot", "broken")


# What looks like a fault


def chosen(tuned: list[int], right: list[int]) -> Choices:
    return Choices(np.array(tuned), np.array(right))


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (right_or_wrong(30, 0, 0, 10), "none of 40 answers is right"),
        (right_or_wrong(180, 0, 10, 10, chance=0.25), "5.0 % right is under chance (25 %)"),
        (
            right_or_wrong(60, 0, 20, chance=0.25, choices=chosen([0] * 80, [0, 1, 2, 3] * 20)),
            "the same choice is taken in 100 % of 80 items",
        ),
        (
            right_or_wrong(60, 0, 20, chance=0.25, choices=chosen([-1] * 80, [0, 1, 2, 3] * 20)),
            "the same choice is taken in 100 % of 80 items",
        ),
    ],
)
def test_a_loss_that_looks_like_a_fault_is_broken_not_forgotten(
    scores: TaskScores, says: str
) -> None:
    judgement = judge_tasks([scores])
    (task,), (pool,) = judgement.tasks, judgement.pools
    assert task.verdict == "broken"
    assert says in task.note
    assert "See the answers" in task.note
    assert judgement.overall == "undecided"
    assert pool.broken == ("grammar",)
    assert pool.delta is None
    document = judgement.to_json()
    assert gate(document, ["forgot"], "pass") == ExitCode.GATE_FAILED
    assert gate(document, ["overfit"], "pass") == ExitCode.PASSED
    assert "looks broken" in headline(document)


@pytest.mark.parametrize(
    "scores",
    [
        right_or_wrong(12, 0, 0, 3),
        right_or_wrong(150, 0, 50, chance=0.25),
        # The right choice stands first in every item: to take it always is no fault.
        right_or_wrong(30, 0, 50, chance=0.5, choices=chosen([0] * 78 + [1] * 2, [0] * 80)),
        right_or_wrong(60, 0, 20, chance=0.25, choices=chosen([0, 0, 1, 2] * 20, [3] * 80)),
    ],
)
def test_what_can_be_forgetting_is_forgotten(scores: TaskScores) -> None:
    assert judge_one(scores).verdict == "forgot"


def test_a_broken_task_is_not_pooled_and_lets_nothing_be_held() -> None:
    calm = replace(right_or_wrong(3, 3, 2000), task="calm")
    judgement = judge_tasks([calm, right_or_wrong(40, 0, 0, 10)])
    assert [task.verdict for task in judgement.tasks] == ["held", "broken"]
    (pool,) = judgement.pools
    assert (pool.tasks, pool.delta, pool.verdict) == (1, 0.0, "held")
    assert judgement.overall == "undecided"


def test_a_broken_domain_got_worse() -> None:
    assert judge_tasks([right_or_wrong(40, 0, 0, 10, group="domain")]).domain_gain == "worse"


def test_a_model_that_only_guesses_is_hardly_ever_called_broken() -> None:
    random = np.random.default_rng(3)
    called = sum(
        bool(looks_broken(tuned.astype(float), np.arange(100), 0.25, None))
        for tuned in random.random((2000, 100)) < 0.25
    )
    assert called <= 6


def test_choices_are_told_by_their_place() -> None:
    texts = [pl.Series(values) for values in (["b", "a", "x"], ["a", "a", "b"])]
    choices = pl.Series([["a", "b"], ["a", "b"], ["b", "a"]])
    found = choices_taken(choices, *texts)
    assert found is not None
    assert (found.tuned.tolist(), found.right.tolist()) == ([1, 0, -1], [0, 0, 0])
    assert choices_taken(pl.Series([["a"], None, ["b"]]), *texts) is None
