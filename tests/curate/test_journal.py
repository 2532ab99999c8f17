"""The journal of decisions: it only grows, survives a killed writer, and undo is an entry."""

from __future__ import annotations

import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.journal import (
    ACCEPT,
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
