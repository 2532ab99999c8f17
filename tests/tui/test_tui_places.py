"""The app driven by keys, on a finished workspace."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from tunewise.tui.places.all_places import PLACES
from tunewise.tui.places.report_place import interval_pattern
from tunewise.tui.texts.run import facts_text
from tunewise.tui.widgets.table import Table
from tunewise.workspace.artifact import Workspace

WIDE, NARROW = (120, 36), (80, 24)


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_every_place_opens_by_its_number(make_app: Callable, see: Callable, size) -> None:
    signs = [
        "Quality",
        "Evidence",
        "119 records",
        "Certificate",
        "best val loss",
        "4 tasks",
        "lost",
    ]
    async with make_app().run_test(size=size) as pilot:
        for number, sign in enumerate(signs, start=1):
            await pilot.press(str(number))
            await see(pilot, sign)
            assert pilot.app.current_place_name == PLACES[number - 1]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_every_place_says_what_to_run_where_there_is_nothing(
    make_app: Callable, see: Callable, empty_workspace: Workspace, size
) -> None:
    async with make_app(workspace=empty_workspace).run_test(size=size) as pilot:
        await see(pilot, "Open a dataset")
        for number in "234567":
            await pilot.press(number)
            await see(pilot, "un: tunewise")
            await pilot.press("enter", "n", "o", "s", "a", "y", "escape")
            await see(pilot, "un: tunewise")


async def test_the_data_place_shows_quality_and_the_gravest(
    make_app: Callable, see: Callable
) -> None:
    async with make_app().run_test(size=WIDE) as pilot:
        shown = await see(pilot, "Clean 96 %", "99 % if all is fixed")
        assert "120 rows" in shown.splitlines()[0]
        assert "clean 96 %" in shown.splitlines()[0]
        for text in ("duplicates    ██████████▍     74 %", "contamination not checked"):
            assert text in shown
        assert "✖ 2 high  ▲ 1 medium  ● 1 low  ○ 1 info" in shown
        assert "skipped labels/noise: no labels" in shown
        assert "1 row set aside" in shown


async def test_enter_leads_from_data_to_the_very_evidence_and_esc_back(
    make_app: Callable, see: Callable
) -> None:
    async with make_app().run_test(size=WIDE) as pilot:
        await see(pilot, "Quality")
        await pilot.press("enter")
        await see(pilot, "5 findings", "My address is ana@example.com")
        await pilot.press("enter")
        await see(pilot, "privacy/email  hit 1/1", "My address is ana@example.com")
        await pilot.press("enter")
        assert pilot.app.focused.id == "reading"
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, Table)
        await pilot.press("escape")
        await see(pilot, "5 findings")
        await pilot.press("escape")
        await see(pilot, "Quality")


async def test_evidence_stands_beside_the_row_it_is_compared_with(
    make_app: Callable, see: Callable
) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await pilot.press("j", "j")
        shown = await see(pilot, "row 10  like row 11")
        lines = [line.partition("│")[2] for line in shown.splitlines()]
        assert any(line.strip(" │").startswith("row 11") for line in lines)


async def test_pairs_are_compared_word_by_word(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await pilot.press("j", "j", "enter")
        shown = await see(pilot, "cluster 1/2", "Jaccard 0.86", "rows 10 and 11", "◀ keep")
        assert "[-do-]" in shown
        assert "{+can+}" in shown
        line = next(line for line in shown.splitlines() if "[-do-]" in line)
        assert "{+can+}" in line, "side by side at this width"
        await pilot.press("n")
        await see(pilot, "cluster 2/2 · pair 1/2")
        await pilot.press("p")
        await see(pilot, "cluster 1/2 · pair 1/1")


async def test_pairs_stand_one_above_the_other_where_it_is_narrow(
    make_app: Callable, see: Callable
) -> None:
    async with make_app("findings").run_test(size=NARROW) as pilot:
        await pilot.press("j", "j", "enter")
        shown = (await see(pilot, "[-do-]", "{+can+}")).splitlines()
        assert not any("[-do-]" in line and "{+can+}" in line for line in shown)


async def test_a_row_set_aside_is_shown_with_its_reason(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await pilot.press("j", "enter")
        await see(pilot, "row 7 was set aside", "Expecting value at column 1", "{oops")


async def test_severity_cycles_and_filter_narrows(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await pilot.press("s")
        await see(pilot, "2 findings of severity ✖ HIGH", gone="near-dup")
        await pilot.press("s")
        await see(pilot, "1 finding of severity ▲ MEDIUM")
        await pilot.press("escape")
        await see(pilot, "5 findings")
        await pilot.press("slash", *"control", "enter")
        await see(pilot, "1 finding with control")
        await pilot.press("escape")
        await see(pilot, "5 findings")


async def test_records_are_searched_and_sorted(make_app: Callable, see: Callable) -> None:
    async with make_app("records").run_test(size=WIDE) as pilot:
        await see(pilot, "119 records", "Question 0")
        await pilot.press("slash", *"ana@", "enter")
        await see(pilot, "1 record with ana@", "We will.")
        await pilot.press("o")
        await see(pilot, "1 record with ana@, longest first")
        await pilot.press("escape")
        await see(pilot, "119 records, longest first", "1,001,000")


async def test_each_place_keeps_where_it_was(make_app: Callable, see: Callable) -> None:
    async with make_app("records").run_test(size=WIDE) as pilot:
        await see(pilot, "119 records")
        await pilot.press("G")
        await see(pilot, "row 119")
        await pilot.press("2", "j", "j", "3")
        await see(pilot, "row 119")
        await pilot.press("2")
        await see(pilot, "3 rows, 2.5 % of the records")


async def test_the_report_shows_verdicts_and_both_answers(
    make_app: Callable, see: Callable
) -> None:
    async with make_app("report").run_test(size=WIDE) as pilot:
        await see(
            pilot, "base base-chat-3m → tuned lora-r16", "general ▼ forgot", "domain ▲ improved",
            "overfitting ✔ none", "lost",
        )  # fmt: skip
        await pilot.press("j", "enter")
        await see(pilot, "What is", "expected", "base ✔ right", "tuned ✖ wrong")
        await pilot.press("escape")
        await see(pilot, "general ▼ forgot")
        await pilot.press("o")
        await see(pilot, "gained first")


async def test_the_report_is_drawn_in_ascii_where_that_is_wanted(
    make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEWISE_ASCII", "1")
    async with make_app("report").run_test(size=WIDE) as pilot:
        shown = await see(pilot, "-> tuned lora-r16", "general v forgot", "-6.2  [-8.9, -3.5]")
        (line,) = [line for line in shown.splitlines() if "arithmetic  " in line and "-6.2" in line]
        assert line[15:].isascii()
        assert re.search(r"\[-*o-*\]", line)
    assert re.fullmatch(interval_pattern(), "[--o-]")
    assert re.search(interval_pattern(), "good [-20.5, +3.0] forgot") is None


async def test_help_names_the_keys_of_the_place(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await pilot.press("question_mark")
        await see(pilot, "Help: Findings", "accept the fix", "quit; running jobs go on")
        await pilot.press("escape")
        await see(pilot, "5 findings", gone="Help: Findings")


async def test_zoom_shows_one_pane_alone(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "Evidence")
        await pilot.press("z")
        await see(pilot, "privacy/email", gone="Evidence")
        await pilot.press("escape")
        await see(pilot, "Evidence", "5 findings")


async def test_the_command_that_does_the_same_is_copied(
    make_app: Callable, see: Callable, workspace: Workspace
) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("c")
        audit = pilot.app.snapshot.audit.id
        assert pilot.app.clipboard == f"tunewise findings {audit} --check privacy/email"
        await pilot.press("1", "c")
        assert pilot.app.clipboard == f"tunewise audit {workspace.root}/support.jsonl"
        await pilot.press("3")
        await see(pilot, "119 records", "Question 0")
        await pilot.press("y")
        assert json.loads(pilot.app.clipboard)["id"] == "r0"


async def test_audit_again_starts_the_command(
    make_app: Callable, started: list, workspace: Workspace
) -> None:
    async with make_app().run_test(size=WIDE) as pilot:
        await pilot.press("r")
        assert started == [["audit", f"{workspace.root}/support.jsonl", "--force"]]


async def test_what_another_terminal_does_appears(
    make_app: Callable, see: Callable, workspace: Workspace, add_audit: Callable
) -> None:
    async with make_app(poll_seconds=0.02).run_test(size=WIDE) as pilot:
        await see(pilot, "Clean 96 %")
        before = pilot.app.snapshot.audit.id
        folder: Path = add_audit(workspace, version=2)
        document = json.loads((folder / "audit.json").read_text())
        document["quality"]["overall"] = 0.5
        (folder / "audit.json").write_text(json.dumps(document))
        (folder.parent / "touched").mkdir()
        await see(pilot, "Clean 50 %")
        assert pilot.app.snapshot.audit.id != before


async def test_a_vanished_artifact_is_told_and_nothing_breaks(
    make_app: Callable, see: Callable, workspace: Workspace
) -> None:
    async with make_app("records").run_test(size=WIDE) as pilot:
        await see(pilot, "119 records", "Question 0")
        shutil.rmtree(workspace.store / "audit")
        await pilot.press("j", "o")
        await see(pilot, "cannot read the audit's files; press r to audit again")
        await pilot.press("2", "j")
        await see(pilot, "cannot read the evidence")


async def test_a_document_that_breaks_its_contract_is_told(
    make_app: Callable, see: Callable, workspace: Workspace
) -> None:
    path = next((workspace.store / "evaluate").glob("*/evaluate.json"))
    path.write_text(json.dumps({"tasks": [{"n": "many"}], "overall": 3}))
    async with make_app("bench").run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "cannot show Bench")
        await pilot.press("7")
        await see(pilot, "cannot show Report")
        await pilot.press("1")
        await see(pilot, "Quality")


async def test_the_palette_finds_places_and_sources(make_app: Callable, see: Callable) -> None:
    async with make_app().run_test(size=WIDE) as pilot:
        await pilot.press("ctrl+p", *"show support")
        await see(pilot, "support.jsonl", "its newest audit")
        await pilot.press("escape")
        await pilot.press("ctrl+p", *"go to report", "enter")
        await see(pilot, "overfitting ✔ none")


async def test_a_click_in_the_rail_opens_a_place(make_app: Callable, see: Callable) -> None:
    async with make_app().run_test(size=WIDE) as pilot:
        await see(pilot, "Quality")
        await pilot.click("_RailItem.-place-records")
        await see(pilot, "119 records")


async def test_a_resize_keeps_everything_in_sight(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "Evidence")
        for size in (NARROW, (40, 10), (200, 60), NARROW):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await see(pilot, "5 findings", "Evidence")


async def test_keys_typed_into_a_filter_are_text(make_app: Callable, see: Callable) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await pilot.press("slash", *"q1?ra")
        assert isinstance(pilot.app.focused, Input)
        assert pilot.app.focused.value == "q1?ra"
        assert pilot.app.current_place_name == "findings"
        await pilot.press("escape")
        await see(pilot, "5 findings")


async def test_everything_drawn_by_the_app_is_ascii_where_asked(
    make_app: Callable, see: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEWISE_ASCII", "1")
    async with make_app("findings").run_test(size=WIDE) as pilot:
        shown = await see(pilot, "x HIGH", "Evidence")
        assert shown.isascii(), sorted({c for c in shown if not c.isascii()})
        await pilot.press("1")
        shown = await see(pilot, "Quality")
        hostile_label = next(line for line in shown.splitlines() if "owned" in line)
        assert shown.replace(hostile_label, "").isascii()


def test_a_run_without_validation_says_so() -> None:
    blind = {"best": {"step": 0, "val_loss": None}, "final": {"train_loss": 0.5, "val_loss": None}}
    assert facts_text(blind).plain.splitlines()[-2:] == ["no validation", "final train loss 0.500"]
