"""Pictures of the places at both sizes; `pytest --snapshot-update` accepts what changed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tunewise.tui.jobs.asking import Answer
from tunewise.tui.places.form_place import FormPlace
from tunewise.tui.places.home import Candidate
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import Failed, Measured, Note, Progress, TaskScored

SIZES = {"wide": (120, 36), "narrow": (80, 24)}
VIEWS = {
    "data": ("data", (), ("99 % if all is fixed",)),
    "findings": ("findings", ("j", "j"), ("near-duplicates", "row 11")),
    "reading": ("records", ("j", "j", "j"), ("row 3", "We will.")),
    "comparing": ("findings", ("j", "j", "enter"), ("[-do-]", "{+can+}")),
    "splits": ("splits", (), ("Certificate",)),
    "train": ("train", (), ("best val loss", "train, mean of")),
    "bench": ("bench", (), ("4 tasks",)),
    "report": ("report", (), ("lost 21",)),
}
FALL = {
    "counts": {"train": 84, "val": 18, "test": 17}, "seed": 17,
    "stratification": {"column": "label", "max_drift": 0.004},
    "by_label": [{"value": "refund", "train": 0.2, "val": 0.21, "test": 0.19}],
}  # fmt: skip


def picture(
    snap_compare: Callable, app: object, see: Callable, keys: tuple, signs: tuple, size: str
) -> bool:
    """Drive an app to a view and compare it with the picture that is kept of it."""

    async def drive(pilot: Pilot) -> None:
        await see(pilot, "tunewise")
        for key in keys:
            await pilot.press(key)
        await see(pilot, *signs)
        await see(pilot)

    run: Callable[[Pilot], Awaitable[None]] = drive
    return snap_compare(app, terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("view", list(VIEWS))
def test_picture(
    snap_compare: Callable, make_app: Callable, see: Callable, view: str, size: str
) -> None:
    place, keys, signs = VIEWS[view]
    assert picture(snap_compare, make_app(place), see, keys, signs, size)


@pytest.mark.parametrize("size", list(SIZES))
def test_the_first_run(
    snap_compare: Callable, make_app: Callable, see: Callable, empty_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch, size: str,
) -> None:  # fmt: skip
    offered = [
        Candidate(Path("/data/support.jsonl"), "recent"),
        Candidate(Path("/sample.jsonl"), "sample"),
    ]
    monkeypatch.setattr("tunewise.tui.places.home.candidates", lambda workspace: offered)
    app = make_app(workspace=empty_workspace)
    assert picture(snap_compare, app, see, (), ("Open a dataset", "F1"), size)


@pytest.mark.parametrize("size", list(SIZES))
def test_a_place_without_anything(
    snap_compare: Callable, make_app: Callable, see: Callable, empty_workspace: Workspace, size: str
) -> None:
    app = make_app("findings", workspace=empty_workspace)
    assert picture(snap_compare, app, see, (), ("No audit yet",), size)


@pytest.mark.parametrize("size", list(SIZES))
def test_a_run_as_it_goes_on(
    snap_compare: Callable, make_app: Callable, see: Callable, add_job: Callable, size: str
) -> None:
    steps = [
        Measured(
            step=step,
            total_steps=60,
            values={"train_loss": 3.0 * 0.95**step, "seconds_left": 93.0, "memory_bytes": 2e9}
            | ({"val_loss": 3.1 * 0.96**step, "general_loss": 2 + step / 500}
               if step % 10 == 0 else {}),
        )
        for step in range(41)
    ]  # fmt: skip
    add_job(("train", "latest"), steps, alive=True)
    assert picture(snap_compare, make_app("train"), see, (), ("general probe",), size)


@pytest.mark.parametrize("size", list(SIZES))
def test_an_evaluation_as_it_goes_on(
    snap_compare: Callable, make_app: Callable, see: Callable, add_job: Callable, size: str
) -> None:
    events = [
        TaskScored(task="facts", model="base", metric="acc", score=0.61, items=1450),
        Progress(task="base: grammar", done=640, total=1500, unit="requests"),
    ]
    add_job(("evaluate", "latest"), events, alive=True)
    assert picture(snap_compare, make_app("bench"), see, (), ("640 of 1,500",), size)


@pytest.mark.parametrize("size", list(SIZES))
def test_a_form_with_its_preview(
    snap_compare: Callable, make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch,
    size: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(FormPlace, "ask_after_seconds", 0.001)
    monkeypatch.setattr("tunewise.tui.places.form_place.effective_settings", lambda workspace: {})
    monkeypatch.setattr(
        "tunewise.tui.places.form_place.ask", lambda *arguments: Answer({"splits": [FALL]})
    )
    keys = ("f", "down", "8", "0", "/", "1", "0")
    assert picture(
        snap_compare, make_app("splits"), see, keys, ("80/10", "seed 17", "--ratios: shares"), size
    )


@pytest.mark.parametrize("size", list(SIZES))
def test_a_job_that_failed(
    snap_compare: Callable, make_app: Callable, see: Callable, add_job: Callable,
    monkeypatch: pytest.MonkeyPatch, size: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    failed = Failed(what="not JSON", where="x.jsonl, line 8, byte 812", fix="repair the line")
    add_job(("audit", "x.jsonl"), [Note(text="reading as chat"), failed], alive=False)
    assert picture(snap_compare, make_app(), see, ("J",), ("byte 812", "repair"), size)


@pytest.mark.parametrize("size", list(SIZES))
def test_without_colour(
    snap_compare: Callable, make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch,
    size: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(snap_compare, make_app("findings"), see, (), ("✖ HIGH", "Evidence"), size)
