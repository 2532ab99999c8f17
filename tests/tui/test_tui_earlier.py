"""A row beside the one of an earlier audit that it repeats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl

from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.earlier import EARLIER
from tunewise.curate.settings import AuditSettings
from tunewise.tui.records.views import make_reading
from tunewise.tui.texts.audit_view import parse_audit
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.files import read_json


def test_the_earlier_row_stands_beside_the_new_one(tmp_path: Path) -> None:
    said = " ".join(f"word{number}" for number in range(40))
    audits = []
    for name, texts in (("old", ["other", said]), ("new", [said + " more"])):
        source = tmp_path / f"{name}.jsonl"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
        against = ("latest",) if audits else ()
        settings = AuditSettings(checks=("duplicates",), against=against)
        audits.append(audit(Workspace(tmp_path), [source], settings))
    old, new = audits
    findings = pl.read_parquet(new.folder / "findings.parquet")
    hit = findings.row(by_predicate=pl.col("check") == EARLIER, named=True)
    view = parse_audit(new, read_json(new.folder / "audit.json"))
    comparison = make_reading(view, hit["row"], hit).comparison
    assert comparison is not None
    told = str(comparison)
    assert f"earlier {old.id}/1" in told
    assert "word39" in told
    shutil.rmtree(old.folder)
    assert make_reading(view, hit["row"], hit).comparison is None
