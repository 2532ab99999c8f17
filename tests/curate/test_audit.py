"""The audit as a whole: what it writes, when it does it again, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.auditing import audit as audit_module
from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.audit_document import gate
from tunewise.curate.check import RowCheck
from tunewise.curate.evidence import field_text
from tunewise.curate.finding import FINDING_SCHEMA, Fix, Severity
from tunewise.curate.reading import pieces as pieces_module
from tunewise.curate.settings import AuditSettings, DataSettings
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import DataError, ExitCode, UsageError
from tunewise.workspace.events import CheckDone, Event, Note, Progress
from tunewise.workspace.files import read_json, sha256_of_file


def chat(question: str, answer: str, **more: Any) -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns, **more})


ROWS = [
    chat("How do I pay?", "By card, please.", topic="pay", region="north"),
    chat("How do I pay?", "By card, please.", topic="pay", region="north"),
    "{ broken",
    chat("Who are you?", "Write to jane@tunewise.dev for that.", topic="who", region="south"),
    chat("Are you there?", "", topic="who", region="south"),
    chat("What is it?", "It is cafÃ© time.", topic="what", region="north"),
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    return path


def document(artifact: Artifact) -> dict[str, Any]:
    return read_json(artifact.folder / "audit.json")


def test_every_row_is_accounted_for(workspace: Workspace, source: Path) -> None:
    artifact = audit(workspace, [source], AuditSettings())
    dataset = document(artifact)["dataset"]
    assert (dataset["rows"], dataset["records"], dataset["set_aside"]) == (6, 5, 1)
    assert dataset["sha256"] == sha256_of_file(source)
    assert dataset["paths"] == [str(source.resolve())]
    assert dataset["detection"]["shape"] == "chat"
    counts = artifact.manifest.counts
    assert counts["rows"] == counts["records"] + counts["set_aside"]
    assert pl.read_parquet(artifact.folder / "records.parquet").height == 5
    assert pl.read_parquet(artifact.folder / "set_aside.parquet")["raw"][0] == b"{ broken"


def test_findings_point_at_their_evidence(workspace: Workspace, source: Path) -> None:
    artifact = audit(workspace, [source], AuditSettings())
    findings = pl.read_parquet(artifact.folder / "findings.parquet")
    assert findings.schema == FINDING_SCHEMA
    found = dict(findings.drop_nulls("row").select("check", "row").rows())
    assert found["duplicates/exact"] == 1
    assert found["schema/malformed-row"] == 2
    assert found["privacy/email"] == 3
    assert found["schema/empty-message"] == 4
    assert found["text/mojibake"] == 5
    (email,) = findings.filter(pl.col("check") == "privacy/email").to_dicts()
    records = {r["row"]: r for r in pl.read_parquet(artifact.folder / "records.parquet").to_dicts()}
    text = field_text(records[3], email["field"])
    assert text is not None
    assert text[email["start"] : email["end"]] == "jane@tunewise.dev"


def test_the_document_has_what_others_read(workspace: Workspace, source: Path) -> None:
    found = document(audit(workspace, [source], AuditSettings()))
    assert set(found) == {"dataset", "quality", "checks", "findings", "profile"}
    assert {"check", "dimension", "status", "reason", "seconds", "findings", "rows"} <= set(
        found["checks"][0]
    )
    assert {"check", "severity", "rows", "share", "fix", "title"} <= set(found["findings"][0])
    severities = [line["severity"] for line in found["findings"]]
    assert severities == sorted(severities, key=["high", "medium", "low", "info"].index)
    line = next(line for line in found["findings"] if line["check"] == "duplicates/exact")
    assert (line["rows"], line["share"], line["fix"]) == (1, pytest.approx(1 / 6), "drop")
    counted = sum(item["findings"] for item in found["checks"])
    assert counted == sum(line["findings"] for line in found["findings"])
    assert [item["value"] for item in found["profile"]["groups"]] == ["north", "south"]


def test_quality_is_the_share_of_records_without_grave_findings(
    workspace: Workspace, source: Path
) -> None:
    quality = document(audit(workspace, [source], AuditSettings()))["quality"]
    # Rows 1 (copy), 3 (address), 4 (empty) and 5 (mojibake) of five records.
    assert quality["overall"] == pytest.approx(1 / 5)
    assert quality["if_fixed"] == 1
    assert quality["by_dimension"]["duplicates"] == pytest.approx(4 / 5)
    assert quality["by_dimension"]["tokens"] is None


def test_equal_work_is_not_done_twice(workspace: Workspace, source: Path) -> None:
    first = audit(workspace, [source], AuditSettings())
    assert not first.reused
    again = audit(workspace, [str(source)], AuditSettings(fail_on="high"))
    assert (again.reused, again.id) == (True, first.id)
    assert not audit(workspace, [source], AuditSettings(), force=True).reused


@pytest.mark.parametrize(
    "settings",
    [
        AuditSettings(checks=("privacy",)),
        AuditSettings(skip=("text",)),
        AuditSettings(context_length=99),
        AuditSettings(severity={"text/html": "high"}),
        AuditSettings(parameters={"text/truncated": {"least_words": 3}}),
    ],
)
def test_what_changes_the_result_changes_the_id(
    workspace: Workspace, source: Path, settings: AuditSettings
) -> None:
    assert audit(workspace, [source], settings).id != audit(workspace, [source], AuditSettings()).id


def test_changed_data_are_audited_again(workspace: Workspace, source: Path) -> None:
    first = audit(workspace, [source], AuditSettings())
    source.write_text("\n".join(ROWS[:4]) + "\n", encoding="utf-8")
    assert audit(workspace, [source], AuditSettings()).id != first.id


def test_only_the_chosen_checks_run(workspace: Workspace, source: Path) -> None:
    settings = AuditSettings(checks=("privacy", "text/html"), skip=("privacy/phone",))
    found = document(audit(workspace, [source], settings))
    names = {item["check"] for item in found["checks"]}
    assert "text/html" in names
    assert "privacy/email" in names
    assert "privacy/phone" not in names
    assert "schema/malformed-row" not in names
    assert found["profile"]["roles_ok"] is None


def test_the_users_severity_is_used(workspace: Workspace, source: Path) -> None:
    found = document(audit(workspace, [source], AuditSettings(severity={"privacy/email": "info"})))
    assert {line["severity"] for line in found["findings"] if line["check"] == "privacy/email"} == {
        "info"
    }
    assert found["quality"]["by_dimension"]["privacy"] == 1


def test_events_tell_each_check_and_the_progress(workspace: Workspace, source: Path) -> None:
    events: list[Event] = []
    artifact = audit(workspace, [source], AuditSettings(), emit=events.append)
    done = [event for event in events if isinstance(event, CheckDone)]
    assert [event.check for event in done] == [c["check"] for c in document(artifact)["checks"]]
    assert next(e for e in done if e.check == "privacy/email").rows == 1
    progress = [e for e in events if isinstance(e, Progress) and e.task == "checking"]
    assert (progress[-1].done, progress[-1].total) == (len(done), len(done))
    assert any(isinstance(e, Note) and e.text.startswith("read as chat") for e in events)


def broken_check() -> RowCheck:
    def find(context: object, check: object) -> pl.DataFrame:
        raise RuntimeError("out of luck")

    return RowCheck(
        name="text/broken",
        title="a broken check",
        severity=Severity.LOW,
        fix=Fix.NONE,
        find=find,
    )


def test_a_failed_check_is_told_and_fails_the_gate(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "choose_checks", lambda *_: (broken_check(),))
    events: list[Event] = []
    found = document(audit(workspace, [source], AuditSettings(), emit=events.append))
    (item,) = found["checks"]
    assert (item["status"], item["reason"]) == ("failed", "RuntimeError: out of luck")
    assert any(isinstance(event, Note) and event.level == "warning" for event in events)
    assert found["quality"]["by_dimension"] == {"text": None}
    assert gate(found, "high") is ExitCode.GATE_FAILED
    assert gate(found, "never") is ExitCode.PASSED


@pytest.mark.parametrize(
    ("severity", "fail_on", "code"),
    [
        ("high", "high", 1), ("medium", "high", 0), ("medium", "medium", 1), ("high", "low", 1),
        ("low", "medium", 0), ("low", "low", 1), ("info", "low", 0), ("high", "never", 0),
    ],
)  # fmt: skip
def test_the_gate(severity: str, fail_on: str, code: int) -> None:
    found = {"findings": [{"severity": severity}], "checks": [{"status": "ran"}]}
    assert gate(found, fail_on) == code


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "{ broken\n", '{"a": 1}\n{"b": 2}\n'])
def test_a_source_without_a_readable_row(workspace: Workspace, source: Path, content: str) -> None:
    source.write_text(content)
    with pytest.raises(DataError):
        audit(workspace, [source], AuditSettings())
    assert list(workspace.store.glob("audit/*/manifest.json")) == []


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        (AuditSettings(checks=("privcy",)), DataSettings()),
        (AuditSettings(parameters={"text/html": {"x": 1}}), DataSettings()),
        (AuditSettings(tokenizer="no/such/folder"), DataSettings()),
        (AuditSettings(), DataSettings(shape="chatt")),
    ],
)
def test_wrong_settings(
    workspace: Workspace, source: Path, settings: AuditSettings, data: DataSettings
) -> None:
    with pytest.raises(UsageError):
        audit(workspace, [source], settings, data)


def test_a_source_that_changes_while_it_is_read(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = audit_module.read_pieces

    def read_later(*arguments: Any, **options: Any) -> Any:
        source.write_text("\n".join(ROWS[:2]) + "\n")
        return read(*arguments, **options)

    monkeypatch.setattr(audit_module, "read_pieces", read_later)
    with pytest.raises(DataError, match="changed while it was read"):
        audit(workspace, [source], AuditSettings())


def everything(artifact: Artifact) -> list[Any]:
    """What an audit found, apart from the time it took."""
    found = document(artifact)
    for check in found["checks"]:
        del check["seconds"]
    frames = [pl.read_parquet(artifact.folder / f"{name}.parquet").to_dicts()
              for name in ("records", "set_aside", "findings")]  # fmt: skip
    return [found, *frames]


@pytest.mark.parametrize("processes", [1, 2])
def test_pieces_and_processes_make_no_difference(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    source.write_text("\n".join(ROWS * 7) + "\n", encoding="utf-8")
    whole = everything(audit(workspace, [source], AuditSettings()))
    monkeypatch.setattr(pieces_module, "_PIECE_ROWS", 4)
    settings = AuditSettings(processes=processes)
    pieces = everything(audit(workspace, [source], settings, force=True))
    assert not [check for check in pieces[0]["checks"] if check["status"] == "failed"]
    assert pieces == whole


def test_an_audit_with_a_tokenizer_imports_no_torch(
    repository_root: Path, source: Path, tmp_path: Path
) -> None:
    folder = repository_root / "datasets" / "base"
    if not (folder / "tokenizer.json").is_file():
        pytest.skip(f"no tokenizer at {folder}")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tunewise.curate.auditing.audit import audit\n"
        "from tunewise.curate.settings import AuditSettings\n"
        "from tunewise.workspace.artifact import Workspace\n"
        f"settings = AuditSettings(tokenizer={str(folder)!r})\n"
        f"audit(Workspace(Path('.')), [{str(source)!r}], settings)\n"
        "print(sorted({'torch', 'transformers', 'peft', 'textual'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stderr


def test_the_models_of_checks_are_inputs(workspace: Workspace, source: Path) -> None:
    model = workspace.root / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    check = "privacy/person-name"
    settings = AuditSettings(checks=(check,), parameters={check: {"model": str(model)}})
    first = audit(workspace, [source], settings)
    assert [given.name for given in first.manifest.inputs] == ["source", f"{check} model"]
    assert audit(workspace, [source], settings).reused
    (model / "config.json").write_text('{"changed": true}')
    assert audit(workspace, [source], settings).id != first.id


def test_freed_memory_goes_back_to_the_system() -> None:
    import ctypes

    import numpy as np
    import psutil

    from tunewise.curate.auditing.freed_memory import give_back_freed_memory

    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("only glibc can be told")
    memory = psutil.Process().memory_info
    # Blocks below the size that the C library asks the system for one by one.
    blocks = [np.ones(12_000) for _ in range(2_000)]
    kept = blocks[::500]
    held = memory().rss
    del blocks
    give_back_freed_memory()
    assert memory().rss < held - 100e6
    assert all(block.all() for block in kept)
