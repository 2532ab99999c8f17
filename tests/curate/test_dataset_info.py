"""What a `dataset_info.json` says about the files beside it, and when it is not believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewise.curate.export import source_rows
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.source_files import find_files
from tunewise.curate.records import Dataset
from tunewise.workspace.errors import DataError, TunewiseError, UsageError

TURNS = [{"who": "customer", "says": "Hi"}, {"who": "agent", "says": "Hello"}]
OWN_TAGS = {
    "formatting": "sharegpt",
    "columns": {"messages": "talk", "system": "rules", "tools": "functions"},
    "tags": {
        "role_tag": "who",
        "content_tag": "says",
        "user_tag": "customer",
        "assistant_tag": "agent",
        "observation_tag": "machine",
        "function_tag": "asks",
        "system_tag": "boss",
    },
}


def save(folder: Path, rows: list[dict[str, Any]], name: str = "data.json", **entries: Any) -> Path:
    """Write rows and a description whose entries all name their file."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    described = {key: {"file_name": name} | entry for key, entry in entries.items()}
    (folder / "dataset_info.json").write_text(json.dumps(described), encoding="utf-8")
    return path


def said(dataset: Dataset, part: str = "messages", row: int = 0) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in dataset.records[part][row]]


def test_an_entry_gives_columns_and_speakers(tmp_path: Path) -> None:
    call = {"who": "asks", "says": '{"name": "f", "arguments": {}}'}
    rows: list[dict[str, Any]] = [
        {
            "rules": "Be kind.",
            "talk": [*TURNS, call, {"who": "machine", "says": "4"}, TURNS[1]],
            "functions": "[]",
        },
        {"rules": None, "talk": [{"who": "boss", "says": "Be brief."}, *TURNS]},
    ]
    path = save(tmp_path, rows * 2, calls=OWN_TAGS)
    dataset = read_dataset(path)
    assert [role for role, _ in said(dataset)] == [
        "system",
        "user",
        "assistant",
        "assistant",
        "tool",
        "assistant",
    ]
    assert dataset.records["messages"][0][3]["tool_calls"].startswith('[{"type":"function"')
    assert [role for role, _ in said(dataset, row=1)] == ["system", "user", "assistant"]
    detection = dataset.detection
    assert (detection.shape, detection.chosen_by) == ("sharegpt", "described")
    assert "as 'calls' in dataset_info.json says" in detection.reason
    assert list(source_rows(dataset.records, detection)) == rows * 2


@pytest.mark.parametrize(
    ("entry", "row", "shape", "messages"),
    [
        ({}, {"instruction": "a", "input": "b", "output": "c"}, "alpaca", ["a\n\nb", "c"]),
        (
            {"columns": {"prompt": "q", "query": "more", "response": "r", "history": "past"}},
            {"q": "a", "more": "b", "r": "c", "past": [["x", "y"]], "system": "unused"},
            "alpaca",
            ["x", "y", "a\n\nb", "c"],
        ),
        ({"columns": {"prompt": "body"}}, {"body": "a", "output": "b"}, "text", ["a"]),
        (
            {
                "formatting": "openai",
                "columns": {"messages": "chat"},
                "tags": {"role_tag": "role", "content_tag": "content"},
            },
            {"chat": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            "chat",
            ["a", "b"],
        ),
    ],
)
def test_every_formatting_is_read(
    tmp_path: Path, entry: dict[str, Any], row: dict[str, Any], shape: str, messages: list[str]
) -> None:
    dataset = read_dataset(save(tmp_path, [row] * 3, data=entry))
    assert (dataset.detection.shape, dataset.detection.chosen_by) == (shape, "described")
    assert [content for _, content in said(dataset)] == messages


@pytest.mark.parametrize(
    ("entry", "row"),
    [
        (
            {
                "ranking": True,
                "columns": {"prompt": "q", "chosen": "good", "rejected": "bad", "system": "s"},
            },
            {"q": "a", "good": "b", "bad": "c", "s": None},
        ),
        (
            {
                "ranking": True,
                "formatting": "sharegpt",
                "columns": {"messages": "talk", "chosen": "good", "rejected": "bad"},
            },
            {
                "talk": [{"from": "human", "value": "a"}],
                "good": {"from": "gpt", "value": "b"},
                "bad": {"from": "gpt", "value": "c"},
            },
        ),
    ],
)
def test_rankings_are_preferences(
    tmp_path: Path, entry: dict[str, Any], row: dict[str, Any]
) -> None:
    dataset = read_dataset(save(tmp_path, [row] * 3, ranked=entry))
    assert dataset.kind == "preference"
    assert said(dataset) == [("user", "a")]
    assert (said(dataset, "chosen"), said(dataset, "rejected")) == (
        [("assistant", "b")],
        [("assistant", "c")],
    )


def test_a_tag_for_kto_is_the_label(tmp_path: Path) -> None:
    rows = [{"instruction": "a", "output": "b", "liked": n % 2 == 0} for n in range(4)]
    entry = {"columns": {"prompt": "instruction", "response": "output", "kto_tag": "liked"}}
    dataset = read_dataset(save(tmp_path, rows, feedback=entry))
    assert dataset.records["label"].to_list() == ["true", "false"] * 2


def test_a_named_entry_stands_for_its_file(tmp_path: Path) -> None:
    rows = [{"a": "question", "b": "answer"}] * 3
    save(
        tmp_path,
        rows,
        forth={"columns": {"prompt": "a", "response": "b"}},
        back={"columns": {"prompt": "b", "response": "a"}},
    )
    info = tmp_path / "dataset_info.json"
    forth, back = (read_dataset(f"{info}:{name}") for name in ("forth", "back"))
    assert forth.paths == (tmp_path / "data.json",)
    assert said(forth) == [("user", "question"), ("assistant", "answer")]
    assert said(back) == [("user", "answer"), ("assistant", "question")]


def test_entries_that_differ_decide_nothing_by_themselves(tmp_path: Path) -> None:
    rows = [{"prompt": "question", "completion": "answer"}] * 3
    path = save(
        tmp_path,
        rows,
        forth={"columns": {"prompt": "prompt", "response": "completion"}},
        back={"columns": {"prompt": "completion", "response": "prompt"}},
    )
    detection = read_dataset(path).detection
    assert (detection.shape, detection.chosen_by) == ("prompt-completion", "detected")
    assert "'forth' in dataset_info.json, 'back' in dataset_info.json is not used" in (
        detection.reason
    )


def test_what_the_user_says_goes_before_the_description(tmp_path: Path) -> None:
    path = save(tmp_path, [{"text": "a", "q": "b"}] * 3, data={"columns": {"prompt": "q"}})
    assert said(read_dataset(path)) == [("text", "b")]
    assert said(read_dataset(path, shape="text", mapping={"text": "text"})) == [("text", "a")]
    assert said(read_dataset(path, mapping={"text": "text"})) == [("text", "a")]


def test_a_description_that_does_not_fit_gives_way_unless_it_was_asked_for(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": "a"}]}] * 4
    path = save(tmp_path, rows, old={})
    detection = read_dataset(path).detection
    assert (detection.shape, detection.chosen_by) == ("chat", "detected")
    assert "'old' in dataset_info.json is not used: only 0% of the rows" in detection.reason
    with pytest.raises(DataError, match="says 'alpaca', but only 0%") as caught:
        read_dataset(tmp_path / "dataset_info.json:old")
    assert "--shape" in caught.value.fix


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"columns": {"prompt": "a", "images": "b"}}, "its rows have images"),
        ({"formatting": "parquet"}, "its formatting is 'parquet'"),
        ({"columns": ["a"]}, "its columns are a list, not names"),
        ({"tags": {"role_tag": 1}, "formatting": "sharegpt"}, "not names"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_or_passed_over(
    tmp_path: Path, entry: dict[str, Any], problem: str
) -> None:
    path = save(tmp_path, [{"text": "a"}] * 3, odd=entry)
    detection = read_dataset(path).detection
    assert detection.chosen_by == "detected"
    assert problem in detection.reason
    with pytest.raises(DataError, match=problem):
        read_dataset(tmp_path / "dataset_info.json:odd")


@pytest.mark.parametrize(
    ("name", "error", "what", "fix"),
    [
        ("", UsageError, "holds no rows", "those with files here: here"),
        (":hree", UsageError, "no entry 'hree'", "did you mean 'here'"),
        (":far", UsageError, "elsewhere \\(hf_hub_url\\)", "file_name"),
        (":script", UsageError, "elsewhere \\(script_url\\)", "file_name"),
        (":out", DataError, "leads out of its folder", "name the data file"),
        (":root", DataError, "leads out of its folder", "name the data file"),
        (":gone", DataError, "no such file", "check the path"),
        (":nothing", UsageError, "it names no file", "file_name"),
    ],
)
def test_mistakes_say_what_to_do(
    tmp_path: Path, name: str, error: type[TunewiseError], what: str, fix: str
) -> None:
    save(tmp_path, [{"text": "a"}], here={})
    info = tmp_path / "dataset_info.json"
    entries = json.loads(info.read_text())
    entries |= {
        "far": {"hf_hub_url": "a/b"},
        "script": {"script_url": "x.py"},
        "out": {"file_name": "../secret.json"},
        "root": {"file_name": "/etc/passwd"},
        "gone": {"file_name": "gone.json"},
        "nothing": {"formatting": "alpaca"},
    }
    info.write_text(json.dumps(entries))
    with pytest.raises(error, match=what) as caught:
        find_files(f"{info}{name}")
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"a": 1}', '{"features": {}, "splits": {}}', '{"a": {}, "a": {}}', "\x00"],
)
def test_a_file_that_is_no_description_disturbs_nobody(tmp_path: Path, text: str) -> None:
    path = save(tmp_path, [{"text": "a"}] * 3, data={"columns": {"prompt": "b"}})
    info = tmp_path / "dataset_info.json"
    info.write_text(text)
    assert read_dataset(path).detection.chosen_by == "detected"
    with pytest.raises(DataError, match="this is no description"):
        find_files(f"{info}:data")


def test_a_folder_may_be_described_and_is_read_without_its_description(tmp_path: Path) -> None:
    entry = {"columns": {"prompt": "a", "response": "b"}}
    save(tmp_path, [{"a": "x", "b": "y"}] * 3, "shards/1.json", all=entry)
    described = json.loads((tmp_path / "dataset_info.json").read_text())
    described["all"]["file_name"] = "shards"
    (tmp_path / "dataset_info.json").write_text(json.dumps(described))
    for path in (tmp_path / "shards", tmp_path, f"{tmp_path}/dataset_info.json:all"):
        dataset = read_dataset(path)
        assert dataset.detection.chosen_by == "described"
        assert said(dataset) == [("user", "x"), ("assistant", "y")]


LOCAL = {
    "identity": ("alpaca", "chat", 91),
    "alpaca_en_demo": ("alpaca", "chat", 999),
    "glaive_toolcall_en_demo": ("sharegpt", "chat", 300),
    "dpo_en_demo": ("preference", "preference", 300),
    "kto_en_demo": ("chat", "chat", 300),
}


@pytest.mark.parametrize("name", LOCAL)
def test_real_entries(shared_data: Path, name: str) -> None:
    info = shared_data / "instructions" / "sharegpt_and_others" / "dataset_info.json"
    entry = json.loads(info.read_text())[name]
    shape, kind, rows = LOCAL[name]
    dataset = read_dataset(f"{info}:{name}")
    assert (dataset.detection.shape, dataset.kind) == (shape, kind)
    assert (len(dataset.records), dataset.rows) == (rows, rows)
    assert dataset.detection.confidence == 1
    beside = read_dataset(info.parent / entry["file_name"])
    assert beside.records.equals(dataset.records)
    roles = {message["role"] for messages in dataset.records["messages"] for message in messages}
    assert roles <= {"system", "user", "assistant", "tool"}
    written = list(source_rows(dataset.records, dataset.detection))
    assert json.dumps(written) == json.dumps(json.loads(dataset.paths[0].read_text()))
