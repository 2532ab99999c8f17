"""What is read from a workspace, and when it is read again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tunewise.evaluate.reporting.report import report_document
from tunewise.evaluate.settings import ReportSettings
from tunewise.tui.snapshot import Snapshot, signature, take_snapshot
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.files import write_json
from tunewise.workspace.manifest import Input


def test_an_empty_workspace_gives_an_empty_snapshot(empty_workspace: Workspace) -> None:
    assert take_snapshot(empty_workspace) == Snapshot()
    assert signature(empty_workspace) == ()


def test_the_newest_artifacts_are_shown(workspace: Workspace, add_audit: Callable) -> None:
    first = take_snapshot(workspace)
    assert first.audit is not None
    assert first.audit.name == "support.jsonl"
    assert (first.audit.rows, first.audit.records, first.audit.set_aside) == (120, 119, 1)
    assert first.audit.bytes == 81_234
    assert [group.check for group in first.audit.groups][:2] == [
        "privacy/email",
        "schema/malformed-row",
    ]
    assert first.split is not None
    assert first.train is not None
    assert first.evaluate is not None
    assert first.report is None
    before = signature(workspace)
    add_audit(workspace, version=2)
    assert signature(workspace) != before
    second = take_snapshot(workspace)
    assert second.audit is not None
    assert second.audit.id != first.audit.id
    assert signature(workspace) == signature(workspace)


def test_a_source_shows_its_own_audit(workspace: Workspace, tmp_path: Path) -> None:
    assert take_snapshot(workspace, workspace.root / "support.jsonl").audit is not None
    other = take_snapshot(workspace, tmp_path / "other.jsonl")
    assert other.audit is None
    assert other.sources == (str(workspace.root / "support.jsonl"),)


def test_a_decision_changes_the_signature(workspace: Workspace) -> None:
    before = signature(workspace)
    journal = workspace.store / "decisions" / "0000.jsonl"
    journal.parent.mkdir()
    journal.write_text("{}\n")
    assert signature(workspace) != before


def test_documents_that_cannot_be_read_are_told(workspace: Workspace) -> None:
    audit = next((workspace.store / "audit").glob("*/audit.json"))
    document = json.loads(audit.read_text())
    del document["dataset"]["rows"]
    audit.write_text(json.dumps(document))
    next((workspace.store / "split").glob("*/split.json")).write_text("{half")
    next((workspace.store / "train").glob("*/train.json")).unlink()
    next((workspace.store / "evaluate").glob("*/evaluate.json")).write_text("[]")
    snapshot = take_snapshot(workspace)
    assert snapshot.audit is None
    assert snapshot.split is None
    assert len(snapshot.problems) == 4
    assert any("'rows'" in problem for problem in snapshot.problems)


def test_models_have_the_names_that_the_report_gives_them(empty_workspace: Workspace) -> None:
    def write(kind: str, document: dict[str, object], source: Input, **files: object) -> Artifact:
        def build(draft: Draft) -> None:
            for name, content in ({kind: document} | files).items():
                write_json(draft.folder / f"{name}.json", content)

        return produce(empty_workspace, kind, build, inputs=[source], parameters={})

    source = Input(name="split", sha256="0" * 64)
    run = write("train", {"steps": 1}, source, recipe={"method": "lora", "rank": 16})
    judged = {
        "model": "/models/base-chat-3m", "adapter": str(run.folder / "adapter"),
        "full_model": None, "run": run.id, "tasks": [], "overfitting": {"verdict": "none"},
    }  # fmt: skip
    evaluation = write("evaluate", judged, run.as_input("run"))
    expected = {"base": "base-chat-3m", "tuned": f"lora-r16 {run.id}"}
    assert take_snapshot(empty_workspace).models == expected
    assert report_document(empty_workspace, evaluation, ReportSettings())["names"] == expected
    shutil.rmtree(run.folder)
    assert take_snapshot(empty_workspace).models == {"base": "base-chat-3m", "tuned": run.id}
