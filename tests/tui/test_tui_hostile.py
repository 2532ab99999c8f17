"""Hostile text through every widget: nothing acts on the terminal, nothing is read as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewise.tui.places.all_places import PLACES
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import CheckDone, Failed, Note, Progress

ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def hostile_workspace(workspace: Workspace, hostile: str) -> Workspace:
    """The finished workspace with hostile text wherever a document holds text from data."""
    for kind, edit in (
        ("audit", _poison_audit),
        ("split", _poison_split),
        ("train", _poison_train),
        ("evaluate", _poison_evaluation),
    ):
        path = next((workspace.store / kind).glob(f"*/{kind}.json"))
        document = json.loads(path.read_text())
        edit(document, hostile)
        path.write_text(json.dumps(document))
    return workspace


def _poison_audit(document: dict, hostile: str) -> None:
    document["dataset"]["paths"] = [f"/data/{hostile}.jsonl"]
    document["dataset"]["kind"] = hostile
    document["quality"]["by_dimension"][hostile] = 0.5
    for item in document["findings"]:
        item["title"] = hostile
    document["checks"][-1]["reason"] = hostile
    document["profile"]["labels"][0]["value"] = hostile


def _poison_split(document: dict, hostile: str) -> None:
    document["stratification"]["column"] = hostile
    document["certificate"]["method"] = hostile
    document["by_label"][0]["value"] = hostile


def _poison_train(document: dict, hostile: str) -> None:
    document["model"] = hostile


def _poison_evaluation(document: dict, hostile: str) -> None:
    document["model"] = hostile
    document["tasks"][0]["task"] = hostile
    document["tasks"][0]["metric"] = hostile
    document["overfitting"]["signals"][0]["text"] = hostile


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_no_place_lets_hostile_text_act(
    make_app: Callable, see: Callable, hostile_workspace: Workspace, add_job: Callable,
    hostile: str, size: tuple[int, int],
) -> None:  # fmt: skip
    add_job(
        ("audit", hostile),
        [
            Progress(task=hostile, done=1, total=2, unit=hostile),
            Note(text=hostile, level="warning"),
            CheckDone(check=hostile, status=hostile, severity="low", findings=0, rows=0),
            Failed(what=hostile, where=hostile, fix=hostile),
        ],
        alive=True,
        log=hostile,
    )
    async with make_app().run_test(size=size) as pilot:
        for number in range(1, len(PLACES) + 1):
            await pilot.press(str(number))
            _assert_harmless(await see(pilot, "tunewise"))
            for key in ("j", "j", "enter", "y", "escape", "escape"):
                await pilot.press(key)
                _assert_harmless(await see(pilot))
        await pilot.press("J")
        _assert_harmless(await see(pilot, "Log"))
        await pilot.press("escape", "ctrl+p")
        _assert_harmless(await see(pilot))


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_hostile_records_are_read_compared_and_answered(
    make_app: Callable, see: Callable, screen_text: Callable, size: tuple[int, int]
) -> None:
    async with make_app("records").run_test(size=size) as pilot:
        await see(pilot, "119 records")
        await pilot.press("slash", *"owned", "enter")
        shown = await see(pilot, "␛]0;owned", "[/bold]")
        _assert_harmless(shown)
        await pilot.press("o")
        await pilot.press("7")
        await see(pilot, "lost")
        await pilot.press("slash", *"owned", "enter")
        await see(pilot, "1 item changed")
        await pilot.press("enter")
        shown = await see(pilot, "expected", "xxxxx")
        _assert_harmless(shown)


async def test_a_hostile_path_is_previewed_harmlessly(
    make_app: Callable, see: Callable, empty_workspace: Workspace, hostile: str
) -> None:
    name = hostile.replace("/", "").replace("\x00", "")[:60] + ".jsonl"
    (empty_workspace.root / name).write_text("{}")
    app = make_app(workspace=empty_workspace, source=Path(f"/nowhere/{name}"))
    async with app.run_test(size=(120, 36)) as pilot:
        _assert_harmless(await see(pilot, "there is no such file", "owned"))


def _assert_harmless(shown: str) -> None:
    assert not ACTING.search(shown), ACTING.findall(shown)
