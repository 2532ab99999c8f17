"""The profile's figures add up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.auditing.profile import (
    counting_summary,
    length_histogram,
    profile_dataset,
    profile_summary,
)
from tunewise.curate.check import CheckContext
from tunewise.curate.reading.read import read_dataset


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=200))
def test_a_histogram_counts_every_record_without_gaps(lengths: list[int]) -> None:
    values = pl.Series(lengths, dtype=pl.Int64)
    pieces = length_histogram(values)
    assert sum(piece["records"] for piece in pieces) == len(lengths)
    assert len(pieces) <= 25
    assert pieces[0]["from"] == 0
    assert pieces[-1]["to"] == max(lengths)
    for piece, following in pairwise(pieces):
        assert piece["to"] == following["from"]
        inside = values.is_between(piece["from"], piece["to"], closed="left")
        assert piece["records"] == inside.sum()


def profile_of(path: Path, text: str, wrong: list[int] | None = None, pieces: int = 1) -> dict:
    path.write_text(text, encoding="utf-8")
    dataset = read_dataset([path])
    size = -(-dataset.records.height // pieces)
    contexts = [
        CheckContext(replace(dataset, records=piece)) for piece in dataset.records.iter_slices(size)
    ]
    values = pl.concat([profile_summary(context) for context in contexts])
    counting = pl.concat([counting_summary(context) for context in contexts])
    rows = None if wrong is None else pl.Series(wrong, dtype=pl.Int64)
    return profile_dataset(values, counting, 2048, rows)


def test_the_profile_of_pieces_is_that_of_the_whole(tmp_path: Path) -> None:
    text = "text,label,region,source\n" + "".join(
        f"{'word ' * (number % 7)}x,l{number % 3},{'ab'[number % 2]},\n" for number in range(50)
    )
    path = tmp_path / "data.csv"
    assert profile_of(path, text, pieces=4) == profile_of(path, text)


def test_labels_sources_and_groups(tmp_path: Path) -> None:
    text = "text,label,region,source\na b c,x,north,web\nd e,x,south,\nf,y,north,web\ng,x,,mail\n"
    profile = profile_of(tmp_path / "data.csv", text)
    assert profile["labels"] == [
        {"value": "x", "records": 3, "share": 0.75},
        {"value": "y", "records": 1, "share": 0.25},
    ]
    shares = {item["value"]: item["share"] for item in profile["groups"]}
    assert shares == {"north": pytest.approx(2 / 3), "south": pytest.approx(1 / 3)}
    length = profile["length"]
    assert (length["unit"], length["max"], length["p50"]) == ("words", 3, 1)
    assert (length["context"], length["over_context"]) == (None, 0)


def test_roles(tmp_path: Path) -> None:
    text = '{"messages": [{"role": "user", "content": "a"}]}\n' * 4
    assert profile_of(tmp_path / "a.jsonl", text)["roles_ok"] is None
    assert profile_of(tmp_path / "b.jsonl", text, [])["roles_ok"] == 1
    assert profile_of(tmp_path / "c.jsonl", text, [2, 2])["roles_ok"] == 0.75


def test_a_preference_is_as_long_as_its_longer_answer(tmp_path: Path) -> None:
    text = '{"prompt": "a b", "chosen": "c", "rejected": "d e f"}\n'
    assert profile_of(tmp_path / "a.jsonl", text)["length"]["max"] == 5
