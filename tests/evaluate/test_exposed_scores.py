"""Scores by the status of items, and what was gained on those that were seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunewise.curate.measures.shares import wilson_interval
from tunewise.evaluate.verdicts.exposed_scores import exposed_gain, scores_by_status
from tunewise.evaluate.verdicts.measures import TaskScores
from tunewise.evaluate.verdicts.paired import paired_share_interval


def task(base: list[float], tuned: list[float]) -> TaskScores:
    return TaskScores("t", "general", "acc", "share", True, None, np.array(base), np.array(tuned))


SEEN = ["contaminated"] * 20 + ["clean"] * 40 + ["uncheckable"] * 5
SCORES = task([0.0] * 20 + [0.0, 1.0] * 20 + [1.0] * 5, [1.0] * 20 + [0.0, 1.0] * 20 + [0.0] * 5)


def test_scores_of_each_status_with_intervals() -> None:
    lines = {line["items"]: line for line in scores_by_status(SCORES, SEEN)}
    assert {kind: line["n"] for kind, line in lines.items()} == {
        "all": 65, "clean": 40, "contaminated": 20, "uncheckable": 5,
    }  # fmt: skip
    assert [lines["clean"][name] for name in ("base", "tuned", "delta")] == [0.5, 0.5, 0]
    assert lines["clean"]["base_ci"] == pytest.approx(wilson_interval(20, 40))
    assert (lines["contaminated"]["base"], lines["contaminated"]["delta"]) == (0, 1)
    assert lines["contaminated"]["ci"] == pytest.approx(paired_share_interval(0, 20, 20))
    assert lines["uncheckable"]["delta"] == -1


def test_a_status_without_items_has_no_line() -> None:
    lines = scores_by_status(SCORES, ["clean"] * 65)
    assert [line["items"] for line in lines] == ["all", "clean"]
    assert lines[0]["n"] == lines[1]["n"]


def test_of_a_loss_less_is_better() -> None:
    loss = replace(SCORES, kind="loss", higher_is_better=False)
    lines = {line["items"]: line for line in scores_by_status(loss, SEEN)}
    assert (lines["contaminated"]["tuned"], lines["contaminated"]["delta"]) == (1, -1)
    assert exposed_gain([(loss, SEEN)]) is None


def test_clusters_widen_the_intervals() -> None:
    noisy = task([0.0, 1.0] * 30, [1.0, 1.0] * 15 + [0.0, 1.0] * 15)
    alone = scores_by_status(noisy, ["clean"] * 60)[0]
    tied = replace(noisy, clusters=np.repeat(np.arange(6), 10))
    together = scores_by_status(tied, ["clean"] * 60)[0]
    assert together["delta"] == alone["delta"]
    assert together["ci"][1] - together["ci"][0] > alone["ci"][1] - alone["ci"][0]


def test_the_gain_on_seen_items_is_told_with_its_uncertainty() -> None:
    gain = exposed_gain([(SCORES, SEEN), (SCORES, SEEN)])
    assert gain is not None
    assert (gain.difference.value, gain.contaminated, gain.clean) == (1, 40, 80)
    low, high = gain.difference.interval()
    assert 0.5 < low < 1 < high


@pytest.mark.parametrize(
    "statuses", [["clean"] * 65, ["contaminated"] + ["clean"] * 64, [None] * 65]
)
def test_without_enough_items_of_both_kinds_nothing_is_said(statuses: list[str | None]) -> None:
    assert exposed_gain([(SCORES, statuses)]) is None
