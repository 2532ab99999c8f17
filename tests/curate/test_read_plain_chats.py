"""Plain rows read in columns are the same records as rows read one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewise.curate.reading import pieces
from tunewise.curate.reading.plain_chats import plain_chats
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.records import Dataset
from tunewise.curate.shapes.catalogue import shape_of
from tunewise.curate.shapes.rows import Layout, layout_of


def read_both_ways(path: Path, **options: Any) -> tuple[Dataset, Dataset]:
    fast = read_dataset(path, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "plain_chats", lambda layout: None)
        slow = read_dataset(path, **options)
    return fast, slow


def assert_equal(fast: Dataset, slow: Dataset) -> None:
    assert fast.rows == slow.rows
    assert fast.records.schema == slow.records.schema
    assert fast.records.equals(slow.records)
    assert fast.set_aside.equals(slow.set_aside)


def chat(*messages: tuple[Any, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in messages], **more}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", '"', "\\", '\\"', "a: b", '":', "\u2028", "\x7f", "\x00", "😀", "</s>", "{}", "[]"]
)
speakers = st.sampled_from(["system", "user", "assistant", "tool", "developer", "model", "wizard"])
plain_rows = st.lists(st.tuples(speakers, texts), min_size=1, max_size=4).map(lambda m: chat(*m))
odd_rows = st.one_of(
    st.just({"messages": []}),
    st.just({"messages": None}),
    st.just({}),
    texts.map(lambda text: chat(("user", text), id="a")),
    texts.map(lambda text: {"id": 5, **chat(("user", text))}),
    texts.map(lambda text: {"messages": [{"content": text, "role": "user"}]}),
    texts.map(lambda text: {"messages": [{"role": "user", "content": text, "name": "x"}]}),
    texts.map(lambda text: chat(("user", None), ("assistant", text))),
    texts.map(lambda text: chat((None, text))),
    texts.map(lambda text: chat(("user", [{"type": "text", "text": text}]))),
    st.just(chat(("user", 5))),
)
odd_lines = st.sampled_from(
    [
        b"",
        b"  ",
        b"broken",
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud83d"}]}',
        b'{"messages": [{"role": "user", "content": "\\ude00\\ud83d"}]}',
        b'{"messages": [{"role": "user", "content": "\\uD83D\\uDE00 \\u00e9\\u0000"}]}',
        b'{"messages": [{"role": "user", "content": "a\tb"}]}',
        b'{"messages": [{"role": "user", "content": "a", "content": "b"}]}',
        b'{"messages": [{"role": "user", "content": "a"}], "messages": []}',
        b'{"messages" : [{"role": "user", "content": "a"}]}',
        b' {"messages": [{"role": "user", "content": "a"}]}',
        b'{"messages": [{"role": "user", "content": "a"}]} \r',
        b'{"messages": [{"role": "user", "content": "a"},]}',
        b'{"messages": [{"role": "user", "content": "\\q"}]}',
        b'{"messages": [{"role": "us\\u0065r", "content": "\\/"}]}',
        b'\xef\xbb\xbf{"messages": [{"role": "user", "content": "a"}]}',
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 3)) == 0:
        return draw(odd_lines)
    row = draw(plain_rows if draw(st.integers(0, 3)) else odd_rows)
    tight = draw(st.booleans())
    separators = (",", ":") if tight else None
    text = json.dumps(row, ensure_ascii=draw(st.booleans()), separators=separators)
    return text.encode() + draw(st.sampled_from([b"", b"", b" ", b"\r"]))


@given(content=st.lists(lines(), max_size=25).map(b"\n".join))
@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_both_ways_give_equal_records(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        json.dumps(chat(("user", "Hi"), ("assistant", "Yo"))).encode() + b"\n" + content
    )
    assert_equal(*read_both_ways(path, shape="chat"))


def test_every_character_is_the_same_both_ways(tmp_path: Path) -> None:
    characters = [chr(code) for code in range(0x3000) if not 0xD800 <= code < 0xE000]
    rows = [
        chat(("user", f"a{character}b"))
        for character in [*characters, "\ufeff", "😀", "\U0010ffff"]
    ]
    path = tmp_path / "a.jsonl"
    for ascii_only in (False, True):
        path.write_text(
            "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), "utf-8"
        )
        fast, slow = read_both_ways(path)
        assert fast.rows == len(rows)
        assert_equal(fast, slow)


def test_speakers_of_sharegpt_are_the_same_both_ways(tmp_path: Path) -> None:
    names = ["human", "gpt", "system", "observation", "function_call", "user", "bing", "x"]
    rows = [
        {
            "conversations": [
                {"from": name, "value": "one"},
                {"from": "gpt", "value": '[{"name": "f"}]'},
            ]
        }
        for name in names * 3
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fast, slow = read_both_ways(path)
    assert fast.detection.shape == "sharegpt"
    assert_equal(fast, slow)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_pieces_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    rows = [json.dumps(chat(("user", f"{number}"))) for number in range(20)]
    rows[4], rows[5], rows[11] = "", "broken", " "
    rows[12] = json.dumps(chat(("user", "12"), id="own"))
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(rows))
    monkeypatch.setattr(pieces, "_PIECE_ROWS", size)
    fast, slow = read_both_ways(path)
    assert_equal(fast, slow)
    assert fast.rows == 18
    assert fast.set_aside.select("row", "line", "offset").row(0) == (
        4,
        6,
        5 + sum(map(len, rows[:5])),
    )


def test_other_encodings_are_the_same_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = "".join(json.dumps(chat(("user", "Größe")), ensure_ascii=False) + "\n" for _ in range(5))
    path.write_bytes(text.encode("utf-16") + b"\n\0")
    assert_equal(*read_both_ways(path))
    path.write_bytes(
        text.encode("cp1252") + b'{"messages": [{"role": "user", "content": "\x81"}]}\n'
    )
    fast, slow = read_both_ways(path, encoding="cp1252")
    assert_equal(fast, slow)
    assert fast.set_aside["reason"][0].startswith("not cp1252: byte 0x81")


# Which rows are plain


def layout(shape: str = "chat", **mapping: str) -> Layout:
    return layout_of(shape_of(shape), {"messages": "messages", **mapping})


def is_plain(line: str | bytes, where: Layout | None = None) -> bool:
    chats = plain_chats(where or layout())
    assert chats is not None
    (plain,), frame = chats.read([line.encode() if isinstance(line, str) else line])
    assert frame.height == plain
    return plain


def test_plain_rows_are_told() -> None:
    assert is_plain('{"messages": [{"role": "user", "content": "Hi"}]}')
    assert is_plain('{"messages":[{"role":"user","content":"\\u00e9\\ud83d\\ude00\\n"}]}\r')
    assert not is_plain('{"messages": [{"role": "user", "content": "\\ud83d"}]}')
    assert not is_plain('{"messages": [{"role": "wizard", "content": "Hi"}]}')
    assert not is_plain('{"messages": [{"role": "model", "content": "Hi"}]}')
    assert not is_plain('{"messages": [{"role": "user", "content": "Hi", "name": "x"}]}')
    assert not is_plain(b'{"messages": [{"role": "user", "content": "\xff"}]}')


def test_names_are_taken_as_they_are() -> None:
    odd = layout(role="a.*", content='b"\\')
    assert is_plain('{"messages": [{"a.*": "human", "b\\"\\\\": "Hi"}]}', odd)
    assert not is_plain('{"messages": [{"axx": "human", "b\\"\\\\": "Hi"}]}', odd)


@pytest.mark.parametrize(
    "where",
    [
        layout_of(shape_of("alpaca"), {"instruction": "instruction", "output": "output"}),
        layout(id="id"),
        layout(label="label"),
        layout_of(shape_of("chat"), {}),
        layout(role="content", content="content"),
    ],
    ids=["alpaca", "id", "label", "no messages", "one name"],
)
def test_layouts_with_more_have_no_plain_rows(where: Layout) -> None:
    assert plain_chats(where) is None


def test_most_chats_are_plain(shared_data: Path, tmp_path: Path) -> None:
    rows = json.loads((shared_data / "instructions" / "alpaca_17k.json").read_text("utf-8"))
    path = tmp_path / "a.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for row in rows[:5000]:
            made = chat(("user", row["instruction"] + row["input"]), ("assistant", row["output"]))
            stream.write(json.dumps(made, ensure_ascii=False) + "\n")
    fast, slow = read_both_ways(path)
    assert_equal(fast, slow)
    chats = plain_chats(layout())
    assert chats is not None
    plain, _ = chats.read(path.read_bytes().splitlines())
    assert pl.Series(plain).mean() == 1
