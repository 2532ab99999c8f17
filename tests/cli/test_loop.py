"""The loop through its front door: every command on one small dataset, each on the last's work."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.workspace.files import read_json, sha256_of_file

WOODS = ["spruce", "maple", "cedar", "walnut", "cherry", "ash", "birch", "oak", "pine", "elm"]
PARTS = ["neck", "bridge", "top", "back", "tuner", "nut", "saddle", "bow", "strap", "case"]


def write_source(path: Path) -> None:
    """Write 100 clean chats, one exact duplicate, one e-mail address and one broken line."""
    rows = [
        {
            "id": f"r{index}",
            "messages": [
                {"role": "user", "content": f"Which wood is the {part} number {index} made of?"},
                {"role": "assistant", "content": f"We build that {part} from {wood}."},
            ],
            "topic": "wood" if index % 3 else "parts",
        }
        for index, (wood, part) in enumerate((wood, part) for wood in WOODS for part in PARTS)
    ]
    random.Random(0).shuffle(rows)
    rows.append(rows[5])
    rows[7]["messages"][1]["content"] += " Write to anna.berg@mail-example.org for more."
    text = "\n".join(json.dumps(row) for row in rows)
    path.write_text(text + '\n{"messages": [broken\n', encoding="utf-8")


def write_suite(path: Path) -> None:
    items = [
        {
            "id": f"i{index}",
            "query": f"One and {word} make a",
            "choices": [f"pair of {word}.", f"{word} of pair."],
            "gold": 0,
        }
        for index, word in enumerate(WOODS + PARTS)
    ]
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    write_source(folder / "chats.jsonl")
    write_suite(folder / "pairs.jsonl")
    model = (repository_root / "datasets" / "base").as_posix()
    (folder / "tunewise.toml").write_text(
        f"""
[data]
paths = ["chats.jsonl"]
[audit]
benchmarks = ["pairs.jsonl"]
tokenizer = "{model}"
[clean]
accept = ["duplicates/exact", "privacy/email"]
[train]
model = "{model}"
epochs = 1.0
batch_size = 16
learning_rate = 1e-3
dropout = 0.0
schedule = "linear"
[evaluate]
suites = ["pairs.jsonl"]
choice_items = 10
generated_items = 10
overfitting_items = 10
answer_tokens = 8
""",
        encoding="utf-8",
    )
    return folder


def call(folder: Path, *arguments: str, code: int = 0, typed: str | None = None) -> Result:
    full: Sequence[str] = [arguments[0], "--workspace", str(folder), *arguments[1:]]
    result = CliRunner().invoke(tunewise, full, input=typed)
    assert result.exit_code == code, result.output
    return result


def call_json(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    document = json.loads(call(folder, *arguments, "--json", code=code).stdout)
    assert document["schema_version"] == 1
    return document


def test_the_steps_one_by_one_then_all_at_once(folder: Path) -> None:
    before = sha256_of_file(folder / "chats.jsonl")
    audit = call_json(folder, "audit", str(folder / "chats.jsonl"))
    dataset = audit["dataset"]
    assert (dataset["rows"], dataset["records"], dataset["set_aside"]) == (102, 101, 1)
    found = {item["check"]: item["rows"] for item in audit["findings"]}
    assert found["duplicates/exact"] == 1
    assert found["privacy/email"] == 1
    assert all({"check", "status", "reason", "seconds"} <= set(item) for item in audit["checks"])
    call(folder, "audit", str(folder / "chats.jsonl"), "--fail-on", "high", code=1)

    listed = call(folder, "findings", "latest", "--check", "privacy/email").stdout
    assert "anna.berg@mail-example.org" in listed

    preview = call_json(folder, "clean", "latest", "--accept", "duplicates/exact", "--preview")
    assert preview["counts"]["removed"] == 1
    assert not (folder / ".tunewise" / "clean").exists()
    clean = call_json(folder, "clean", "latest")
    counts = clean["counts"]
    assert counts["kept"] + counts["removed"] + counts["set_aside"] == counts["input"] == 102
    assert (counts["removed"], counts["changed"]) == (1, 1)
    cleaned = (Path(clean["artifact"]) / "clean.jsonl").read_text(encoding="utf-8")
    assert "anna.berg" not in cleaned

    split = call_json(folder, "split", "latest")
    assert sum(split["counts"].values()) == 100
    assert split["certificate"]["exact_across"] == 0
    assert split["certificate"]["near_across"] == 0

    train = call_json(folder, "train", "latest")
    assert train["steps"] > 0
    assert 0 < train["supervised_tokens"] < train["tokens"]

    merged = call_json(folder, "merge", "latest", "--output", str(folder / "merged"), "--rows", "4")
    assert (folder / "merged" / "model.safetensors").is_file()
    assert merged["agreement"]["holds"]
    assert merged["run"] == train["id"]

    said = call_json(folder, "chat", "latest", "--max-tokens", "4", "--prompt", "Which wood?")
    assert [set(turn) for turn in said["turns"]] == [{"prompt", "base", "tuned"}]
    only = ("--max-tokens", "4", "--only", "tuned")
    spoken = call(folder, "chat", "latest", *only, typed="Hi\n/quit\nnever said\n")
    assert [line.split(" ")[0] for line in spoken.stdout.splitlines()] == ["you", "tuned"]

    assert "nothing had been measured" in call(folder, "card", "--run", "latest").stdout
    evaluation = call_json(folder, "evaluate", "latest")
    card = call(folder, "card", "--run", "latest").stdout
    assert f"General ability: **{evaluation['overall']}**" in card
    assert all(f"`{task['task']}`" in card for task in evaluation["tasks"])
    verdicts = {task["task"]: task["verdict"] for task in evaluation["tasks"]}
    assert "domain/answer-choice" in verdicts
    items = pl.read_parquet(Path(evaluation["artifact"]) / "items.parquet")
    assert items.filter(pl.col("group") != "domain").height == 20

    report = call_json(folder, "report", "latest")
    page = (Path(report["artifact"]) / "report.html").read_text(encoding="utf-8")
    assert "<html" in page
    assert call(folder, "report", "latest", "--format", "md").stdout.startswith("#")

    run = call_json(folder, "run", str(folder / "tunewise.toml"))
    assert [step["reused"] for step in run["steps"]] == [True] * 6
    assert run["steps"][-1]["artifact"] == report["artifact"]
    assert sha256_of_file(folder / "chats.jsonl") == before


def test_the_commands_of_the_report_give_the_same_artifacts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the workspace's settings have changed since."""
    done = {
        step["step"]: step["id"]
        for step in call_json(folder, "run", str(folder / "tunewise.toml"))["steps"]
    }
    report = read_json(folder / ".tunewise" / "report" / done["report"] / "report.json")
    settings = folder / "tunewise.toml"
    before = settings.read_text(encoding="utf-8")
    monkeypatch.chdir(folder)
    for now in (
        before,
        "[train]\nalpha = 8\nseed = 5\n[split]\nseed = 3\n[clean]\naccept = ['all']",
    ):
        settings.write_text(now, encoding="utf-8")
        ids = {}
        for line in report["commands"]:
            arguments = shlex.split(line, comments=True)[1:]
            result = CliRunner().invoke(tunewise, [*arguments, "--json"])
            assert result.exit_code == 0, result.output
            document = json.loads(result.stdout)
            ids[arguments[0]] = document["id"]
            assert document["reused"], line
        assert ids == done
    settings.write_text(before, encoding="utf-8")


def test_undo_brings_the_rows_back(folder: Path) -> None:
    call(folder, "audit", str(folder / "chats.jsonl"))
    accepted = call_json(folder, "clean", "latest", "--accept", "duplicates/exact")
    undone = call_json(folder, "clean", "latest", "--undo")
    assert undone["artifact"] != accepted["artifact"]
    redone = call_json(folder, "clean", "latest", "--redo")
    assert redone["artifact"] == accepted["artifact"]


def test_a_guarded_decision_is_refused_and_not_kept(folder: Path, tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "a b"}, {"role": "assistant", "content": "c"}]}
    source = tmp_path / "same.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for _ in range(20)), encoding="utf-8")
    call(tmp_path, "clean", str(source), "--accept", "duplicates/exact", code=1)
    assert call_json(tmp_path, "clean", str(source))["counts"]["removed"] == 0
    kept = call_json(tmp_path, "clean", str(source), "--accept", "duplicates/exact", "--yes")
    assert kept["counts"]["kept"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["audit", "missing.jsonl"], 3),
        (["audit"], 2),
        (["split", "nonsense"], 2),
        (["train", "latest"], 2),
        (["report", "latest"], 2),
        (["clean", "latest", "--undo", "--preview"], 2),
    ],
)
def test_mistakes_end_with_the_right_code(tmp_path: Path, arguments: list[str], code: int) -> None:
    result = CliRunner().invoke(
        tunewise, [arguments[0], "--workspace", str(tmp_path), *arguments[1:]]
    )
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    result = call(tmp_path, "audit", str(tmp_path / "empty.jsonl"), code=3)
    assert "error:" in result.stderr
