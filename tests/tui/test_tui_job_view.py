"""Jobs folded from events."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tunewise.tui.jobs.view import JobBoard, JobView, advance
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import CheckDone, Failed, Finished, Note, Progress, to_json_line
from tunewise.workspace.jobs import Job


def view() -> JobView:
    return JobView(Job("id", "/nowhere", ("audit", "x.jsonl"), 1, 0.0, 0.0))


def done(check: str) -> CheckDone:
    return CheckDone(check=check, status="ran", severity="low", findings=1, rows=1)


def test_progress_gives_share_and_pace() -> None:
    state = advance(
        view(),
        [
            Progress(task="reading", done=0, total=100, time=10.0),
            Progress(task="reading", done=25, total=100, time=15.0),
        ],
    )
    assert state.share == 0.25
    assert state.pace.rate == 5
    assert state.pace.seconds_left == 15


def test_the_pace_begins_anew_with_each_task() -> None:
    state = advance(
        view(),
        [
            Progress(task="reading", done=0, total=10, time=0.0),
            Progress(task="reading", done=10, total=10, time=1.0),
            Progress(task="checks", done=0, total=None, time=100.0),
            Progress(task="checks", done=4, total=None, time=102.0),
        ],
    )
    assert state.share is None
    assert state.pace.rate == 2
    assert state.pace.seconds_left is None


def test_events_in_pieces_come_to_the_same() -> None:
    events = [Progress(task="a", done=1, time=0.0), done("x"), Note(text="n"), done("y")]
    once = advance(view(), events)
    pieces = view()
    for event in events:
        pieces = advance(pieces, [event])
    assert pieces == once
    assert [check.check for check in once.checks] == ["x", "y"]


def test_a_board_finds_running_failed_and_killed_jobs(
    workspace: Workspace, add_job: Callable[..., Path]
) -> None:
    add_job(("audit", "a.jsonl"), [Progress(task="reading", done=1, total=4)], alive=True)
    add_job(("clean", "a.jsonl"), [Failed(what="disk full", fix="free space")], alive=False)
    add_job(("train", "latest"), [Progress(task="training", done=1, total=4)], alive=False)
    add_job(("split", "latest"), [Finished(artifact="x")], alive=False)
    views = {found.command: found for found in JobBoard(workspace).look()}
    assert {name: found.status for name, found in views.items()} == {
        "audit": "running",
        "clean": "failed",
        "train": "killed",
        "split": "done",
    }
    assert views["audit"].share == 0.25
    assert views["clean"].failed is not None
    assert views["clean"].failed.what == "disk full"


def test_a_board_reads_only_what_is_new(workspace: Workspace, add_job: Callable[..., Path]) -> None:
    folder = add_job(("audit", "a"), [done("x")], alive=True)
    board = JobBoard(workspace)
    assert len(board.look()[0].checks) == 1
    with (folder / "events.jsonl").open("a") as stream:
        stream.write(to_json_line(done("y")) + "\n" + to_json_line(done("z"))[:20])
    assert [check.check for check in board.look()[0].checks] == ["x", "y"]
    with (folder / "events.jsonl").open("a") as stream:
        stream.write(to_json_line(done("z"))[20:] + "\n")
    assert [check.check for check in board.look()[0].checks] == ["x", "y", "z"]


def test_a_workspace_without_jobs_has_none(empty_workspace: Workspace) -> None:
    assert JobBoard(empty_workspace).look() == ()
    assert not os.path.exists(empty_workspace.store)
