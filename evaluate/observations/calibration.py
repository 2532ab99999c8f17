"""Calibration: whether a model that is 80 % sure of its choice is right eight times in ten."""

from __future__ import annotations

import numpy as np

from ..items import Answers
from ..verdicts.judgement import UNDECIDED
from ..verdicts.statistics import Floats, Integers, bootstrap_by_cluster
from .observation import NO_CHANGE, Observation, codes_of

_BINS = 10
_LEAST_IN_A_BIN = 15
_LEAST_ITEMS = 2 * _LEAST_IN_A_BIN


def calibration_observation(base: Answers, tuned: Answers, margin: float) -> Observation | None:
    """Compare the expected calibration error of two models on a multiple-choice task.

    A model's confidence is the probability of its most probable choice among the choices, by
    their log-likelihoods as they are. Items are put into bins of equal mass by it (Nguyen and
    O'Connor 2015: bins of equal width are mostly empty), and the error is
    ``Σ_b n_b/n · |right_b − confidence_b|`` (Guo et al. 2017). The interval is the bootstrap by
    cluster of the paired change with the bins held as they are. A small sample makes the error of
    each model look a little large, of both alike.

    Args:
        base: items with choices and their log-likelihoods.
        tuned: the same items.
        margin: a change of less than this is none.

    Returns:
        None where there is nothing to be calibrated: no choices, too few items, or items of which
        several choices are right.
    """
    n = len(base.frame)
    if n < _LEAST_ITEMS or not _has_choices(base):
        return None
    bins = min(_BINS, n // _LEAST_IN_A_BIN)
    known = [_confidence(one) for one in (base, tuned)]
    columns = np.hstack([_gaps(*one, bins) for one in known])

    def errors(means: Floats) -> tuple[Floats, Floats]:
        first, second = np.split(np.abs(means), 2, axis=1)
        return first.sum(axis=1), second.sum(axis=1)

    first, second = (calibration_error(*one, bins) for one in known)
    low, high = bootstrap_by_cluster(
        columns, codes_of(base), lambda means: errors(means)[1] - errors(means)[0]
    )
    verdict = UNDECIDED
    # The bins' interval is a little narrow, so that a change below the margin is not made much of.
    if -margin < low and high < margin:
        verdict = NO_CHANGE
    elif low > 0 or high < 0:
        verdict = "worse calibrated" if low > 0 else "better calibrated"
    sure, right = ([100 * float(one[place].mean()) for one in known] for place in (0, 1))
    return Observation(
        topic="calibration",
        name=base.info.task,
        unit="share",
        n=n,
        base=first,
        tuned=second,
        delta=second - first,
        ci=(low, high),
        verdict=verdict,
        detail=True,
        text=f"mean confidence {sure[0]:.1f} % → {sure[1]:.1f} %, most probable choice right "
        f"{right[0]:.1f} % → {right[1]:.1f} %; {bins} bins",
    )


def calibration_error(confidence: Floats, right: Floats, bins: int) -> float:
    """Return the expected calibration error with bins of equal mass.

    Args:
        confidence: from 0 to 1, shape (n,).
        right: 0 or 1, shape (n,).
        bins: how many.

    Example:
        >>> sure, right = np.array([0.5, 0.5, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
        >>> round(calibration_error(sure, right, 2), 6)
        0.05
    """
    return float(np.abs(_gaps(confidence, right, bins).mean(axis=0)).sum())


def _has_choices(answers: Answers) -> bool:
    """Tell whether each item has choices, of which one is expected."""
    frame = answers.frame
    if frame["choices"].null_count() or frame["log_likelihoods"].null_count():
        return False
    pairs = frame.select("choices", "expected").iter_rows()
    return all(len(choices) > 1 and expected in choices for choices, expected in pairs)


def _confidence(answers: Answers) -> tuple[Floats, Floats]:
    """Return the confidence in the most probable choice, and whether that is right."""
    sure: list[float] = []
    right: list[float] = []
    rows = answers.frame.select("choices", "log_likelihoods", "expected").iter_rows()
    for choices, values, expected in rows:
        place = int(np.argmax(values))
        gaps = np.asarray(values) - values[place]
        sure.append(1 / float(np.exp(gaps).sum()))
        right.append(float(choices[place] == expected))
    return np.array(sure), np.array(right)


def _gaps(confidence: Floats, right: Floats, bins: int) -> Floats:
    """Return each item's gap of right and confidence in the column of its bin; shape (n, bins)."""
    places = _equal_mass(confidence, bins)
    return np.where(places[:, None] == np.arange(bins), (right - confidence)[:, None], 0.0)


def _equal_mass(confidence: Floats, bins: int) -> Integers:
    """Return each item's bin, all with as many items but for ties in rank by their place."""
    ranks = np.empty(len(confidence), dtype=np.int64)
    ranks[np.argsort(confidence, kind="stable")] = np.arange(len(confidence))
    return ranks * bins // len(confidence)
