"""Decisions: a preview before anything happens, then the same command that a person would type."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.cleaning.clean import clean
from tunewise.curate.cleaning.decide import accept
from tunewise.curate.cleaning.journal import append_decisions, journal_path, new_decision
from tunewise.curate.finding import Severity
from tunewise.curate.settings import AuditSettings, CleanSettings, DataSettings
from tunewise.tui.jobs.fixes import (
    FixPreview,
    accept_arguments,
    decision_about,
    preview_decision,
    preview_text,
)
from tunewise.tui.snapshot import take_snapshot
from tunewise.tui.texts.audit_view import FindingGroup
from tunewise.workspace.artifact import Workspace

WIDE = (120, 36)


def preview_document(**values: Any) -> dict[str, Any]:
    part = {"value": "order", "records": 24, "removed": 3, "share": 0.125}
    document = {
        "counts": {"input": 120, "kept": 115, "removed": 4, "set_aside": 1, "changed": 2},
        "by_check": [{"check": "duplicates/near", "action": "drop", "rows": 3}],
        "by_label": [part], "by_source": [],
        "quality": {"before": 0.71, "after": 0.78},
        "examples": [
            {"row": 10, "check": "duplicates/near", "action": "drop", "text": "How do I", },
            {"row": 3, "check": "privacy/email", "action": "change", "text": "ana@", "after": "#"},
        ],
        "refusals": [],
    }  # fmt: skip
    return document | values


@pytest.fixture
def previewed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Answer the app's question for a preview without running the command."""

    def answer(document: dict[str, Any], problem: str = "") -> None:
        monkeypatch.setattr(
            "tunewise.tui.places.deciding.preview_decision",
            lambda workspace, arguments, cancelled: FixPreview(document, problem),
        )

    return answer


def test_a_preview_says_what_goes_and_why_it_would_be_refused(hostile: str) -> None:
    document = preview_document(refusals=[f"20 of 24 rows of label {hostile}"])
    document["examples"][0]["text"] = hostile
    document["by_label"][0]["value"] = hostile
    text = preview_text(document).plain
    assert "4 rows of 120 would go" in text
    assert "clean 71 % → 78 %" in text
    assert "3 of 24" in text
    assert "✖ more than is allowed: 20 of 24 rows" in text
    assert "row 3 change: ana@" in text
    assert "\x1b" not in text


def test_the_preview_comes_from_the_command_itself(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = take_snapshot(workspace).audit
    assert audit is not None
    asked: list[list[str]] = []

    def answer_with(output: str, status: int = 0) -> None:
        code = f"import sys; print({output!r}); sys.stderr.write('in the way'); sys.exit({status})"

        def command(arguments: list[str]) -> list[str]:
            asked.append(arguments)
            return [sys.executable, "-c", code]

        monkeypatch.setattr("tunewise.tui.jobs.asking.command_line", command)

    answer_with(json.dumps(preview_document()))
    wanted = accept_arguments(audit, "privacy/email")
    preview = preview_decision(workspace, wanted)
    assert preview.document["counts"]["removed"] == 4
    expected = [*wanted, "--preview", "--json"]
    assert asked[0] == [*expected, "--workspace", str(workspace.root)]
    answer_with(json.dumps({"error": {"what": "unknown check", "fix": "name another"}}), 2)
    assert preview_decision(workspace, wanted).problem == "unknown check\nname another"
    answer_with("not JSON", 4)
    assert preview_decision(workspace, wanted).problem == "in the way"


async def test_a_fix_is_accepted_only_after_its_preview(
    make_app: Callable, see: Callable, started: list, previewed: Callable
) -> None:
    previewed(preview_document())
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("a")
        await see(pilot, "Accept the fix of privacy/email?", "4 rows of 120 would go")
        await pilot.press("escape")
        assert started == []
        await pilot.press("a")
        await see(pilot, "Accept the fix of privacy/email?")
        await pilot.press("enter")
        audit = pilot.app.snapshot.audit.id
        assert started == [["clean", audit, "--accept", "privacy/email"]]


async def test_more_than_is_allowed_is_accepted_knowingly(
    make_app: Callable, see: Callable, started: list, previewed: Callable
) -> None:
    previewed(preview_document(refusals=["20 of 24 rows of label 'order'"]))
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("a")
        await see(pilot, "more than is allowed", "accept nevertheless")
        await pilot.press("enter")
        assert started[0][-1] == "--yes"


async def test_a_check_without_a_fix_is_not_accepted(
    make_app: Callable, see: Callable, started: list
) -> None:
    async with make_app("findings").run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("G", "a")
        await see(pilot, "has no fix that can be applied")
        assert started == []


async def test_a_preview_that_fails_is_told(
    make_app: Callable, see: Callable, started: list, previewed: Callable
) -> None:
    previewed({}, "the source has changed")
    async with make_app("findings").run_test(size=WIDE, notifications=True) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("a")
        await see(pilot, "No preview", "the source has changed")
        assert started == []


async def test_ignoring_asks_for_a_reason(make_app: Callable, see: Callable, started: list) -> None:
    async with make_app("findings").run_test(size=WIDE) as pilot:
        await see(pilot, "5 findings")
        await pilot.press("i", "enter")
        assert started == []
        await pilot.press("i", *"ours", "enter")
        audit = pilot.app.snapshot.audit.id
        assert started == [["clean", audit, "--ignore", "privacy/email", "--reason", "ours"]]
        await pilot.press("u", "ctrl+r")
        assert started[1:] == [["clean", audit, "--undo"], ["clean", audit, "--redo"]]


async def test_what_was_decided_is_marked(
    make_app: Callable, see: Callable, workspace: Workspace, write_artifact: Callable
) -> None:
    audit = take_snapshot(workspace).audit
    assert audit is not None
    write_artifact(workspace, "clean", {"audit": audit.id, "quality": {"after": 0.98}})
    path = journal_path(workspace, "0" * 64)
    entries = [
        new_decision("accept", check="all", who="ana"),
        new_decision("ignore", check="schema", who="ana"),
        new_decision("ignore", check="duplicates/near", who="ana"),
        new_decision("accept", check="schema/malformed-row", rows=[7], who="ana"),
    ]
    append_decisions(path, lambda journal: entries)
    async with make_app("findings", poll_seconds=0.02).run_test(size=WIDE) as pilot:
        shown = await see(pilot, "✔ mask", "ignored", "4 decisions made, clean 98 % now")
        assert "✔ drop" not in shown, "one row decided is not the whole check"
        assert "✔ none" not in shown, "what only asks for a look stays open"
        assert shown.count("ignored") == 2
        undo = new_decision("undo", undoes=entries[2].id, who="ana")
        append_decisions(path, lambda journal: [undo])
        await see(pilot, "✔ mask", "✔ drop", "3 decisions made")


def chat(question: str, answer: str, **more: object) -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns, **more})


@pytest.mark.parametrize("broken", [0, 1])
def test_what_is_ticked_after_accept_all_has_changed_rows(tmp_path: Path, broken: int) -> None:
    """Held against what the cleaning did, on rows with a fault of every fix."""
    lines = [chat(f"What of the thing {n}?", f"It is item {n}.") for n in range(60)]
    lines += [
        lines[3],
        chat("Who is it?", "Write to anna.berg@mail-example.org for more."),
        chat("What broke?", "It is fine, I\u00c3\u00a9 think."),
        chat("Why did it break so?", "The wood was too dry."),
        chat("Why did it break so?", "Somebody has dropped it."),
        chat("Which page?", "See <p>this</p> and <br> that one."),
        '{"id": "without any field of a chat"}',
        "{broken",
        *['{"messages": []}'] * broken,
    ]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    workspace = Workspace(tmp_path)
    audited = audit(workspace, [source], AuditSettings(), DataSettings())
    accept(workspace, audited, ["all"])
    cleaned = clean(workspace, audited, CleanSettings(yes=True))
    touched = {
        row
        for name in ("removed", "changed")
        for row in pl.read_parquet(cleaned.folder / f"{name}.parquet")["row"]
    }
    snapshot = take_snapshot(workspace)
    assert snapshot.audit is not None
    findings = pl.read_parquet(snapshot.audit.findings_path)
    ticked = {}
    for group in snapshot.audit.groups:
        rows = findings.filter(check=group.check, severity=str(group.severity))["row"]
        done = decision_about(group, snapshot.decisions)
        ticked[group.check] = done
        assert bool(done) == bool(touched & set(rows)), group
        assert done not in ("review", "none")
    assert ticked["duplicates/exact"] == "drop"
    assert ticked["privacy/email"] == "mask"
    assert ticked["schema/missing-field"] == ("drop" if broken else "")
    for check in ("schema/malformed-row", "duplicates/same-prompt"):
        assert ticked[check] == ""


def test_a_decision_about_the_dataset_as_a_whole_is_not_ticked() -> None:
    group = FindingGroup("balance/label", Severity.LOW, 0, 0.0, "none", "a title")
    decision = new_decision("accept", check="balance/label", parameters={"action": "drop"})
    assert decision_about(group, [decision]) == ""
