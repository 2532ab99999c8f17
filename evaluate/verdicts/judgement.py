"""What a judgement says: verdicts of tasks, of suites and of the whole, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

UNINFORMATIVE, HELD, IMPROVED = "uninformative", "held", "improved"
FORGOT, UNDECIDED, BROKEN = "forgot", "undecided", "broken"
NOT_IMPROVED, WORSE = "not improved", "worse"
DOMAIN = "domain"
SHARE, LOSS = "share", "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVerdict:
    """What can be said about one task.

    Attributes:
        task: its name.
        group: its suite: ``domain``, ``general``, …
        metric: what was measured.
        kind: ``share`` or ``loss``.
        higher_is_better: whether more of ``base`` and ``tuned`` is better.
        n: items.
        clusters: independent groups of items; None where each item stands alone.
        base: the base's mean score, as measured.
        tuned: the tuned model's mean score, as measured.
        delta: the mean change, positive when the tuned model is better, in the metric's unit.
        ci: two-sided 95 % interval of ``delta``; None where it cannot be told.
        lower: one-sided 95 % lower bound of ``delta``, which *held* is judged by.
        p: two-sided p of *nothing changed*.
        p_adjusted: p after Holm over the suite's deciding tasks; p itself for the others.
        test: the test that gave p.
        lost: items that became worse; for right/wrong items, right before and wrong now.
        gained: items that became better.
        verdict: one of the module's verdicts.
        needs: how many *more* items would decide at 80 % power; None unless undecided.
        needs_for: the decision that ``needs`` would bring: ``held`` or ``forgot``.
        margin: the largest loss that is accepted, in the unit of ``delta``.
        chance: the score of guessing, where there is one.
        base_above_chance_p: one-sided p of *the base only guesses*.
        retention: the share of the base's ability above chance that was kept.
        retention_ci: its two-sided 95 % interval.
        decides: whether the task takes part in the suite's verdict.
        note: a sentence for the reader.
    """

    task: str
    group: str
    metric: str
    kind: str
    higher_is_better: bool
    n: int
    clusters: int | None
    base: float | None
    tuned: float | None
    delta: float | None
    ci: tuple[float, float] | None
    lower: float | None
    p: float | None
    p_adjusted: float | None
    test: str
    lost: int
    gained: int
    verdict: str
    needs: int | None
    needs_for: str | None
    margin: float | None
    chance: float | None
    base_above_chance_p: float | None
    retention: float | None
    retention_ci: tuple[float, float] | None
    decides: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolVerdict:
    """The equally weighted mean change of a suite's informative deciding tasks.

    Losses take part as changes relative to the base's loss, so that two points of accuracy and
    2 % of a loss weigh the same.

    Attributes:
        group: the suite.
        n: items of the pooled tasks.
        tasks: number of pooled tasks.
        delta: the mean change; None where no task could be pooled.
        ci: two-sided 95 % interval.
        lower: one-sided 95 % lower bound.
        p: two-sided p of *nothing changed*; the largest one of several tests, among them one over
            all deciding tasks, because to leave tasks out by a lucky base makes the tuned model
            look worse.
        margin: the mean of the tasks' margins.
        verdict: the pool judged like a task.
        overall: the suite's verdict; for the domain whether it improved.
        forgot: names of tasks that forgot.
        broken: names of deciding tasks that look broken; they are not pooled.
        undecided: names of deciding tasks left undecided.
        uninformative: names of deciding tasks that say nothing.
        note: a sentence for the reader.
    """

    group: str
    n: int
    tasks: int
    delta: float | None
    ci: tuple[float, float] | None
    lower: float | None
    p: float | None
    margin: float
    verdict: str
    overall: str
    forgot: tuple[str, ...]
    broken: tuple[str, ...]
    undecided: tuple[str, ...]
    uninformative: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts of an evaluation.

    Attributes:
        tasks: in the order of the scores.
        pools: one a suite that has deciding tasks.
        overall: ``held``, ``forgot`` or ``undecided`` over all suites but the domain.
        domain_gain: ``improved``, ``not improved``, ``worse`` or ``undecided``.
    """

    tasks: tuple[TaskVerdict, ...]
    pools: tuple[PoolVerdict, ...]
    overall: str
    domain_gain: str

    def to_json(self) -> dict[str, Any]:
        """Return the judgement as plain JSON values, under the keys of ``evaluate.json``."""
        return {
            "tasks": [asdict(task) for task in self.tasks],
            "pools": [asdict(pool) for pool in self.pools],
            "overall": self.overall,
            "domain_gain": self.domain_gain,
        }
