"""`tunewise card`: a dataset card whose figures are those of the audit, safe against the data."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tunewise.cli.main import tunewise
from tunewise.workspace.safe_text import safe_text

HOSTILE = "</pre><script>alert(1)</script> | `x` ``` [a](http://evil) @all \x1b]0;t\x07 \u202e"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(tunewise, list(arguments))
    assert result.exit_code == code, result.output
    return result.stdout


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def chat(number: int, **more: object) -> dict[str, Any]:
    messages = [
        {
            "role": "user",
            "content": f"What should {'she' if number % 2 else 'he'} do about {number}?",
        },
        {
            "role": "assistant",
            "content": f"It is best to ask the shop about the number {number * 7}.",
        },
    ]
    return {"messages": messages, **more}


def head_of(card: str) -> dict[str, Any]:
    return yaml.safe_load(card.split("---\n")[1])


def test_a_card_tells_what_the_audit_knows(folder: Path) -> None:
    write(
        folder / "shop.jsonl",
        [chat(number, source="web", license="cc-by-4.0") for number in range(120)],
    )
    run("audit", "shop.jsonl", "--quiet")
    card = run("card")
    assert head_of(card) == {
        "license": ["cc-by-4.0"],
        "language": ["en"],
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation"],
        "pretty_name": "shop",
    }
    assert "120 records of kind `chat` from `shop.jsonl` (jsonl)." in card
    assert "| users say | gender | women | 60 of 120 | 50.0% | 41.2% to 58.8% |" in card
    assert "| `cc-by-4.0` | 120 |" in card
    assert "tunewise audit shop.jsonl" in card
    assert str(folder) not in card
    assert "| content | `content` |" in card
    assert "tool_calls" not in card.split("## Structure")[1].split("##")[0], "no row has any"
    assert card == run("card", "latest")


def test_what_is_unknown_is_said_to_be_unknown(folder: Path) -> None:
    write(folder / "a.jsonl", [{"text": "1 2 3"}, {"text": "4 5"}])
    run("audit", "a.jsonl", "--quiet", "--checks", "text")
    card = run("card")
    head = head_of(card)
    assert "license" not in head
    assert "language" not in head
    assert "Unknown: personal data were not looked for." in card
    assert card.count("Unknown: nothing in the data says so.") == 2
    assert "No example is shown" in card
    assert "None: the data were not split." in card
    assert "--checks" in card


def test_what_the_authors_state_stands_in_the_head(folder: Path) -> None:
    write(folder / "a.jsonl", [chat(1), chat(2)])
    run("audit", "a.jsonl", "--quiet")
    card = run("card", "--name", "Ärger: [1] #2", "--license", "mit,other", "--language", "en,de")
    head = head_of(card)
    assert (head["pretty_name"], head["license"]) == ("Ärger: [1] #2", ["mit", "other"])
    assert head["language"] == ["en", "de"]
    assert "Languages, as its authors state: `en`, `de`." in card


def test_licences_that_are_not_known_are_other(folder: Path) -> None:
    write(folder / "a.jsonl", [chat(1, license="mit"), chat(2, license="mine alone")])
    run("audit", "a.jsonl", "--quiet")
    card = run("card")
    assert head_of(card)["license"] == ["mit", "other"]
    assert "| `mine alone` | 1 | not a known licence |" in card


def test_hostile_data_stay_text(folder: Path) -> None:
    rows = [
        {"text": f"{HOSTILE} {number}", "label": HOSTILE, "region": HOSTILE + str(number % 2),
         "source": HOSTILE, "license": HOSTILE}
        for number in range(60)
    ]  # fmt: skip
    write(folder / "a.jsonl", rows)
    run("audit", "a.jsonl", "--quiet")
    card = run("card", "--name", HOSTILE)
    assert head_of(card)["pretty_name"] == safe_text(HOSTILE)
    assert "\x1b" not in card
    assert "\u202e" not in card
    body = card.split("---\n", 2)[2]
    outside = re.sub(r"(`{3,})\w*\n.*?\n\1", "", body, flags=re.DOTALL)
    outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", outside)
    assert "<script" not in outside
    assert "](" not in outside.replace("\\](", "")
    assert "@all" not in outside


def test_the_example_has_no_finding(folder: Path) -> None:
    mail = chat(1)
    mail["messages"][1]["content"] = "Write to jane.roe@example.com about it, please."
    write(folder / "a.jsonl", [mail, chat(2)])
    run("audit", "a.jsonl", "--quiet")
    document = json.loads(run("card", "--json"))
    assert json.loads("\n".join(document["example"])) == chat(2)
    assert "jane.roe" not in json.dumps(document)


def test_cleaning_and_split_are_told(folder: Path) -> None:
    rows = [chat(number) for number in range(60)]
    write(folder / "a.jsonl", [*rows, *rows[:5]])
    run("audit", "a.jsonl", "--quiet")
    run("clean", "a.jsonl", "--accept", "duplicates/exact", "--yes", "--quiet")
    run("split", "latest", "--quiet", "--seed", "3")
    card = run("card")
    assert "It kept 60 of 65 rows, removed 5, changed 0 and set 0 aside" in card
    assert "| `duplicates/exact` | drop | 5 |" in card
    assert "tunewise clean a.jsonl --accept duplicates/exact" in card
    assert "--seed 3" in card
    assert "Pairs that cross parts: exact 0, " in card


def test_a_file_is_replaced_only_by_force(folder: Path) -> None:
    write(folder / "a.jsonl", [chat(1), chat(2)])
    run("audit", "a.jsonl", "--quiet")
    (folder / "README.md").write_text("mine", encoding="utf-8")
    run("card", "--output", "README.md", code=2)
    assert (folder / "README.md").read_text(encoding="utf-8") == "mine"
    assert "data card: README.md" in run("card", "--output", "README.md", "--force")
    assert (folder / "README.md").read_text(encoding="utf-8") == run("card")


def test_without_an_audit_there_is_no_card(folder: Path) -> None:
    result = CliRunner().invoke(tunewise, ["card"])
    assert result.exit_code == 2
    assert "there is no audit here yet" in result.output
