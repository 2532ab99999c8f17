"""New data against earlier ones: what is found, how it is told, and what cleaning makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.curate.auditing import earlier as earlier_module
from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.earlier import EARLIER, earlier_records
from tunewise.curate.cleaning.clean import clean
from tunewise.curate.cleaning.decide import accept
from tunewise.curate.reading import pieces as pieces_module
from tunewise.curate.settings import AuditSettings, CleanSettings
from tunewise.workspace.artifact import Artifact, Workspace, list_artifacts
from tunewise.workspace.errors import UsageError
from tunewise.workspace.files import read_json

CHECKS = ("duplicates", "schema")


def words(seed: str, count: int = 40) -> str:
    return " ".join(f"{seed}{number}" for number in range(count))


def row(text: str, label: str = "a") -> dict[str, Any]:
    return {"text": text, "label": label}


OLD = [
    row("nothing to do with it"),
    row(words("one")),
    row(words("two"), "b"),
    row(words("one")),
    row("Short and sweet."),
]
NEW = [
    row(words("three")),
    row(words("one")),
    row(words("one").upper() + "!"),
    row(words("one") + " more"),
    row(words("two") + " more", "a"),
    row(words("one"), "b"),
    row("short and sweet"),
    row(words("three") + " more"),
    row(words("one") + " more words"),
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    return path


def audit_of(workspace: Workspace, name: str, rows: list[dict[str, Any]], **how: Any) -> Artifact:
    settings = AuditSettings(checks=CHECKS, **how)
    return audit(workspace, [write(workspace.root, name, rows)], settings)


def findings(artifact: Artifact, check: str = EARLIER) -> pl.DataFrame:
    found = pl.read_parquet(artifact.folder / "findings.parquet")
    return found.filter(pl.col("check") == check)


def test_each_row_names_the_earlier_one_by_the_strictest_equality(workspace: Workspace) -> None:
    old = audit_of(workspace, "old.jsonl", OLD)
    new = audit_of(workspace, "new.jsonl", NEW, against=(old.id,))
    hits = findings(new)
    told = {
        (hit["row"], hit["related"], hit["severity"], hit["fix"])
        for hit in hits.iter_rows(named=True)
    }
    assert told == {
        (1, f"{old.id}/1", "high", "drop"),
        (2, f"{old.id}/1", "medium", "drop"),
        (3, f"{old.id}/1", "medium", "drop"),
        (4, f"{old.id}/2", "medium", "review"),
        (5, f"{old.id}/1", "medium", "review"),
        (6, f"{old.id}/4", "medium", "drop"),
        (8, f"{old.id}/1", "medium", "drop"),
    }
    # `related_row` and `cluster` name rows of the audited source.
    assert hits["related_row"].null_count() == hits["cluster"].null_count() == hits.height
    scores = dict(hits.select("row", "score").iter_rows())
    assert scores[1] == scores[2] == scores[6] == 1
    assert scores[3] == pytest.approx(36 / 37)
    messages = dict(hits.select("row", "message").iter_rows())
    assert messages[1] == f"the same content as row 1 of audit {old.id} (old.jsonl)"
    assert "the same words as row 4" in messages[6]
    assert "97 % of its word runs and those of row 1" in messages[3]
    assert messages[4].endswith("but the labels differ")
    # Copies among the new rows are told besides, as ever.
    assert findings(new, "duplicates/near")["row"].to_list() != []


def test_without_an_earlier_audit_the_check_says_so(workspace: Workspace) -> None:
    document = read_json(audit_of(workspace, "new.jsonl", NEW).folder / "audit.json")
    check = next(item for item in document["checks"] if item["check"] == EARLIER)
    assert (check["status"], check["findings"]) == ("skipped", 0)
    assert "--against" in check["reason"]
    assert document["dataset"]["against"] == []


def test_the_index_is_made_once_and_answers_without_the_records(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = audit_of(workspace, "old.jsonl", OLD)
    first = audit_of(workspace, "new.jsonl", NEW, against=(old.id,))
    (index,) = list_artifacts(workspace, "index")
    assert index.manifest.input("audit").artifact == old.id  # type: ignore[union-attr]
    (old.folder / "records.parquet").unlink()
    monkeypatch.setattr(earlier_module, "read_in_pieces", lambda path: pytest.fail("read again"))
    second = audit_of(workspace, "second.jsonl", NEW, against=(old.id,))
    assert findings(second).equals(findings(first))
    assert len(list_artifacts(workspace, "index")) == 1
    other = {"duplicates/near": {"threshold": 0.9}}
    with pytest.raises(BaseException, match="read again"):
        audit_of(workspace, "third.jsonl", NEW, against=(old.id,), parameters=other)


def test_of_several_earlier_audits_the_strictest_counts(workspace: Workspace) -> None:
    near = audit_of(workspace, "near.jsonl", [row(words("one") + " later")])
    exact = audit_of(workspace, "exact.jsonl", [row("x"), row(words("one"))])
    for against in ((near.id, exact.id), (exact.id, near.id)):
        new = audit_of(workspace, "new.jsonl", [row(words("one"))], against=against)
        assert findings(new)["related"].to_list() == [f"{exact.id}/1"]
        document = read_json(new.folder / "audit.json")
        assert [one["audit"] for one in document["dataset"]["against"]] == sorted(against)


def test_latest_is_the_latest_audit_of_other_data(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no audit of other data"):
        audit_of(workspace, "new.jsonl", NEW, against=("latest",))
    old = audit_of(workspace, "old.jsonl", OLD)
    for _ in range(2):
        new = audit_of(workspace, "new.jsonl", NEW, against=("latest",))
        assert new.manifest.input("against").artifact == old.id  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="same data"):
        audit_of(workspace, "new.jsonl", NEW, against=(new.id,))


def test_pieces_and_processes_make_no_difference(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = audit_of(workspace, "old.jsonl", OLD)
    whole = audit_of(workspace, "new.jsonl", NEW, against=(old.id,))
    monkeypatch.setattr(pieces_module, "_PIECE_ROWS", 2)
    source = workspace.root / "new.jsonl"
    settings = AuditSettings(checks=CHECKS, against=(old.id,), processes=2)
    assert findings(audit(workspace, [source], settings, force=True)).equals(findings(whole))


def test_cleaning_drops_the_new_row_and_no_other_for_its_sake(workspace: Workspace) -> None:
    base = words("w", 100)
    old = audit_of(workspace, "old.jsonl", [row(base)])
    # The second is alike to the first, and the first to the old one; the second is not.
    chain = [row(base + " " + words("x", 20)), row(base + " " + words("x", 20) + words("y", 22))]
    new = audit_of(workspace, "new.jsonl", [*chain, row("stays")], against=(old.id,))
    assert findings(new)["row"].to_list() == [0]
    near = findings(new, "duplicates/near")
    assert near.select("row", "related_row").rows() == [(0, 1)]
    accept(workspace, new, ["duplicates"])
    cleaned = clean(workspace, new, CleanSettings(max_removed_share=1.0))
    removed = pl.read_parquet(cleaned.folder / "removed.parquet")
    assert removed.select("row", "check").rows() == [(0, EARLIER)]
    assert f"audit {old.id} (old.jsonl)" in removed["reason"][0]
    counts = cleaned.manifest.counts
    assert (counts["kept"], counts["removed"]) == (2, 1)


def test_where_the_kept_copy_is_in_earlier_data_the_others_are_looked_at_anew(
    workspace: Workspace,
) -> None:
    old = audit_of(workspace, "old.jsonl", [row(words("w", 99))])
    longest = row(words("w", 99) + " " + words("x", 20))
    new = audit_of(
        workspace,
        "new.jsonl",
        [longest, row(longest["text"].replace("w3 ", "v3 ", 1).replace("w50 ", "v50 ", 1))],
        against=(old.id,),
    )
    assert findings(new)["row"].to_list() == [0]
    assert findings(new, "duplicates/near")["related_row"].to_list() == [0]
    accept(workspace, new, ["duplicates"])
    cleaned = clean(workspace, new, CleanSettings(max_removed_share=1.0))
    assert pl.read_parquet(cleaned.folder / "removed.parquet")["row"].to_list() == [0]


def call(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(tunewise, [*arguments, "--workspace", str(folder)])
    assert result.exit_code == 0, result.output
    return result


def test_the_commands_show_the_earlier_row(tmp_path: Path) -> None:
    write(tmp_path, "old.jsonl", OLD)
    hostile = write(tmp_path, "new\x1b[31m.jsonl", [row(words("one") + " more")])
    call(tmp_path, "audit", str(tmp_path / "old.jsonl"), "--checks", "duplicates")
    told = call(
        tmp_path, "audit", str(hostile), "--checks", "duplicates", "--against", "latest", "--json"
    )
    document = json.loads(told.stdout)
    (against,) = document["dataset"]["against"]
    assert (against["name"], against["rows"]) == ("old.jsonl", 5)
    shown = call(tmp_path, "findings", "--check", EARLIER)
    assert "97 % of its word runs" in shown.stdout
    assert f"earlier {against['audit']}/1: " in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    listed = json.loads(call(tmp_path, "findings", "--check", EARLIER, "--json").stdout)
    assert listed["findings"][0]["related"] == f"{against['audit']}/1"
    assert listed["findings"][0]["related_row"] is None
    # Where the earlier audit has gone, the message still tells all.
    shutil.rmtree(against["artifact"])
    gone = call(tmp_path, "findings", "--check", EARLIER)
    assert "row 1 of audit" in gone.stdout
    assert "earlier " not in gone.stdout.replace("duplicates/earlier", "")
    assert earlier_records(Path(document["artifact"]), [f"{against['audit']}/1"]) == {}
