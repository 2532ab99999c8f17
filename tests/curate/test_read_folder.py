"""Folders: shards, one object a file, and datasets that the `datasets` library saved."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewise.curate.export import source_rows
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.source_files import find_files
from tunewise.workspace.errors import DataError


def chat(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"Question {number}"},
            {"role": "assistant", "content": f"Answer {number}"},
        ]
    }


def rows_of(paths: Path | list[Path]) -> list[dict[str, Any]]:
    dataset = read_dataset(paths)
    assert dataset.rows == len(dataset.records) + len(dataset.set_aside)
    return list(source_rows(dataset.records, dataset.detection))


# Folders of files


@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_a_file(tmp_path: Path, indent: int | None) -> None:
    for number in range(30):
        (tmp_path / f"{number:03}.json").write_text(json.dumps(chat(number), indent=indent))
    (tmp_path / "007.json").write_text("{broken")
    (tmp_path / "dataset_info.json").write_text('{"description": "no rows"}')
    dataset = read_dataset(tmp_path)
    assert (dataset.rows, len(dataset.records)) == (30, 29)
    assert dataset.records["row"].to_list() == [n for n in range(30) if n != 7]
    assert dataset.set_aside["path"].to_list() == [str(tmp_path / "007.json")]


@pytest.mark.parametrize("between", ["", " ", "\n", "\n\n", ",\n"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a"])
def test_objects_one_after_another_are_rows(tmp_path: Path, name: str, between: str) -> None:
    path = tmp_path / name
    path.write_text(between.join(json.dumps(chat(number)) for number in range(5)))
    if between == ",\n":
        # Neither JSON lines nor a list: what each line lacks to be a row is told.
        assert read_dataset(path).set_aside.height == 4
    else:
        assert rows_of(path) == [chat(number) for number in range(5)]


def test_folders_within_folders_come_in_name_order(tmp_path: Path) -> None:
    for number, name in enumerate(["a/x.jsonl", "a/y/z.jsonl.gz", "b.jsonl", "c/a.jsonl"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(chat(number)).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.jsonl").write_text("no data")
    os.symlink(tmp_path, tmp_path / "circle")
    assert rows_of(tmp_path) == [chat(number) for number in range(4)]


def test_a_folder_may_have_the_name_of_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "data.jsonl"
    folder.mkdir()
    with pytest.raises(DataError, match="folder holds no data"):
        read_dataset(folder)
    (folder / "a.jsonl").write_text(json.dumps(chat(0)))
    assert rows_of(folder) == [chat(0)]


# What is no file


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match="no regular file"):
        read_dataset(tmp_path / "pipe.jsonl")
    with pytest.raises(DataError, match="holds no data"):
        read_dataset(tmp_path)


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    os.symlink(tmp_path / "b.jsonl", tmp_path / "a.jsonl")
    os.symlink(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    with pytest.raises(DataError):
        read_dataset(tmp_path / "a.jsonl")


@pytest.mark.parametrize("name", ["a\0b.jsonl", "x" * 5000, "~nobody-of-this-name/a.jsonl", "["])
def test_odd_paths_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        find_files(f"{tmp_path}/{name}")
    with pytest.raises(DataError):
        find_files(name)


def test_what_may_not_be_looked_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(chat(0)))

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(DataError, match="Permission denied"):
            read_dataset(tmp_path / "a.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refuse)
        with pytest.raises(DataError, match="cannot be looked at: Permission denied"):
            read_dataset(tmp_path)


# Saved datasets


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two splits, as the library saves it; the first one has three shards."""
    datasets = pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("saved") / "chats"
    parts = {"train": range(25), "test": range(25, 30)}
    splits = {
        name: datasets.Dataset.from_list([chat(number) for number in numbers])
        for name, numbers in parts.items()
    }
    datasets.DatasetDict(splits).save_to_disk(folder, num_shards={"train": 3, "test": 1})
    return folder


def test_a_saved_dataset_is_read_with_all_its_splits(saved: Path) -> None:
    assert rows_of(saved) == [chat(number) for number in range(30)]
    assert [path.parent.name for path in find_files(saved)] == ["train"] * 3 + ["test"]
    assert read_dataset(saved).format == "arrow"


def test_a_split_is_a_folder_by_itself(saved: Path) -> None:
    assert rows_of(saved / "test") == [chat(number) for number in range(25, 30)]


def test_a_saved_dataset_is_found_below_a_folder(saved: Path) -> None:
    assert len(rows_of(saved.parent)) == 30


def test_shards_come_in_the_order_of_the_state(saved: Path, copied: Callable[[Path], Path]) -> None:
    folder = copied(saved / "train")
    state = json.loads((folder / "state.json").read_text())
    state["_data_files"].reverse()
    (folder / "state.json").write_text(json.dumps(state))
    numbers = [int(row["messages"][0]["content"].split()[1]) for row in rows_of(folder)]
    assert sorted(numbers) == list(range(25))
    assert numbers[0] > numbers[-1]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"_data_files": [{"filename": "../test/data-00000-of-00001.arrow"}]}, "does not say"),
        ({"_data_files": [{"filename": 5}]}, "does not say"),
        ({"_data_files": None}, "does not say"),
        ({"_data_files": ["data-00000-of-00003.arrow"]}, "does not say"),
        ({"_data_files": [{"filename": "data-00007-of-00003.arrow"}]}, "lacks its shard"),
        ({"_indices_data_files": [{"filename": "indices.arrow"}]}, "chooses its rows by an index"),
    ],
)
def test_a_state_that_cannot_be_trusted_is_refused(
    saved: Path, copied: Callable[[Path], Path], change: dict[str, Any], what: str
) -> None:
    folder = copied(saved / "train")
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | change))
    with pytest.raises(DataError, match=what):
        read_dataset(folder)


@pytest.mark.parametrize(
    "splits", ["[]", '{"splits": "train"}', '{"splits": ["gone"]}', "[" * 9999]
)
def test_splits_that_are_not_there_are_told(
    saved: Path, copied: Callable[[Path], Path], splits: str
) -> None:
    folder = copied(saved)
    (folder / "dataset_dict.json").write_text(splits)
    with pytest.raises(DataError, match=r"lacks its split|does not say"):
        read_dataset(folder)


def test_a_state_of_something_else_is_data(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(chat(0)))
    assert rows_of(tmp_path) == [chat(0)]


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    import shutil

    return lambda folder: Path(shutil.copytree(folder, tmp_path / "copy"))
