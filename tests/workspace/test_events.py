from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.workspace import events
from tunewise.workspace.events import Progress, counting, from_json_line, pace, to_json_line

SAMPLES = [
    events.Started(command="audit", arguments=("audit", "x.jsonl"), process=4, time=1.0),
    events.Progress(task="reading", done=3, total=None, time=1.0),
    events.Note(text="tail\n\x1b]0;title\x07", level="warning", time=1.0),
    events.CheckDone(
        check="duplicates/near", status="ran", severity="medium", findings=2, rows=2, time=1.0
    ),
    events.Measured(step=1, total_steps=2, values={"train_loss": 1.5}, time=1.0),
    events.TaskScored(task="t", model="base", metric="acc", score=0.5, items=9, time=1.0),
    events.Finished(artifact="/somewhere", exit_code=1, time=1.0),
    events.Failed(what="w", where="here", fix="do", exit_code=3, time=1.0),
]


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.name)
def test_events_survive_the_json_line(event: events.Event) -> None:
    line = to_json_line(event)
    assert "\n" not in line
    assert json.loads(line)["schema_version"] == 1
    back = from_json_line(line)
    assert type(back) is type(event)
    assert to_json_line(back) == line if back else False


@given(st.text(max_size=50))
def test_strange_lines_are_no_events(line: str) -> None:
    assert from_json_line(line) is None


@pytest.mark.parametrize(
    "line", ["[1]", '{"event": "newer"}', '{"event": "note"}', '{"event": "note", "odd": 1}']
)
def test_unknown_kinds_and_fields_are_no_events(line: str) -> None:
    assert from_json_line(line) is None


def test_counting_reports_start_and_end_and_few_between() -> None:
    seen: list[events.Event] = []
    with counting(seen.append, "reading", total=10_000) as counter:
        for _ in range(10_000):
            counter.advance()
    first, last = seen[0], seen[-1]
    assert isinstance(first, Progress)
    assert isinstance(last, Progress)
    assert (first.done, last.done, last.total) == (0, 10_000, 10_000)
    assert len(seen) < 1_000


def test_pace_gives_rate_and_time_left() -> None:
    first = Progress(task="t", done=0, total=100, time=10.0)
    later = Progress(task="t", done=25, total=100, time=15.0)
    assert pace(first, later).rate == pytest.approx(5.0)
    assert pace(first, later).seconds_left == pytest.approx(15.0)
    assert pace(first, first).rate is None
    unknown = Progress(task="t", done=25, total=None, time=15.0)
    assert pace(first, unknown).seconds_left is None


def test_the_end_of_a_task_is_told_once() -> None:
    seen: list[events.Event] = []
    with counting(seen.append, "answers", total=3) as counter:
        counter.advance(3)
    assert [event.done for event in seen if isinstance(event, Progress)] == [0, 3]
