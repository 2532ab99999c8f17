"""`tunewise findings`: every hit with the characters that prove it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tunewise.cli.main import tunewise

ROWS = [
    {"text": "How do I get a new card for my account at the bank, please?", "topic": "card"},
    {"text": "How do I get a new card for my account at the bank, now?", "topic": "card"},
    {"text": "how do I get a new card for my account at the bank, now", "topic": "bank"},
    {"text": "Write to ada@tunewise.dev about \x1b[31mit.", "topic": "mail"},
]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert CliRunner().invoke(tunewise, ["audit", "data.jsonl", "-q"]).exit_code == 0

    def lines(*options: str) -> list[str]:
        result = CliRunner().invoke(tunewise, ["findings", *options])
        assert result.exit_code == 0, result.output
        return [line.strip() for line in result.output.splitlines()]

    return lines


def test_a_hit_is_marked_where_it_stands(found) -> None:
    assert "“Write to [ada@tunewise.dev] about ␛[31mit.”" in found("--check", "privacy/email")


def test_rows_that_are_compared_are_shown_where_they_differ(found) -> None:
    lines = found("--check", "duplicates/near")
    assert any(line.startswith("“") and "[now]" in line for line in lines)
    assert any(line.startswith("row 0: “") and "[please]" in line for line in lines)


def test_a_conflict_of_labels_shows_what_the_rows_say(found) -> None:
    lines = found("--check", "labels/conflict")
    assert any("ow do I get a new card" in line for line in lines if "“" in line)
