"""`--benchmarks`: names become items, and rows with them become findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise

QUESTION = "Which of the two old harbour bells rings first when the fog comes in from the north?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    turns = [
        {"role": "user", "content": f"Tell me: {QUESTION.upper()}"},
        {"role": "assistant", "content": "The small one."},
    ]
    (tmp_path / "chats.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    (tmp_path / "bells.jsonl").write_text(json.dumps({"question": QUESTION, "answer": "none"}))
    return tmp_path


def call(folder: Path, *arguments: str, code: int = 0) -> Result:
    full = [arguments[0], "--workspace", str(folder), *arguments[1:]]
    result = CliRunner().invoke(tunewise, full)
    assert result.exit_code == code, result.output
    return result


def contamination(document: dict[str, Any]) -> dict[str, Any]:
    return next(item for item in document["checks"] if item["dimension"] == "contamination")


def test_the_option_names_benchmarks(folder: Path) -> None:
    data = str(folder / "chats.jsonl")
    found = json.loads(
        call(folder, "audit", data, "--benchmarks", "general", "--benchmarks", "bells.jsonl",
             "--json").stdout
    )  # fmt: skip
    check = contamination(found)
    assert (check["status"], check["rows"]) == ("ran", 1)
    assert "are uncheckable" in check["reason"]
    shown = call(folder, "findings", "--check", "contamination").stdout
    assert "bells/0" in shown
    assert QUESTION.upper()[:30] in shown
    assert f"bells/0: “[{QUESTION[:30]}" in shown
    hits = json.loads(call(folder, "findings", "--check", "contamination", "--json").stdout)
    (hit,) = hits["findings"]
    evidence = hit["evidence"]
    assert (evidence["item"], evidence["part"], evidence["text"]) == (
        "bells/0",
        "question",
        QUESTION,
    )
    assert evidence["text"][evidence["start"] : evidence["end"]] == QUESTION[:-1]
    assert (evidence["answer"], evidence["answer_score"]) == ("none", 0)
    text = call(folder, "audit", data, "--benchmarks", "general,bells.jsonl").stdout
    assert "ran: contamination/benchmark (" in text
    assert "are uncheckable" in text


def test_the_audit_keeps_the_status_of_every_item(folder: Path) -> None:
    (folder / "more.jsonl").write_text(
        json.dumps({"id": "s", "question": "1+1=", "answer": "2"})
        + "\n"
        + json.dumps({"id": "c", "question": QUESTION.replace("bells", "boats"), "answer": "no"})
    )
    data = str(folder / "chats.jsonl")
    found = json.loads(
        call(folder, "audit", data, "--benchmarks", "bells.jsonl,more.jsonl", "--json").stdout
    )
    items = pl.read_parquet(Path(found["artifact"]) / "contamination.parquet")
    assert items.select("task", "item", "status", "rows", "row").rows() == [
        ("bells", "0", "contaminated", 1, 0),
        ("more", "s", "uncheckable", 0, None),
        ("more", "c", "clean", 0, None),
    ]
    assert items["reason"].to_list() == [None, "3 words; 8 are needed", None]
    told = found["contamination"]
    assert (told["rows"], told["items"]) == (1, 3)
    assert (told["clean"], told["contaminated"], told["uncheckable"]) == (1, 1, 1)
    assert [task["task"] for task in told["tasks"]] == ["bells", "more"]


def test_what_was_edited_is_shown_side_by_side(folder: Path) -> None:
    edited = QUESTION.replace("harbour", "seaside")
    (folder / "bells.jsonl").write_text(json.dumps({"question": edited, "answer": "none"}))
    call(folder, "audit", str(folder / "chats.jsonl"), "--benchmarks", "bells.jsonl")
    shown = call(folder, "findings", "--check", "contamination").stdout
    assert "% of the question of benchmark item bells/0 stands here" in shown
    assert "HARBOUR" in shown
    assert "seaside" in shown.split("bells/0: ")[1]


def test_without_it_the_check_is_skipped(folder: Path) -> None:
    text = call(folder, "audit", str(folder / "chats.jsonl")).stdout
    assert "skipped: contamination/benchmark (no benchmarks were given" in text


def test_the_settings_name_benchmarks_for_every_command_that_audits(folder: Path) -> None:
    (folder / "tunewise.toml").write_text(
        '[data]\npaths = ["chats.jsonl"]\n[audit]\nbenchmarks = ["bells.jsonl"]\n'
    )
    audits = [
        json.loads(call(folder, "audit", "--json").stdout)["id"],
        json.loads(call(folder, "run", "--until", "audit", "--json").stdout)["steps"][0]["id"],
        json.loads(call(folder, "clean", str(folder / "chats.jsonl"), "--json").stdout)["audit"],
    ]
    assert len(set(audits)) == 1
    (folder / "bells.jsonl").write_text(json.dumps({"question": QUESTION, "answer": "both"}))
    assert json.loads(call(folder, "audit", "--json").stdout)["id"] != audits[0]


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [("genral", 2, "'general'"), ("bels.jsonl", 2, "'bells.jsonl'"), ("empty.jsonl", 3, "no rows")],
)
def test_what_cannot_be_read_is_an_error(folder: Path, name: str, code: int, hint: str) -> None:
    (folder / "empty.jsonl").write_text("\n")
    result = call(folder, "audit", str(folder / "chats.jsonl"), "--benchmarks", name, code=code)
    assert hint in result.stderr
