from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tunewise.evaluate.verdicts.measures import CurvePoint, OverfittingMeasures
from tunewise.evaluate.verdicts.overfitting import Signal, judge_overfitting

NOTHING = np.array([])


def run(
    seed: int = 0,
    *,
    rows: int = 200,
    gain: float = 1.0,
    carried: float = 1.0,
    recited: float = 0.0,
    told: float = 0.0,
    curve: tuple[float, ...] = (2.0, 1.5, 1.2, 1.1),
) -> OverfittingMeasures:
    """Measures of a made-up run.

    Args:
        seed: of the rows.
        rows: in each part.
        gain: nats per token that the loss fell on training rows.
        carried: the share of it that is found on other rows.
        recited: share of training answers continued word for word, beyond the others' 20 %.
        told: how far the tuned model's membership scores of training rows are shifted.
        curve: validation losses.
    """
    random = np.random.default_rng(seed)
    base = {part: random.normal(2.5, 0.6, rows) for part in ("train", "validation", "test")}
    fall = {"train": gain, "validation": gain * carried, "test": gain * carried}
    tuned = {part: loss - fall[part] + random.normal(0, 0.3, rows) for part, loss in base.items()}
    membership = {part: random.normal(0, 1, rows) for part in ("train", "test")}
    return OverfittingMeasures(
        train_losses_base=base["train"],
        train_losses_tuned=tuned["train"],
        validation_losses_base=base["validation"],
        validation_losses_tuned=tuned["validation"],
        test_losses_base=base["test"],
        test_losses_tuned=tuned["test"],
        membership_train_base=membership["train"],
        membership_train_tuned=membership["train"] + random.normal(told, 0.3, rows),
        membership_test_base=membership["test"],
        membership_test_tuned=membership["test"] + random.normal(0, 0.3, rows),
        verbatim_train=(random.random(rows) < 0.2 + recited).astype(float),
        verbatim_heldout=(random.random(rows) < 0.2).astype(float),
        validation_curve=tuple(
            CurvePoint(step=10 * i, validation_loss=loss, train_loss=loss)
            for i, loss in enumerate(curve, start=1)
        ),
    )


def signal(measures: OverfittingMeasures, name: str, **options: int) -> Signal:
    judged = judge_overfitting(measures, **options)  # type: ignore[arg-type]
    return next(signal for signal in judged.signals if signal.name == name)


def test_a_sane_run_with_a_small_gap_is_not_overfit() -> None:
    judged = judge_overfitting(run(gain=1.1, carried=0.93, told=0.3))
    assert judged.verdict == "none"
    assert [signal.name for signal in judged.signals] == [
        "loss gap",
        "validation rise",
        "recitation",
        "membership",
    ]
    assert all(signal.text for signal in judged.signals)


def test_a_brutal_run_is_overfit_by_every_signal() -> None:
    measures = run(gain=2.3, carried=-0.1, recited=0.7, told=3.0, curve=(2.0, 1.4, 1.9, 2.8))
    judged = judge_overfitting(measures)
    assert judged.verdict == "overfit"
    assert {signal.verdict for signal in judged.signals} == {"overfit"}


def test_half_of_the_gain_missing_elsewhere_is_the_border() -> None:
    assert judge_overfitting(run(gain=1.0, carried=0.35)).verdict == "overfit"
    assert judge_overfitting(run(gain=1.0, carried=0.65)).verdict == "none"
    assert judge_overfitting(run(gain=1.0, carried=0.5)).verdict == "undecided"


def test_more_than_a_bit_per_token_is_too_much_however_much_was_learned() -> None:
    """A base far from the data gains much on all rows, and may still know some by heart."""
    gap = signal(run(gain=4.8, carried=0.62), "loss gap")
    assert gap.verdict == "overfit"
    assert gap.threshold == pytest.approx(0.693, abs=0.001)
    assert signal(run(gain=4.8, carried=0.93), "loss gap").verdict == "none"


def test_a_tiny_gap_does_not_matter_whatever_its_share() -> None:
    gap = signal(run(gain=0.02, carried=0.0, rows=3000), "loss gap")
    assert gap.verdict == "none"
    assert gap.threshold == 0.05


def test_harder_held_out_rows_are_not_taken_for_overfitting() -> None:
    measures = run(gain=0.8)
    harder = replace(
        measures,
        validation_losses_base=measures.validation_losses_base + 2,
        validation_losses_tuned=measures.validation_losses_tuned + 2,
    )
    assert signal(harder, "loss gap").value == pytest.approx(signal(measures, "loss gap").value)


def test_a_rise_counts_only_if_the_model_kept_comes_from_after_the_minimum() -> None:
    measures = run(curve=(2.0, 1.4, 1.5, 1.8))
    last = signal(measures, "validation rise")
    assert last.verdict == "overfit"
    assert last.value == pytest.approx(0.4 / 1.4)
    kept = signal(measures, "validation rise", kept_step=20)
    assert (kept.verdict, kept.value) == ("none", 0)
    assert "not kept" in kept.text
    assert judge_overfitting(measures).verdict == "overfit"
    assert judge_overfitting(measures, kept_step=20).verdict == "none"


def test_a_small_rise_is_normal() -> None:
    assert signal(run(curve=(2.0, 1.40, 1.45)), "validation rise").verdict == "none"


def test_phrases_that_everyone_continues_are_not_recited() -> None:
    measures = run()
    common = replace(measures, verbatim_train=np.ones(200), verbatim_heldout=np.ones(200))
    assert signal(common, "recitation").verdict == "none"
    assert judge_overfitting(run(recited=0.6)).verdict == "overfit"


def test_membership_is_shown_and_does_not_decide() -> None:
    judged = judge_overfitting(run(told=3.0))
    assert judged.signals[3].verdict == "overfit"
    assert not judged.signals[3].decides
    assert judged.verdict == "none"


def test_few_rows_leave_it_undecided() -> None:
    assert judge_overfitting(run(rows=6, gain=0.3, carried=0.6)).verdict == "undecided"


def test_what_was_not_measured_is_said_and_never_passes_for_none() -> None:
    empty = OverfittingMeasures(*[NOTHING] * 12, validation_curve=())
    judged = judge_overfitting(empty)
    assert judged.verdict == "undecided"
    assert {signal.verdict for signal in judged.signals} == {"not measured"}
    without_recitation = replace(run(), verbatim_train=NOTHING, verbatim_heldout=NOTHING)
    assert judge_overfitting(without_recitation).verdict == "none"


def test_rows_without_a_number_are_left_out() -> None:
    measures = run()
    measures.train_losses_tuned[3] = np.nan
    measures.membership_train_tuned[4] = np.nan
    assert "199 training rows" in signal(measures, "loss gap").text
    assert judge_overfitting(measures).verdict == "none"


def test_the_json_is_plain() -> None:
    document = json.loads(json.dumps(judge_overfitting(run()).to_json(), allow_nan=False))
    assert document["verdict"] == "none"
    assert set(document["signals"][0]) == {
        "name", "value", "ci", "threshold", "verdict", "text", "decides",
    }  # fmt: skip


@pytest.mark.parametrize("gain", [0.0, 0.1, 1.0])
def test_without_overfitting_it_is_called_so_in_at_most_one_run_of_twenty(gain: float) -> None:
    runs = 200
    false = sum(
        judge_overfitting(run(seed, rows=60, gain=gain)).verdict == "overfit"
        for seed in range(runs)
    )
    assert false <= 0.05 * runs


def test_exactly_at_the_border_one_end_of_the_interval_is_beyond_it() -> None:
    runs = 300
    false = sum(
        signal(run(seed, rows=80, carried=0.5), "loss gap").verdict == "overfit"
        for seed in range(runs)
    )
    assert false <= 0.025 * runs + 3 * (0.025 * runs) ** 0.5
