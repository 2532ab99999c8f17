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
from tunewise.evaluate.verdicts.measures import TaskScores
from tunewise.evaluate.verdicts.recorded_scores import recorded_scores
from tunewise.evaluate.verdicts.verdict import judge_tasks
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
                "choices": pl.Series([None] * len(one.base), dtype=pl.List(pl.String)),
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


def names(document: dict[str, Any]) -> list[str]:
    return [run["name"] for run in document["runs"]]


def pair(document: dict[str, Any], axis: str, one: str, other: str) -> dict[str, Any]:
    return next(
        found
        for found in document["pairs"]
        if found["axis"] == axis and {found["first"], found["second"]} == {one, other}
    )


def four_runs(workspace: Workspace) -> list[str]:
    made = {
        "strong": model(lost=3, gained=120),
        "twin": model(lost=3, gained=118),
        "weak": model(lost=3, gained=40),
        "forgetful": model(lost=200, gained=150),
    }
    return [evaluation(workspace, name, tasks).id for name, tasks in made.items()]


def test_runs_are_ranked_and_what_cannot_be_told_apart_is_said(workspace: Workspace) -> None:
    ids = four_runs(workspace)
    found = told(workspace, "--compare", *reversed(ids))
    # The largest gain does not help a run that the gate stops.
    assert names(found) == ["strong", "twin", "weak", "forgetful"]
    assert [run["passes"] for run in found["runs"]] == [True, True, True, False]
    assert found["runs"][3]["forgot"] == ["facts"]
    assert found["runs"][0]["not_told_from"] == {"domain": ["twin"], "general": ["twin", "weak"]}
    twins = pair(found, "domain", "strong", "twin")
    # Two items differ, one way: McNemar's exact p is 1/2, and Holm leaves no p above 1.
    assert (twins["delta"], twins["p"], twins["told_apart"]) == (0.005, 0.5, False)
    assert pair(found, "domain", "weak", "forgetful")["delta"] == pytest.approx(-110 / 400)
    assert pair(found, "general", "weak", "forgetful")["told_apart"]
    assert (
        "of 3 runs that pass the gate; by the domain it cannot be told from twin."
        in found["headline"]
    )
    # The difference of two runs is that of their changes, on one scale.
    for one in found["pairs"]:
        ends = [run[one["axis"]]["delta"] for name in (one["first"], one["second"])
                for run in found["runs"] if run["name"] == name]  # fmt: skip
        assert one["delta"] == pytest.approx(ends[0] - ends[1])
    # In whatever order they are named, the same is told.
    again = told(workspace, "--compare", *ids)
    assert (again["runs"], again["pairs"]) == (found["runs"], found["pairs"])


def test_holm_counts_all_pairs(workspace: Workspace) -> None:
    """Eight items one way: p is 1/128, which one pair bears, and ten do not."""
    few = [evaluation(workspace, f"run{i}", model(gained=40 + 8 * i)).id for i in range(5)]
    two = told(workspace, "--compare", *few[:2])
    assert pair(two, "domain", "run0", "run1")["told_apart"]
    found = told(workspace, "--compare", *few)
    near = pair(found, "domain", "run0", "run1")
    assert near["p"] == pytest.approx(2 / 2**8)
    assert near["p_adjusted"] > near["p"]
    ps = [one["p"] for one in found["pairs"] if one["axis"] == "domain"]
    assert len(ps) == 10
    assert near["p_adjusted"] == pytest.approx(4 * near["p"])  # six smaller ones went before


def test_a_comparison_can_be_read_in_every_format(workspace: Workspace, tmp_path: Path) -> None:
    ids = four_runs(workspace)
    text = call(workspace, "--compare", *ids).stdout
    for words in ("1.  strong", "✔ passes", "✖ stopped", "cannot be told apart", "better"):
        assert words in text
    markdown = call(workspace, "--compare", *ids, "--format", "md").stdout
    assert "| 1 | `strong` |" in markdown
    page = Path(call(workspace, "--compare", *ids, "--format", "html").stdout.strip())
    written = page.read_text(encoding="utf-8")
    assert "strong comes first" in written
    for loaded in ("<script", "http:", "https:", "src=", "url(", "<link"):
        assert loaded not in written
    assert "default-src 'none'" in written
    path = tmp_path / "a.json"
    call(workspace, "--compare", *ids, "--output", str(path))
    assert names(read_json(path)) == ["strong", "twin", "weak", "forgetful"]


def test_a_comparison_stops_only_where_no_run_passes(workspace: Workspace) -> None:
    strong, _, _, forgetful = four_runs(workspace)
    worse = evaluation(workspace, "worse", model(lost=220)).id
    call(workspace, "--compare", strong, forgetful, "--fail-on", "forgot")
    found = told(workspace, "--compare", worse, forgetful, "--fail-on", "forgot", code=1)
    assert "No run passes the gate" in found["headline"]
    call(workspace, "--compare", worse, forgetful)
    call(workspace, "--compare", worse, forgetful, "--fail-on", "forgot", "--margin", "0.4")


def test_hostile_names_do_nothing_in_a_comparison(workspace: Workspace) -> None:
    hostile = '<script>alert(1)</script>|`x`"><img src=x>\x1b]0;owned\x07\u202e'
    tasks = [*model(), task(hostile, *right(300, 400, lost=50))]
    ids = [evaluation(workspace, f"{hostile}{number}", [*tasks]).id for number in range(2)]
    for shape in ("html", "md", None):
        shown = call(workspace, "--compare", *ids, *(["--format", shape] if shape else [])).stdout
        if shape == "html":
            shown = Path(shown.strip()).read_text(encoding="utf-8")
            assert "<script>" not in shown
            assert "<img" not in shown
        assert not {"\x1b", "\u202e", "\x07"} & set(shown)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"base": "aa" * 32}, "same base"),
        ({"prompt": "Which?"}, "answered other items: domain/answer-choice, facts"),
        ({"tasks": model()[:3]}, "answered other items: prose"),
        ({"tasks": [model()[0], task("facts", *right(900, 1199)), *model()[2:]]},
         "answered other items: facts"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    workspace: Workspace, other: dict[str, Any], words: str
) -> None:
    first = evaluation(workspace, "first", model()).id
    second = evaluation(workspace, "second", **{"tasks": model(), **other}).id
    assert words in call(workspace, "--compare", first, second, code=2).output


def test_fewer_than_two_runs_are_refused(workspace: Workspace) -> None:
    first = evaluation(workspace, "first", model()).id
    for arguments in ([first], [first, first], []):
        assert "two different" in call(workspace, "--compare", *arguments, code=2).output
    assert "about one run" in call(workspace, first, first, code=2).output
    assert (
        "no list of tests"
        in call(workspace, "--compare", first, first, "--format", "junit", code=2).output
    )


def test_a_base_that_was_measured_otherwise_is_said(workspace: Workspace) -> None:
    other = model()
    scores = other[3]
    other[3] = task("prose", scores.base + 1e-3, scores.tuned, kind="loss",
                    higher_is_better=False, metric="nll")  # fmt: skip
    ids = [evaluation(workspace, "a", model()).id, evaluation(workspace, "b", other).id]
    assert "base's scores differ" in told(workspace, "--compare", *ids)["problems"][-1]


def test_without_a_terminal_the_summarys_code_is_by_the_same_margins(workspace: Workspace) -> None:
    evaluation(workspace, "one", model())
    settings = workspace.root / "tunewise.toml"
    for margin, code in ((None, 1), (0.1, 0)):
        more = "" if margin is None else f"margin = {margin}\n"
        settings.write_text(f'[report]\nfail_on = ["forgot"]\n{more}', encoding="utf-8")
        result = CliRunner().invoke(tunewise, ["open", "--workspace", str(workspace.root)])
        assert result.exit_code == code, result.output


def test_runs_without_a_domain_are_ranked_by_what_they_kept(workspace: Workspace) -> None:
    kept = evaluation(workspace, "kept", model(lost=0)[1:]).id
    lost = evaluation(workspace, "lost", model(lost=15)[1:]).id
    found = told(workspace, "--compare", lost, kept)
    assert names(found) == ["kept", "lost"]
    assert found["runs"][0]["domain"] is None
    assert {one["axis"] for one in found["pairs"]} == {"general"}
    assert "by the general ability" in found["headline"]
    single = [task("one", *right(1, 1), group="general")]
    ids = [evaluation(workspace, name, single).id for name in ("a", "b")]
    assert not told(workspace, "--compare", *ids)["pairs"][0]["told_apart"]
    none = [evaluation(workspace, name, [task("x", *right(1, 2), decides=False)]).id
            for name in ("c", "d")]  # fmt: skip
    assert "nothing was asked that decides" in told(workspace, "--compare", *none)["headline"]
