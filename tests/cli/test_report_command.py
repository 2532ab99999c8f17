"""`tunewise report` on evaluations made by hand: margins, files, and what ends how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.evaluate.measures import TaskScores
from tunewise.evaluate.recorded_scores import recorded_scores
from tunewise.evaluate.verdict import judge_tasks
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.files import read_json, write_json
from tunewise.workspace.manifest import Input

OVERFITTING = {"verdict": "none", "signals": []}


def task(name: str, base: np.ndarray, tuned: np.ndarray, **more: Any) -> TaskScores:
    facts: dict[str, Any] = {"group": "general", "metric": "acc", "kind": "share", "chance": None,
                             "higher_is_better": True, **more}  # fmt: skip
    return TaskScores(task=name, base=base, tuned=tuned, **facts)


def right(n: int, of: int, *, lost: int = 0, gained: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The base knows the first ``n`` of ``of`` items; tuning lost and gained some."""
    base = (np.arange(of) < n).astype(float)
    tuned = base.copy()
    tuned[:lost] = 0
    tuned[n : n + gained] = 1
    return base, tuned


def model(lost: int = 60, gained: int = 90) -> list[TaskScores]:
    random = np.random.default_rng(3)
    losses = random.normal(2.5, 0.4, 400)
    return [
        task("domain/answer-choice", *right(100, 400, gained=gained), group="domain", chance=0.25),
        task("facts", *right(900, 1200, lost=lost), clusters=np.arange(1200) // 3),
        task("grammar", *right(800, 1000, lost=5)),
        task("prose", losses, losses * 1.01, kind="loss", higher_is_better=False, metric="nll"),
    ]


def evaluation(
    workspace: Workspace,
    name: str,
    tasks: list[TaskScores],
    *,
    base: str = "5f" * 32,
    prompt: str = "What?",
    margins: dict[str, float] | None = None,
) -> Artifact:
    """Write an evaluation as `evaluate` does, as far as reports read it."""
    frames = [
        pl.DataFrame(
            {
                "task": one.task,
                "metric": one.metric,
                "item": [str(i) for i in range(len(one.base))],
                "cluster": pl.Series(
                    [None] * len(one.base)
                    if one.clusters is None
                    else [f"c{number:04}" for number in one.clusters],
                    dtype=pl.String,
                ),
                "base_score": one.base,
                "tuned_score": one.tuned,
                "prompt": f"{prompt} {one.task}",
                "expected": "that",
                "base_output": "that",
                "tuned_output": "this",
            }
        )
        for one in tasks
    ]

    def build(draft: Draft) -> None:
        judged = judge_tasks(tasks).to_json()
        document = {**judged, "overfitting": OVERFITTING, "model": "models/base",
                    "model_sha256": base, "full_model": f"models/{name}"}  # fmt: skip
        write_json(draft.folder / "evaluate.json", document)
        pl.concat(frames).write_parquet(draft.folder / "items.parquet")

    parameters = {"margin_share": 0.02, "margin_loss": 0.02, "margins": margins or {}}
    made_from = Input(name="tuned", sha256=name.encode().hex().ljust(64, "0"), path=name)
    return produce(workspace, "evaluate", build, inputs=[made_from], parameters=parameters)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def call(workspace: Workspace, *arguments: str, code: int = 0) -> Result:
    full = ["report", "--workspace", str(workspace.root), "-q", *arguments]
    result = CliRunner().invoke(tunewise, full)
    assert result.exit_code == code, result.output
    return result


def told(workspace: Workspace, *arguments: str, code: int = 0) -> dict[str, Any]:
    return json.loads(call(workspace, "--json", *arguments, code=code).stdout)


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {one["task"]: one["verdict"] for one in document["tasks"]}


def test_the_scores_that_are_read_back_give_the_same_judgement(workspace: Workspace) -> None:
    made = evaluation(workspace, "one", model())
    document = read_json(made.folder / "evaluate.json")
    items = pl.scan_parquet(made.folder / "items.parquet")
    again = judge_tasks(recorded_scores(document["tasks"], items, where="")).to_json()
    assert json.loads(json.dumps(again)) == {key: document[key] for key in again}


def test_a_margin_judges_again_and_is_shown_and_recorded(workspace: Workspace) -> None:
    evaluation(workspace, "one", model())
    assert verdicts(told(workspace, "--fail-on", "forgot", code=1))["facts"] == "forgot"
    found = told(workspace, "--fail-on", "forgot", "--margin", "0.1")
    assert verdicts(found)["facts"] == "held"
    assert found["overall"] == "held"
    assert {one["margin"] for one in found["tasks"] if one["kind"] == "share"} == {0.1}
    assert found["pools"][-1]["margin"] == pytest.approx(0.1)
    row = next(line for line in call(workspace, "--margin", "0.1", "--format", "md")
               .stdout.splitlines() if line.startswith("| `facts`"))  # fmt: skip
    assert "| 10 |" in row
    prose = next(one for one in found["tasks"] if one["kind"] == "loss")
    assert prose["margin"] == pytest.approx(0.1 * prose["base"])
    # The settings that lie beside the report give the same report.
    beside = Path(found["artifact"]) / "settings.toml"
    again = told(workspace, "--config", str(beside), "--fail-on", "forgot")
    assert (again["id"], again["reused"]) == (found["id"], True)


def test_the_margin_of_a_task_goes_before_that_of_all(workspace: Workspace) -> None:
    evaluation(workspace, "one", model(), margins={"grammar": 0.001})
    found = told(workspace, "--margin", "0.1", "--task-margin", "facts=0.01")
    assert verdicts(found)["facts"] == "forgot"
    assert {one["task"]: one["margin"] for one in found["tasks"]}["grammar"] == 0.001
    (workspace.root / "tunewise.toml").write_text(
        "[report]\nmargin = 0.1\n[report.margins]\nfacts = 0.03\n", encoding="utf-8"
    )
    margins = {one["task"]: one["margin"] for one in told(workspace)["tasks"]}
    assert (margins["facts"], margins["domain/answer-choice"]) == (0.03, 0.1)


def test_without_a_margin_nothing_is_judged_again(workspace: Workspace) -> None:
    made = evaluation(workspace, "one", model(), margins={"facts": 0.5})
    before = read_json(made.folder / "evaluate.json")
    (made.folder / "items.parquet").unlink()
    assert told(workspace)["tasks"] == before["tasks"]
    assert "items of task" in call(workspace, "--margin", "0.1", code=3).output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--margin", "0"),
        ("--margin", "2"),
        ("--margin", "nan"),
        ("--task-margin", "facts"),
        ("--task-margin", "=0.1"),
        ("--task-margin", "facts=much"),
        ("--task-margin", "facts=-0.1"),
        ("--task-margin", "typo=0.1"),
    ],
)
def test_a_margin_that_makes_no_sense_is_refused(
    workspace: Workspace, arguments: tuple[str, str]
) -> None:
    evaluation(workspace, "one", model())
    assert "margin" in call(workspace, *arguments, code=2).output


def test_a_files_name_says_its_format(workspace: Workspace, tmp_path: Path) -> None:
    evaluation(workspace, "one", model())
    starts = {"a.xml": "<?xml", "b.md": "# Forgetting", "c.json": "{", "d.html": "<!doctype",
              "e.txt": "<!doctype"}  # fmt: skip
    for name, start in starts.items():
        path = tmp_path / "new" / name
        shown = call(workspace, "--fail-on", "forgot", "--output", str(path), code=1).stdout
        assert shown.strip() == str(path)
        assert path.read_text(encoding="utf-8").startswith(start), name
    found = ElementTree.parse(tmp_path / "new" / "a.xml").getroot()
    assert found.get("failures") == "2"
    (tmp_path / "file").touch()
    assert (
        "cannot be written"
        in call(workspace, "--output", str(tmp_path / "file" / "x.xml"), code=2).output
    )
