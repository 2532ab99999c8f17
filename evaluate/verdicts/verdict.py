"""Judging: what the differences between base and tuned allow to be said, and what they do not.

A task is *uninformative* (the base is at chance, so there is nothing to lose), *held* (a loss
beyond the margin is excluded), *improved*, *forgot*, or *undecided*, and then it is said how many
more items would decide. A task that would be *forgot* but looks like a fault is *broken*
(:mod:`.broken`): it leaves its suite undecided at best, and stops a release as *forgot* does.

Tests share one family-wise level per suite (Holm over all deciding tasks
of the suite, the uninformative ones too: to leave out those with an unlucky base would choose the
tests by their result). The pooled change of a suite is tested beside it at the same two-sided
level; each of the two can falsely say *forgot* in 2.5 % of suites at most, together 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...workspace.errors import JobError
from ..reporting.wording import broken_note, held_note, need_note, uninformative_note
from .broken import looks_broken
from .judgement import (
    BROKEN,
    DOMAIN,
    FORGOT,
    HELD,
    IMPROVED,
    LOSS,
    NOT_IMPROVED,
    UNDECIDED,
    UNINFORMATIVE,
    WORSE,
    Judgement,
    PoolVerdict,
    TaskVerdict,
)
from .measures import TaskScores
from .paired import Difference, paired_difference, sign_flip_test
from .power import ALPHA, Need, items_to_decide
from .statistics import (
    Floats,
    Integers,
    Mean,
    above_chance_p,
    cluster_codes,
    holm,
    retention,
    stratified_mean,
)

MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class _Measured:
    """A task's scores with what was computed from them, before Holm and the verdict.

    ``margin`` is in the unit of the change; ``unit`` divides a change for the pool: 1 for shares,
    the base's mean for losses.
    """

    scores: TaskScores
    difference: Difference
    codes: Integers
    margin: float
    unit: float
    above_chance_p: float

    @property
    def informative(self) -> bool:
        return not self.above_chance_p >= ALPHA

    def pooled(self) -> Mean:
        change, unit = self.difference.change, self.unit
        return Mean(change.value / unit, change.standard_error / unit, change.degrees, change.skew)


def judge_tasks(
    scores: Sequence[TaskScores], *, margin_share: float = MARGIN, margin_loss: float = MARGIN
) -> Judgement:
    """Judge every task, every suite and the whole.

    Args:
        scores: paired scores per task.
        margin_share: the accepted loss of a share, where a task names none itself.
        margin_loss: the accepted rise of a loss, relative to the base's loss.

    Raises:
        JobError: scores that are not numbers, or not paired.
    """
    measured = [_measure(task, margin_share, margin_loss) for task in scores]
    groups = list(dict.fromkeys(task.group for task in scores))
    verdicts: dict[int, TaskVerdict] = {}
    pools: list[PoolVerdict] = []
    for group in groups:
        members = [i for i, task in enumerate(measured) if task.scores.group == group]
        deciding = [i for i in members if measured[i].scores.decides]
        adjusted = holm([measured[i].difference.p for i in deciding])
        p_adjusted = dict(zip(deciding, adjusted, strict=True))
        for i in members:
            p = p_adjusted.get(i, measured[i].difference.p)
            verdicts[i] = _judge_task(measured[i], p, tests=max(1, len(deciding)))
        if deciding:
            pools.append(_judge_suite(group, [(measured[i], verdicts[i]) for i in deciding]))
    general = [pool for pool in pools if pool.group != DOMAIN]
    domain = next((pool.overall for pool in pools if pool.group == DOMAIN), UNDECIDED)
    return Judgement(
        tasks=tuple(verdicts[i] for i in range(len(measured))),
        pools=tuple(pools),
        overall=_overall(general),
        domain_gain=domain,
    )


def _measure(task: TaskScores, margin_share: float, margin_loss: float) -> _Measured:
    """Turn the scores so that more is better, and compare."""
    _check(task)
    base, tuned, chance = _oriented(task)
    codes = cluster_codes(task.clusters, len(base))
    unit, margin = 1.0, margin_share if task.margin is None else task.margin
    if task.kind == LOSS:
        unit = abs(float(base.mean())) or 1.0 if len(base) else 1.0
        margin = (margin_loss if task.margin is None else task.margin) * unit
    chance_p = math.nan if chance is None else above_chance_p(base, codes, chance)
    difference = paired_difference(base, tuned, codes, bounded=task.kind != LOSS)
    return _Measured(task, difference, codes, margin, unit, chance_p)


def _oriented(task: TaskScores) -> tuple[Floats, Floats, float | None]:
    """Return base, tuned and chance so that more is better; a share x turns into 1 − x."""
    base, tuned = np.asarray(task.base, float), np.asarray(task.tuned, float)
    if task.higher_is_better:
        return base, tuned, task.chance
    if task.kind == LOSS:
        return -base, -tuned, None
    return 1 - base, 1 - tuned, None if task.chance is None else 1 - task.chance


def _check(task: TaskScores) -> None:
    shapes = {np.shape(task.base), np.shape(task.tuned)}
    if task.clusters is not None:
        shapes.add(np.shape(task.clusters))
    if len(shapes) != 1 or np.ndim(task.base) != 1:
        raise JobError(
            f"the scores of base and tuned are not paired: shapes {sorted(shapes)}",
            where=f"task {task.task}",
            fix="score both models on the same items in the same order",
        )
    bad = int((~np.isfinite(np.stack([task.base, task.tuned]).astype(float))).any(axis=0).sum())
    if bad:
        raise JobError(
            f"{bad} of {len(task.base)} items have a score that is not a number",
            where=f"task {task.task}, metric {task.metric}",
            fix="look at these items in items.parquet; an endless loss is usually a broken "
            "checkpoint or a half-precision overflow (try dtype = float32)",
        )


def _judge_task(task: _Measured, p_adjusted: float, tests: int) -> TaskVerdict:
    scores, difference = task.scores, task.difference
    n = len(scores.base)
    verdict = _verdict(difference.mean, difference.lower, p_adjusted, task.margin)
    if verdict != IMPROVED and not task.informative:
        verdict = UNINFORMATIVE
    need = _need(task, tests) if verdict == UNDECIDED else None
    base, tuned, chance = _oriented(scores)
    fault = ""
    if verdict == FORGOT and scores.kind != LOSS:
        fault = looks_broken(tuned, task.codes, chance, scores.choices)
        verdict = BROKEN if fault else FORGOT
    kept = None
    if n > 1 and chance is not None and task.informative:
        kept = retention(base, tuned, task.codes, chance)
    clusters = int(task.codes.max()) + 1 if n else 0
    return TaskVerdict(
        task=scores.task,
        group=scores.group,
        metric=scores.metric,
        kind=scores.kind,
        higher_is_better=scores.higher_is_better,
        n=n,
        clusters=clusters if clusters < n else None,
        base=_number(float(scores.base.mean()) if n else math.nan),
        tuned=_number(float(scores.tuned.mean()) if n else math.nan),
        delta=_number(difference.mean),
        ci=_interval(difference.low, difference.high),
        lower=_number(difference.lower),
        p=_number(difference.p),
        p_adjusted=_number(p_adjusted),
        test=difference.test,
        lost=difference.lost,
        gained=difference.gained,
        verdict=verdict,
        needs=None if need is None else need.items - n,
        needs_for=None if need is None else need.verdict,
        margin=task.margin,
        chance=scores.chance,
        base_above_chance_p=_number(task.above_chance_p),
        retention=None if kept is None else _number(kept.value),
        retention_ci=None if kept is None else _interval(*kept.interval()),
        decides=scores.decides,
        note=broken_note(fault) if fault else _note(task, verdict, p_adjusted, need),
    )


def _need(task: _Measured, tests: int) -> Need | None:
    """Plan an undecided task; None where it cannot be told."""
    n, difference = len(task.scores.base), task.difference
    if n < 2:
        return None
    need = items_to_decide(
        difference.mean,
        difference.spread,
        task.margin,
        tests=tests,
        design_effect=difference.design_effect,
        bounded=task.scores.kind != LOSS,
    )
    return need and Need(max(need.items, n + 1), need.verdict)


def _note(task: _Measured, verdict: str, p_adjusted: float, need: Need | None) -> str:
    n = len(task.scores.base)
    if n == 0:
        return "no items were scored"
    if verdict == UNINFORMATIVE:
        return uninformative_note(task.above_chance_p, task.scores.chance)
    if verdict == HELD and task.difference.mean < 0 and p_adjusted < ALPHA:
        return held_note(task.scores.kind, task.margin, task.unit)
    if verdict == UNDECIDED:
        return need_note(need.items - n, need.verdict) if need else need_note(None, None)
    return ""


def _verdict(delta: float, lower: float, p_adjusted: float, margin: float) -> str:
    """Judge a change; comparisons with NaN are false, which leaves it undecided."""
    significant = p_adjusted < ALPHA
    if significant and delta > 0:
        return IMPROVED
    if lower > -margin:
        return HELD
    if significant and delta < 0:
        return FORGOT
    return UNDECIDED


def _judge_suite(group: str, tasks: Sequence[tuple[_Measured, TaskVerdict]]) -> PoolVerdict:
    """Pool a suite's deciding tasks and say what the suite as a whole shows."""
    forgot = _names(tasks, FORGOT)
    broken = _names(tasks, BROKEN)
    undecided = _names(tasks, UNDECIDED)
    uninformative = _names(tasks, UNINFORMATIVE)
    scored = [item for item in tasks if item[1].n > 0 and item[1].verdict != BROKEN]
    pooled = [item for item in scored if group == DOMAIN or item[0].informative]
    change = stratified_mean([measured.pooled() for measured, _ in pooled])
    margin = sum(item[0].margin / item[0].unit for item in pooled) / max(1, len(pooled))
    if len(pooled) == 1:
        # One task is its own pool: the same numbers by the same test.
        measured, single = pooled[0]
        part, unit = measured.difference, measured.unit
        low, high, lower = part.low / unit, part.high / unit, part.lower / unit
        upper = part.upper / unit
        p = math.nan if single.p_adjusted is None else single.p_adjusted
    else:
        low, high = change.interval()
        lower, upper = change.interval(1 - 2 * ALPHA)
        p = max(change.p_value(), _pooled_p(pooled), _pooled_p(scored))
    verdict = _verdict(change.value, lower, p, margin)
    if group == DOMAIN:
        overall = _domain_gain(tasks, verdict, upper, margin)
    elif forgot or verdict == FORGOT:
        overall = FORGOT
    elif verdict in (HELD, IMPROVED) and not broken:
        overall = HELD
    else:
        overall = UNDECIDED
    return PoolVerdict(
        group=group,
        n=sum(verdict.n for _, verdict in pooled),
        tasks=len(pooled),
        delta=_number(change.value),
        ci=_interval(low, high),
        lower=_number(lower),
        p=_number(p),
        margin=margin,
        verdict=verdict,
        overall=overall,
        forgot=forgot,
        broken=broken,
        undecided=undecided,
        uninformative=uninformative,
        note="" if pooled else "no task of this suite is above chance for the base",
    )


def _pooled_p(tasks: Sequence[tuple[_Measured, TaskVerdict]]) -> float:
    """Test the pooled change by flipping clusters, each task with equal weight."""
    if not tasks:
        return math.nan
    sums = [task.difference.sums / (verdict.n * task.unit) for task, verdict in tasks]
    return sign_flip_test(np.concatenate(sums))


def _domain_gain(
    tasks: Sequence[tuple[_Measured, TaskVerdict]], pool: str, upper: float, margin: float
) -> str:
    """Say whether tuning taught the domain; *not improved* needs proof that no gain is hidden."""
    found = {pool, *(verdict.verdict for _, verdict in tasks)}
    if FORGOT in found or BROKEN in found:
        return WORSE
    if IMPROVED in found:
        return IMPROVED
    return NOT_IMPROVED if upper < margin else UNDECIDED


def _overall(pools: Sequence[PoolVerdict]) -> str:
    """Put suites together; without any, nothing was measured and nothing is decided."""
    found = {pool.overall for pool in pools}
    if FORGOT in found:
        return FORGOT
    return HELD if found == {HELD} else UNDECIDED


def _names(tasks: Sequence[tuple[_Measured, TaskVerdict]], verdict: str) -> tuple[str, ...]:
    return tuple(task.task for _, task in tasks if task.verdict == verdict)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(low: float, high: float) -> tuple[float, float] | None:
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None
