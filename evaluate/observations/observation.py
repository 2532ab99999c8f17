"""One thing that was measured of base and tuned, and what can be said of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from ..items import Answers, cluster_numbers
from ..verdicts.judgement import UNDECIDED
from ..verdicts.paired import Difference, paired_difference
from ..verdicts.power import ALPHA
from ..verdicts.statistics import (
    Floats,
    Integers,
    bootstrap_by_cluster,
    cluster_codes,
    holm,
)

NO_CHANGE = "no change shown"
NOTHING_SAID = ""
Unit = Literal["share", "number", "nats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Something shown beside the verdicts.

    Attributes:
        topic: what it belongs to, such as ``refusals``.
        name: what was measured.
        unit: ``share`` from 0 to 1, ``number``, or ``nats``.
        n: items, or tokens' rows.
        base: the base's value; None where it has none.
        tuned: the tuned model's.
        prompted_base: the base's with examples before each question, where that is what the
            change is counted from.
        delta: tuned minus base (or minus the prompted base).
        ci: two-sided 95 % interval of ``delta``.
        p: two-sided p of *nothing changed*, where there is a test.
        p_adjusted: p after Holm over the observations that were tested together.
        verdict: what it is in words; empty where there is no better or worse.
        text: a sentence for the reader.
        detail: it is one of several parts, worth a line in a terminal only where it changed.
    """

    topic: str
    name: str
    unit: Unit
    n: int
    base: float | None
    tuned: float | None
    prompted_base: float | None = None
    delta: float | None
    ci: tuple[float, float] | None
    p: float | None = None
    p_adjusted: float | None = None
    verdict: str = NOTHING_SAID
    text: str = ""
    detail: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, under the keys of ``evaluate.json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Paired:
    """Scores of both models on the same items.

    Attributes:
        base: shape (n,).
        tuned: shape (n,).
        codes: cluster of each item, shape (n,).
        bounded: scores lie in 0 … 1.
    """

    base: Floats
    tuned: Floats
    codes: Integers
    bounded: bool = True

    def difference(self) -> Difference:
        """Compare them, tuned minus base."""
        return paired_difference(self.base, self.tuned, self.codes, bounded=self.bounded)


def codes_of(answers: Answers) -> Integers:
    """Return the cluster of each item of a task, as numbers; shape (n,)."""
    return cluster_codes(cluster_numbers(answers.frame["cluster"]), len(answers.frame))


def joined(base: Answers, tuned: Answers) -> tuple[Answers, Answers]:
    """Return the items that both models were asked, in one order."""
    common = base.frame.join(tuned.frame, on="item", how="semi")["item"].implode()
    first, second = (
        Answers(one.info, one.frame.filter(pl.col("item").is_in(common)).sort("item"))
        for one in (base, tuned)
    )
    return first, second


def observe(
    topic: str, name: str, unit: Unit, scores: Paired, *, text: str = ""
) -> tuple[Observation, Difference]:
    """Compare paired scores; the verdict is left to the caller.

    Args:
        topic: see :class:`Observation`.
        name: see :class:`Observation`.
        unit: see :class:`Observation`.
        scores: at least one item.
        text: a sentence.
    """
    difference = scores.difference()
    found = Observation(
        topic=topic,
        name=name,
        unit=unit,
        n=len(scores.base),
        base=float(scores.base.mean()),
        tuned=float(scores.tuned.mean()),
        delta=difference.mean,
        ci=interval(difference.low, difference.high),
        p=number(difference.p),
        p_adjusted=number(difference.p),
        text=text,
    )
    return found, difference


def paired_bootstrap(
    columns: Floats, codes: Integers, change: Callable[[Floats], Floats], worst: Floats
) -> tuple[float, float]:
    """Return the bootstrap interval by cluster of a change that is no mean.

    Where all items agree (right for the one model, wrong for the other) every resample agrees, and
    the interval would have no width. Two more clusters of one item each, one against the change
    and one for it, take part in the resamples and not in the estimate, as Bonett and Price (2012)
    add them for shares.

    Args:
        columns: of both models, shape (n, k).
        codes: cluster of each item, shape (n,).
        change: see :func:`bootstrap_by_cluster`.
        worst: the two items, shape (2, k).
    """
    more = int(codes.max()) + 1
    together = np.concatenate([codes, [more, more + 1]])
    return bootstrap_by_cluster(np.vstack([columns, worst]), together, change)


def direction(found: Observation, more: str, less: str, margin: float) -> str:
    """Say in which way something changed.

    Args:
        found: with ``p_adjusted``, ``delta`` and ``ci``.
        more: the words for a rise.
        less: the words for a fall.
        margin: an interval that lies within ± this shows no change.

    Returns:
        ``more`` or ``less`` where the adjusted p is under 5 %; *no change shown* where a change of
        the margin or more is excluded both ways; else *undecided*.
    """
    if found.delta is None or found.ci is None:
        return UNDECIDED
    if found.p_adjusted is not None and found.p_adjusted < ALPHA and found.delta != 0:
        return more if found.delta > 0 else less
    low, high = found.ci
    return NO_CHANGE if -margin < low and high < margin else UNDECIDED


def adjusted(observations: Sequence[Observation]) -> list[Observation]:
    """Adjust the p values of observations that are tested together (Holm 1979)."""
    p_values = [math.nan if one.p is None else one.p for one in observations]
    return [
        replace(one, p_adjusted=number(p))
        for one, p in zip(observations, holm(p_values), strict=True)
    ]


def number(value: float) -> float | None:
    """Return a number, or None where it is none."""
    return value if math.isfinite(value) else None


def interval(low: float, high: float) -> tuple[float, float] | None:
    """Return an interval, or None where an end is no number."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None
