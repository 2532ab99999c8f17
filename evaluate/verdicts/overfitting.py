"""Overfitting: has the model learned what it was shown, or only memorised it?

Signals, each with an interval and the threshold it is held against. The thresholds are set
by meaning, not by the runs they judge:

* **loss gap** (decides). How much more the loss fell on training rows than on rows never shown, in
  nats per token; the base's losses on the same rows take out that some rows are harder. A gap is
  normal. It is overfitting when *more than half* of what the training rows gained is missing on
  the others, since the model then memorised more than it learned; or when it is larger than *one
  bit* (0.69 nats), since the model is then more than twice as sure of every token it was shown,
  however much it learned besides. Under 0.05 nats (5 % of perplexity) a gap is too small to
  matter, whatever its share.
* **validation rise** (decides). How far the validation loss stands above its minimum, as a share.
  10 % and more is overfitting, if the model that was kept comes from after the minimum; smaller
  rises are what a constant learning rate and a small validation set show in healthy runs.
* **recitation** (decides). The share of an answer's second half that the model continues word for
  word, on training rows against others. Data with fixed phrases can be continued without having
  been seen, so only the difference counts; above a quarter, it recites.
* **membership** (shown). Min-K%++ tells training rows from test rows: the rise of its AUC above the
  base's. Above 0.25 a row is told half way between a guess and certainty. It does not decide,
  because training rows become recognisable long before a model generalises worse.
* **contamination** (shown, where there is any). How much more the scores rose on benchmark items
  that stand in the training rows than on clean ones. More than a quarter means that what was
  seen is answered from memory. It does not decide, because it says what the benchmark is worth
  here, not how the model generalises.

The verdict is *overfit* if a deciding signal says so, *none* if every deciding signal that was
measured excludes its threshold and the loss gap is among them, else *undecided*. An interval of
95 % has 2.5 % beyond each end: a signal with an interval cries wolf in at most 2.5 % of runs (the
loss gap, which has two thresholds, in 5 %), and so often only where the truth lies exactly there.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..reporting.wording import interval_text, signed
from .judgement import UNDECIDED
from .measures import ExposedGain, OverfittingMeasures
from .ranking import auc, auc_difference
from .statistics import Floats, Mean

NONE, OVERFIT, NOT_MEASURED = "none", "overfit", "not measured"
LARGEST_MEMORISED_SHARE = 0.5
SMALLEST_GAP, LARGEST_GAP = 0.05, math.log(2)
LARGEST_RISE = 0.10
LARGEST_RECITATION = 0.25
LARGEST_MEMBERSHIP = 0.25
LARGEST_EXPOSED_GAIN = 0.25


@dataclass(frozen=True, slots=True)
class Signal:
    """One sign of overfitting.

    Attributes:
        name: ``loss gap``, ``validation rise``, ``recitation``, ``membership`` or
            ``contamination``.
        value: what was measured; None where nothing was.
        ci: two-sided 95 % interval; None where there is none.
        threshold: the largest value that is not overfitting.
        verdict: ``none``, ``overfit``, ``undecided`` or ``not measured``.
        text: a sentence for the reader.
        decides: whether it takes part in the verdict.
    """

    name: str
    value: float | None
    ci: tuple[float, float] | None
    threshold: float
    verdict: str
    text: str
    decides: bool = True


@dataclass(frozen=True, slots=True)
class OverfittingVerdict:
    """``none``, ``overfit`` or ``undecided``, and why."""

    verdict: str
    signals: tuple[Signal, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def judge_overfitting(
    measures: OverfittingMeasures,
    *,
    kept_step: int | None = None,
    exposed: ExposedGain | None = None,
) -> OverfittingVerdict:
    """Judge whether the tuned model overfitted.

    Args:
        measures: losses, membership scores and recitation of training rows and others.
        kept_step: the training step that the judged model comes from; the last one if not given.
        exposed: what was gained on contaminated items; None where there are none.
    """
    signals = (
        _loss_gap(measures),
        _validation_rise(measures, kept_step),
        _recitation(measures),
        _membership(measures),
        *(() if exposed is None else (_contamination(exposed),)),
    )
    found = {signal.verdict for signal in signals if signal.decides}
    if OVERFIT in found:
        verdict = OVERFIT
    elif found <= {NONE, NOT_MEASURED} and signals[0].verdict == NONE:
        verdict = NONE
    else:
        verdict = UNDECIDED
    return OverfittingVerdict(verdict, signals)


def _loss_gap(measures: OverfittingMeasures) -> Signal:
    """Compare what training rows and held-out rows gained (difference in differences)."""
    train = _finite(measures.train_losses_base - measures.train_losses_tuned)
    heldout = _finite(
        np.concatenate(
            [
                measures.validation_losses_base - measures.validation_losses_tuned,
                measures.test_losses_base - measures.test_losses_tuned,
            ]
        )
    )
    gap = _mean_difference(train, heldout)
    if math.isnan(gap.standard_error):
        return _not_measured("loss gap", SMALLEST_GAP)
    gain, carried = float(train.mean()), float(heldout.mean())
    low, high = gap.interval()
    allowed = min(LARGEST_MEMORISED_SHARE * max(0.0, gain), LARGEST_GAP)
    threshold = max(SMALLEST_GAP, allowed)
    # More than the share: gap − share · gain > 0, which is a comparison of means again.
    beyond = _mean_difference((1 - LARGEST_MEMORISED_SHARE) * train, heldout).interval()
    if gain <= 0:
        beyond = (low, high)
    if low > SMALLEST_GAP and (beyond[0] > 0 or low > LARGEST_GAP):
        verdict = OVERFIT
    elif high < SMALLEST_GAP or (beyond[1] < 0 and high < LARGEST_GAP):
        verdict = NONE
    else:
        verdict = UNDECIDED
    text = (
        f"the loss fell by {gain:.2f} nats per token on {len(train)} training rows and by "
        f"{carried:.2f} on {len(heldout)} rows never shown: a gap of {signed(gap.value, 2)} "
        f"{interval_text((low, high), digits=2)}; up to {threshold:.2f} is accepted"
    )
    return Signal("loss gap", gap.value, (low, high), threshold, verdict, text)


def _validation_rise(measures: OverfittingMeasures, kept_step: int | None) -> Signal:
    """Compare the validation loss of the kept step with the lowest one."""
    curve = [point for point in measures.validation_curve if math.isfinite(point.validation_loss)]
    if len(curve) < 2:
        return _not_measured("validation rise", LARGEST_RISE, "it was not measured twice")
    lowest = min(curve, key=lambda point: point.validation_loss)
    last = curve[-1]
    step = last.step if kept_step is None else kept_step
    kept = min(curve, key=lambda point: abs(point.step - step))
    value, at_end = (
        (point.validation_loss - lowest.validation_loss) / max(lowest.validation_loss, 1e-9)
        for point in (kept, last)
    )
    past = kept.step > lowest.step
    verdict = OVERFIT if past and value > LARGEST_RISE else NONE
    text = f"validation loss was lowest at step {lowest.step} ({lowest.validation_loss:.3f})"
    if past:
        text += f"; the model that was kept (step {kept.step}) stands {100 * value:.0f} % above it"
    elif at_end > LARGEST_RISE:
        text += f" and rose by {100 * at_end:.0f} % until step {last.step}, which was not kept"
    elif kept.step == lowest.step:
        text += ", which is the step that was kept"
    return Signal("validation rise", value, None, LARGEST_RISE, verdict, text)


def _recitation(measures: OverfittingMeasures) -> Signal:
    """Compare word-for-word continuation of training answers with that of others."""
    train, heldout = _finite(measures.verbatim_train), _finite(measures.verbatim_heldout)
    difference = _mean_difference(train, heldout, bounded=True)
    if math.isnan(difference.standard_error):
        return _not_measured("recitation", LARGEST_RECITATION)
    text = (
        f"continues {100 * train.mean():.0f} % of the second half of training answers word for "
        f"word, and {100 * heldout.mean():.0f} % of answers never shown"
    )
    return _judged("recitation", difference, LARGEST_RECITATION, text)


def _membership(measures: OverfittingMeasures) -> Signal:
    """Compare how well Min-K%++ tells training rows from test rows, tuned against base."""
    train = np.isfinite(measures.membership_train_tuned) & np.isfinite(
        measures.membership_train_base
    )
    test = np.isfinite(measures.membership_test_tuned) & np.isfinite(measures.membership_test_base)
    tuned = (measures.membership_train_tuned[train], measures.membership_test_tuned[test])
    base = (measures.membership_train_base[train], measures.membership_test_base[test])
    rise = auc_difference(*tuned, *base)
    if math.isnan(rise.standard_error):
        return _not_measured("membership", LARGEST_MEMBERSHIP, decides=False)
    text = (
        f"Min-K%++ tells training rows from test rows with AUC {auc(*tuned).value:.2f} "
        f"(base {auc(*base).value:.2f}); shown, does not decide"
    )
    return _judged("membership", rise, LARGEST_MEMBERSHIP, text, decides=False)


def _contamination(exposed: ExposedGain) -> Signal:
    """Compare the change on contaminated benchmark items with that on clean ones."""
    difference = exposed.difference
    text = (
        f"on {exposed.contaminated:,} benchmark items that stand in the training rows the scores "
        f"changed by {signed(100 * difference.value)} points more than on {exposed.clean:,} clean "
        "ones; shown, does not decide"
    )
    return _judged("contamination", difference, LARGEST_EXPOSED_GAIN, text, decides=False)


def _judged(name: str, mean: Mean, threshold: float, text: str, decides: bool = True) -> Signal:
    low, high = mean.interval()
    verdict = OVERFIT if low > threshold else NONE if high < threshold else UNDECIDED
    return Signal(name, mean.value, (low, high), threshold, verdict, text, decides)


def _not_measured(
    name: str, threshold: float, reason: str = "too few rows", decides: bool = True
) -> Signal:
    return Signal(name, None, None, threshold, NOT_MEASURED, f"not measured: {reason}", decides)


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _mean_difference(first: Floats, second: Floats, *, bounded: bool = False) -> Mean:
    """Return mean(first) − mean(second) of independent samples (Welch 1947).

    Args:
        first: shape (m,).
        second: shape (n,).
        bounded: values lie in 0 … 1; one more value of 0 and of 1 on each side takes part in the
            standard error, so that equal values are not taken for certainty (Agresti and Caffo
            2000).
    """
    if min(len(first), len(second)) < 2:
        return Mean(math.nan, math.nan, 0)
    value = float(first.mean() - second.mean())
    if bounded:
        first, second = np.append(first, [0.0, 1.0]), np.append(second, [0.0, 1.0])
    parts = [(float(sample.var(ddof=1)) / len(sample), len(sample)) for sample in (first, second)]
    total = sum(variance for variance, _ in parts)
    fourth = sum(variance**2 / (count - 1) for variance, count in parts)
    degrees = total**2 / fourth if fourth else math.inf
    return Mean(value, math.sqrt(total), degrees)
