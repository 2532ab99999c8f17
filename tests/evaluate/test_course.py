"""The forgetting curve: where it began, what it can tell, and how it is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tunewise.evaluate.comparison import compare_models
from tunewise.evaluate.course import checkpoints_of
from tunewise.evaluate.reporting.course import course_chart, course_lines, course_sentences
from tunewise.evaluate.reporting.report import report
from tunewise.evaluate.run import evaluate
from tunewise.evaluate.scoring.adapters import read_adapter
from tunewise.evaluate.settings import EvaluateSettings, ReportSettings
from tunewise.evaluate.verdicts.course import _resolved, judge_course
from tunewise.evaluate.verdicts.measures import TaskScores
from tunewise.train.loop.checkpoints import course_of, step_folder
from tunewise.train.preflight.combinations import check_combinations
from tunewise.train.recipe import Recipe
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import TaskScored

ITEMS = 400


def scores(share_lost: float, name: str = "facts", seed: int = 0, base: float = 0.8) -> TaskScores:
    """A task at which a base is mostly right and a checkpoint lost a share of that."""
    random = np.random.default_rng(seed)
    right = random.random(ITEMS) < base
    kept = right & (random.random(ITEMS) >= share_lost)
    return TaskScores(
        task=name,
        group="general",
        metric="acc",
        kind="share",
        higher_is_better=True,
        chance=0.25,
        base=right.astype(float),
        tuned=kept.astype(float),
        clusters=None,
    )


def course(*shares: float) -> Any:
    return judge_course({
        10 * (place + 1): [scores(share, seed=1), scores(share / 2, "grammar", seed=2)]
        for place, share in enumerate(shares)
    })  # fmt: skip


def test_the_step_is_found_where_it_began() -> None:
    found = course(0.0, 0.004, 0.2, 0.3)
    assert (found.began, found.before, found.lasted) == (30, 20, True)
    assert [one.lost for one in found.steps] == [False, False, True, True]
    assert found.items == 2 * ITEMS
    last = found.steps[-1]
    assert last.delta is not None
    assert last.ci is not None
    assert last.ci[0] < last.delta < last.ci[1] < 0
    assert [one["task"] for one in last.tasks] == ["facts", "grammar"]


def test_without_a_loss_nothing_began_and_the_power_is_told() -> None:
    found = course(0.0, 0.0, 0.0)
    assert found.began is None
    said = course_sentences({**found.to_json(), "checkpoint_items": 400})
    assert said[0].startswith("No checkpoint")
    assert f"{100 * found.resolves:.1f} points at 80 % power" in said[1]


def test_a_loss_that_passes_is_said_to_pass() -> None:
    found = course(0.2, 0.0)
    assert (found.began, found.before, found.lasted) == (10, None, False)
    assert "not" in course_sentences({**found.to_json(), "checkpoint_items": 400})[0]


def test_what_it_resolves_is_found_four_times_in_five() -> None:
    """As the sentence says, by simulation: the power at the smallest loss that is named."""

    spread = 0.02
    interval = (-1.96 * spread, 1.96 * spread)
    resolved: Any = _resolved([interval], 5)
    draws = np.random.default_rng(3).normal(-resolved, spread, 20_000)
    p = 2 * stats.norm.sf(np.abs(draws) / spread)
    assert np.mean(p < 0.05 / 5) == pytest.approx(0.8, abs=0.01)


def test_more_checkpoints_take_more_to_convince() -> None:
    """One unlucky checkpoint of many is no loss; alone it would be."""
    alone = course(0.025)
    assert alone.began == 10
    assert course(0.025, *[0.0] * 40).began is None


def test_at_chance_there_is_nothing_to_lose() -> None:
    found = judge_course({10: [scores(0.5, base=0.25)], 20: [scores(0.9, base=0.25)]})
    assert (found.began, found.resolves, found.uninformative) == (None, None, ("facts",))
    assert "nothing to lose" in course_sentences({**found.to_json(), "checkpoint_items": 9})[0]
    assert course_chart(found.to_json()) is None


def test_it_is_drawn_and_written() -> None:
    found = {**course(0.0, 0.2, 0.3).to_json(), "checkpoint_items": 400}
    lines = course_lines({"course": found})
    assert sum("lost" in line for line in lines if "step" in line.split()) == 2
    chart = str(course_chart(found))
    assert chart.count("<circle") == 3
    assert chart.count("course-lost") == 2
    assert course_lines({}) == []


@pytest.fixture(scope="module")
def evaluated(make_run: Any, run_workspace: Workspace) -> tuple[Any, dict[str, Any], list[Any]]:
    run = make_run(keep_checkpoints=True, eval_every=1)
    rows = [
        {"id": f"q{n}", "query": f"Number {n} is", "choices": ["blue", "red"], "gold": n % 2}
        for n in range(30)
    ]
    path = run_workspace.root / "who.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    settings = EvaluateSettings(
        suites=("who.jsonl",), checkpoints=True, checkpoint_items=12, divergence_items=0
    )
    events: list[Any] = []
    artifact = evaluate(run_workspace, run, settings, emit=events.append)
    return run, json.loads((artifact.folder / "evaluate.json").read_text()), [artifact, events]


def test_a_run_keeps_its_checkpoints(evaluated: tuple[Any, dict[str, Any], list[Any]]) -> None:
    run, _, _ = evaluated
    kept = course_of(run.folder)
    assert list(kept) == [1, 2]
    assert kept[2] == step_folder(run.folder, 2)
    # The recipe keeps the last state; what was kept on the way ends with the very same.
    assert read_adapter(kept[2]).sha256 == read_adapter(run.folder / "adapter").sha256
    assert read_adapter(kept[1]).sha256 != read_adapter(kept[2]).sha256


def test_checkpoints_are_asked_a_sample(
    evaluated: tuple[Any, dict[str, Any], list[Any]], run_workspace: Workspace, tmp_path: Path
) -> None:
    _, document, (artifact, events) = evaluated
    found = document["course"]
    assert [step["step"] for step in found["steps"]] == [1, 2]
    asked = {event.model: event.items for event in events if isinstance(event, TaskScored)
             and event.task == "who"}  # fmt: skip
    assert asked["step 1"] == asked["step 2"] == 12
    page = report(run_workspace, artifact, ReportSettings()).folder
    assert "General ability over the training" in (page / "report.html").read_text()


def test_without_checkpoints_it_is_refused(make_run: Any, tiny_model: Path) -> None:
    from tunewise.evaluate.comparison import Comparison

    two = compare_models(str(tiny_model), str(tiny_model))
    with pytest.raises(UsageError, match="no checkpoints were kept"):
        checkpoints_of(two)
    run = make_run()
    with pytest.raises(UsageError) as refused:
        checkpoints_of(Comparison(two.base, two.tuned, run=run))
    assert "keep_checkpoints" in str(refused.value.fix)
    with pytest.raises(UsageError, match="whole model"):
        check_combinations(Recipe(model="m", method="full", keep_checkpoints=True))
