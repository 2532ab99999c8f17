"""Cleaning: nothing lost, the same outcome again, undo restores, sources untouched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.cleaning.clean import clean, preview
from tunewise.curate.cleaning.decide import (
    accept,
    acceptance,
    audit_journal,
    decide,
    dismissal,
    redo,
    undo,
    would_hold,
)
from tunewise.curate.cleaning.edits import apply_edits
from tunewise.curate.cleaning.journal import Decision, effective_decisions, journal_path
from tunewise.curate.cleaning.relabel import LabelColumn
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.measures.bias import bias_figures
from tunewise.curate.records import RECORD_SCHEMA
from tunewise.curate.settings import CleanSettings
from tunewise.workspace.artifact import Artifact, Workspace, resolve_artifact
from tunewise.workspace.errors import GateError, UsageError
from tunewise.workspace.events import Event, Note, Progress
from tunewise.workspace.files import read_json

LONG = (
    "the shop sends every parcel with a note that names the maker the wood the strings and the "
    "day on which the instrument was tuned for the last time before it left the bench"
)
OPEN_GUARD = CleanSettings(max_removed_share=1.0)


def chat(question: str, answer: str, **more: object) -> dict:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def finding(row: int, check: str, fix: str, **more: object) -> dict:
    values = dict.fromkeys(FINDING_SCHEMA.names())
    return {**values, "row": row, "check": check, "fix": fix, "severity": "high",
            "message": f"{check} here", **more}  # fmt: skip


def dismiss(workspace: Workspace, audit: Artifact, checks: Sequence[str], **how) -> tuple:
    return decide(workspace, audit, dismissal(audit, checks, **how))


def with_accepted(
    workspace: Workspace, audit: Artifact, checks: Sequence[str]
) -> tuple[Decision, ...]:
    return would_hold(workspace, audit, acceptance(audit, checks))


def rows_of(artifact: Artifact, name: str) -> list[int]:
    return pl.read_parquet(artifact.folder / f"{name}.parquet")["row"].to_list()


def lines_of(artifact: Artifact, name: str) -> list[dict]:
    text = (artifact.folder / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_what_goes_is_told_with_its_reason_and_its_counterpart(tmp_path: Path, make_audit) -> None:
    rows = [
        chat("Where is it?", "On its way.", id="a"),
        "{broken",
        chat("Where is it?", "On its way.", id="b"),
        chat("WHERE  is it", "on its way!", id="c"),
        chat("Do you repair?", LONG, id="d"),
        chat("Do you repair?", LONG + " Thank you for asking us about it", id="e"),
    ]
    malformed = finding(1, "schema/malformed-row", "drop")
    workspace, audit = make_audit(tmp_path, rows, [malformed])
    accept(workspace, audit, ["duplicates", "schema"], reason="copies teach nothing")
    cleaned = clean(workspace, audit, OPEN_GUARD)
    removed = pl.read_parquet(cleaned.folder / "removed.parquet")
    assert removed.select("row", "check", "related_row").rows() == [
        (2, "duplicates/exact", 0),
        (3, "duplicates/normalised", 0),
        (4, "duplicates/near", 5),
    ]
    assert removed["audit"].to_list() == [audit.id] * 3
    assert lines_of(cleaned, "clean") == [rows[0], rows[5]]
    assert lines_of(cleaned, "removed") == [rows[2], rows[3], rows[4]]
    assert rows_of(cleaned, "set_aside") == [1]
    assert cleaned.manifest.counts == {
        "input": 6, "kept": 2, "removed": 3, "set_aside": 1, "changed": 0,
    }  # fmt: skip


def test_without_decisions_the_rows_come_back_as_they_were(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", "B.", id="x", weight=1.5), chat("A?", "B.", id="y", tags=["é", None])]
    workspace, audit = make_audit(tmp_path, rows)
    before = hashlib.sha256((tmp_path / "data.jsonl").read_bytes()).hexdigest()
    cleaned = clean(workspace, audit, CleanSettings())
    assert lines_of(cleaned, "clean") == rows
    accept(workspace, audit, ["all"])
    clean(workspace, audit, OPEN_GUARD)
    assert hashlib.sha256((tmp_path / "data.jsonl").read_bytes()).hexdigest() == before


def test_undo_restores_and_redo_brings_back_the_very_artifact(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.")] * 3)
    untouched = clean(workspace, audit, OPEN_GUARD)
    accept(workspace, audit, ["duplicates/exact"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert (untouched.manifest.counts["kept"], cleaned.manifest.counts["kept"]) == (3, 1)
    assert undo(workspace, audit).check == "duplicates/exact"
    again = clean(workspace, audit, OPEN_GUARD)
    assert again.id == untouched.id
    assert again.manifest.files == untouched.manifest.files
    assert resolve_artifact(workspace, "clean", "latest").id == untouched.id
    redo(workspace, audit)
    assert clean(workspace, audit, OPEN_GUARD).id == cleaned.id
    assert resolve_artifact(workspace, "clean", "latest").id == cleaned.id
    assert clean(workspace, audit, OPEN_GUARD).reused
    actions = [entry.action for entry in audit_journal(workspace, audit).entries]
    assert actions == ["accept", "undo", "redo"]
    with pytest.raises(UsageError, match="nothing to redo"):
        redo(workspace, audit)


def test_replay_gives_the_same_bytes(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", LONG + " " * n, n=n) for n in range(3)] + [chat("mail a@b.co", "ok")]
    span = finding(3, "privacy/email", "mask", field="messages[0].content", start=5, end=11)
    workspace, audit = make_audit(tmp_path, rows, [span])
    accept(workspace, audit, ["all"])
    first = clean(workspace, audit, OPEN_GUARD).manifest.files
    again = clean(workspace, audit, OPEN_GUARD, force=True)
    assert not again.reused
    assert again.manifest.files == first


def test_accepting_twice_writes_one_entry_unless_something_came_between(
    tmp_path: Path, make_audit
) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.")] * 2)
    assert len(accept(workspace, audit, ["duplicates/exact"])) == 1
    assert accept(workspace, audit, ["duplicates/exact"]) == ()
    dismiss(workspace, audit, ["duplicates"], reason="on purpose")
    assert clean(workspace, audit, OPEN_GUARD).manifest.counts["removed"] == 0
    assert len(accept(workspace, audit, ["duplicates/exact"])) == 1
    assert clean(workspace, audit, OPEN_GUARD).manifest.counts["removed"] == 1


def test_a_preview_writes_nothing(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.", label="x")] * 9)
    decisions = with_accepted(workspace, audit, ["duplicates"])
    shown = preview(audit, decisions, CleanSettings(max_removed_share=0.5))
    assert shown.counts["removed"] == 8
    assert shown.by_check == [{"check": "duplicates/exact", "action": "drop", "rows": 8}]
    assert [(part.value, part.records, part.removed) for part in shown.by_label] == [("x", 9, 8)]
    assert (shown.clean_before, shown.clean_after) == (pytest.approx(1 / 9), 1.0)
    assert shown.examples[0]["related_text"] == "A?\nB."
    assert [str(part) for part in shown.too_much] == [
        "8 of 9 rows of the dataset",
        "8 of 9 rows of label 'x'",
    ]
    json.dumps(shown.to_json())
    assert not journal_path(workspace, read_json(audit.folder / "audit.json")["dataset"]["sha256"]).exists()  # fmt: skip # noqa: E501


def test_the_guard_refuses_to_empty_a_label(tmp_path: Path, make_audit) -> None:
    rows = [chat(f"q {n} {LONG[n:]}", "same", label="big") for n in range(0, 90, 3)]
    rows += [chat("A?", "B.", label="small")] * 10
    workspace, audit = make_audit(tmp_path, rows)
    accept(workspace, audit, ["duplicates/exact"])
    with pytest.raises(GateError, match="9 of 10 rows of label 'small'"):
        clean(workspace, audit, CleanSettings(max_removed_share=0.5))
    done = clean(workspace, audit, CleanSettings(max_removed_share=0.5, yes=True))
    assert done.manifest.counts["removed"] == 9


def test_examples_begin_with_the_most_doubtful(tmp_path: Path, make_audit) -> None:
    rows = [chat("A?", LONG), chat("A?", LONG + " and one more"), chat("X?", "Y.")]
    rows += [chat("X?", "Y.")] * 30
    workspace, audit = make_audit(tmp_path, rows)
    shown = preview(audit, with_accepted(workspace, audit, ["all"]), OPEN_GUARD)
    assert len(shown.examples) == 20
    assert shown.examples[0]["check"] == "duplicates/near"


def test_a_mask_keeps_the_kind_and_tells_values_apart(tmp_path: Path, make_audit) -> None:
    text = "a@b.co, then c@d.co, then A@B.co"
    spans = [
        finding(0, "privacy/email", "mask", field="messages[0].content", start=start, end=start + 6)
        for start in (0, 13, 26)
    ]
    spans.append(finding(0, "privacy/email", "mask", field="messages[1].content", start=0, end=6))
    spans.append(finding(0, "privacy/credit-card", "mask", field="messages[1].content",
                         start=7, end=11))  # fmt: skip
    workspace, audit = make_audit(tmp_path, [chat(text, "c@d.co 4242")], spans)
    accept(workspace, audit, ["privacy"])
    cleaned = clean(workspace, audit, CleanSettings())
    said = [message["content"] for message in lines_of(cleaned, "clean")[0]["messages"]]
    assert said == ["[EMAIL], then [EMAIL_2], then [EMAIL]", "[EMAIL_2] [CREDIT_CARD]"]
    changed = pl.read_parquet(cleaned.folder / "changed.parquet")
    assert changed["before"][0] == text
    assert cleaned.manifest.counts["changed"] == 1


def test_overlapping_spans_leave_no_private_character(tmp_path: Path, make_audit) -> None:
    field = "messages[0].content"
    spans = [
        finding(0, "privacy/phone", "mask", field=field, start=4, end=10),
        finding(0, "privacy/credit-card", "mask", field=field, start=2, end=14),
        finding(0, "text/control-characters", "repair", field=field, start=5, end=6, related=""),
    ]
    workspace, audit = make_audit(tmp_path, [chat("ab0123456789cdef", "ok")], spans)
    accept(workspace, audit, ["all"])
    cleaned = clean(workspace, audit, CleanSettings())
    assert lines_of(cleaned, "clean")[0]["messages"][0]["content"] == "ab[CREDIT_CARD]ef"


def test_partly_overlapping_masks_hide_both(tmp_path: Path, make_audit) -> None:
    field = "messages[0].content"
    spans = [
        finding(0, "privacy/phone", "mask", field=field, start=0, end=6),
        finding(0, "privacy/email", "mask", field=field, start=4, end=8),
    ]
    workspace, audit = make_audit(tmp_path, [chat("01234567", "ok")], spans)
    accept(workspace, audit, ["privacy"])
    said = lines_of(clean(workspace, audit, CleanSettings()), "clean")[0]["messages"][0]["content"]
    assert said == "[PHONE]"


def test_a_repair_puts_in_what_the_finding_offers(tmp_path: Path, make_audit) -> None:
    field = "messages[1].content"
    spans = [
        finding(0, "text/mojibake", "repair", field=field, start=3, end=5, related="é"),
        finding(0, "text/mojibake", "repair", field=field, start=6, end=7),
    ]
    workspace, audit = make_audit(tmp_path, [chat("Hi", "cafÃ© z")], spans[:1])
    assert clean(workspace, audit, CleanSettings()).manifest.counts["changed"] == 0
    accept(workspace, audit, ["text"])
    assert lines_of(clean(workspace, audit, CleanSettings()), "clean")[0]["messages"][1][
        "content"
    ] == "café z"  # fmt: skip


def test_masks_and_repairs_of_the_same_text_are_both_done(tmp_path: Path, make_audit) -> None:
    text = "one \n\nmail a@b.co now \n\ntwo \n<b>end</b>"
    field = "messages[1].content"
    blanks = text.replace(" \n", "\n")
    plain = text.replace("<b>", "").replace("</b>", "")
    spans = [
        finding(
            0, "text/whitespace", "repair", field=field, start=0, end=len(text), related=blanks
        ),
        finding(0, "text/html", "repair", field=field, start=0, end=len(text), related=plain),
        finding(0, "privacy/email", "mask", field=field, start=11, end=17),
    ]
    workspace, audit = make_audit(tmp_path, [chat("Hi", text)], spans)
    accept(workspace, audit, ["all"])
    cleaned = clean(workspace, audit, CleanSettings())
    said = lines_of(cleaned, "clean")[0]["messages"][1]["content"]
    assert said == "one\n\nmail [EMAIL] now\n\ntwo\nend"
    assert read_json(cleaned.folder / "clean.json")["missed"] == 0


def test_repairs_that_want_the_same_characters_otherwise_are_told(
    tmp_path: Path, make_audit
) -> None:
    field = "messages[1].content"
    spans = [
        finding(0, "text/mojibake", "repair", field=field, start=0, end=3, related="xyz"),
        finding(0, "text/other", "repair", field=field, start=2, end=4, related="--"),
    ]
    workspace, audit = make_audit(tmp_path, [chat("Hi", "abc.")], spans)
    notes: list[str] = []
    accept(workspace, audit, ["all"])
    cleaned = clean(
        workspace, audit, OPEN_GUARD,
        emit=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
    )  # fmt: skip
    assert lines_of(cleaned, "clean")[0]["messages"][1]["content"] == "xyz."
    document = read_json(cleaned.folder / "clean.json")
    assert (document["missed"], document["quality"]["after"]) == (1, 0.0)
    assert any("1 accepted masks and repairs could not be made" in note for note in notes)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet="ab \n", min_size=1, max_size=14),
    masks=st.lists(st.tuples(st.integers(0, 13), st.integers(1, 5)), max_size=3),
    repairs=st.lists(
        st.tuples(st.integers(0, 13), st.integers(0, 9), st.text(alphabet="ab \n", max_size=6)),
        max_size=3,
    ),
)
def test_no_masked_character_is_left_whatever_is_repaired(
    text: str, masks: list[tuple[int, int]], repairs: list[tuple[int, int, str]]
) -> None:
    # The place of every character is told by a private sign in its stead.
    signs = "".join(
        chr(0x4E00 + place) if sign in "ab" else sign for place, sign in enumerate(text)
    )
    field = "messages[0].content"
    edits = [
        finding(0, "privacy/email", "mask", field=field, start=start, end=min(len(text), start + n))
        for start, n in masks
    ]
    edits += [
        finding(0, "text/any", "repair", field=field, start=start, end=min(len(text), start + n),
                related=new)
        for start, n, new in repairs
    ]  # fmt: skip
    frame = pl.DataFrame(edits, schema=FINDING_SCHEMA).with_columns(action="fix", in_place=True)
    message = {"role": "user", "content": signs}
    record = {**dict.fromkeys(RECORD_SCHEMA.names()), "row": 0, "messages": [message]}
    edited = apply_edits(pl.DataFrame([record], schema=RECORD_SCHEMA), frame, LabelColumn(""))
    said = edited.records["messages"][0][0]["content"]
    hidden = {place for start, n in masks if start < len(text) for place in range(start, start + n)}
    for place, sign in enumerate(signs):
        if place in hidden and sign not in " \n":
            assert sign not in said
    if not repairs:
        shown = [sign for place, sign in enumerate(signs) if place not in hidden]
        assert [sign for sign in said if sign in signs] == shown


def test_an_edit_that_cannot_be_made_leaves_its_finding_open(tmp_path: Path, make_audit) -> None:
    spans = [finding(0, "text/mojibake", "repair", field="messages[1].content", start=0, end=1)]
    workspace, audit = make_audit(tmp_path, [chat("Hi", "ok")], spans)
    shown = preview(audit, with_accepted(workspace, audit, ["text"]), CleanSettings())
    assert (shown.clean_after, shown.counts["changed"]) == (0.0, 0)


def test_findings_that_only_ask_for_a_look_remove_nothing_by_themselves(
    tmp_path: Path, make_audit
) -> None:
    rows = [chat("Shall I buy the viola now?", "Yes."), chat("Shall I buy the viola now?", "No.")]
    workspace, audit = make_audit(tmp_path, rows)
    with pytest.raises(UsageError, match="proposes no fix"):
        accept(workspace, audit, ["duplicates/same-prompt"])
    accept(workspace, audit, ["all"])
    assert clean(workspace, audit, OPEN_GUARD).manifest.counts["removed"] == 0
    accept(workspace, audit, ["duplicates/same-prompt"], rows=[1], action="drop")
    cleaned = clean(workspace, audit, OPEN_GUARD)
    assert pl.read_parquet(cleaned.folder / "removed.parquet")["related_row"].to_list() == [0]


def test_an_unknown_check_names_the_nearest(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.")])
    with pytest.raises(UsageError) as caught:
        accept(workspace, audit, ["duplicates/exakt"])
    assert "duplicates/exact" in caught.value.fix


def test_a_source_changed_since_the_audit_is_refused(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.")])
    (tmp_path / "data.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="changed since"):
        clean(workspace, audit, CleanSettings())


def test_a_damaged_journal_is_told(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [chat("A?", "B.")] * 2)
    accept(workspace, audit, ["duplicates"])
    path = next((tmp_path / ".tunewise" / "decisions").glob("*.jsonl"))
    with path.open("a") as stream:
        stream.write('{"id": "half')
    notes: list[str] = []
    cleaned = clean(
        workspace, audit, OPEN_GUARD,
        emit=lambda event: notes.append(event.text) if isinstance(event, Note) else None,
    )  # fmt: skip
    assert cleaned.manifest.counts["removed"] == 1
    assert any("line 2 of the journal" in note for note in notes)
    assert read_json(cleaned.folder / "clean.json")["damaged_journal_lines"] == [2]


@pytest.mark.parametrize("faulty", [[0], [0, 2], [0, 2, 3], [1], [3, 4]])
def test_a_cluster_keeps_a_row_when_its_kept_one_goes_for_a_fault(
    tmp_path: Path, faulty: list[int], make_audit
) -> None:
    rows = [
        chat("Do you repair?", LONG + " and that is that"),
        chat("Do you repair?", LONG + " and that is that"),
        chat("Do you repair?", LONG + " and so"),
        chat("DO YOU repair?", LONG + " and so"),
        chat("Do you repair?", LONG),
        chat("Something else?", "Yes."),
    ]
    faults = [finding(row, "safety/toxic", "drop") for row in faulty]
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["duplicates", "safety"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    kept = rows_of(cleaned, "records")
    assert 5 in kept
    assert len(set(kept) - {5}) == 1
    assert not set(kept) & set(faulty)
    removed = pl.read_parquet(cleaned.folder / "removed.parquet")
    copies = removed.filter(pl.col("check").str.starts_with("duplicates"))
    gone = set(removed["row"])
    chains = dict(copies.select("row", "related_row").rows())
    for row in chains:
        while row in chains:
            row = chains[row]
        assert row not in gone


def test_a_chain_of_similar_rows_is_not_removed_through_its_middle(
    tmp_path: Path, make_audit
) -> None:
    words = [f"word{number}" for number in range(60)]
    rows = [chat("?", " ".join(words[start : start + 40])) for start in (0, 4, 8)]
    faults = [finding(1, "safety/toxic", "drop")]
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["duplicates", "safety"])
    kept = rows_of(clean(workspace, audit, OPEN_GUARD), "records")
    assert kept == [0, 2]


def test_a_copy_that_was_not_to_go_does_not_go_in_place_of_another(
    tmp_path: Path, make_audit
) -> None:
    rows = [
        chat("Do you repair?", LONG + " and that is that"),
        chat("Do you repair?", LONG),
        chat("Do you repair?", LONG),
    ]
    faults = [finding(1, "safety/toxic", "drop")]
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["duplicates/near", "safety"])
    assert rows_of(clean(workspace, audit, OPEN_GUARD), "records") == [0, 2]


TEXTS = st.sampled_from(
    ["a", "A", "b", LONG, LONG + " x y", LONG + " z", LONG.upper(), LONG[40:], "mail me"]
)


@settings(max_examples=12, deadline=None)
@given(
    answers=st.lists(TEXTS, min_size=1, max_size=12),
    faulty=st.sets(st.integers(0, 11)),
    masked=st.sets(st.integers(0, 11)),
    steps=st.lists(
        st.sampled_from(["duplicates", "duplicates/near", "safety", "privacy", "all", "-all", "u"]),
        max_size=5,
    ),
)
def test_nothing_is_lost_and_undo_restores(
    tmp_path_factory: pytest.TempPathFactory,
    make_audit,
    answers: list[str],
    faulty: set[int],
    masked: set[int],
    steps: list[str],
) -> None:
    rows: list = [chat("Why?", answer, n=number) for number, answer in enumerate(answers)]
    rows.insert(len(rows) // 2, "no json")
    places = [place for place in range(len(rows)) if rows[place] != "no json"]
    findings = [finding(place, "safety/toxic", "drop") for place in places if place in faulty]
    findings += [
        finding(place, "privacy/email", "mask", field="messages[1].content", start=0, end=1)
        for place in places
        if place in masked
    ]
    findings.append(finding(None, "privacy/email", "review"))  # type: ignore[arg-type]
    findings.append(finding(places[0], "safety/toxic", "review"))
    workspace, audit = make_audit(tmp_path_factory.mktemp("clean"), rows, findings)
    ids = [clean(workspace, audit, OPEN_GUARD).id]
    taken = 0
    for step in steps:
        if step == "u":
            continue
        added = (
            dismiss(workspace, audit, ["all"])
            if step == "-all"
            else accept(workspace, audit, [step])
        )
        taken += len(added)
        cleaned = clean(workspace, audit, OPEN_GUARD)
        kept, removed, aside = (rows_of(cleaned, name) for name in ("records", "removed", "set_aside"))  # fmt: skip # noqa: E501
        assert sorted(kept + removed + aside) == list(range(len(rows)))
        assert len(lines_of(cleaned, "clean")) == len(kept)
        removed_frame = pl.read_parquet(cleaned.folder / "removed.parquet")
        near = removed_frame.filter(pl.col("check") == "duplicates/near")
        assert set(near["related_row"]) <= set(kept)
        if added:
            ids.append(cleaned.id)
    for expected in reversed(ids[:-1]):
        undo(workspace, audit)
        assert clean(workspace, audit, OPEN_GUARD).id == expected
    journal = audit_journal(workspace, audit)
    assert effective_decisions(journal.entries) == ()
    assert len(journal.entries) == 2 * taken


def test_an_interrupted_cleaning_says_that_decisions_stay(tmp_path: Path, make_audit) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Progress):
            raise KeyboardInterrupt

    workspace, audit = make_audit(tmp_path, [chat("a", "b"), chat("a", "b"), chat("c", "d")])
    accept(workspace, audit, ["duplicates/exact"])
    with pytest.raises(KeyboardInterrupt) as caught:
        clean(workspace, audit, OPEN_GUARD, emit=stop)
    removed, decisions = caught.value.__notes__
    assert removed == "the unfinished clean was removed"
    assert "decisions stay" in decisions
    assert len(audit_journal(workspace, audit).entries) == 1


def test_the_figures_of_bias_are_told_before_and_after(tmp_path: Path, make_audit) -> None:
    rows = [chat("Who came?", f"She saw {n} birds. {LONG[n:]}", source="a") for n in range(60)]
    rows += [chat("Who came?", f"He saw {n} ships. {LONG[n:]}", source="b") for n in range(60)]
    faults = [finding(row, "safety/toxic", "drop") for row in range(10)]
    faults += [
        finding(row, "text/other", "repair", field="messages[1].content", start=0, end=3,
                related="He")
        for row in range(10, 30)
    ]  # fmt: skip
    workspace, audit = make_audit(tmp_path, rows, faults)
    accept(workspace, audit, ["safety", "text"])
    cleaned = clean(workspace, audit, OPEN_GUARD)
    bias = read_json(cleaned.folder / "clean.json")["bias"]
    whole = bias_figures([pl.read_parquet(audit.folder / "records.parquet")])
    left = bias_figures([pl.read_parquet(cleaned.folder / "records.parquet")])
    assert json.loads(json.dumps([whole, left])) == [bias["before"], bias["after"]]
    assert bias["before"] != bias["after"]
    assert (bias["before"]["records"], bias["after"]["records"]) == (120, 110)

    everything = [finding(row, "safety/toxic", "drop") for row in range(3)]
    (tmp_path / "empty").mkdir()
    workspace, audit = make_audit(tmp_path / "empty", rows[:3], everything)
    accept(workspace, audit, ["safety"])
    document = read_json(clean(workspace, audit, OPEN_GUARD).folder / "clean.json")
    assert document["bias"]["after"]["records"] == 0
