from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tunewise.tui.jobs.asking import Answer
from tunewise.tui.places.report_place import beside_lines
from tunewise.tui.screens.ranking import ranking_text, rivals_of
from tunewise.tui.snapshot import take_snapshot
from tunewise.workspace.artifact import Workspace, list_artifacts

SIZE = (120, 36)


@pytest.fixture
def add_evaluation(workspace: Workspace, write_artifact: Callable) -> Callable[..., str]:
    """Leave one more evaluation, like the first but for some of its keys."""

    def add(**changes: Any) -> str:
        first = list_artifacts(workspace, "evaluate")[0]
        document = json.loads((first.folder / "evaluate.json").read_text())
        version = 1 + len(list_artifacts(workspace, "evaluate"))
        return write_artifact(workspace, "evaluate", {**document, **changes}, version=version).name

    return add


def test_the_newest_evaluation_of_each_run_that_was_asked_the_same(
    workspace: Workspace, add_evaluation: Callable[..., str]
) -> None:
    add_evaluation(adapter="/runs/a")
    again = add_evaluation(adapter="/runs/a", seconds=2.0)
    other = add_evaluation(adapter="/runs/b")
    add_evaluation(adapter="/runs/c", limit=7)
    add_evaluation(adapter="/runs/d", model_sha256="another base")
    first = add_evaluation(adapter="/runs/e")
    document = take_snapshot(workspace).evaluate
    assert document is not None
    assert document.artifact.id == first
    assert {again, other, first} <= set(rivals_of(workspace, document))
    assert len(rivals_of(workspace, document)) == 4


async def test_one_run_alone_has_nothing_to_be_compared_with(
    make_app: Callable, see: Callable
) -> None:
    async with make_app("report").run_test(size=SIZE) as pilot:
        await see(pilot, "Compare runs")
        await pilot.press("v")
        await see(pilot, "No other evaluation here asked the same")
        await pilot.press("escape")
        await see(pilot, "Blind review", gone="best first")


async def test_runs_are_ranked_by_the_command(
    make_app: Callable,
    see: Callable,
    add_evaluation: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    hostile: str,
) -> None:
    second = add_evaluation(adapter="/runs/b")
    asked: list[list[str]] = []

    def answer(workspace: Workspace, arguments: list[str], cancelled: Any) -> Answer:
        asked.append(arguments)
        return Answer(problem=f"they were asked other items\n{hostile}")

    monkeypatch.setattr("tunewise.tui.screens.ranking.ask", answer)
    async with make_app("report").run_test(size=SIZE) as pilot:
        await see(pilot, "Compare runs")
        await pilot.press("v")
        shown = await see(pilot, "tunewise report --compare", "they were asked other items")
        assert "\x1b" not in shown
    assert asked[0][:2] == ["report", "--compare"]
    assert asked[0][-1] == second


def test_an_answer_that_breaks_its_contract_is_told() -> None:
    assert "not understood" in ranking_text(Answer({"runs": 3})).plain


def test_what_was_measured_beside_the_verdicts_is_listed_and_hostile_names_are_harmless(
    hostile: str,
) -> None:
    refusals = {
        "topic": "refusals", "name": hostile, "unit": "share", "n": 40, "base": 0.0,
        "tuned": 0.25, "prompted_base": None, "delta": 0.25, "ci": [0.1, 0.4], "p": 0.001,
        "p_adjusted": 0.001, "verdict": "refuses more", "text": hostile, "detail": False,
    }  # fmt: skip
    lines = beside_lines({"observations": [refusals]})
    assert lines[0] == ""
    assert lines[1].startswith("beside the verdicts")
    assert "25.0 %" in lines[2]
    assert not any(character in "".join(lines) for character in "\x1b\x9b\u202e")
    assert beside_lines({}) == []
    assert "not understood" in beside_lines({"observations": [3]})[1]
