"""Data that is no file yet: standard input and names on the Hub, through the front door."""

from __future__ import annotations

import builtins
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from tunewise.cli.main import tunewise
from tunewise.cli.sources import data_paths, names_data
from tunewise.curate.reading.hub_dataset import HubDataset, parse_hub
from tunewise.curate.reading.standard_input import keep_standard_input
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import DataError, UsageError

ROWS = [
    {
        "messages": [
            {"role": "user", "content": f"What does part number {number} cost?"},
            {"role": "assistant", "content": f"It costs {number * 7 % 31} pounds and a penny."},
        ]
    }
    for number in range(40)
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def run(folder: Path, *arguments: str, given: bytes = b"", code: int = 0) -> Result:
    command = [arguments[0], "--workspace", str(folder), *arguments[1:]]
    result = CliRunner().invoke(tunewise, command, input=io.BytesIO(given))
    assert result.exit_code == code, result.output
    return result


def document(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout.splitlines()[0])


# Standard input


@pytest.mark.parametrize(
    ("given", "ending"),
    [
        (LINES, ".jsonl"),
        (gzip.compress(LINES, mtime=0), ".jsonl.gz"),
        (json.dumps(ROWS).encode(), ".json"),
        (b"text,label\n" + b"some words,a\nother ones,b\n" * 20, ".csv"),
    ],
    ids=["jsonl", "jsonl.gz", "json", "csv"],
)
def test_standard_input_is_kept_and_audited(tmp_path: Path, given: bytes, ending: str) -> None:
    result = run(tmp_path, "audit", "-", "--json", given=given)
    dataset = document(result)["dataset"]
    (path,) = dataset["paths"]
    assert Path(path).parent == tmp_path / ".tunewise" / "standard-input"
    assert path.endswith(ending)
    assert Path(path).read_bytes() == given
    assert Path(path).name.startswith(dataset["sha256"][:16])
    assert dataset["rows"] == dataset["records"] == 40
    again = document(run(tmp_path, "audit", "-", "--json", given=given))
    assert again["reused"]
    assert len(list(Path(path).parent.iterdir())) == 1


def test_where_standard_input_lies_is_said(tmp_path: Path) -> None:
    assert "standard input is kept as" in run(tmp_path, "audit", "-", given=LINES).stderr


def test_other_commands_take_standard_input_too(tmp_path: Path) -> None:
    made = document(run(tmp_path, "split", "-", "--json", given=LINES))
    assert sum(made["counts"].values()) == 40
    made = document(run(tmp_path, "clean", "-", "--json", given=LINES))
    assert made["counts"]["kept"] == 40


def test_the_encoding_of_standard_input_can_be_named(tmp_path: Path) -> None:
    text = "text,label\nGrüße,a\nÄpfel,b\n".encode("cp850")
    result = run(tmp_path, "audit", "-", "--encoding", "cp850", "--json", given=text)
    examples = document(result)["dataset"]["examples"]
    assert [row["messages"][0]["content"] for row in examples] == ["Grüße", "Äpfel"]


@pytest.mark.parametrize(
    ("given", "what"),
    [(b"", "standard input is empty"), (b"Once upon a time.", "neither the name nor the content")],
)
def test_standard_input_that_is_no_data_leaves_nothing(
    tmp_path: Path, given: bytes, what: str
) -> None:
    result = run(tmp_path, "audit", "-", given=given, code=3)
    assert what in result.stderr
    assert ".incoming" not in result.stderr
    assert not list((tmp_path / ".tunewise" / "standard-input").iterdir())


def test_standard_input_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise KeyboardInterrupt
            return super().read(10)

    with pytest.raises(KeyboardInterrupt):
        keep_standard_input(Breaking(LINES), Workspace(tmp_path))
    assert not list((tmp_path / ".tunewise" / "standard-input").iterdir())


def test_standard_input_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    nothing = cast(Any, None)
    with pytest.raises(DataError, match="standard input is closed"):
        data_paths(["-"], nothing, nothing)


# Encodings


def test_a_guessed_encoding_is_said_and_written_down(tmp_path: Path) -> None:
    text = "text,label\n" + "".join(f"Größe {n} süß,a\n" for n in range(30))
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    result = run(tmp_path, "audit", str(tmp_path / "a.csv"))
    assert "a.csv: read as cp1252, a guess" in result.stderr
    result = run(tmp_path, "audit", str(tmp_path / "a.csv"), "--json")
    assert document(result)["dataset"]["notes"][0].startswith("a.csv: read as cp1252")


def test_an_encoding_can_be_set_for_good(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\nfür,a\nÖl,b\n".encode("cp850"))
    (tmp_path / "tunewise.toml").write_text('[data]\npaths = ["a.csv"]\nencoding = "cp850"\n')
    made = document(run(tmp_path, "audit", "--json"))
    assert made["dataset"]["set_aside"] == 0
    assert made["dataset"]["examples"][0]["messages"][0]["content"] == "für"
    other = document(run(tmp_path, "audit", "--encoding", "cp1252", "--json"))
    assert other["id"] != made["id"]


def test_an_encoding_that_is_none_is_a_mistake_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,label\na,a\n")
    result = run(tmp_path, "audit", str(tmp_path / "a.csv"), "--encoding", "klingon", code=2)
    assert "there is no encoding 'klingon'" in result.stderr


# Datasets by name


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("hub:squad", HubDataset("squad")),
        ("hub:owner/name", HubDataset("owner/name")),
        ("hub:owner/name@refs/pr/1:test", HubDataset("owner/name", "refs/pr/1", "", "test")),
        ("hub:owner/name#en", HubDataset("owner/name", "", "en")),
        ("hub:owner/name@v1#en:train[:10%]", HubDataset("owner/name", "v1", "en", "train[:10%]")),
        ("hub:./folder:train", HubDataset("./folder", split="train")),
    ],
)
def test_names_of_datasets(text: str, dataset: HubDataset) -> None:
    assert parse_hub(text) == dataset


@pytest.mark.parametrize("text", ["hub:", "hub:@v1", "hub:a#", "hub:./folder@v1", "hub:a@v#c@d:"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_hub(text)


def test_a_folder_of_the_same_name_is_not_taken_for_the_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="same name"):
        parse_hub("hub:owner/name")


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the library loads, its cache elsewhere."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "local"
    folder.mkdir()
    (folder / "train.jsonl").write_bytes(b"".join(LINES.splitlines(keepends=True)[:30]))
    (folder / "test.jsonl").write_bytes(b"".join(LINES.splitlines(keepends=True)[30:]))
    return folder


def test_a_dataset_by_name_is_kept_as_parquet_and_audited(tmp_path: Path, local: Path) -> None:
    result = run(tmp_path, "audit", f"hub:{local}", "--json")
    dataset = document(result)["dataset"]
    assert [Path(path).name for path in dataset["paths"]] == ["1-train.parquet", "2-test.parquet"]
    assert Path(dataset["paths"][0]).parent.parent == tmp_path / ".tunewise" / "hub"
    assert (dataset["rows"], dataset["format"]) == (40, "parquet")
    assert document(run(tmp_path, "audit", f"hub:{local}", "--json"))["reused"]
    assert len(list((tmp_path / ".tunewise" / "hub").iterdir())) == 1


def test_one_split_of_a_dataset(tmp_path: Path, local: Path) -> None:
    dataset = document(run(tmp_path, "audit", f"hub:{local}:test", "--json"))["dataset"]
    assert (dataset["rows"], len(dataset["paths"])) == (10, 1)


def test_a_local_name_in_the_settings_begins_at_the_workspace(tmp_path: Path, local: Path) -> None:
    (tmp_path / "tunewise.toml").write_text(f'[data]\npaths = ["hub:./{local.name}:train"]\n')
    assert document(run(tmp_path, "audit", "--json"))["dataset"]["rows"] == 30


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("hub:{local}:gone", 'Unknown split "gone"'),
        ("hub:{local}#gone", "'gone' not found"),
        ("hub:{local}-not", "cannot be loaded"),
        ("hub:nobody/nothing-of-this-name", "check the network"),
    ],
)
def test_a_dataset_that_cannot_be_loaded_says_why(
    tmp_path: Path, local: Path, name: str, what: str
) -> None:
    result = run(tmp_path, "audit", name.format(local=local), code=3)
    assert what in result.stderr
    assert not (tmp_path / ".tunewise" / "hub").exists()


def test_without_the_library_the_command_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    result = run(tmp_path, "audit", "hub:owner/name", code=2)
    assert "pip install 'datasets>=4'" in result.stderr


# Data or artifact


def test_what_names_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latest").write_text("")
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / "manifest.json").write_text("{}")
    assert all(map(names_data, ["-", "hub:a", str(tmp_path), "*.jsonl"]))
    assert not any(map(names_data, ["latest", "artifact", "ab12", "a\0b", "x" * 9999]))
