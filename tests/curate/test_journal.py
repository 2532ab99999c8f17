"""The journal of decisions: it only grows, survives a killed writer, and undo is an entry."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.cleaning.journal import (
    ACCEPT,
    EDIT,
    IGNORE,
    REDO,
    UNDO,
    Decision,
    Journal,
    append_decisions,
    effective_decisions,
    journal_path,
    new_decision,
    read_journal,
    redoable_decisions,
)
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import JobError


def entry(number: int, action: str = ACCEPT, undoes: str | None = None) -> Decision:
    return Decision(
        id=str(number), time="t", who="me", action=action, check=f"c/{number}", undoes=undoes
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = journal_path(Workspace(tmp_path), "0123456789abcdef" * 4)
    assert path == tmp_path / ".tunewise" / "decisions" / "0123456789abcdef.jsonl"
    assert read_journal(path) == Journal()
    made = new_decision(
        ACCEPT, check="text/html", rows=[3, 1, 3], audit="a1", parameters={"action": "drop"},
        reason='line\nbreak "é" \x1b[31m',
    )  # fmt: skip
    assert made.rows == (1, 3)
    assert made.who
    append_decisions(path, lambda journal: [made])
    append_decisions(path, lambda journal: [new_decision(UNDO, undoes=journal.entries[-1].id)])
    journal = read_journal(path)
    assert journal.entries[0] == made
    assert journal.entries[1].undoes == made.id
    assert journal.damaged == ()


def test_a_line_of_a_killed_writer_is_reported_and_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    append_decisions(path, lambda journal: [entry(1)])
    with path.open("ab") as stream:
        stream.write(b'{"id": "2", "time": "t", "wh')
    assert [line.line for line in read_journal(path).damaged] == [2]
    append_decisions(path, lambda journal: [entry(3)])
    journal = read_journal(path)
    assert [decision.id for decision in journal.entries] == ["1", "3"]
    assert journal.damaged[0].text == '{"id": "2", "time": "t", "wh'


def test_lines_that_are_no_decisions_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'[]\n{"action": "accept"}\n\xff\xfe\n"x"\n\n{"action":"burn","rows":null}\n')
    assert [line.line for line in read_journal(path).damaged] == [1, 2, 3, 4, 6]


def test_hostile_lines_are_damaged_and_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    common = '"id": "1", "time": "t", "who": "me", "rows": [1]'
    path.write_text(
        "".join(
            line + "\n"
            for line in (
                f'{{{common}, "action": "edit", "parameters": {{}}}}',
                f'{{{common}, "action": "edit", "parameters": {{"row": [1]}}}}',
                f'{{{common}, "action": "relabel", "parameters": {{"label": 7}}}}',
                f'{{{common}, "action": "accept", "parameters": []}}',
                f'{{{common}, "action": "accept", "reason": "\\ud800"}}',
                f'{{{common}, "action": "accept", "reason": 7}}',
                f'{{{common}, "action": "accept", "parameters": {{"confirmed": [7]}}}}',
                f'{{{common}, "action": "accept", "parameters": {{"confirmed": 7}}}}',
                f'{{{common}, "action": "accept", "other": 7}}',
                "[" * 100_000,
                f'{{{common}, "action": "accept"}}',
            )
        )
    )
    journal = read_journal(path)
    assert [line.line for line in journal.damaged] == list(range(1, 11))
    assert len(journal.entries) == 1


def test_a_row_nested_as_deep_as_rows_may_be_is_kept(tmp_path: Path) -> None:
    deep: object = "x"
    for _ in range(198):
        deep = [deep]
    made = new_decision(EDIT, rows=[1], parameters={"row": {"text": "t", "deep": deep}})
    append_decisions(tmp_path / "journal.jsonl", lambda journal: [made])
    assert read_journal(tmp_path / "journal.jsonl").entries == (made,)


def test_decisions_are_added_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    append_decisions(path, lambda journal: [entry(1)])
    before = path.read_bytes()

    def no_room(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_room)
    with pytest.raises(JobError, match="No space left"):
        append_decisions(path, lambda journal: [entry(2), entry(3)])
    assert path.read_bytes() == before


def test_who_confirmed_what_does_not_change_what_a_decision_does(tmp_path: Path) -> None:
    plain, confirmed = (
        new_decision(ACCEPT, check="all", parameters={"keep": "best", **more})
        for more in ({}, {"confirmed": [{"column": "label", "value": "x", "share": 0.9}]})
    )
    assert plain.meaning == confirmed.meaning


def test_the_state_of_each_entry_is_told() -> None:
    entries = (entry(1), entry(2, IGNORE), entry(3, UNDO, "1"))
    told = Journal(entries).to_json()["decisions"]
    assert [item["state"] for item in told] == ["undone", "holds", ""]


def test_writers_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"

    def write(first: int) -> None:
        for number in range(first, first + 5):
            append_decisions(path, lambda journal, number=number: [entry(number)])

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = read_journal(path)
    assert len(journal.entries) == 15
    assert journal.damaged == ()


def test_undo_and_redo() -> None:
    one, two = entry(1), entry(2, IGNORE)
    undo_two = entry(3, UNDO, "2")
    assert effective_decisions([one, two]) == (one, two)
    assert effective_decisions([one, two, undo_two]) == (one,)
    assert redoable_decisions([one, two, undo_two]) == (two,)
    assert effective_decisions([one, two, undo_two, entry(4, REDO, "2")]) == (one, two)
    assert redoable_decisions([one, two, undo_two, entry(4)]) == ()
    assert effective_decisions([entry(5, UNDO, "unknown"), one]) == (one,)


@given(st.lists(st.sampled_from(["new", "undo", "redo"]), max_size=30))
def test_the_journal_behaves_like_a_stack_of_undo(steps: list[str]) -> None:
    entries: list[Decision] = []
    done: list[str] = []
    undone: list[str] = []
    for number, step in enumerate(steps):
        if step == "new":
            entries.append(entry(number))
            done.append(str(number))
            undone.clear()
        elif step == "undo" and done:
            undone.append(done.pop())
            entries.append(entry(number, UNDO, undone[-1]))
        elif step == "redo" and undone:
            waiting = redoable_decisions(entries)
            assert waiting[-1].id == undone[-1]
            done.append(undone.pop())
            entries.append(entry(number, REDO, done[-1]))
        assert [decision.id for decision in effective_decisions(entries)] == done
        assert [decision.id for decision in redoable_decisions(entries)] == undone
