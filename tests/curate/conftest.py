"""Running single checks on rows written down in a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.check import CheckContext, CheckResult
from tunewise.curate.checking import run_check
from tunewise.curate.checks.registry import ALL_CHECKS
from tunewise.curate.read import read_dataset

RunCheck = Callable[..., CheckResult]
FindIn = Callable[..., pl.DataFrame]


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
