"""Jobs in the app: progress, failure, the log, cancelling, and finding them again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunewise.workspace.events import CheckDone, Failed, Finished, Note, Progress, to_json_line

WIDE = (120, 36)
PROGRESS = [
    Progress(task="checking", done=0, total=1000, time=100.0),
    Progress(task="checking", done=640, total=1000, time=110.0),
]


async def test_a_running_audit_is_found_with_rate_and_eta(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    found = CheckDone(check="duplicates/exact", status="ran", severity="high", findings=3, rows=3)
    add_job(("audit", "x.jsonl"), [*PROGRESS, found], alive=True)
    async with make_app().run_test(size=WIDE) as pilot:
        shown = await see(pilot, "640 of 1,000 rows", "64/s", "duplicates/exact", "3 rows")
        assert "▶ audit 64 % ETA 0:06" in shown.splitlines()[0]
        await pilot.press("q")
    assert pilot.app.return_code == 0


async def test_findings_stream_in_while_the_audit_runs(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    folder = add_job(("audit", "x.jsonl"), PROGRESS, alive=True)
    async with make_app(poll_seconds=0.02).run_test(size=WIDE) as pilot:
        await see(pilot, "640 of 1,000 rows")
        event = CheckDone(check="privacy/phone", status="ran", severity="high", findings=9, rows=8)
        with (folder / "events.jsonl").open("a") as stream:
            stream.write(to_json_line(event) + "\n")
        await see(pilot, "privacy/phone", "8 rows")


async def test_a_job_that_fails_is_told_with_its_cause_and_the_next_key(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_job(("audit", "x.jsonl"), PROGRESS, alive=True)
    async with make_app(poll_seconds=0.02).run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "audit 64 %")
        failure = Failed(what="not JSON", where="x.jsonl:3", fix="repair the line")
        with (folder / "events.jsonl").open("a") as stream:
            stream.write(to_json_line(failure) + "\n")
        monkeypatch.setattr("tunewise.tui.jobs.view.job_status", lambda job: "failed")
        await see(pilot, "audit failed", "not JSON", "repair the line", "J opens its log")


async def test_a_job_that_a_person_stopped_did_not_fail(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_job(("audit", "x.jsonl"), PROGRESS, alive=True)
    async with make_app(poll_seconds=0.02).run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "audit 64 %")
        with (folder / "events.jsonl").open("a") as stream:
            told = Failed(what="interrupted; the unfinished audit was removed", exit_code=130)
            stream.write(to_json_line(told) + "\n")
        monkeypatch.setattr("tunewise.tui.jobs.view.job_status", lambda job: "failed")
        await see(pilot, "audit was stopped", "the unfinished audit was removed")
        await pilot.press("J")
        await see(pilot, "stopped", gone="failed")


async def test_a_job_that_is_done_is_told(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_job(("audit", "x.jsonl"), PROGRESS, alive=True)
    async with make_app(poll_seconds=0.02).run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "audit 64 %")
        monkeypatch.setattr("tunewise.tui.jobs.view.job_status", lambda job: "done")
        await see(pilot, "audit is done", gone="audit 64 %")


async def test_the_jobs_screen_shows_state_and_log(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    add_job(("split", "latest"), [Finished(artifact="a")], alive=False)
    add_job(
        ("audit", "x.jsonl"),
        [Note(text="reading as chat"), Failed(what="the disk is full", fix="free some space")],
        alive=False,
        log="a line of the log",
    )
    async with make_app().run_test(size=WIDE) as pilot:
        await pilot.press("J")
        await see(
            pilot, "failed", "audit x.jsonl", "the disk is full", "free some space",
            "reading as chat", "a line of the log",
        )  # fmt: skip
        await pilot.press("j")
        await see(pilot, "done", "Nothing was told.")
        await pilot.press("escape")
        await see(pilot, "Quality")


async def test_x_asks_before_it_stops_a_job(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(
        "tunewise.tui.screens.jobs.cancel_job", lambda job: stopped.append(job.arguments[0])
    )
    add_job(("audit", "x.jsonl"), PROGRESS, alive=True)
    async with make_app().run_test(size=WIDE) as pilot:
        await pilot.press("J", "x")
        await see(pilot, "Stop this job?", "What is finished stays")
        await pilot.press("escape")
        assert stopped == []
        await pilot.press("x", "enter")
        await pilot.pause()
        assert stopped == ["audit"]


async def test_quitting_says_what_goes_on(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_job(("train", "latest"), PROGRESS, alive=True)
    app = make_app("train")
    said: list[str] = []
    async with app.run_test(size=WIDE) as pilot:
        await see(pilot, "train 64 %", "Running")
        leave = app.exit
        monkeypatch.setattr(
            app, "exit", lambda code, message=None: (said.append(str(message)), leave(code))
        )
        await pilot.press("q")
    assert said == ["train goes on; tunewise finds it again when opened."]
