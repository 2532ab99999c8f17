"""Rows edited and labels set by hand: replaced, accounted for, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.audited import read_audited
from tunewise.curate.cleaning.clean import clean, preview
from tunewise.curate.cleaning.decide import (
    accept,
    audit_journal,
    decide,
    dismissal,
    redo,
    undo,
    would_hold,
)
from tunewise.curate.cleaning.edit_row import (
    dropping,
    editing,
    is_known_label,
    parse_row,
    relabelling,
    row_to_edit,
)
from tunewise.curate.cleaning.journal import effective_decisions
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.settings import AuditSettings, CleanSettings, DataSettings
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import UsageError

OPEN_GUARD = CleanSettings(max_removed_share=1.0)


def chat(question: str, answer: str, **more: object) -> dict:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def finding(row: int, check: str, fix: str, **more: object) -> dict:
    values = dict.fromkeys(FINDING_SCHEMA.names())
    return {**values, "row": row, "check": check, "fix": fix, "severity": "high",
            "message": f"{check} here", **more}  # fmt: skip


def edit(workspace: Workspace, audit: Artifact, row: int, value: dict[str, Any]) -> None:
    decide(workspace, audit, editing(read_audited(audit), row, value))


def relabel(workspace: Workspace, audit: Artifact, rows: list[int], label: str) -> None:
    decide(workspace, audit, relabelling(read_audited(audit), rows, label))


def current(workspace: Workspace, audit: Artifact, row: int) -> dict[str, Any]:
    held = effective_decisions(audit_journal(workspace, audit).entries)
    return row_to_edit(read_audited(audit), held, row).value


def lines_of(artifact: Artifact, name: str = "clean") -> list[dict]:
    text = (artifact.folder / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def changed_of(artifact: Artifact) -> list[tuple]:
    frame = pl.read_parquet(artifact.folder / "changed.parquet")
    return frame.select("row", "field", "before", "after", "check").rows()


def test_an_edit_replaces_the_row_and_tells_each_field(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", "B.", id="x", tags=["a"]), chat("C?", "D.")]
    workspace, audit = make_audit(tmp_path, rows)
    new = {"id": "x", "messages": [*rows[0]["messages"][:1],
           {"role": "assistant", "content": "Better."}, {"role": "user", "content": "Thanks"}],
           "tags": ["b"]}  # fmt: skip
    edit(workspace, audit, 0, new)
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert lines_of(cleaned) == [new, rows[1]]
    assert list(lines_of(cleaned)[0]) == list(new)
    assert changed_of(cleaned) == [
        (0, "messages[1].content", "B.", "Better.", "edit"),
        (0, "messages[2].role", None, "user", "edit"),
        (0, "messages[2].content", None, "Thanks", "edit"),
        (0, "extra.tags", '["a"]', '["b"]', "edit"),
    ]
    assert cleaned.manifest.counts["changed"] == 1
    untouched = json.loads((tmp_path / "data.jsonl").read_text().splitlines()[0])
    assert untouched == rows[0]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ({"id": "a", "text": "t"}, {"id": "b", "text": "t"}, "id"),
        ({"id": "a", "text": "t"}, {"text": "t", "id": "a"}, "extra"),
        ({"id": "a", "text": "t"}, {"id": "a", "text": "t", "more": None}, "extra.more"),
        ({"id": "a", "text": "t", "x": 1}, {"id": "a", "text": "t", "x": True}, "extra.x"),
    ],
)
def test_the_smallest_edit_is_carried_and_told(
    tmp_path: Path, make_audit, old: dict, new: dict, field: str
) -> None:
    workspace, audit = make_audit(tmp_path, [old, {**old, "id": "other", "text": "u"}])
    edit(workspace, audit, 0, new)
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert json.dumps(lines_of(cleaned)[0]) == json.dumps(new)
    assert [line[1] for line in changed_of(cleaned)] == [field]


def test_the_last_edit_counts_and_undo_brings_the_one_before_back(
    tmp_path: Path, make_audit
) -> None:
    rows = [chat("A?", "B."), chat("C?", "D.")]
    workspace, audit = make_audit(tmp_path, rows)
    folders = [clean(workspace, audit, OPEN_GUARD)]
    for answer in ("one", "two"):
        edit(workspace, audit, 1, chat("C?", answer))
        folders.append(clean(workspace, audit, OPEN_GUARD))
        assert lines_of(folders[-1]) == [rows[0], chat("C?", answer)]
    undo(workspace, audit)
    assert clean(workspace, audit, OPEN_GUARD).manifest.files == folders[1].manifest.files
    undo(workspace, audit)
    assert clean(workspace, audit, OPEN_GUARD).manifest.files == folders[0].manifest.files
    redo(workspace, audit)
    redo(workspace, audit)
    assert clean(workspace, audit, OPEN_GUARD).id == folders[2].id


def test_one_decision_is_taken_back_from_the_middle(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", "B."), chat("A?", "B."), chat("C?", "D.")]
    workspace, audit = make_audit(tmp_path, rows)
    (first,) = accept(workspace, audit, ["duplicates/exact"])
    edit(workspace, audit, 2, chat("C?", "Better."))
    assert undo(workspace, audit, decision=first.id[:8]).id == first.id
    assert lines_of(clean(workspace, audit, OPEN_GUARD)) == [*rows[:2], chat("C?", "Better.")]
    with pytest.raises(UsageError, match="does not hold"):
        undo(workspace, audit, decision=first.id)
    with pytest.raises(UsageError, match="no decision 'zzz'"):
        undo(workspace, audit, decision="zzz")
    with pytest.raises(UsageError, match="no decision ''"):
        undo(workspace, audit, decision="")
    redo(workspace, audit)
    assert len(lines_of(clean(workspace, audit, OPEN_GUARD))) == 2


def test_findings_about_changed_text_are_settled(tmp_path: Path, make_audit) -> None:
    field = "messages[1].content"
    rows = [chat("Hi", "I'm sorry, I cannot."), chat("Ho", "I'm sorry, I cannot!")]
    faults = [finding(row, "text/refusal", "drop", field=field) for row in (0, 1)]
    workspace, audit = make_audit(tmp_path, rows, faults)
    edit(workspace, audit, 0, chat("Hi", "Gladly."))
    # Whether its check is accepted before or after: the text that it is about is gone.
    accept(workspace, audit, ["text/refusal"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert lines_of(cleaned) == [chat("Hi", "Gladly.")]
    told = preview(audit, effective_decisions(audit_journal(workspace, audit).entries), OPEN_GUARD)
    assert (told.clean_before, told.clean_after) == (0.0, 1.0)
    # Who names the row afterwards wants it gone.
    accept(workspace, audit, ["text/refusal"], rows=[0])
    assert lines_of(clean(workspace, audit, OPEN_GUARD)) == []


def test_a_row_that_is_edited_and_dropped_for_something_else_goes(
    tmp_path: Path, make_audit
) -> None:
    rows = [chat("Hi", "One."), chat("Ho", "Two.")]
    faults = [finding(0, "safety/toxic", "drop", field="messages[0].content")]
    workspace, audit = make_audit(tmp_path, rows, faults)
    edit(workspace, audit, 0, chat("Hi", "Other."))
    accept(workspace, audit, ["safety"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert lines_of(cleaned) == [rows[1]]
    assert lines_of(cleaned, "removed") == [rows[0]]
    held = effective_decisions(audit_journal(workspace, audit).entries)
    assert "safety/toxic" in row_to_edit(read_audited(audit), held, 0).goes


def test_a_mask_is_not_put_into_edited_text_but_its_finding_stays_open(
    tmp_path: Path, make_audit
) -> None:
    rows = [chat("mail a@b.co now", "ok"), chat("mail c@d.co now", "ok")]
    spans = [
        finding(row, "privacy/email", "mask", field="messages[0].content", start=5, end=11)
        for row in (0, 1)
    ]
    workspace, audit = make_audit(tmp_path, rows, spans)
    edit(workspace, audit, 0, chat("Please write: a@b.co", "ok"))
    edit(workspace, audit, 1, chat("mail me now", "ok"))
    held = (*effective_decisions(audit_journal(workspace, audit).entries),)
    accept(workspace, audit, ["privacy"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert [row["messages"][0]["content"] for row in lines_of(cleaned)] == [
        "Please write: a@b.co",
        "mail me now",
    ]
    assert preview(audit, held, OPEN_GUARD).clean_after == 0.5
    told = json.loads((cleaned.folder / "clean.json").read_text())
    assert (told["missed"], told["quality"]["after"]) == (1, 0.5)


def test_the_row_to_edit_is_the_row_as_it_stands(tmp_path: Path, make_audit) -> None:
    rows = [chat("mail a@b.co", "ok", id="i"), chat("A?", "B.")]
    span = finding(0, "privacy/email", "mask", field="messages[0].content", start=5, end=11)
    workspace, audit = make_audit(tmp_path, rows, [span])
    assert current(workspace, audit, 0) == rows[0]
    accept(workspace, audit, ["privacy"])
    assert current(workspace, audit, 0) == chat("mail [EMAIL]", "ok", id="i")
    edit(workspace, audit, 0, chat("mail [EMAIL]!", "ok", id="i"))
    assert lines_of(clean(workspace, audit, OPEN_GUARD))[0] == chat("mail [EMAIL]!", "ok", id="i")
    assert current(workspace, audit, 0) == chat("mail [EMAIL]!", "ok", id="i")


def test_an_edited_row_is_no_copy_any_more(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", "B.", n=number) for number in range(3)]
    workspace, audit = make_audit(tmp_path, rows)
    accept(workspace, audit, ["duplicates"])
    assert lines_of(clean(workspace, audit, OPEN_GUARD)) == rows[:1]
    edit(workspace, audit, 0, chat("A?", "Other."))
    assert lines_of(clean(workspace, audit, OPEN_GUARD)) == [chat("A?", "Other."), rows[1]]
    edit(workspace, audit, 2, chat("A?", "And another."))
    assert lines_of(clean(workspace, audit, OPEN_GUARD)) == [
        chat("A?", "Other."), rows[1], chat("A?", "And another."),
    ]  # fmt: skip


def test_what_does_not_fit_is_refused_when_it_is_decided(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", "B."), "{broken", chat("C?", "D.")]
    workspace, audit = make_audit(tmp_path, rows)
    audited = read_audited(audit)
    for value, told in (
        ({"messages": "no list"}, "messages: expected a list of messages"),
        ({"messages": [{"role": 7, "content": "x"}]}, r"messages\[0\].role: expected text"),
        ({"text": "x"}, "messages: expected a value"),
        ({}, "messages: expected a value"),
    ):
        with pytest.raises(UsageError, match=told):
            editing(audited, 0, value)
    with pytest.raises(UsageError, match="row 1 was set aside"):
        editing(audited, 1, rows[0])
    with pytest.raises(UsageError, match="there is no row 9"):
        editing(audited, 9, rows[0])
    for text in (b"", b"[1]", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b"\xff"):
        with pytest.raises(UsageError):
            parse_row(text)
    assert audit_journal(workspace, audit).entries == ()


def test_an_edit_made_with_another_shape_names_its_decision(tmp_path: Path) -> None:
    source = tmp_path / "data.jsonl"
    row = {"text": "t", "prompt": "q", "completion": "a"}
    source.write_text(json.dumps(row) + "\n" + json.dumps({**row, "text": "u"}) + "\n")
    workspace = Workspace(tmp_path)
    first, second = (
        audit(workspace, [source], AuditSettings(checks=("schema",)), DataSettings(shape=shape))
        for shape in ("text", "prompt-completion")
    )
    mapped = read_audited(second).detection.shape
    assert mapped != read_audited(first).detection.shape
    edit(workspace, first, 0, {"text": "only text"})
    with pytest.raises(UsageError, match="the edit of row 0 no longer fits the shape") as caught:
        clean(workspace, second, OPEN_GUARD)
    assert "--undo-decision" in caught.value.fix
    assert lines_of(clean(workspace, first, OPEN_GUARD))[0] == {"text": "only text"}


@pytest.mark.parametrize(
    ("labels", "new", "written"),
    [
        (["a", "b", "b"], "c", "c"),
        ([1, 2, 2], "7", 7),
        ([1, 2, 2], "seven", "seven"),
        ([True, False, True], "false", False),
        ([0.5, 1.5, 1.5], "2", 2),
        (["1", "2", "2"], "7", "7"),
        ([None, 2, 2], "7", 7),
    ],
)
def test_a_new_label_is_written_as_the_source_writes_labels(
    tmp_path: Path, make_audit, labels: list, new: str, written: object
) -> None:
    rows = [{"text": f"t{n}", "label": label, "n": n} for n, label in enumerate(labels)]
    workspace, audit = make_audit(tmp_path, rows)
    assert not is_known_label(read_audited(audit), new) or new == "false"
    relabel(workspace, audit, [0, 2], new)
    cleaned = clean(workspace, audit, OPEN_GUARD)
    wanted = [{**rows[0], "label": written}, rows[1], {**rows[2], "label": written}]
    assert json.dumps(lines_of(cleaned)) == json.dumps(wanted)
    assert [line[1] for line in changed_of(cleaned)] == ["label", "label"]
    assert {line[4] for line in changed_of(cleaned)} == {"relabel"}
    undo(workspace, audit)
    assert lines_of(clean(workspace, audit, OPEN_GUARD)) == rows


def test_labels_and_edits_come_in_the_order_they_were_made(tmp_path: Path, make_audit) -> None:
    rows = [{"text": f"t{n}", "label": "a"} for n in range(3)]
    faults = [finding(0, "labels/conflict", "review", field="label", related="b")]
    workspace, audit = make_audit(tmp_path, rows, faults)
    relabel(workspace, audit, [0], "b")
    edit(workspace, audit, 0, {"text": "new", "label": "c"})
    assert current(workspace, audit, 0) == {"text": "new", "label": "c"}
    relabel(workspace, audit, [0], "d")
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert lines_of(cleaned)[0] == {"text": "new", "label": "d"}
    assert [(line[1], line[4]) for line in changed_of(cleaned)] == [
        ("messages[0].content", "edit"),
        ("label", "relabel"),
    ]
    held = effective_decisions(audit_journal(workspace, audit).entries)
    assert preview(audit, held, OPEN_GUARD).clean_after == 1.0


def test_a_proposed_label_is_taken_over_by_repair(tmp_path: Path, make_audit) -> None:
    rows = [{"text": f"t{n}", "label": n % 2} for n in range(4)]
    faults = [finding(1, "labels/conflict", "review", field="label", related="0")]
    faults.append(finding(2, "contamination/benchmark", "drop", field="messages[0].content",
                          start=0, end=1, related="task/item"))  # fmt: skip
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["labels/conflict"], action="repair")
    assert [row["label"] for row in lines_of(clean(workspace, audit, OPEN_GUARD))] == [0, 0, 0, 1]
    # What is related there is no replacement.
    with pytest.raises(UsageError, match="offer no replacement"):
        accept(workspace, audit, ["contamination/benchmark"], action="repair")
    accept(workspace, audit, ["all"], action="repair")
    assert lines_of(clean(workspace, audit, OPEN_GUARD))[2] == rows[2]


def test_labels_that_nobody_read_cannot_be_set(tmp_path: Path, make_audit) -> None:
    _, audit = make_audit(tmp_path, [chat("A?", "B."), chat("C?", "D.")])
    with pytest.raises(UsageError, match="no field of these rows was read as a label"):
        relabelling(read_audited(audit), [0], "x")


@pytest.mark.parametrize("reason", ["\x1b]0;title\x07", "a\nb", "‮x", "\udcff", "'; rm -rf /"])
def test_hostile_reasons_and_labels_are_only_text(tmp_path: Path, make_audit, reason: str) -> None:
    rows = [{"text": f"t{n}", "label": "a"} for n in range(2)]
    faults = [finding(0, "text/html", "drop", field="messages[0].content")]
    workspace, audit = make_audit(tmp_path, rows, faults)
    audited = read_audited(audit)
    decide(workspace, audit, dismissal(audit, ["text/html"], reason=reason))
    decide(workspace, audit, relabelling(audited, [0], reason, reason=reason))
    decide(workspace, audit, editing(audited, 1, {"text": "x", "label": "a", "y": "\u202e\x1b"}))
    journal = audit_journal(workspace, audit)
    assert (len(journal.entries), journal.damaged) == (3, ())
    cleaned = clean(workspace, audit, OPEN_GUARD)
    label = lines_of(cleaned)[0]["label"]
    assert label == reason.encode("utf-8", "replace").decode()
    assert would_hold(workspace, audit, ()) == effective_decisions(journal.entries)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (
            {"messages": [{"role": "human", "content": "A?"}, {"role": "Bot", "content": "B."}]},
            {"messages": [{"role": "user", "content": "A?"},
                          {"role": "assistant", "content": "B."}]},
        ),
        (
            {"conversations": [{"from": "Human", "value": "A?"}, {"from": "GPT", "value": "B."}]},
            {"conversations": [{"from": "human", "value": "A?"}, {"from": "gpt", "value": "B."}]},
        ),
        (
            {"prompt": [{"role": "User ", "content": "A?"}],
             "chosen": [{"role": "AI", "content": "B."}],
             "rejected": [{"role": "ai", "content": "C."}]},
            {"prompt": [{"role": "user", "content": "A?"}],
             "chosen": [{"role": "assistant", "content": "B."}],
             "rejected": [{"role": "assistant", "content": "C."}]},
        ),
    ],
)  # fmt: skip
def test_role_names_are_repaired_in_the_way_of_the_source(
    tmp_path: Path, make_audit, rows: dict, wanted: dict
) -> None:
    workspace, audit = make_audit(tmp_path, [rows, rows], checks=["schema"])
    found = pl.read_parquet(audit.folder / "findings.parquet")
    assert set(found.filter(pl.col("check") == "schema/role-order")["fix"]) == {"repair"}
    accept(workspace, audit, ["schema/role-order"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert lines_of(cleaned) == [wanted, wanted]
    assert read_audited(audit).count_records() == cleaned.manifest.counts["kept"]


def test_a_renamed_role_in_the_wrong_place_still_goes(tmp_path: Path, make_audit) -> None:
    turns = [{"role": "human", "content": "A?"}, {"role": "human", "content": "B?"},
             {"role": "gpt", "content": "C."}]  # fmt: skip
    rows = [{"messages": turns}, {"messages": [turns[0], turns[2]]}]
    workspace, audit = make_audit(tmp_path, rows, checks=["schema"])
    accept(workspace, audit, ["schema"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert lines_of(cleaned) == [chat("A?", "C.")]
    assert lines_of(cleaned, "removed") == [rows[0]]


def test_a_row_that_is_dropped_goes_without_any_finding_and_comes_back(
    tmp_path: Path, make_audit
) -> None:
    workspace, audit = make_audit(tmp_path, [chat(f"Q{n}?", "B.") for n in range(3)])
    audited = read_audited(audit)
    decide(workspace, audit, dropping(audited, [1], reason="not ours [x]"))
    made = clean(workspace, audit, OPEN_GUARD)
    assert [row["messages"][0]["content"] for row in lines_of(made)] == ["Q0?", "Q2?"]
    removed = pl.read_parquet(made.folder / "removed.parquet").row(0, named=True)
    assert (removed["row"], removed["check"], removed["reason"]) == (1, "drop", "not ours [x]")
    undo(workspace, audit)
    assert len(lines_of(clean(workspace, audit, OPEN_GUARD))) == 3
    with pytest.raises(UsageError, match="no row 7"):
        dropping(audited, [7])


def test_the_copy_of_a_dropped_row_stays(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.")] * 2)
    accept(workspace, audit, ["duplicates/exact"])
    decide(workspace, audit, dropping(read_audited(audit), [0]))
    assert len(lines_of(clean(workspace, audit, OPEN_GUARD))) == 1
