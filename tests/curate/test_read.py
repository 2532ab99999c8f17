"""Files of every format become records, and every row is accounted for."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tunewise.curate.export import source_rows
from tunewise.curate.formats.compression import content_blocks
from tunewise.curate.reading.read import read_dataset, understood_examples
from tunewise.curate.records import RECORD_SCHEMA, SET_ASIDE_SCHEMA, Dataset
from tunewise.workspace.errors import DataError, UsageError
from tunewise.workspace.events import Event, Progress
from tunewise.workspace.files import sha256_of_file

GREETING = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]}


def greeting(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"Question {number}"},
            {"role": "assistant", "content": f"Answer {number}"},
        ]
    }


def jsonl(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def saved(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def contents(dataset: Dataset) -> list[str]:
    return [messages[0]["content"] for messages in dataset.records["messages"].to_list()]


def reasons(dataset: Dataset) -> list[str]:
    return dataset.set_aside["reason"].to_list()


def balanced(dataset: Dataset) -> bool:
    numbers = sorted([*dataset.records["row"], *dataset.set_aside["row"]])
    return dataset.rows == len(numbers) and numbers == list(range(dataset.rows))


# Formats


def test_json_lines_become_chat_records(tmp_path: Path) -> None:
    path = saved(tmp_path, "chat.jsonl", jsonl([greeting(0), greeting(1)]))
    dataset = read_dataset(path)
    assert dataset.records.schema == RECORD_SCHEMA
    assert dataset.set_aside.schema == SET_ASIDE_SCHEMA
    assert (dataset.format, dataset.kind, dataset.rows) == ("jsonl", "chat", 2)
    assert dataset.paths == (path,)
    assert dataset.sha256 == sha256_of_file(path)
    assert dataset.records["messages"].to_list()[1][1] == {
        "role": "assistant",
        "content": "Answer 1",
        "name": None,
        "tool_calls": None,
        "tool_call_id": None,
        "weight": None,
    }
    assert dataset.records["chosen"].null_count() == 2


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows"])
def test_a_list_of_objects_is_read_whatever_its_name(
    tmp_path: Path, indent: int | None, name: str
) -> None:
    rows = [greeting(number) for number in range(3)]
    path = saved(tmp_path, name, json.dumps(rows, indent=indent).encode())
    dataset = read_dataset(path)
    assert contents(dataset) == ["Question 0", "Question 1", "Question 2"]
    assert dataset.format == "json"


def test_a_single_object_is_one_row(tmp_path: Path) -> None:
    for indent in (None, 2):
        path = saved(tmp_path, "one.json", json.dumps(GREETING, indent=indent).encode())
        assert read_dataset(path).rows == 1


def test_json_lines_under_the_name_json_are_told_by_their_content(tmp_path: Path) -> None:
    path = saved(tmp_path, "lines.json", b"broken\n" + jsonl([greeting(0), greeting(1)]))
    dataset = read_dataset(path)
    assert (dataset.format, len(dataset.records), len(dataset.set_aside)) == ("jsonl", 2, 1)


def test_indented_objects_one_after_another_are_rows(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(greeting(number), indent=2) for number in range(3))
    assert len(read_dataset(saved(tmp_path, "objects.json", text.encode())).records) == 3


def test_csv_keeps_line_breaks_and_quotes_within_fields(tmp_path: Path) -> None:
    rows = [
        ["text", "category"],
        ["first\nline", "a"],
        ['say "hi", then', "b"],
        ["  spaces  ", "a"],
        ["", "b"],
    ]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    dataset = read_dataset(saved(tmp_path, "data.csv", buffer.getvalue().encode()))
    assert contents(dataset) == ["first\nline", 'say "hi", then', "  spaces  ", ""]
    assert dataset.records["label"].to_list() == ["a", "b", "a", "b"]
    assert (dataset.kind, dataset.detection.shape) == ("classification", "classification")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_rows(tmp_path: Path, delimiter: str) -> None:
    lines = [["question", "answer"], *[[f"{n} and {n}, or so?", f"{n};{n}"] for n in range(5)]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(lines)
    dataset = read_dataset(saved(tmp_path, "data.csv", buffer.getvalue().encode()))
    assert contents(dataset)[2] == "2 and 2, or so?"
    tsv = "\n".join("\t".join(line) for line in lines).encode()
    assert read_dataset(saved(tmp_path, "data.tsv", tsv)).format == "tsv"


def test_parquet_rows_are_read_with_their_nested_messages(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    frame = pl.DataFrame({"id": [7, 8], "messages": [greeting(n)["messages"] for n in (7, 8)]})
    frame.write_parquet(path)
    dataset = read_dataset(path)
    assert (dataset.format, contents(dataset)) == ("parquet", ["Question 7", "Question 8"])
    assert dataset.records["id"].to_list() == ["7", "8"]
    assert list(source_rows(dataset.records, dataset.detection)) == frame.to_dicts()


def test_parquet_values_that_json_lacks_have_a_form_that_it_has(tmp_path: Path) -> None:
    from datetime import date, datetime
    from decimal import Decimal

    path = tmp_path / "data.parquet"
    pl.DataFrame(
        {
            "text": ["a", "b"],
            "day": [date(2024, 2, 29), None],
            "time": pl.Series([datetime(2024, 2, 29, 1, 2, 3), None], dtype=pl.Datetime("ns")),
            "price": [Decimal("1.10"), None],
            "image": [b"\xff\x00", None],
            "score": [float("nan"), float("inf")],
        }
    ).write_parquet(path)
    dataset = read_dataset(path)
    first = json.loads(dataset.records["extra"][0])
    assert (first["day"], first["price"], first["image"]) == ("2024-02-29", "1.10", "/wA=")
    assert first["time"].startswith("2024-02-29 01:02:03")
    assert first["score"] is None


PACKERS = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".xz": lzma.compress,
}


@pytest.mark.parametrize("ending", list(PACKERS))
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", ["data.jsonl", "data.csv", "data.json"])
def test_compressed_files_are_told_by_their_content(
    tmp_path: Path, name: str, ending: str, named: bool
) -> None:
    texts = {
        "data.jsonl": jsonl([{"text": "one"}, {"text": "two"}]),
        "data.csv": b"text,label\none,x\ntwo,y\n",
        "data.json": b'[{"text": "one"}, {"text": "two"}]',
    }
    packed = PACKERS[ending](texts[name])
    dataset = read_dataset(saved(tmp_path, name + ending * named, packed))
    assert contents(dataset) == ["one", "two"]


@pytest.mark.parametrize("ending", list(PACKERS))
def test_compressed_members_one_after_another_are_one_file(tmp_path: Path, ending: str) -> None:
    parts = [jsonl([greeting(number)]) for number in range(3)]
    padding = b"\0" * 512 if ending in (".gz", ".xz") else b""
    packed = b"".join(map(PACKERS[ending], parts)) + padding
    assert read_dataset(saved(tmp_path, f"a.jsonl{ending}", packed)).rows == 3


@pytest.mark.parametrize("ending", list(PACKERS))
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_compressed_file_that_is_cut_short_is_refused(
    tmp_path: Path, ending: str, kept: float
) -> None:
    rows = [{"text": os.urandom(40).hex()} for _ in range(200)]
    packed = PACKERS[ending](jsonl(rows))
    with pytest.raises(DataError, match="file is damaged after") as caught:
        read_dataset(saved(tmp_path, f"a.jsonl{ending}", packed[: int(kept * len(packed))]))
    assert "hide the loss" in caught.value.fix


@pytest.mark.parametrize(
    ("ending", "size"), [(".gz", 1 << 26), (".zst", 1 << 28), (".xz", 1 << 25)]
)
def test_a_small_file_that_unpacks_to_a_huge_one_is_unpacked_in_bounded_blocks(
    tmp_path: Path, ending: str, size: int
) -> None:
    path = saved(tmp_path, f"a.jsonl{ending}", PACKERS[ending](b" " * size))
    sizes = [len(block) for block in content_blocks(path)]
    assert sum(sizes) == size
    # At most 64 MiB and what was held back before.
    assert max(sizes) <= size // 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be-with-mark"])
@pytest.mark.parametrize("name", ["data.jsonl", "data.csv", "data.json"])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    texts = {
        "data.jsonl": '{"text": "Grüße 😀"}\n',
        "data.csv": "text,label\nGrüße 😀,x\n",
        "data.json": '[{"text": "Grüße 😀"}]',
    }
    if encoding == "utf-16-be-with-mark":
        content = b"\xfe\xff" + texts[name].encode("utf-16-be")
    else:
        content = texts[name].encode(encoding)
    assert contents(read_dataset(saved(tmp_path, name, content))) == ["Grüße 😀"]


def test_an_unknown_ending_is_no_hindrance(tmp_path: Path) -> None:
    assert read_dataset(saved(tmp_path, "a.data", jsonl([GREETING]))).format == "jsonl"
    assert read_dataset(saved(tmp_path, "b.data", b"text,label\na,x\nb,y\n")).format == "csv"
    with pytest.raises(DataError, match="neither the name nor the content"):
        read_dataset(saved(tmp_path, "c.data", b"Once upon a time.\n"))


def test_the_bytes_read_are_reported(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.jsonl", jsonl([GREETING] * 10))
    events: list[Event] = []
    read_dataset(path, emit=events.append)
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.done, last.total, last.unit) == (path.stat().st_size, path.stat().st_size, "bytes")


# Shards


def test_a_folder_is_read_in_name_order_and_its_rows_numbered_through(tmp_path: Path) -> None:
    saved(tmp_path, "b.jsonl", jsonl([greeting(2)]))
    saved(tmp_path, "a.jsonl", jsonl([greeting(0)]) + b"broken\n")
    saved(tmp_path, "c.jsonl.gz", gzip.compress(jsonl([greeting(3)])))
    saved(tmp_path, "d.csv", b"")
    saved(tmp_path, "README.md", b"no data")
    saved(tmp_path, ".hidden.jsonl", b"no data")
    dataset = read_dataset(tmp_path)
    assert [path.name for path in dataset.paths] == ["a.jsonl", "b.jsonl", "c.jsonl.gz", "d.csv"]
    assert dataset.records["row"].to_list() == [0, 2, 3]
    assert dataset.set_aside.select("row", "path", "line").row(0) == (
        1,
        str(tmp_path / "a.jsonl"),
        2,
    )
    assert read_dataset(str(tmp_path / "[ab].jsonl")).rows == 3
    assert read_dataset([tmp_path / "a.jsonl", tmp_path]).rows == 4


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_dataset(tmp_path / "gone.jsonl")
    with pytest.raises(DataError, match="holds no data"):
        read_dataset(tmp_path)
    with pytest.raises(UsageError, match="no data was named"):
        read_dataset([])
    with pytest.raises(UsageError, match="no data was named"):
        read_dataset("")


# Rows that are set aside


def test_a_row_that_is_set_aside_has_its_place_and_its_bytes(tmp_path: Path) -> None:
    first, last = jsonl([greeting(0)]), jsonl([greeting(1)])
    broken = b'{"messages": [{"role": "user"'
    path = saved(tmp_path, "a.jsonl", first + b"\n  \n" + broken + b"\n" + last)
    dataset = read_dataset(path)
    (row,) = dataset.set_aside.to_dicts()
    assert row["line"] == 4
    assert row["offset"] == len(first) + 4
    assert row["raw"] == broken
    assert path.read_bytes()[row["offset"] :].startswith(broken)
    assert "not JSON" in row["reason"]
    assert balanced(dataset)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "\xff\xfe"}', "not UTF-8: byte 0xff at position 11"),
        (b'{"text": "a", "score": NaN}', "NaN is no JSON number"),
        (b'{"text": "a", "score": -Infinity}', "-Infinity is no JSON number"),
        (b'{"text": "a", "score": 1e999}', "the number 1e999 is too large"),
        (b'{"text": "a", "text": "b"}', 'the key "text" is repeated'),
        (b'{"text": "a", "x": {"y" : 1, "y"\t: 2}}', 'the key "y" is repeated'),
        (b'{"text": ":a", "x\\\\": 1, "x\\\\" :2}', "is repeated"),
        (b'{"text": "\\ud83d"}', "half a surrogate pair"),
        (b'{"text": "a\x00b"}', "invalid control character"),
        (b'{"text": "a"}\x00', "extra data"),
        (b'{"text": "a", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper"),
        (b'{"text": "a", "x": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"text": "a", "x": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'["text"]', "expected an object, found a list"),
        (b'"text"', "expected an object, found text"),
        (b"12345678901234567890123", "expected an object, found a number"),
        (b"null", "expected an object, found null"),
        (b"{}", "text: expected a value, found no such field"),
        (b'{"text": 5}', "text: expected text, found a number"),
        (b'{"text": ["a"]}', "text: expected text, found a list"),
    ],
)
def test_a_hostile_line_is_set_aside_with_the_reason(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    good = jsonl([{"text": "fine"}, {"text": "fine too"}])
    dataset = read_dataset(saved(tmp_path, "a.jsonl", good + line + b"\n" + good))
    assert len(dataset.records) == 4
    assert reason in reasons(dataset)[0]
    assert dataset.set_aside["raw"].to_list() == [line]
    assert balanced(dataset)


@pytest.mark.parametrize(
    "row",
    [
        {"text": "a", "big": 123456789012345678901234567890, "small": -(2**63) - 1},
        {"text": "a", "x": {"y": 18446744073709551616}},
        {"text": "a", "numbers": [1e300, 1.0, -0.0, 0.1, 5e-324]},
        {"text": 'say "a": b, "b" : c', "x\\": {"x\\": 1}},
        {"text": "\x00\x7f\u2028\ufeff😀"},
        {"text": None},
    ],
)
def test_unusual_values_are_kept_exactly(tmp_path: Path, row: dict[str, Any]) -> None:
    path = saved(tmp_path, "a.jsonl", jsonl([row, {"text": "plain"}]))
    dataset = read_dataset(path)
    assert not len(dataset.set_aside)
    first, _ = source_rows(dataset.records, dataset.detection)
    assert json.dumps(first) == json.dumps(row)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ("Hi", "messages: expected a list of messages, found text"),
        ({"role": "user"}, "messages: expected a list of messages, found an object"),
        (["Hi"], "messages[0]: expected a message (an object), found text"),
        ([{"role": 5, "content": "a"}], "messages[0].role: expected text, found a number"),
        ([{"role": "user", "content": 5}], "messages[0].content: expected text, found a number"),
        ([{"role": "user", "content": {}}], "messages[0].content: expected text, found an object"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "messages[0].content[0]: expected a text, a tool call or a tool's result, "
            "found a part of type 'image_url'",
        ),
        (
            [{"role": "assistant", "content": None, "tool_calls": "f()"}],
            "messages[0].tool_calls: expected a list of tool calls, found text",
        ),
        (
            [{"role": "user", "content": "a", "weight": 0.5}],
            "messages[0].weight: expected a whole number, found 0.5",
        ),
        ([{"role": "user", "content": "a", "name": []}], "messages[0].name: expected text"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(tmp_path: Path, messages: Any, reason: str) -> None:
    rows = [GREETING, GREETING, {"messages": messages}]
    dataset = read_dataset(saved(tmp_path, "a.jsonl", jsonl(rows)))
    assert len(dataset.records) == 2
    assert reasons(dataset)[0].startswith(reason)


def test_faults_are_named_as_the_source_names_its_fields(tmp_path: Path) -> None:
    good = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}]}
    rows = [good, good, {"conversations": [{"from": "human", "value": 1}]}, {"other": 1}]
    dataset = read_dataset(saved(tmp_path, "a.jsonl", jsonl(rows)))
    assert reasons(dataset) == [
        "conversations[0].value: expected text, found a number",
        "conversations: expected a value, found no such field",
    ]
    rows = [{"query": "a", "response": "b"}, {"query": "a", "response": "b"}, {"odd": 1}]
    dataset = read_dataset(saved(tmp_path, "b.jsonl", jsonl(rows)))
    assert reasons(dataset) == ["query or response: expected a value, found no such field"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        None,
        [{"role": "user"}],
        [{"content": "Hi"}],
        [{"role": None, "content": None}],
        [{"role": "wizard", "content": ""}],
        [{}],
    ],
)
def test_what_is_missing_or_empty_stays_a_record(tmp_path: Path, messages: Any) -> None:
    path = saved(tmp_path, "a.jsonl", jsonl([GREETING, {"messages": messages}]))
    dataset = read_dataset(path)
    assert not len(dataset.set_aside)
    assert list(source_rows(dataset.records, dataset.detection))[1] == {"messages": messages}


def test_parts_of_text_are_one_text(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "Hello, "}, {"type": "text", "text": "you"}]
    row = {"messages": [{"role": "user", "content": parts}]}
    dataset = read_dataset(saved(tmp_path, "a.jsonl", jsonl([GREETING, row])))
    assert contents(dataset)[1] == "Hello, you"
    assert list(source_rows(dataset.records, dataset.detection))[1] == row


# Hostile files


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.jsonl", b"", "holds no rows"),
        ("empty.csv", b"", "holds no rows"),
        ("empty.parquet", b"", "no Parquet file"),
        ("blank.jsonl", b"\n \n\n", "holds no rows"),
        ("header.csv", b"text,label\n", "holds no rows"),
        ("none.json", b"[]", "holds no rows"),
        ("cut.jsonl.gz", gzip.compress(jsonl([GREETING] * 99))[:-20], "gzip file is damaged"),
        (
            "cut.jsonl.zst",
            zstandard.ZstdCompressor().compress(jsonl([GREETING] * 99))[:-5],
            "zstd file is damaged",
        ),
        ("odd.jsonl.gz", gzip.compress(b"{}") + b"odd", "gzip file is damaged"),
        ("magic.parquet", b"PAR2" + b"\0" * 99, "no Parquet file"),
        ("cut.parquet", b"PAR1" + b"\0" * 99, "Parquet file cannot be read"),
        ("random.jsonl", bytes(range(128, 256)) * 9, "no row can be read"),
        ("zeros.csv", b"\0" * 999, "binary file"),
        ("twice.csv", b"text,text\na,b\n", "names a column twice"),
        ("quote.csv", b'"text\na,b\n', "header cannot be read"),
        ("numbers.json", b"[1, 2, 3]", "found a number"),
    ],
    # gzip holds the time, so names made of the bytes would differ between two test processes.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    path = saved(tmp_path, name, content)
    with pytest.raises(DataError, match=what) as caught:
        read_dataset(path)
    assert name in caught.value.where


def test_a_list_that_breaks_off_keeps_its_rows(tmp_path: Path) -> None:
    whole = json.dumps([greeting(number) for number in range(5)], indent=2).encode()
    dataset = read_dataset(saved(tmp_path, "a.json", whole[: int(len(whole) * 0.7)]))
    assert len(dataset.records) == 3
    assert "never closed" in reasons(dataset)[0]
    assert balanced(dataset)


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    "fault",
    [b'{"messages": "open, }', b'{"messages": [}', b'{"messages": [[[', b"{'messages': 1}", b"}"],
)
def test_reading_a_list_goes_on_after_a_broken_row(
    tmp_path: Path, fault: bytes, indent: int | None
) -> None:
    pad = b" " * (indent or 0)
    items = [json.dumps(greeting(number)).encode() for number in range(6)]
    lines = [pad + item for item in (*items[:2], fault, *items[2:])]
    content = b"[\n" + b",\n".join(lines) + b"\n]\n"
    dataset = read_dataset(saved(tmp_path, "a.json", content))
    assert contents(dataset) == [f"Question {number}" for number in range(6)]
    assert len(dataset.set_aside) == 1
    assert fault in dataset.set_aside["raw"][0]
    assert dataset.set_aside["line"].to_list() == [4]
    assert content[dataset.set_aside["offset"][0] :].startswith(fault)


def test_an_open_quote_in_csv_costs_one_line(tmp_path: Path) -> None:
    content = b'text,label\none,x\n"two,y\nthree,x\nfour,y\n'
    dataset = read_dataset(saved(tmp_path, "a.csv", content))
    assert contents(dataset) == ["one", "three", "four"]
    assert reasons(dataset) == ["a quote is never closed"]
    assert dataset.set_aside["line"].to_list() == [3]
    assert dataset.set_aside["raw"].to_list() == [b'"two,y']


def test_ragged_and_wrongly_encoded_csv_rows_are_set_aside(tmp_path: Path) -> None:
    content = b'text,label\none,x\ntwo\nthree,x,z\nf\xfcr,y\n"a"b,y\n\nn\0l,x\n'
    dataset = read_dataset(saved(tmp_path, "a.csv", content))
    assert contents(dataset) == ["one", "n\0l"]
    assert reasons(dataset) == [
        "1 fields where the header has 2",
        "3 fields where the header has 2",
        "not UTF-8: byte 0xfc at position 2",
        "text after a closing quote (a quote within quotes must be doubled)",
    ]
    assert dataset.set_aside["line"].to_list() == [3, 4, 5, 6]
    assert dataset.set_aside["offset"].to_list() == [17, 21, 31, 37]


def test_a_long_field_at_the_beginning_hinders_nothing(tmp_path: Path) -> None:
    content = f"text,label\n{'x' * 200_000},a\nshort,b\n".encode()
    assert read_dataset(saved(tmp_path, "a.csv", content)).rows == 2


def test_many_open_quotes_do_not_read_the_file_again_and_again(tmp_path: Path) -> None:
    content = b"text,label\nfine,x\n" + b'a","b\n' * 3000
    dataset = read_dataset(saved(tmp_path, "a.csv", content))
    assert (len(dataset.records), dataset.rows) == (1, 3001)


def test_a_very_long_line_is_a_row_like_any_other(tmp_path: Path) -> None:
    long = "x" * 4_000_000
    for name, content in (
        ("a.jsonl", jsonl([{"text": "short"}, {"text": long}, {"text": "short"}])),
        ("a.json", json.dumps([{"text": "short"}, {"text": long}]).encode()),
        ("a.csv", f"text,label\nshort,a\n{long},b\n".encode()),
    ):
        dataset = read_dataset(saved(tmp_path, name, content))
        assert contents(dataset)[1] == long


def test_half_a_character_at_the_end_of_utf16_spoils_only_its_line(tmp_path: Path) -> None:
    content = (jsonl([{"text": "one"}]) * 3).decode().encode("utf-16")[:-3]
    dataset = read_dataset(saved(tmp_path, "a.jsonl", content))
    assert (len(dataset.records), len(dataset.set_aside)) == (2, 1)


def readable(path: Path) -> Dataset | None:
    try:
        return read_dataset(path)
    except DataError:
        return None


fragments = st.lists(
    st.sampled_from(
        [
            b'{"text": "a"}',
            b'{"text": "b", "label": "x"}',
            b"text,label",
            b'"a,b"',
            b"\n",
            b"\r\n",
            b"\r",
            b",",
            b'"',
            b"\\",
            b"[",
            b"]",
            b"{",
            b"}",
            b" ",
            b"\t",
            b":",
            b"\x00",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\xc3",
            b"null",
            b"1e999",
            b"\\ud800",
        ]
    )
    | st.binary(max_size=6),
    max_size=14,
).map(b"".join)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet", "a.jsonl.gz", "a"])
@given(content=fragments)
@example(content=b'text\n"')
@example(content=b'[{"text": "a"}, "')
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_accounted_for_or_refused(tmp_path: Path, name: str, content: bytes) -> None:
    dataset = readable(saved(tmp_path, name, content))
    if dataset is not None:
        assert balanced(dataset)
        assert len(list(source_rows(dataset.records, dataset.detection))) == len(dataset.records)


def test_rows_of_another_shape_far_into_the_file_are_not_set_aside_in_silence(
    tmp_path: Path,
) -> None:
    chat = [greeting(number) for number in range(1200)]
    other = [{"instruction": f"Do {number}", "output": "x" * 400} for number in range(3000)]
    path = saved(tmp_path, "a.jsonl", jsonl(chat + other))
    with pytest.raises(DataError, match="3,000 of 4,200 rows do not fit") as caught:
        read_dataset(gzipped := saved(tmp_path, "a.jsonl.gz", gzip.compress(path.read_bytes())))
    assert str(gzipped) in caught.value.where
    with pytest.raises(DataError):
        read_dataset(path)
    assert len(read_dataset(path, shape="chat").set_aside) == 3000


def test_a_long_beginning_of_broken_rows_does_not_hide_the_others(tmp_path: Path) -> None:
    dataset = read_dataset(saved(tmp_path, "a.jsonl", b"broken\n" * 3000 + jsonl([GREETING])))
    assert (len(dataset.records), len(dataset.set_aside)) == (1, 3000)


def test_a_value_that_begins_with_a_colon_is_no_repeated_key(tmp_path: Path) -> None:
    rows = [{"text": ':a "b": c', "x": {"y": ":"}}, {"text": "\\", "\\": 1}]
    assert read_dataset(saved(tmp_path, "a.jsonl", jsonl(rows))).rows == 2


# Telling


def test_the_first_rows_are_told_as_they_were_understood(tmp_path: Path) -> None:
    rows = [{"text": f"text {n}", "category": "a", "id": f"n{n}"} for n in range(9)]
    dataset = read_dataset(saved(tmp_path, "a.jsonl", jsonl(rows)))
    assert understood_examples(dataset, 1) == [
        {
            "row": 0,
            "id": "n0",
            "kind": "classification",
            "messages": [{"role": "user", "content": "text 0"}],
            "label": "a",
        }
    ]
    assert len(understood_examples(dataset)) == 3
