"""Sequences of trainings: the task matrix, what it is made of, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tunewise.evaluate.items import ITEMS_SCHEMA
from tunewise.evaluate.reporting.sequence import compare_sequence
from tunewise.evaluate.reporting.sequence_pages import sequence_text
from tunewise.evaluate.settings import ReportSettings
from tunewise.evaluate.verdicts.sequence import BASE, LearnedTask, measure_transfer
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.errors import DataError, UsageError
from tunewise.workspace.events import Note
from tunewise.workspace.files import write_json
from tunewise.workspace.manifest import Input

ITEMS = 20
# Rows: base, then after the trainings 1, 2, 3; columns: their domains. In twentieths.
MATRIX = [[2, 3, 2], [18, 4, 2], [14, 16, 4], [12, 14, 18]]


def right(count: int) -> np.ndarray:
    return (np.arange(ITEMS) < count).astype(float)


def learned(column: int, rows: range = range(4)) -> LearnedTask:
    return LearnedTask({row - 1: right(MATRIX[row][column]) for row in rows}, np.arange(ITEMS))


def test_the_measures_of_a_worked_example() -> None:
    """By hand: R in twentieths is the matrix above."""
    found: Any = measure_transfer([learned(column) for column in range(3)])
    assert found.average.value == pytest.approx((12 + 14 + 18) / 60)
    assert found.backward.value == pytest.approx(((12 - 18) + (14 - 16)) / 2 / 20)
    assert found.forgetting.value == pytest.approx((max(18, 14) - 12 + 16 - 14) / 2 / 20)
    assert found.forward.value == pytest.approx(((4 - 3) + (4 - 2)) / 2 / 20)
    for one in (found.average, found.backward, found.forgetting, found.forward):
        assert one.ci[0] < one.value < one.ci[1]
    assert found.backward.p == pytest.approx(found.forgetting.p)
    assert found.average.p is None


def test_a_task_that_was_better_later_is_measured_from_its_best() -> None:
    """Backward transfer looks at what was known when it was learned, forgetting at the best."""
    first = LearnedTask({0: right(10), 1: right(16), 2: right(12)}, np.arange(ITEMS))
    second = LearnedTask({1: right(10), 2: right(10)}, np.arange(ITEMS))
    third = LearnedTask({2: right(9)}, np.arange(ITEMS))
    found: Any = measure_transfer([first, second, third])
    assert found.backward.value == pytest.approx(2 / 2 / 20)
    assert found.forgetting.value == pytest.approx(4 / 2 / 20)
    assert found.forward is None


def test_two_trainings_are_one_paired_test() -> None:
    from tunewise.evaluate.verdicts.paired import mcnemar_exact

    first = LearnedTask({0: right(18), 1: right(8)}, np.arange(ITEMS))
    found: Any = measure_transfer([first, LearnedTask({1: right(9)}, np.arange(ITEMS))])
    assert found.backward.value == -0.5
    assert found.backward.p == pytest.approx(mcnemar_exact(10, 0))


def test_what_is_not_there_is_not_made_up() -> None:
    tasks = [learned(0, range(1, 3)), learned(1, range(2, 4)), learned(2, range(3, 4))]
    found: Any = measure_transfer(tasks)
    assert (found.average, found.backward, found.forgetting) == (None, None, None)
    base: Any = learned(0).mean(BASE)
    assert base.value == 0.1
    assert LearnedTask({}, np.array([], dtype=np.int64)).mean(0) is None


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def a_run(workspace: Workspace, number: int) -> Artifact:
    def build(draft: Draft) -> None:
        (draft.folder / "adapter").mkdir()
        write_json(draft.folder / "train.json", {"model": f"/models/after {number}"})

    split = Input(name="split", sha256="ab" * 32, artifact=f"split{number}")
    return produce(workspace, "train", build, inputs=[split], parameters={"n": number})


def an_evaluation(
    workspace: Workspace, run: Artifact, column: int, count: int, base: int, *, own: bool,
    items: int = ITEMS, kind: str = "share",
) -> Artifact:  # fmt: skip
    def build(draft: Draft) -> None:
        rows = [
            {"task": "domain/answer-choice", "group": "domain", "item": f"i{n}", "metric": "acc",
             "base_score": float(n < base), "tuned_score": float(n < count),
             "prompt": f"p{column} {n}", "expected": "a", "choices": ["a", "b"]}
            for n in range(items)
        ]  # fmt: skip
        frame = pl.from_dicts(rows, schema=ITEMS_SCHEMA)
        frame.write_parquet(draft.folder / "items.parquet")
        task = {"task": "domain/answer-choice", "group": "domain", "decides": True, "kind": kind}
        model = {"run": run.id} if own else {"adapter": str(run.folder / "adapter")}
        document = {"split": f"split{column}", "tasks": [task], **model}
        write_json(draft.folder / "evaluate.json", document)

    return produce(
        workspace, "evaluate", build, inputs=[run.as_input("run")],
        parameters={"column": column, "count": count, "items": items},
    )  # fmt: skip


def document_of(artifact: Artifact) -> dict[str, Any]:
    return json.loads((artifact.folder / "sequence.json").read_text())


def test_evaluations_are_found_and_missing_ones_named(workspace: Workspace) -> None:
    runs = [a_run(workspace, number) for number in range(3)]
    for i, run in enumerate(runs):
        an_evaluation(workspace, run, i, MATRIX[i + 1][i], MATRIX[i][i], own=True)
    events: list[Any] = []
    first = compare_sequence(workspace, runs, ReportSettings(), emit=events.append)
    document = document_of(first)
    assert [one["what"].split()[1] for one in document["missing"]] == [
        runs[1].id, runs[2].id, runs[2].id,
    ]  # fmt: skip
    command = document["missing"][0]["command"]
    assert command == (
        f"tunewise evaluate --base '/models/after 1' --tuned {runs[1].folder / 'adapter'} "
        "--split split0 --suite domain"
    )
    assert sum(isinstance(event, Note) for event in events) == 3
    assert document["backward_transfer"] is None
    assert command in sequence_text(document)
    for i, j in ((1, 0), (2, 0), (2, 1)):
        an_evaluation(workspace, runs[i], j, MATRIX[i + 1][j], MATRIX[i][j], own=False)
    second = compare_sequence(workspace, runs, ReportSettings())
    assert second.id != first.id
    document = document_of(second)
    assert document["missing"] == []
    assert document["backward_transfer"]["value"] == pytest.approx(-0.2)
    assert document["forward_transfer"] is None
    scores = [[cell and cell["value"] for cell in row["scores"]] for row in document["matrix"]]
    assert scores[0] == [0.1, None, None]
    assert scores[3] == [0.6, 0.7, 0.9]
    text = sequence_text(document)
    assert "backward transfer" in text
    assert "−20.0" in text
    page = (second.folder / "sequence.html").read_text()
    assert "<script" not in page
    assert "−20.0" in page
    assert "backward transfer" in (second.folder / "sequence.md").read_text()


def test_only_items_that_all_were_asked_count(workspace: Workspace) -> None:
    runs = [a_run(workspace, number) for number in range(2)]
    an_evaluation(workspace, runs[0], 0, 18, 2, own=True)
    an_evaluation(workspace, runs[1], 1, 10, 2, own=True)
    an_evaluation(workspace, runs[1], 0, 9, 18, own=False, items=12)
    document = document_of(compare_sequence(workspace, runs, ReportSettings()))
    assert document["runs"][0]["items"] == 12
    assert "8 of 20 items" in document["notes"][0]
    assert document["backward_transfer"]["value"] == pytest.approx(-3 / 12)


def test_what_is_no_sequence_is_refused(workspace: Workspace) -> None:
    run = a_run(workspace, 0)
    with pytest.raises(UsageError, match="two different runs"):
        compare_sequence(workspace, [run, run], ReportSettings())
    other = produce(
        workspace, "train", lambda draft: write_json(draft.folder / "train.json", {"model": "m"}),
        inputs=[Input(name="split", sha256="ab" * 32, artifact="split0")], parameters={"n": 9},
    )  # fmt: skip
    with pytest.raises(UsageError, match="same split"):
        compare_sequence(workspace, [run, other], ReportSettings())
    text = a_run(workspace, 1)
    an_evaluation(workspace, text, 1, 5, 5, own=True, kind="loss")
    with pytest.raises(DataError, match="right and wrong"):
        compare_sequence(workspace, [run, text], ReportSettings())
