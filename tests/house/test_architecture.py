"""The architecture notes name what the artifacts hold, as the code that writes them has it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.settings import AuditSettings, DataSettings
from tunewise.evaluate.items import ITEMS_SCHEMA
from tunewise.evaluate.observations.observation import Observation
from tunewise.evaluate.verdicts.judgement import TaskVerdict
from tunewise.evaluate.verdicts.overfitting import Signal
from tunewise.train.loop.watch import LOG_SCHEMA
from tunewise.train.rows.supervision import SUPERVISION_SCHEMA
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.files import read_json

# What `--json` promises of an evaluation's tasks; the notes need not repeat it.
PROMISED = {
    "task", "group", "metric", "n", "base", "tuned", "delta", "ci", "p", "p_adjusted", "lost",
    "gained", "verdict", "needs",
}  # fmt: skip


@pytest.fixture
def notes(repository_root: Path) -> str:
    return (repository_root / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(notes: str, name: str) -> str:
    """Return the paragraph about a file."""
    return next(part for part in notes.split("\n\n") if part.startswith(f"`{name}`:"))


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("log.parquet", LOG_SCHEMA.names()),
        ("supervision.parquet", SUPERVISION_SCHEMA.names()),
        ("items.parquet", ITEMS_SCHEMA.names()),
        ("evaluate.json", {field.name for field in fields(TaskVerdict)} - PROMISED),
        ("evaluate.json", {field.name for field in fields(Signal)}),
        ("evaluate.json", {field.name for field in fields(Observation)}),
    ],
)
def test_the_notes_name_every_column_and_key(notes: str, file: str, names: list[str]) -> None:
    said = set(re.findall(r"\w+", section(notes, file)))
    assert not set(names) - said


def test_promised_keys_are_there() -> None:
    assert {field.name for field in fields(TaskVerdict)} >= PROMISED


def test_the_notes_name_every_key_of_an_audit(notes: str, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"text": "one", "label": "a"}\n' * 3 + "{broken\n")
    made = audit(Workspace(tmp_path), [source], AuditSettings(), DataSettings())
    document = read_json(made.folder / "audit.json")
    promised = {
        "paths", "format", "kind", "rows", "records", "set_aside", "sha256", "check", "dimension",
        "status", "reason", "seconds", "share",
    }  # fmt: skip
    objects = [
        document["dataset"], document["dataset"]["detection"], document["quality"],
        document["checks"][0], document["findings"][0], document["profile"],
        document["profile"]["length"],
    ]  # fmt: skip
    keys = {key for item in objects for key in item}
    assert not keys - promised - set(re.findall(r"\w+", section(notes, "audit.json")))
