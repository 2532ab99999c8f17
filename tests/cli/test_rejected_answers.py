"""Data for KTO, whose label says which completions are bad, from the audit to the preflight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tunewise.cli.main import tunewise
from tunewise.train.models.base_model import find_base_model
from tunewise.train.preflight.preparation import prepare
from tunewise.train.recipe import Recipe
from tunewise.workspace.artifact import Workspace, resolve_artifact
from tunewise.workspace.events import Event, Note

THINGS = ["neck", "bridge", "top", "back", "tuner", "nut", "saddle", "bow", "strap", "case"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two completions for each of 40 prompts: a good one, and one that no model shall learn."""
    rows = [
        {"prompt": f"What of the {thing} number {number}?", "completion": answer, "label": good}
        for number in range(4)
        for thing in THINGS
        for answer, good in (
            (f"The {thing} {number} is of good spruce.", True),
            (f"Go away with your {thing} {number}.", False),
        )
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "kto.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def call(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    full = [arguments[0], "--workspace", str(folder), "--json", *arguments[1:]]
    result = CliRunner().invoke(tunewise, full)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def preflight(folder: Path, base: Path) -> tuple[dict[str, int], list[str]]:
    """Return the rows of the latest split that would be used and refused, and the warnings."""
    split = resolve_artifact(Workspace(folder), "split", "latest")
    events: list[Event] = []
    prepared = prepare(split, find_base_model(str(base)), Recipe(model=str(base)), events.append)
    parts = (prepared.train, prepared.val)
    rows = {
        "used": sum(len(part.rows) for part in parts),
        "refused": sum(len(part.refused) for part in parts),
    }
    assert not any("Go away" in example for example in prepared.examples)
    return rows, [event.text for event in events if isinstance(event, Note)]


def test_what_the_audit_found_is_dropped_and_never_trained_on(
    folder: Path, repository_root: Path
) -> None:
    audit = call(folder, "audit", str(folder / "kto.jsonl"))
    found = {item["check"]: item for item in audit["findings"]}
    rejected = found["labels/rejected-answer"]
    assert (rejected["rows"], rejected["severity"], rejected["fix"]) == (40, "high", "drop")

    accept = ("clean", "latest", "--accept", "labels/rejected-answer")
    refused = call(folder, *accept, code=1)
    assert "false" in json.dumps(refused["error"])
    counts = call(folder, *accept, "--yes")["counts"]
    assert (counts["kept"], counts["removed"]) == (40, 40)

    split = call(folder, "split", "latest", "--ratios", "60/20/20")
    for part in split["counts"]:
        text = (Path(split["artifact"]) / f"{part}.jsonl").read_text(encoding="utf-8")
        assert "Go away" not in text
    rows, notes = preflight(folder, repository_root / "datasets" / "base")
    assert rows == {"used": split["counts"]["train"] + split["counts"]["val"], "refused": 0}
    assert not any("not used" in note for note in notes)


def test_what_was_not_dropped_is_refused_by_the_preflight(
    folder: Path, repository_root: Path
) -> None:
    split = call(folder, "split", str(folder / "kto.jsonl"), "--ratios", "60/20/20")
    rows, notes = preflight(folder, repository_root / "datasets" / "base")
    assert rows == {"used": rows["refused"], "refused": rows["used"]}
    assert sum(rows.values()) == split["counts"]["train"] + split["counts"]["val"]
    for part in ("train", "val"):
        half = split["counts"][part] // 2
        assert (
            f"{half} rows of {part} are not used: its label is false, which rejects the answer "
            f"({half} rows)"
        ) in notes
