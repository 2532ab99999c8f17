"""A training and an evaluation while they run: curves, probe, answers, partial scores, stopping."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunewise.tui.jobs.view import JobView, advance
from tunewise.tui.texts.run_curves import loss_log
from tunewise.workspace.events import (
    Event,
    Measured,
    Progress,
    Sampled,
    TaskScored,
    to_json_line,
)
from tunewise.workspace.jobs import Job

WIDE, NARROW = (120, 36), (80, 24)
JOB = Job("1", "/nowhere", ("train", "latest"), 1, 0.0, 0.0)


def steps(number: int = 40) -> list[Event]:
    events: list[Event] = [
        Progress(task="training", done=0, total=100, unit="steps", time=100.0),
        Sampled(
            step=0, number=1, prompt="Where is my order?", output="I do not know", expected="X"
        ),
    ]
    for step in range(number):
        values = {"train_loss": 3.0 * 0.95**step, "memory_bytes": 2e9, "seconds_left": 1550.0,
                  "tokens_per_second": 4180.0, "learning_rate": 1e-4}  # fmt: skip
        if step % 10 == 0:
            values |= {"val_loss": 3.1 * 0.96**step, "train_eval_loss": 2.0,
                       "general_loss": 2.0 + 0.002 * step}  # fmt: skip
        events.append(Measured(step=step, total_steps=100, values=values))
    return [*events, answered(30, "On its way.")]


def answered(step: int, output: str) -> Sampled:
    return Sampled(
        step=step, number=1, prompt="Where is my order?", output=output, expected="Tomorrow."
    )


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_run_in_progress_is_drawn(
    make_app: Callable, see: Callable, add_job: Callable, size
) -> None:
    add_job(("train", "latest"), steps(), alive=True)
    async with make_app("train").run_test(size=size) as pilot:
        await see(pilot, "train, mean of 4", "val", "general probe")
        if size == NARROW:
            await pilot.press(*"jjjjjjjjjj")
            await see(pilot, "step 39/100", "4,180 tok/s")
            return
        await see(pilot, "step 39/100", "ETA 25:50", "4,180 tok/s", "memory 2.0 GB")
        await see(pilot, "base 2.000  now 2.060", "+3.0%")


async def test_answers_to_the_same_prompt_stand_together(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    add_job(("train", "latest"), steps(), alive=True)
    async with make_app("train").run_test(size=WIDE) as pilot:
        shown = await see(pilot, "Where is my order?", "I do not know", "On its way.")
        lines = shown.splitlines()
        (first,) = [n for n, line in enumerate(lines) if "I do not know" in line]
        assert "On its way." in lines[first + 1]


async def test_the_view_is_frozen_and_goes_on(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    folder = add_job(("train", "latest"), steps(), alive=True)
    async with make_app("train", poll_seconds=0.02).run_test(size=WIDE) as pilot:
        await see(pilot, "step 39/100")
        pilot.app.current_place.action_freeze()
        await see(pilot, "frozen: space goes on")
        with (folder / "events.jsonl").open("a") as stream:
            more = Measured(step=50, total_steps=100, values={"train_loss": 0.5})
            stream.write(to_json_line(more) + "\n")
        for _ in range(5):
            await pilot.pause(0.02)
        await see(pilot, "step 39/100")
        pilot.app.current_place.action_freeze()
        await see(pilot, "step 50/100", gone="frozen")
        await pilot.press("l")
        await see(pilot, "step 50/100")


async def test_a_run_is_stopped_after_its_step_or_at_once(
    make_app: Callable, see: Callable, add_job: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(
        "tunewise.tui.places.train_place.cancel_job", lambda job: done.append("cancel")
    )
    monkeypatch.setattr("tunewise.tui.places.train_place.kill_job", lambda job: done.append("kill"))
    add_job(("train", "latest"), steps(), alive=True)
    async with make_app("train").run_test(size=WIDE) as pilot:
        await see(pilot, "step 39/100")
        await pilot.press("x")
        await see(pilot, "Stop this run?", "a checkpoint is written")
        await pilot.press("escape")
        assert done == []
        await pilot.press("x", "enter", "x", "k")
        await pilot.pause()
        assert done == ["cancel", "kill"]


async def test_a_run_is_asked_for_a_checkpoint_and_only_where_one_runs(
    make_app: Callable, see: Callable, add_job: Callable, started: list[list[str]]
) -> None:
    async with make_app("train").run_test(size=WIDE) as pilot:
        await see(pilot, "Form", gone="Checkpoint")
        await pilot.press("c")
        await pilot.pause()
        assert started == []
    add_job(("train", "latest"), steps(), alive=True)
    async with make_app("train").run_test(size=WIDE) as pilot:
        await see(pilot, "step 39/100", "Checkpoint")
        await pilot.press("c")
        await pilot.pause()
        assert started == [["checkpoint"]]


async def test_tasks_appear_as_they_are_scored(
    make_app: Callable, see: Callable, add_job: Callable
) -> None:
    scored = [
        TaskScored(task="facts", model="base", metric="acc", score=0.61, items=1450),
        TaskScored(task="facts", model="tuned", metric="acc", score=0.6, items=1450),
        TaskScored(task="[red]", model="base", metric="acc", score=0.5, items=10),
    ]
    task = Progress(task="tuned: grammar", done=3, total=9, unit="requests")
    add_job(("evaluate", "latest"), [*scored, task], alive=True)
    async with make_app("bench").run_test(size=WIDE) as pilot:
        shown = await see(pilot, "3 of 9 requests", "facts", "1,450 items, acc")
        line = next(line for line in shown.splitlines() if "facts " in line and "base" in line)
        assert "base  0.610" in line
        assert "tuned  0.600" in line
        assert "[red]" in shown


def test_of_very_many_steps_every_validation_is_kept() -> None:
    events = [
        Measured(
            step=step,
            total_steps=20_000,
            values={"train_loss": 1.0, **({"train_eval_loss": 1.0} if step % 501 == 0 else {})},
        )
        for step in range(20_000)
    ]
    view = JobView(JOB)
    for start in range(0, len(events), 700):
        view = advance(view, events[start : start + 700])
    assert len(view.measured) <= 4000
    assert view.measured[-1].step == 19_999
    kept = {step.step for step in view.measured}
    assert set(range(0, 20_000, 501)) <= kept


def test_single_batches_are_smoothed_and_nothing_else() -> None:
    losses = loss_log(
        (step, {"train_loss": float(step % 2), "val_loss": None}) for step in range(40)
    )
    assert losses.window == 4
    assert losses.train[-1] == (39.0, 0.5)
    assert losses.train[0] == (0.0, 0.0)
    assert losses.val == ()
