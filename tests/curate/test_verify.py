"""Clean data are what source and journal give, and anything else is told."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.audited import read_audited
from tunewise.curate.cleaning.clean import clean
from tunewise.curate.cleaning.decide import (
    accept,
    acceptance,
    audit_journal,
    decide,
    dismissal,
    undo,
)
from tunewise.curate.cleaning.edit_row import editing, relabelling
from tunewise.curate.cleaning.journal import Decision, effective_decisions, journal_path
from tunewise.curate.cleaning.verification import Verification
from tunewise.curate.cleaning.verify import verify
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.settings import AuditSettings, CleanSettings, DataSettings
from tunewise.workspace.artifact import Artifact, Workspace, resolve_artifact
from tunewise.workspace.errors import DataError, UsageError
from tunewise.workspace.files import write_json

OPEN_GUARD = CleanSettings(max_removed_share=1.0)
LONG = " ".join(f"word{number}" for number in range(40))


def row(number: int, text: str, label: str = "a") -> dict:
    return {"text": text, "label": label, "n": number}


def finding(row: int, check: str, fix: str, **more: object) -> dict:
    values = dict.fromkeys(FINDING_SCHEMA.names())
    return {**values, "row": row, "check": check, "fix": fix, "severity": "high",
            "message": f"{check} here", **more}  # fmt: skip


def in_force(workspace: Workspace, audit: Artifact) -> tuple[Decision, ...]:
    return effective_decisions(audit_journal(workspace, audit).entries)


def among(which: Any, count: int) -> list[int]:
    return sorted(set(which) & set(range(count))) if isinstance(which, set) else []


def told(done: Verification) -> str:
    return "; ".join(f"{item.file} {item.place}: {item.expected} / {item.found}"
                     for item in done.differences)  # fmt: skip


@pytest.fixture
def cleaned(tmp_path: Path, make_audit) -> tuple[Workspace, Artifact, Artifact]:
    rows: list[Any] = [row(n, f"text {n} mail a@b.co") for n in range(6)]
    rows += [row(6, "text 0 mail a@b.co"), '{"broken', row(8, LONG), row(9, LONG + " more")]
    span = {"field": "messages[0].content", "start": 12, "end": 18}
    masks = [finding(n, "privacy/email", "mask", **span) for n in range(6)]
    workspace, audit = make_audit(tmp_path, rows, masks)
    accept(workspace, audit, ["all"])
    decide(workspace, audit, editing(read_audited(audit), 3, row(3, "edited", "b")))
    decide(workspace, audit, relabelling(read_audited(audit), [4], "b"))
    return workspace, audit, clean(workspace, audit, OPEN_GUARD)


def test_what_was_written_is_what_comes_out_again(cleaned) -> None:
    workspace, audit, artifact = cleaned
    done = verify(workspace, audit)
    assert done.differences == []
    amounts = dict(done.compared)
    assert amounts["clean.jsonl"] == f"{(artifact.folder / 'clean.jsonl').stat().st_size:,} bytes"
    assert amounts["records.parquet"] == "7 rows"
    assert amounts["removed.parquet"] == "2 rows"
    assert amounts["set_aside.parquet"] == "1 rows"
    assert amounts["records.parquet of the audit"] == "9 rows"
    assert {"source", "decisions of the journal", "set_aside.jsonl", "clean.json"} <= set(amounts)


def spoil_line(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"text", b"TEXT", 1))


def cut_line(path: Path) -> None:
    path.write_bytes(path.read_bytes().split(b"\n", 1)[1])


def add_line(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"{}\n")


def spoil_table(path: Path) -> None:
    frame = pl.read_parquet(path)
    column = next(name for name in ("extra", "reason", "after") if name in frame.columns)
    frame.with_columns(pl.lit("other").alias(column)).write_parquet(path)


def cut_table(path: Path) -> None:
    pl.read_parquet(path)[1:].write_parquet(path)


def spoil_bytes(path: Path) -> None:
    path.write_bytes(b"nothing")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        *((f"{name}.jsonl", spoil) for name in ("clean", "removed", "set_aside")
          for spoil in (spoil_line, cut_line, add_line, Path.unlink)),
        *((f"{name}.parquet", spoil) for name in ("records", "removed", "changed")
          for spoil in (spoil_table, cut_table, spoil_bytes, Path.unlink)),
        ("set_aside.parquet", cut_table),
        ("clean.json", spoil_bytes),
        ("clean.json", Path.unlink),
    ],
)  # fmt: skip
def test_whatever_was_changed_is_found(cleaned, name: str, spoil) -> None:
    workspace, audit, artifact = cleaned
    before = (artifact.folder / name).read_bytes()
    spoil(artifact.folder / name)
    after = (artifact.folder / name).read_bytes() if (artifact.folder / name).exists() else None
    done = verify(workspace, audit)
    if after == before:
        assert done.differences == []
        return
    found = [item for item in done.differences if item.file == name]
    # By its fingerprint, and by its content.
    assert len(found) >= 2, told(done)
    assert "sha256" in found[0].place
    if spoil is spoil_line:
        assert found[1].place == "line 1"
        assert "TEXT" in found[1].found


def test_a_count_that_was_changed_is_found(cleaned) -> None:
    workspace, audit, artifact = cleaned
    document = json.loads((artifact.folder / "clean.json").read_text())
    document["counts"]["kept"] += 1
    write_json(artifact.folder / "clean.json", document)
    assert [item.place for item in verify(workspace, audit).differences][-1] == "counts"


def test_other_decisions_another_source_another_audit_are_found(cleaned) -> None:
    workspace, audit, _ = cleaned
    undo(workspace, audit)
    assert [item.file for item in verify(workspace, audit).differences] == ["journal"]
    clean(workspace, audit, OPEN_GUARD)
    assert verify(workspace, audit).differences == []
    findings = audit.folder / "findings.parquet"
    kept = findings.read_bytes()
    cut_table(findings)
    assert [item.file for item in verify(workspace, audit).differences] == ["findings.parquet"]
    findings.write_bytes(kept)
    source = workspace.root / "data.jsonl"
    spoil_line(source)
    assert [item.file for item in verify(workspace, audit).differences] == ["source"]
    source.unlink()
    with pytest.raises(DataError, match="no longer where it was"):
        verify(workspace, audit)


def test_a_line_of_the_journal_that_was_changed_is_found(cleaned) -> None:
    workspace, audit, _ = cleaned
    path = journal_path(workspace, read_audited(audit).source_sha256)
    path.write_text(path.read_text().replace('"edited"', '"EDITED"'))
    (difference,) = verify(workspace, audit).differences
    assert (difference.file, difference.place) == ("journal", "decision 2")


def test_records_that_are_not_those_of_the_source_are_found(cleaned) -> None:
    workspace, audit, artifact = cleaned
    # Somebody changes what the audit read, and its fingerprint with it.
    records = audit.folder / "records.parquet"
    frame = pl.read_parquet(records)
    frame.with_columns(label=pl.lit("z")).write_parquet(records)
    manifest = json.loads((audit.folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        entry["sha256"] = hashlib.sha256((audit.folder / entry["path"]).read_bytes()).hexdigest()
    write_json(audit.folder / "manifest.json", manifest)
    audit = resolve_artifact(workspace, "audit", str(audit.folder))
    done = verify(workspace, audit)
    assert "records.parquet of the audit" in {item.file for item in done.differences}
    assert done.artifact.id == artifact.id


def test_before_anything_was_cleaned_there_is_nothing_to_verify(tmp_path: Path, make_audit) -> None:
    workspace, audit = make_audit(tmp_path, [row(0, "a"), row(1, "b")])
    with pytest.raises(UsageError, match="nothing was cleaned"):
        verify(workspace, audit)


@pytest.mark.parametrize("kind", ["latin", "gzip", "json", "shards"])
def test_sources_of_every_kind_are_read_again_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rows = [row(n, f"Müller {n}") for n in range(4)] * 2
    lines = "".join(json.dumps(item) + "\n" for item in rows)
    monkeypatch.chdir(tmp_path)
    data, paths = DataSettings(), ["data.jsonl"]
    if kind == "latin":
        paths, data = ["data.csv"], DataSettings(encoding="latin-1")
        text = "text,label\n" + "".join(f"Müller {n % 4},a\n" for n in range(8)) + "too,many,x\n"
        Path(paths[0]).write_bytes(text.encode("latin-1"))
    elif kind == "gzip":
        paths = ["data.jsonl.gz"]
        Path(paths[0]).write_bytes(gzip.compress((lines + "broken\n").encode()))
    elif kind == "json":
        paths = ["data.json"]
        Path(paths[0]).write_text(json.dumps([*rows, 7]))
    else:
        paths = ["one.jsonl", "two.jsonl"]
        for path in paths:
            Path(path).write_text(lines + "broken\n")
    workspace = Workspace(tmp_path)
    audited = audit(workspace, paths, AuditSettings(checks=("duplicates",)), data)
    accept(workspace, audited, ["duplicates"])
    artifact = clean(workspace, audited, OPEN_GUARD)
    assert artifact.manifest.counts["set_aside"] > 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = verify(workspace, audited)
    assert done.differences == [], told(done)


STEPS = st.one_of(
    st.tuples(st.just("accept"), st.sampled_from(["duplicates", "all", "privacy"]),
              st.sampled_from([None, "best", "first"])),
    st.tuples(st.just("rows"), st.sets(st.integers(0, 7), min_size=1), st.none()),
    st.tuples(st.just("ignore"), st.sets(st.integers(0, 7), min_size=1), st.none()),
    st.tuples(st.just("edit"), st.integers(0, 7), st.text(max_size=8)),
    st.tuples(st.just("relabel"), st.sets(st.integers(0, 7), min_size=1), st.text(max_size=4)),
    st.tuples(st.just("undo"), st.integers(0, 7), st.none()),
)  # fmt: skip


TEXTS = st.sampled_from(["a", "A", LONG, LONG + " x", "b@c.de"])


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), steps=st.lists(STEPS, max_size=6))
def test_any_decisions_are_replayed_equally_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, make_audit, texts: list[str], steps: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("verify")
    rows = [row(number, text) for number, text in enumerate(texts)]
    spans = [
        finding(n, "privacy/email", "mask", field="messages[0].content", start=0, end=len(text))
        for n, text in enumerate(texts)
        if "@" in text
    ]
    workspace, audit = make_audit(folder, [*rows, "broken"], spans)
    known = {"duplicates", "all"} | ({"privacy"} if spans else set())
    source = (folder / "data.jsonl").read_bytes()
    first = clean(workspace, audit, OPEN_GUARD)
    for what, which, how in steps:
        audited = read_audited(audit)
        there = among(which, len(rows))
        if what == "accept" and which in known:
            keep = how if which == "duplicates" else None
            decide(workspace, audit, acceptance(audit, [which], keep=keep))
        elif what == "rows" and there:
            decide(workspace, audit, acceptance(audit, ["all"], rows=there, action="drop"))
        elif what == "ignore" and there:
            decide(workspace, audit, dismissal(audit, ["all"], rows=there))
        elif what == "relabel" and there:
            decide(workspace, audit, relabelling(audited, there, how))
        elif what == "edit" and which < len(rows):
            decide(workspace, audit, editing(audited, which, row(which, how, "e")))
        elif what == "undo" and (held := in_force(workspace, audit)):
            undo(workspace, audit, decision=held[which % len(held)].id)
        cleaned = clean(workspace, audit, OPEN_GUARD)
        counts = cleaned.manifest.counts
        assert counts["kept"] + counts["removed"] + counts["set_aside"] == counts["input"]
        assert counts["input"] == len(rows) + 1
        gone, stays = (
            pl.read_parquet(cleaned.folder / f"{name}.parquet")["row"].to_list()
            for name in ("removed", "records")
        )
        assert sorted([*gone, *stays]) == list(range(len(rows)))
        done = verify(workspace, audit)
        assert done.differences == [], told(done)
    while in_force(workspace, audit):
        undo(workspace, audit)
    assert clean(workspace, audit, OPEN_GUARD).manifest.files == first.manifest.files
    assert (folder / "data.jsonl").read_bytes() == source
