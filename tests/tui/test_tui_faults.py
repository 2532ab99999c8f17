"""When things go wrong: a full disk, an unreadable workspace, a resize in the middle, no app."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable

import pytest

from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import Measured, Progress

WIDE = (120, 36)


async def test_a_full_disk_is_told_and_nothing_ends(
    make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(workspace: Workspace, arguments: list[str]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/[x]")

    monkeypatch.setattr("tunewise.tui.app.start_job", full)
    async with make_app().run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "Quality")
        await pilot.press("r")
        await see(pilot, "audit cannot be started", "No space left on device")
        await pilot.press("2")
        await see(pilot, "5 findings")


async def test_a_workspace_that_cannot_be_read_is_told_once(
    make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_app(poll_seconds=0.02).run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "Quality")

        def fail(workspace: Workspace) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", "/x")

        with monkeypatch.context() as broken:
            broken.setattr("tunewise.tui.app.signature", fail)
            await see(pilot, "cannot read the workspace", "Permission denied")
            for _ in range(10):
                await pilot.pause(0.02)
            assert len(pilot.app._notifications) == 1
        await pilot.press("2")
        await see(pilot, "5 findings")


async def test_a_workspace_that_vanishes_leaves_an_empty_app(
    make_app: Callable, see: Callable, workspace: Workspace
) -> None:
    async with make_app(poll_seconds=0.02).run_test(size=WIDE) as pilot:
        await see(pilot, "Quality")
        shutil.rmtree(workspace.root)
        await see(pilot, "Open a dataset", "no audit yet")
        for number in "234567":
            await pilot.press(number)
            await see(pilot, "un: tunewise")


async def test_a_killed_child_is_told(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Progress(task="checking", done=3, total=9)
    add_job(("audit", "x.jsonl"), [running], alive=True)
    async with make_app(poll_seconds=0.02).run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "3 of 9 rows")
        monkeypatch.setattr("tunewise.tui.jobs.view.job_status", lambda job: "killed")
        await see(pilot, "audit killed", "it was ended from outside", gone="3 of 9")


async def test_a_resize_in_the_middle_of_a_job_breaks_nothing(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    steps = [
        Measured(step=step, total_steps=100, values={"train_loss": 1.0, "general_loss": 2.0})
        for step in range(40)
    ]
    add_job(("train", "latest"), steps, alive=True)
    async with make_app("train", poll_seconds=0.02).run_test(size=WIDE) as pilot:
        await see(pilot, "step 39/100")
        for size in ((80, 24), (40, 10), (200, 60), (20, 5), (120, 36)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await see(pilot, "step 39/100", "general probe")
