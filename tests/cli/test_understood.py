"""The audit's summary shows how rows were read, briefly and safely."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tunewise.cli.main import tunewise
from tunewise.cli.understood import understood_lines


def lines_of(*examples: dict[str, Any], reason: str = "all fit") -> list[str]:
    return understood_lines(
        {"detection": {"shape": "chat", "reason": reason}, "examples": list(examples)}
    )


def said(count: int) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": f"text {n}"} for n in range(count)]


def test_the_beginning_and_the_end_of_a_row_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert lines_of({"row": 7, "messages": said(10), "left_out": 90}, {"row": 8}) == [
        "read as chat: all fit",
        "  row 7  user       text 0",
        "         …          97 more messages",
        "         user       text 8",
        "         assistant  text 9",
    ]


def test_answers_labels_and_calls_are_shown() -> None:
    calls = '[{"type":"function"}]'
    shown = lines_of(
        {"row": 0, "messages": said(1), "chosen": said(1), "rejected": said(1)},
        {"row": 1, "messages": [{"role": "assistant", "tool_calls": calls}], "label": "false"},
    )
    assert [line[9:19].strip() for line in shown[1:]] == [
        "user",
        "chosen",
        "rejected",
        "assistant",
        "label",
    ]
    assert f"calls {calls}" in shown[4]


def test_hostile_data_stays_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = "\x1b]0;title\x07\n" + "x" * 200
    shown = lines_of({"row": 0, "messages": [{"role": text, "content": text}]}, reason=text)
    assert all(line.isprintable() for line in shown)
    assert len(shown[1]) == 60


def test_an_audit_tells_how_it_read_the_file(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "q" * 900}, {"from": "gpt", "value": "a"}]
    source = tmp_path / "rows.jsonl"
    source.write_text((json.dumps({"conversations": turns * 20}) + "\n") * 5)
    words = ["audit", str(source), "--workspace", str(tmp_path), "--checks", "schema/*"]
    result = CliRunner().invoke(tunewise, words)
    assert result.exit_code == 0, result.output
    assert "read as sharegpt: 5 rows looked at, all fit: `conversations` with" in result.output
    assert "37 more messages" in result.output
    document = json.loads(CliRunner().invoke(tunewise, [*words, "--json"]).stdout)
    examples = document["dataset"]["examples"]
    assert [example["row"] for example in examples] == [0, 1, 2]
    assert examples[0]["left_out"] == 30
    assert examples[0]["messages"][0]["content"] == "q" * 299 + "…"


def test_an_entry_of_a_description_can_be_audited(tmp_path: Path) -> None:
    rows = [{"q": f"question {n}", "a": f"answer {n}"} for n in range(5)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    entry = {"file_name": "rows.json", "columns": {"prompt": "q", "response": "a"}}
    info = tmp_path / "dataset_info.json"
    info.write_text(json.dumps({"mine": entry, "far": {"hf_hub_url": "a/b"}}))
    words = ["audit", "--workspace", str(tmp_path), "--checks", "schema/*", "--json"]
    first = json.loads(CliRunner().invoke(tunewise, [*words, f"{info}:mine"]).stdout)
    assert first["dataset"]["detection"]["chosen_by"] == "described"
    assert first["dataset"]["records"] == 5
    # The description decides the result, so a change of it is a new audit.
    info.write_text(json.dumps({"mine": entry | {"columns": {"prompt": "a", "response": "q"}}}))
    second = json.loads(CliRunner().invoke(tunewise, [*words, f"{info}:mine"]).stdout)
    assert second["id"] != first["id"]
    assert second["dataset"]["examples"][0]["messages"][0]["content"] == "answer 0"
    split = ["split", f"{info}:mine", "--workspace", str(tmp_path), "--json"]
    assert CliRunner().invoke(tunewise, split).exit_code == 0
    bare = CliRunner().invoke(tunewise, ["audit", str(info), "--workspace", str(tmp_path)])
    assert bare.exit_code == 2
    assert "those with files here: mine" in bare.stderr


def test_the_settings_say_what_fields_and_speakers_mean(tmp_path: Path) -> None:
    turns = [{"who": "customer", "says": "Hi"}, {"who": "agent", "says": "Hello"}]
    source = tmp_path / "rows.jsonl"
    source.write_text((json.dumps({"talk": turns, "other": turns}) + "\n") * 5)
    (tmp_path / "tunewise.toml").write_text(
        "[data]\nmapping = { messages = 'talk', role = 'who', content = 'says', "
        "'role.user' = 'customer', 'role.assistant' = 'agent' }\n"
    )
    words = ["audit", str(source), "--workspace", str(tmp_path), "--checks", "schema/*", "--json"]
    document = json.loads(CliRunner().invoke(tunewise, words).stdout)
    messages = document["dataset"]["examples"][0]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert "`customer` speaks as user" in document["dataset"]["detection"]["reason"]
    # A flag goes before the settings.
    flag = "messages=other,role=who,content=says,role.user=agent,role.assistant=customer"
    document = json.loads(CliRunner().invoke(tunewise, [*words, "--map", flag]).stdout)
    messages = document["dataset"]["examples"][0]["messages"]
    assert [message["role"] for message in messages] == ["assistant", "user"]


@pytest.mark.parametrize("tag", ["kto_tag", "label"])
def test_answers_that_their_tag_rejects_are_found(tmp_path: Path, tag: str) -> None:
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
    rows = [{"conversations": turns, tag: number % 3 > 0} for number in range(9)]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["audit", str(source), "--workspace", str(tmp_path), "--json"]
    result = CliRunner().invoke(tunewise, [*words, "--checks", "labels/rejected-answer"])
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["check"], finding["rows"]) == ("labels/rejected-answer", 3)
