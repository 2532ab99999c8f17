"""The certificate: leaks between anybody's files are found, counted and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewise.curate.splitting.certificate import CROSSING_SCHEMA, PartFile, check_files
from tunewise.workspace.errors import DataError, UsageError

LONG = (
    "the shop sends every parcel with a note that names the maker the wood the strings and the "
    "day on which the instrument was tuned for the last time before it left the bench"
)


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def parts(**files: Path) -> dict[str, PartFile]:
    return {name: PartFile(path) for name, path in files.items()}


def pair(prompt: str, completion: str, **more: object) -> dict:
    return {"prompt": prompt, "completion": completion, **more}


def test_each_kind_of_leak_is_counted_once_and_shown(tmp_path: Path) -> None:
    train = [
        pair("Where is the order?", "On its way.", owner="a"),
        pair("Can I return it?", "Within a month.", owner="b"),
        pair("Tell me all.", LONG, owner="c"),
        pair("Do you sell wax?", "We do.", owner="d"),
        pair("Quite alone", "here", owner="e"),
    ]
    test = [
        pair("Do you sell wax?", "No, not any more.", owner="f"),
        pair("Tell me all.", LONG + " for good", owner="g"),
        pair("can i RETURN it", "within a month", owner="h"),
        pair("Where is the order?", "On its way.", owner="i"),
        pair("Something of its own", "there", owner="e"),
    ]
    found = check_files(
        parts(train=write(tmp_path / "a.jsonl", train), test=write(tmp_path / "b.jsonl", test)),
        groups=["owner"],
    )
    assert found.leaks
    assert (found.exact_across, found.normalised_across, found.near_across) == (1, 1, 1)
    assert found.group_across == 1
    assert found.prompt_across == 4
    assert found.crossings.schema == CROSSING_SCHEMA
    shown = {
        (by, left, right)
        for by, left, right in found.crossings.select("by", "left_row", "right_row").rows()
        if by != "prompt"
    }
    assert shown == {("exact", 0, 3), ("normalised", 1, 2), ("near", 2, 1), ("group owner", 4, 4)}
    json.dumps(found.to_json())
    assert "crossings" not in found.to_json()


def test_copies_within_a_file_are_no_leak(tmp_path: Path) -> None:
    rows = [pair("Where is it?", "Here."), pair("Where is it?", "Here.")]
    other = [pair("Quite another", "thing")]
    found = check_files(
        parts(a=write(tmp_path / "a.jsonl", rows), b=write(tmp_path / "b.jsonl", other))
    )
    assert not found.leaks
    assert found.not_searched


def test_what_could_not_be_read_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "a.jsonl"
    broken.write_text('{"prompt": "a b", "completion": "c"}\n{oops\n')
    other = write(tmp_path / "b.jsonl", [pair("d", "e")])
    found = check_files(parts(a=broken, b=other))
    assert "rows of a that could not be read: 1" in found.not_searched


def test_one_file_is_refused_and_a_missing_one_told(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [pair("a", "b")])
    with pytest.raises(UsageError):
        check_files(parts(a=file))
    with pytest.raises(DataError):
        check_files(parts(a=file, b=tmp_path / "none.jsonl"))


def test_the_known_overlaps_of_banking77_are_found(shared_data: Path) -> None:
    """25 sentences are in train and test; they differ in case and punctuation."""
    folder = shared_data / "instructions" / "banking77"
    found = check_files(parts(train=folder / "train.csv", test=folder / "test.csv"))
    assert found.exact_across + found.normalised_across == 25
    assert found.near_across > 25


def test_gsm8k_has_no_leak(shared_data: Path) -> None:
    folder = shared_data / "instructions" / "gsm8k"
    assert not check_files(parts(train=folder / "train.jsonl", test=folder / "test.jsonl")).leaks
