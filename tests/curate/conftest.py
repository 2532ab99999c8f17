"""Running single checks on rows written down in a test."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.auditing.audit import audit
from tunewise.curate.auditing.checking import CheckResult, run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks.registry import ALL_CHECKS
from tunewise.curate.finding import FINDING_SCHEMA
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.settings import AuditSettings
from tunewise.workspace.artifact import Artifact, Draft, Workspace, produce
from tunewise.workspace.files import read_json, write_json

RunCheck = Callable[..., CheckResult]
FindIn = Callable[..., pl.DataFrame]
MixedTexts = Callable[[int, int], pl.Series]


@pytest.fixture
def check_rows(tmp_path: Path) -> RunCheck:
    """Write rows as JSONL, read them and run one check; options go to the context."""

    def run(name: str, rows: list[Any], *, shape: str | None = None, **options: Any) -> CheckResult:
        path = tmp_path / "rows.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        check = next(check for check in ALL_CHECKS if check.name == name)
        return run_check(check, CheckContext(read_dataset([path], shape=shape), **options))

    return run


@pytest.fixture
def find_in_answers(check_rows: RunCheck) -> FindIn:
    """Run a check on chats with the given answers; return its findings."""

    def find(name: str, answers: list[str], **options: Any) -> pl.DataFrame:
        rows = [
            {
                "messages": [
                    {"role": "user", "content": f"Question {number}?"},
                    {"role": "assistant", "content": answer},
                ]
            }
            for number, answer in enumerate(answers)
        ]
        result = check_rows(name, rows, **options)
        assert result.status == "ran", result.reason
        return result.findings

    return find


MakeAudit = Callable[..., tuple[Workspace, Artifact]]


@pytest.fixture(scope="session")
def make_audit() -> MakeAudit:
    """Write a source and an audit of it: the duplicate checks, and findings as they are given."""

    def make(
        folder: Path,
        rows: Sequence[Any],
        findings: Sequence[dict[str, Any]] = (),
        checks: Sequence[str] = ("duplicates",),
    ) -> tuple[Workspace, Artifact]:
        source = folder / "data.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        source.write_text("".join(line + "\n" for line in lines), "utf-8")
        workspace = Workspace(folder)
        audited = audit(workspace, [source], AuditSettings(checks=tuple(checks)))
        names = [item["check"] for item in read_json(audited.folder / "audit.json")["checks"]]
        extra = pl.DataFrame(list(findings), schema=FINDING_SCHEMA)
        names += extra["check"].unique(maintain_order=True).to_list()

        def build(draft: Draft) -> None:
            shutil.copytree(audited.folder, draft.folder, dirs_exist_ok=True)
            found = pl.concat([pl.read_parquet(audited.folder / "findings.parquet"), extra])
            found.write_parquet(draft.folder / "findings.parquet")
            document = read_json(audited.folder / "audit.json")
            known = [{"check": name} for name in dict.fromkeys(names)]
            write_json(draft.folder / "audit.json", {**document, "checks": known})

        return workspace, produce(
            workspace, "audit", build, inputs=audited.manifest.inputs, parameters={}
        )

    return make


@pytest.fixture(scope="session")
def mixed_texts() -> MixedTexts:
    """Make texts of all lengths: edited and equal copies, templates, some without words."""

    def make(seed: int, count: int) -> pl.Series:
        chance = random.Random(seed)
        template = [f"t{word}" for word in range(25)]
        texts = ["", "", "A b!", "a b"]
        while len(texts) < count:
            words = [f"w{chance.randrange(50_000)}" for _ in range(chance.randint(1, 80))]
            if chance.random() < 0.15:
                words = template + words[: chance.randrange(8)]
            texts.append(" ".join(words))
            for _ in range(chance.choice([0, 0, 1, 2])):
                copy = list(words)
                for _ in range(chance.randint(0, 2)):
                    copy[chance.randrange(len(copy))] = "new"
                texts.append(" ".join(copy))
        chance.shuffle(texts)
        return pl.Series(texts)

    return make
