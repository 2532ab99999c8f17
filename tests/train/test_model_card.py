"""Model cards: written from facts, the same for the same run, safe against what data may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunewise.curate.auditing.audit import audit
from tunewise.curate.settings import AuditSettings, DataSettings, SplitSettings
from tunewise.curate.splitting.split import split as divide
from tunewise.train.card.facts import base_facts, card_facts
from tunewise.train.card.markdown import model_card
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.files import read_json

HOSTILE = "<script>alert(1)</script> [x](javascript:y) `|` @all \x1b[31m\u202e\n# Owned\n---\nx: y"


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=1, batch_size=8, threads=1,
        samples=0, eval_every=5, sample_prompts=("a private question",),
    )  # fmt: skip


def head_of(card: str) -> dict[str, Any]:
    _, head, _ = card.split("---\n", 2)
    return yaml.safe_load(head)


def test_the_card_beside_the_weights_says_what_the_run_knows(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    recipe: Recipe,
) -> None:
    mute = {"messages": [{"role": "user", "content": "nobody answers"}]}
    split = make_split([*chat_rows(0, 12), mute], chat_rows(40, 44))
    run = train(workspace, split, recipe)
    card = (run.folder / "adapter" / "README.md").read_text(encoding="utf-8")
    document = read_json(run.folder / "train.json")
    head = head_of(card)
    assert head["library_name"] == "peft"
    assert head["pipeline_tag"] == "text-generation"
    assert "license" not in head
    assert "base_model" not in head
    for figure in (
        f"{document['losses']['base']['val']:.4f}",
        f"{document['losses']['kept']['val']:.4f}",
        f"{document['supervised_tokens']:,} supervised tokens",
        document["model_sha256"],
        split.id,
        run.id,
        "| `rank` | `4` |",
        "1 rows could not be learned from",
        "nothing had been measured but the losses",
        "The data were not audited",
        "* Base: not known",
    ):
        assert figure in card, figure
    assert "a private question" not in card
    assert str(workspace.root) not in card
    again = train(workspace, split, recipe, force=True)
    assert (again.folder / "adapter" / "README.md").read_text(encoding="utf-8") == card


def test_the_audit_tells_of_licences_and_personal_data(
    workspace: Workspace, chat_rows: Callable[[int, int], list], tmp_path: Path, recipe: Recipe
) -> None:
    import json

    source = tmp_path / "letters.jsonl"
    rows = chat_rows(0, 40)
    for number, row in enumerate(rows):
        row["messages"][1]["content"] += f" number {number * 37 % 101}"
        if number < 30:
            row["license"] = "CC BY-NC 4.0"
    rows[3]["messages"][0]["content"] += " write to anna.berg@mail-example.org"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    audited = audit(workspace, [source], AuditSettings(), DataSettings())
    from tunewise.curate.cleaning.clean import clean
    from tunewise.curate.settings import CleanSettings

    cleaned = clean(workspace, audited, CleanSettings())
    split = divide(workspace, cleaned, SplitSettings())
    run = train(workspace, split, recipe)
    facts = card_facts(
        workspace, split, read_json(run.folder / "train.json"), recipe.model_dump(mode="json"),
        run=run.id,
    )  # fmt: skip
    (licence,) = facts["data"]["audit"]["licences"]["stated"]
    assert licence["records"] == 30
    assert licence["forbids_commerce"]
    assert facts["data"]["audit"]["licences"]["without"] == 10
    assert facts["data"]["source"]["name"] == "letters.jsonl"
    card = (run.folder / "adapter" / "README.md").read_text(encoding="utf-8")
    assert "not for commercial use" in card
    assert re.search(r"`privacy/email` in 1 rows", card)
    assert "They were cleaned: " in card
    assert "anna.berg" not in card


def facts_of_a_run(**changes: Any) -> dict[str, Any]:
    part = {"rows": 1, "used": 1, "refused": 0, "truncated": 0, "supervised": 1}
    losses = {"train": 1.0, "val": 1.0, "general": None}
    return {
        "run": "0123", "kind": "adapter", "method": "lora", "task": "supervised",
        "base": {"name": "b", "hub": None, "revision": None, "sha256": "s", "licence": None},
        "data": {
            "split": {"id": "4567", "sha256": "s"}, "source": None, "kind": "chat",
            "certificate": None, "counts": None, "rows": {"train": part}, "audit": None,
            "cleaning": None,
        },
        "recipe": {"rank": 4, "max_length": 128},
        "training": {
            "steps": 1, "tokens": 2, "supervised_tokens": 1, "kept_step": 1, "refused": 0,
            "stopped_early": False, "over_budget": None, "warnings": [], "dtype": "float32",
            "losses": {"base": losses, "kept": losses}, "template": None, "rows": {"train": part},
        },
        "evaluation": None, "merged": None, "versions": {"python": "3"},
    } | changes  # fmt: skip


def test_hostile_names_stay_text() -> None:
    facts = facts_of_a_run()
    facts["base"] |= {"name": HOSTILE, "hub": HOSTILE, "revision": HOSTILE, "licence": HOSTILE}
    facts["data"]["source"] = {"name": HOSTILE, "sha256": HOSTILE}
    facts["training"]["warnings"] = [HOSTILE]
    facts["training"]["template"] = {"origin": HOSTILE, "sha256": "s", "end_token": HOSTILE}
    facts["recipe"] |= {"labels": [HOSTILE], HOSTILE: 1}
    facts["method"] = HOSTILE
    card = model_card(facts)
    assert not set(card) & set("\x1b\u202e")
    head = head_of(card)
    assert set(head) == {
        "library_name", "base_model", "base_model_relation", "pipeline_tag", "tags",
    }  # fmt: skip
    assert not re.search(r"^# Owned", card, re.MULTILINE)
    outside_code = re.sub(r"`+[^`]*`+", "", card.split("---\n", 2)[2])
    assert "<script" not in outside_code
    assert "[x](" not in outside_code


def test_verdicts_stand_in_the_card_of_an_evaluated_run() -> None:
    task = {
        "task": "domain/answer", "n": 120, "base": 0.25, "tuned": 0.75, "delta": 0.5,
        "ci": [0.4, 0.6], "verdict": "improved",
    }  # fmt: skip
    evaluation = {
        "overall": "held", "domain_gain": "improved", "tasks": [task],
        "overfitting": {"verdict": "none"},
    }  # fmt: skip
    card = model_card(facts_of_a_run(evaluation=evaluation))
    assert "General ability: **held**" in card
    assert "| 120 | 0.250 | 0.750 | +0.500 | +0.400 to +0.600 | improved |" in card
    assert "nothing had been measured" not in card


def test_a_base_says_its_name_and_its_licence(tmp_path: Path) -> None:
    folder = tmp_path / "models--acme--small" / "snapshots" / "abc123"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nx: [1\n---\n")
    (folder / "LICENSE.txt").write_text("\n  MIT License \n\nCopyright")
    assert base_facts(folder, "s") == {
        "name": "acme/small",
        "hub": "acme/small",
        "revision": "abc123",
        "sha256": "s",
        "licence": "MIT License (LICENSE.txt)",
    }
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Model\n")
    assert base_facts(folder, "s")["licence"] == "apache-2.0"
    assert base_facts(tmp_path, "s")["licence"] is None
