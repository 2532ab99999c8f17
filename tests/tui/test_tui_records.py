"""Deciding while reading: marks, pairs, dropped and edited rows; what is unsaved is asked about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import TextArea

from tunewise.tui.jobs.asking import Answer
from tunewise.tui.jobs.fixes import FixPreview
from tunewise.workspace.artifact import Workspace

WIDE = (120, 36)
PREVIEW = {
    "counts": {"input": 120, "kept": 118, "removed": 2, "set_aside": 0, "changed": 0},
    "quality": {"before": 0.9, "after": 0.95}, "by_check": [], "by_label": [], "by_source": [],
}  # fmt: skip


@pytest.fixture
def previewed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    asked: list[list[str]] = []

    def answer(workspace: Workspace, arguments: list[str], cancelled: Any) -> FixPreview:
        asked.append(arguments)
        return FixPreview(PREVIEW)

    monkeypatch.setattr("tunewise.tui.places.deciding.preview_decision", answer)
    return asked


async def test_of_pairs_one_both_or_neither_is_kept(
    make_app: Callable, see: Callable, started: list, previewed: list
) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("j", "j", "enter")
        await see(pilot, "cluster 1/2", "3 hits")
        await pilot.press("left_square_bracket", "b", "x")
        await see(pilot, "3 choices between rows: ctrl+s does them")
        await pilot.press("ctrl+s")
        await see(pilot, "Do what was chosen of 3 pairs?", "2 rows of 120 would go")
        assert started == []
        await pilot.press("enter")
        await see(pilot, gone="choices between rows")
        (words,) = started
        assert words == previewed[0]
        assert [words[n + 1] for n, word in enumerate(words) if word == "--drop"] == [
            "11", "13", "14",
        ]  # fmt: skip
        kept = words[words.index("--ignore") :]
        assert kept[:4] == ["--ignore", "duplicates/near", "--row", "12"]


async def test_a_choice_is_taken_back_by_the_same_key_and_asked_about_on_leaving(
    make_app: Callable, see: Callable, started: list
) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("j", "j", "enter")
        await see(pilot, "cluster 1/2")
        await pilot.press("right_square_bracket")
        await see(pilot, "1 choice between rows")
        await pilot.press("q")
        await see(pilot, "Quit nevertheless?", "would be lost")
        await pilot.press("escape", "p", "right_square_bracket")
        await see(pilot, gone="choice between rows")
        await pilot.press("q")
    assert pilot.app.return_code == 0


async def test_marked_rows_are_dropped_or_accepted_together(
    make_app: Callable, see: Callable, started: list, previewed: list
) -> None:
    async with make_app("records").run_test(size=WIDE) as pilot:
        await see(pilot, "119 records", "Question 0")
        await pilot.press("space", "j", "space")
        await see(pilot, "2 marked", "◆")
        await pilot.press("x")
        await see(pilot, "Leave 2 rows out by hand?")
        await pilot.press("enter")
        audit = pilot.app.snapshot.audit.id
        assert started[0][:6] == ["clean", audit, "--drop", "0", "--drop", "2"]
        await see(pilot, gone="marked")
        await pilot.press("2", "enter")
        await see(pilot, "privacy/email  hit 1/1")
        await pilot.press("a")
        await see(pilot, "Accept the fix of privacy/email for 1 row?")
        await pilot.press("enter")
        assert started[1] == ["clean", audit, "--accept", "privacy/email", "--row", "3"]
        await pilot.press("i", *"ours", "enter")
        assert started[2][2:] == ["--ignore", "privacy/email", "--row", "3", "--reason", "ours"]


async def test_a_row_is_edited_in_place(
    make_app: Callable, see: Callable, started: list, workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    row = json.dumps({"messages": [{"role": "user", "content": "Q\u202e"}]}, indent=2)
    answers = [
        Answer({"row": 0, "text": row.replace("\u202e", "\\u202e"), "goes": "drop: by hand"})
    ]
    monkeypatch.setattr(
        "tunewise.tui.records.decisions.ask", lambda workspace, arguments, cancelled: answers[0]
    )
    async with make_app("records").run_test(size=WIDE) as pilot:
        await see(pilot, "119 records", "Question 0")
        await pilot.press("E")
        await see(pilot, "row 0", "is removed, edited or not")
        area = pilot.app.screen.query_one(TextArea)
        area.text = area.text.replace("Q", "Question")[:-1]
        await pilot.press("ctrl+s")
        await see(pilot, "not JSON")
        await pilot.press("escape")
        await see(pilot, "Leave without saving?")
        await pilot.press("escape")
        area.text += "}"
        await pilot.press("ctrl+s")
        await see(pilot, gone="esc leaves")
        (words,) = started
        assert words[2:5] == ["--edit", "0", "--with"]
        saved = json.loads((workspace.store / "edits" / "row-0.json").read_text("utf-8"))
        assert saved["messages"][0]["content"] == "Question\u202e"
        assert (workspace.store / "edits" / "row-0.json").stat().st_mode & 0o077 == 0
        await pilot.press("E")
        await see(pilot, "esc leaves")
        await pilot.press("ctrl+s")
        await see(pilot, gone="esc leaves")
        assert len(started) == 1, "what was not changed is not decided"


async def test_what_is_sought_is_marked_in_the_text(make_app: Callable, see: Callable) -> None:
    async with make_app("records").run_test(size=WIDE) as pilot:
        await see(pilot, "119 records")
        await pilot.press("slash", *"WRITE TO US", "enter")
        await see(pilot, "with WRITE TO US")
        spans = []
        for _ in range(20):
            await pilot.pause(0.02)
            text = pilot.app.current_place.query_one("#reading")._text
            spans = [s for s in text.spans if "reverse" in str(s.style)] if text else []
            if spans:
                break
        assert text.plain[spans[0].start : spans[0].end] == "write to us"


async def test_clean_rows_are_written_where_the_person_says(
    make_app: Callable, see: Callable, started: list
) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("ctrl+s", *"out.csv", "enter")
        audit = pilot.app.snapshot.audit.id
        assert started == [["clean", audit, "--output", "out.csv"]]


async def test_the_editor_gets_the_terminal_and_gives_it_back(
    make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    from tunewise.tui.app import TunewiseApp

    ran: list[list[str]] = []
    monkeypatch.setattr(
        "tunewise.tui.app.run_in_terminal", lambda command: ran.append(list(command)) or 1
    )
    monkeypatch.setattr(TunewiseApp, "suspend", lambda self: nullcontext())
    monkeypatch.setenv("VISUAL", "nano -w")
    async with make_app("records").run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "119 records", "Question 0")
        await pilot.press("e")
        await see(pilot, "the editor ended with 1")
        assert ran[0][-4:-2] == ["--edit", "0"]
        await pilot.press("4", "e")
        assert ran[1][:2] == ["nano", "-w"]
        assert ran[1][2].endswith("tunewise.toml")
