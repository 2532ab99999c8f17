"""Parquet, Arrow and Feather: the same values, in bounded memory, and no trust in what they say."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewise.curate.export import source_rows
from tunewise.curate.formats.arrow_values import rows_at_once
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.rows import read_rows
from tunewise.curate.reading.source_files import identify
from tunewise.workspace.errors import DataError


def write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=3)


def write_file(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def write_feather(table: pa.Table, path: Path) -> None:
    pyarrow.feather.write_feather(table, str(path), compression="zstd")


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "a.parquet": write_parquet,
    "a.arrow": write_file,
    "stream.arrow": write_stream,
    "a.feather": write_feather,
    "a.ipc": write_stream,
    "nameless": write_file,
    "odd.jsonl": write_stream,
}
every_format = pytest.mark.parametrize("name", list(WRITERS))


def values_of(path: Path) -> list[dict[str, Any] | None]:
    return [row.value for row in read_rows(identify(path))]


CHATS = [
    {
        "id": number,
        "messages": [
            {"role": "user", "content": f"Question {number}"},
            {"role": "assistant", "content": f"Answer {number} 😀"},
        ],
        "score": number / 2,
        "tags": ["a", None] if number % 2 else [],
    }
    for number in range(10)
]


@every_format
def test_nested_messages_are_read_from_every_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](pa.Table.from_pylist(CHATS), path)
    dataset = read_dataset(path)
    assert dataset.format == ("parquet" if name == "a.parquet" else "arrow")
    assert dataset.rows == len(dataset.records) == 10
    assert list(source_rows(dataset.records, dataset.detection)) == CHATS


@every_format
def test_values_that_json_lacks_have_the_same_form_in_every_format(
    tmp_path: Path, name: str
) -> None:
    moment = datetime(2024, 2, 29, 1, 2, 3, 456789)
    nanoseconds = pa.timestamp("ns")
    columns = {
        "text": pa.array(["a", None]),
        "day": pa.array([date(2024, 2, 29), None]),
        "moment": pa.array([moment, None]),
        "moment_in_zone": pa.array([moment.replace(tzinfo=UTC), None]),
        "exact": pa.array([1709168523456789123, None], nanoseconds),
        "exact_list": pa.array([[1709168523456789123], []], pa.list_(nanoseconds)),
        "exact_within": pa.array(
            [{"at": 1709168523456789123}, None], pa.struct([("at", nanoseconds)])
        ),
        "clock": pa.array([time(1, 2, 3), None]),
        "length": pa.array([timedelta(seconds=90), None], pa.duration("us")),
        "price": pa.array([Decimal("1.10"), None]),
        "image": pa.array([b"\xff\x00", None]),
        "number": pa.array([float("nan"), float("-inf")]),
        "large": pa.array([2**64 - 1, 0], pa.uint64()),
        "pairs": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        "kind": pa.array(["x", "y"]).dictionary_encode(),
        "half": pa.array([1.5, None], pa.float16()),
        "nothing": pa.nulls(2),
    }  # fmt: skip
    path = tmp_path / name
    WRITERS[name](pa.table(columns), path)
    assert values_of(path)[0] == {
        "text": "a",
        "day": "2024-02-29",
        "moment": "2024-02-29T01:02:03.456789",
        "moment_in_zone": "2024-02-29T01:02:03.456789+00:00",
        "exact": "2024-02-29 01:02:03.456789123",
        "exact_list": ["2024-02-29 01:02:03.456789123"],
        "exact_within": {"at": "2024-02-29 01:02:03.456789123"},
        "clock": "01:02:03",
        "length": "0:01:30",
        "price": "1.10",
        "image": "/wA=",
        "number": None,
        "large": 2**64 - 1,
        "pairs": [["a", 1]],
        "kind": "x",
        "half": 1.5,
        "nothing": None,
    }
    assert values_of(path)[1] is not None


@pytest.mark.parametrize("name", ["a.arrow", "stream.arrow", "a.feather"])
@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([1, 2**60, 2], pa.timestamp("s")), "a value that cannot be read"),
        (pa.array([1, 2**30, 2], pa.date32()), "a value that cannot be read"),
        (
            pa.Array.from_buffers(
                pa.string(), 3, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"),
                                 pa.py_buffer(b"a\xffb")],
            ),
            "not UTF-8: invalid start byte",
        ),
    ],
    ids=["moment", "day", "text"],
)  # fmt: skip
def test_a_value_that_cannot_be_read_costs_its_row(
    tmp_path: Path, name: str, column: pa.Array, reason: str
) -> None:
    path = tmp_path / name
    WRITERS[name](pa.table({"text": pa.array(["one", "two", "three"]), "odd": column}), path)
    dataset = read_dataset(path)
    assert (dataset.rows, len(dataset.records)) == (3, 2)
    (row,) = dataset.set_aside.to_dicts()
    assert (row["row"], row["line"], row["offset"]) == (1, 2, None)
    assert row["reason"].startswith(reason)
    kept = pa.ipc.open_stream(row["raw"]).read_all()
    assert kept.column("text").to_pylist() == ["two"]


def test_text_that_is_no_utf8_in_parquet_costs_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    text = pa.array([b"good", b"\xff\xfe", b"fine"])
    pq.write_table(pa.table({"text": text.view(pa.string())}), path)
    dataset = read_dataset(path)
    assert (len(dataset.records), dataset.set_aside["line"].to_list()) == (2, [2])


# Files that are refused


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["x", "x"]), "twice: 'x'"),
        (
            pa.table({"x": pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["y", "y"])}),
            "twice: 'y'",
        ),
        (pa.table({"x": pa.nulls(3)}), "no column that holds values"),
        (pa.table({"text": pa.array([], pa.string())}), "holds no rows"),
    ],
    ids=["columns", "fields", "nulls", "empty"],
)
@pytest.mark.parametrize("name", ["a.arrow", "stream.arrow"])
def test_tables_that_make_no_rows_are_refused(
    tmp_path: Path, name: str, table: pa.Table, what: str
) -> None:
    WRITERS[name](table, tmp_path / name)
    with pytest.raises(DataError, match=what):
        read_dataset(tmp_path / name)


@every_format
@pytest.mark.parametrize("kept", [5, 0.3, 0.6, 0.97])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / name
    WRITERS[name](pa.Table.from_pylist(CHATS), path)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(DataError) as caught:
        read_dataset(path)
    assert name in caught.value.where


def test_a_stream_without_its_end_mark_is_told(tmp_path: Path) -> None:
    path = tmp_path / "stream.arrow"
    write_stream(pa.Table.from_pylist(CHATS), path)
    assert not identify(path).notes
    path.write_bytes(path.read_bytes()[:-8])
    assert len(values_of(path)) == 10
    assert "may be cut off" in identify(path).notes[0]


def test_streams_one_after_another_are_one(tmp_path: Path) -> None:
    path = tmp_path / "stream.arrow"
    write_stream(pa.Table.from_pylist(CHATS), path)
    path.write_bytes(path.read_bytes() * 2)
    assert values_of(path) == CHATS * 2
    assert [row.line for row in read_rows(identify(path))] == list(range(1, 21))
    path.write_bytes(path.read_bytes() + b"rubbish")
    with pytest.raises(DataError, match="cannot be read after row 20"):
        list(read_rows(identify(path)))


@pytest.mark.parametrize(
    ("name", "content", "what", "fix"),
    [
        ("a.arrow", b"PAR2" + bytes(99), "no Arrow file", "real format"),
        ("a.feather", b"", "no Arrow file", "real format"),
        ("a.feather", b"FEA1" + bytes(99), "Feather version 1", "version 2"),
        ("a.parquet", b"\x1f\x8b" + bytes(99), "compressed as a whole", "unpack it"),
        ("a.arrow", b"(\xb5/\xfd" + bytes(99), "compressed as a whole", "unpack it"),
        ("a.arrow", b"ARROW1\0\0" + bytes(99), "cannot be read", "again"),
        ("a.arrow", b"\xff\xff\xff\xff" + bytes(99), "cannot be read", "again"),
        ("a.arrow", b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(99), "cannot be read", "again"),
    ],
)
def test_what_is_no_arrow_file_says_so(
    tmp_path: Path, name: str, content: bytes, what: str, fix: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_dataset(path)
    assert fix in caught.value.fix


def test_offsets_that_point_beyond_the_data_are_found_before_they_are_followed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.arrow"
    write_stream(pa.table({"text": ["one", "two"]}), path)
    good, bad = (
        b"".join(n.to_bytes(4, "little") for n in ends) for ends in ((0, 3, 6), (0, 3, 900_000_000))
    )
    content = path.read_bytes()
    assert good in content
    path.write_bytes(content.replace(good, bad))
    with pytest.raises(DataError, match="cannot be read after row 0"):
        read_dataset(path)


@pytest.mark.parametrize("text", [b"good", b"\xff\xfe!!"])
def test_a_length_below_zero_is_found_before_it_is_followed(tmp_path: Path, text: bytes) -> None:
    # Found by fuzzing: a field of no type within a struct says how long it is, and nothing else.
    path = tmp_path / "a.arrow"
    inner = pa.struct([("text", pa.string()), ("nothing", pa.null())])
    write_stream(pa.table({"x": pa.array([{"text": "good"}] * 3, inner)}), path)
    content = path.read_bytes().replace(b"goodgoodgood", text * 3)
    lengths = [
        place for place in range(len(content)) if content[place:].startswith(b"\3" + bytes(7))
    ]
    assert lengths
    for place in lengths:
        path.write_bytes(content[:place] + b"\xfd" + b"\xff" * 7 + content[place + 8 :])
        with pytest.raises(DataError):
            read_dataset(path)


@given(
    name=st.sampled_from(["a.parquet", "a.arrow", "stream.arrow", "a.feather"]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
)
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_changed_bytes_are_read_or_refused(
    tmp_path: Path, name: str, changes: list[tuple[float, int]]
) -> None:
    path = tmp_path / name
    WRITERS[name](pa.Table.from_pylist(CHATS), path)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        dataset = read_dataset(path)
    except DataError:
        return
    assert dataset.rows == len(dataset.records) + len(dataset.set_aside)


# Memory


def test_long_rows_are_taken_few_at_a_time() -> None:
    assert rows_at_once(1_000_000, 100_000_000) == 4096
    assert rows_at_once(1000, 16_000_000_000) == 1
    assert rows_at_once(1, 0) == 4096


def test_bytes_are_base64(tmp_path: Path) -> None:
    write_stream(pa.table({"text": ["a"], "data": [bytes(range(256))]}), tmp_path / "a.arrow")
    (value,) = values_of(tmp_path / "a.arrow")
    assert value is not None
    assert base64.b64decode(value["data"]) == bytes(range(256))
    assert json.dumps(value)
