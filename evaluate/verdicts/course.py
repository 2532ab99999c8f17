"""The course of a training: at which checkpoint a loss of general ability is first proved.

Every checkpoint is compared with the base on the same items. The pooled changes are tested as a
suite's is (:mod:`.verdict`); the checkpoints share one family-wise level of 5 % (Holm 1979), which
holds however much they resemble each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy import stats

from .judgement import PoolVerdict, TaskVerdict
from .measures import TaskScores
from .power import ALPHA, POWER
from .statistics import holm
from .verdict import MARGIN, judge_tasks


@dataclass(frozen=True, slots=True)
class CourseStep:
    """One checkpoint against the base.

    Attributes:
        step: of the training.
        delta: pooled change, in shares or as a share of the base's loss; None where no task is
            above chance.
        ci: its 95 % interval.
        p: of the pooled change.
        p_adjusted: among the checkpoints.
        lost: whether a loss is proved.
        tasks: ``task, delta, ci`` of each.
    """

    step: int
    delta: float | None
    ci: tuple[float, float] | None
    p: float | None
    p_adjusted: float | None
    lost: bool
    tasks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """All checkpoints of a run, and where forgetting began.

    Attributes:
        steps: in the order of the training.
        began: the first step at which a loss is proved; None where none is.
        before: the checkpoint before it, at which it was not; None where there is none.
        lasted: whether it is proved at every later checkpoint, too.
        items: asked, over the pooled tasks.
        tasks: names of the pooled tasks.
        uninformative: tasks at which the base is at chance.
        resolves: the smallest pooled loss that is found at a given checkpoint at 80 % power, by
            the widest interval seen; None where nothing was measured.
        margin: the accepted loss.
    """

    steps: tuple[CourseStep, ...]
    began: int | None
    before: int | None
    lasted: bool
    items: int
    tasks: tuple[str, ...]
    uninformative: tuple[str, ...]
    resolves: float | None
    margin: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def judge_course(
    measured: Mapping[int, Sequence[TaskScores]],
    *,
    margin_share: float = MARGIN,
    margin_loss: float = MARGIN,
) -> Course:
    """Judge the checkpoints of a run.

    Args:
        measured: by step, the scores of base and checkpoint on the same tasks of one suite.
        margin_share: the accepted loss of a share.
        margin_loss: the accepted rise of a loss, relative to the base's.
    """
    found: dict[int, tuple[PoolVerdict | None, tuple[TaskVerdict, ...]]] = {}
    for step in sorted(measured):
        judged = judge_tasks(measured[step], margin_share=margin_share, margin_loss=margin_loss)
        found[step] = (judged.pools[0] if judged.pools else None, judged.tasks)
    raw = [math.nan if pool is None or pool.p is None else pool.p for pool, _ in found.values()]
    steps = tuple(
        _step(step, pool, tasks, p)
        for (step, (pool, tasks)), p in zip(found.items(), holm(raw), strict=True)
    )
    lost = [place for place, one in enumerate(steps) if one.lost]
    first = lost[0] if lost else None
    pools = [pool for pool, _ in found.values() if pool is not None]
    uninformative = pools[0].uninformative if pools else ()
    tasks = next(iter(found.values()))[1] if found else ()
    return Course(
        steps=steps,
        began=None if first is None else steps[first].step,
        before=steps[first - 1].step if first else None,
        lasted=first is not None and len(lost) == len(steps) - first,
        items=pools[0].n if pools else 0,
        tasks=tuple(one.task for one in tasks if one.task not in uninformative),
        uninformative=uninformative,
        resolves=_resolved([pool.ci for pool in pools if pool.ci is not None], len(steps)),
        margin=pools[0].margin if pools else margin_share,
    )


def _step(
    step: int, pool: PoolVerdict | None, tasks: Sequence[TaskVerdict], p_adjusted: float
) -> CourseStep:
    delta = pool.delta if pool else None
    return CourseStep(
        step=step,
        delta=delta,
        ci=pool.ci if pool else None,
        p=pool.p if pool else None,
        p_adjusted=None if math.isnan(p_adjusted) else p_adjusted,
        lost=delta is not None and delta < 0 and p_adjusted < ALPHA,
        tasks=tuple({"task": one.task, "delta": one.delta, "ci": one.ci} for one in tasks),
    )


def _resolved(intervals: Sequence[tuple[float, float]], tests: int) -> float | None:
    """Return ``(z_{1−α/2m} + z_power) σ``, with σ from the widest of 95 % intervals.

    Holm's first step is the hardest, so that this is what any one checkpoint can be relied on for.
    """
    if not intervals:
        return None
    usual, level, power = stats.norm.ppf([1 - 0.05 / 2, 1 - ALPHA / (2 * tests), POWER])
    spread = max(high - low for low, high in intervals) / (2 * usual)
    return float((level + power) * spread)
