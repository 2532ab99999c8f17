"""Text files that are not UTF-8: told by marks and zeros, guessed with care, or named."""

from __future__ import annotations

import codecs
import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
from encoding_guesses import ENCODINGS, SENTENCES
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.formats.text_encoding import (
    Encoding,
    check_encoding,
    encoding_of,
    transcoded,
)
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.rows import read_rows
from tunewise.curate.reading.source_files import SourceFile, identify
from tunewise.workspace.errors import UsageError


def turned(text: str, number: int) -> str:
    """The words of a text, begun at another one, so that rows differ."""
    words = text.split()
    place = number % len(words)
    return " ".join([*words[place:], *words[:place]])


def as_csv(texts: list[str]) -> str:
    buffer = io.StringIO()
    rows = [("text", "label"), *((text, "a") for text in texts)]
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def as_json_lines(texts: list[str]) -> str:
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)


def as_list(texts: list[str]) -> str:
    return json.dumps([{"text": text} for text in texts], ensure_ascii=False)


WRITERS = {"a.csv": as_csv, "a.jsonl": as_json_lines, "a.json": as_list}


def texts_of(path: Path, encoding: str | None = None) -> list[str]:
    records = read_dataset(path, encoding=encoding).records
    return [messages[0]["content"] for messages in records["messages"].to_list()]


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize(("language", "encoding"), ENCODINGS)
def test_a_file_in_an_older_encoding_is_read_and_the_guess_is_told(
    tmp_path: Path, name: str, language: str, encoding: str
) -> None:
    texts = [turned(SENTENCES[language], number) for number in range(12)]
    path = tmp_path / name
    path.write_bytes(WRITERS[name](texts).encode(encoding))
    assert texts_of(path) == texts
    file = identify(path)
    (note,) = file.notes
    assert note.startswith(f"read as {file.encoding}, a guess")
    assert not path.read_bytes().decode(file.encoding).isascii()


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("language", ["English", "Russian", "Chinese", "Japanese"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_is_told_by_its_zeros(
    tmp_path: Path, name: str, language: str, encoding: str
) -> None:
    texts = [turned(SENTENCES[language], number) + "\u4e00" for number in range(20)]
    path = tmp_path / name
    path.write_bytes(WRITERS[name](texts).encode(encoding))
    assert texts_of(path) == texts
    assert identify(path).notes == (f"read as {encoding} (by its zero bytes)",)


def test_a_mark_is_told_unless_it_is_that_of_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(codecs.BOM_UTF16_BE + "text,label\none,a\n".encode("utf-16-be"))
    assert identify(path).notes == ("read as utf-16-be (by its byte order mark)",)
    path.write_bytes(codecs.BOM_UTF8 + b"text,label\none,a\n")
    assert identify(path).notes == ()
    assert texts_of(path) == ["one"]


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("language", list(SENTENCES))
def test_utf8_is_never_taken_for_something_else(tmp_path: Path, name: str, language: str) -> None:
    texts = [turned(SENTENCES[language], number) for number in range(12)]
    path = tmp_path / name
    path.write_bytes(WRITERS[name](texts).encode())
    assert identify(path) == SourceFile(path, name[2:])
    assert texts_of(path) == texts


def test_damage_in_utf8_stays_damage(tmp_path: Path) -> None:
    lines = (
        as_json_lines([turned(SENTENCES["German"], n) for n in range(100)]).encode().split(b"\n")
    )
    lines[7] = lines[7].replace("ü".encode(), b"\xfc")
    lines[40] = b'{"text": "\xff\xfe\xfd"}'
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines))
    dataset = read_dataset(path)
    assert (len(dataset.records), dataset.set_aside["line"].to_list()) == (98, [8, 41])
    assert "set aside unless --encoding" in identify(path).notes[0]


def test_one_bad_line_of_json_is_damage_even_where_all_else_is_ascii(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "plain"}\n' * 500 + '{"text": "Größenänderung"}\n'.encode("cp1252"))
    assert len(read_dataset(path).set_aside) == 1
    assert identify(path).encoding == "utf-8"


def test_a_few_accents_in_much_english_are_windows_1252(tmp_path: Path) -> None:
    texts = [f"This is row number {number} of many" for number in range(400)]
    texts[17] = "It’s a café"
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv(texts).encode("cp1252"))
    assert texts_of(path) == texts
    assert identify(path).encoding == "cp1252"


def test_too_little_evidence_is_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nplain,a\nfür,a\n".encode("cp1252"))
    dataset = read_dataset(path)
    assert dataset.set_aside["reason"].to_list() == ["not UTF-8: byte 0xfc at position 2"]
    assert "--encoding" in identify(path).notes[0]
    assert texts_of(path, encoding="cp1252") == ["plain", "für"]


def test_foreign_lines_far_into_a_plain_file_are_seen(tmp_path: Path) -> None:
    texts = [f"This is row number {number} of many" for number in range(60_000)]
    texts[30_000:] = [f"{text} für süße Äpfel" for text in texts[30_000:]]
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv(texts).encode("cp1252"))
    assert identify(path).encoding == "cp1252"
    assert texts_of(path) == texts


# An encoding that is named


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize(
    "encoding", ["cp850", "mac_roman", "iso8859_2", "cp1252", "utf-16", "cp037"]
)
def test_the_encoding_that_is_named_is_taken(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / name
    path.write_bytes(WRITERS[name](["Größe", "süß"]).encode(encoding))
    assert texts_of(path, encoding=encoding) == ["Größe", "süß"]
    assert identify(path, encoding).notes == ()


@pytest.mark.parametrize(
    "name", ["base64", "nonsense", "utf-7", "unicode_escape", "idna", "a\0b", ""]
)
def test_what_is_no_encoding_of_files_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no encoding"):
        check_encoding(name)


def test_names_of_encodings_are_pythons() -> None:
    assert check_encoding("UTF8") == "utf-8"
    assert check_encoding("Latin1") == "iso8859-1"


# What cannot be read in the encoding


def test_bytes_without_meaning_cost_only_their_line(tmp_path: Path) -> None:
    # 0x81 means nothing in Windows-1252; nor does C3 80 in Big5, which is a letter in UTF-8.
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "f\xfcr"}\n{"text": "a\x81b"}\n{"text": "c"}\n')
    dataset = read_dataset(path, encoding="cp1252")
    assert (len(dataset.records), dataset.set_aside["line"].to_list()) == (2, [2])
    assert dataset.set_aside["reason"][0].startswith("not cp1252: byte 0x81")
    path.write_bytes(b'{"text": "\xa4\xa4"}\n{"text": "a\xc3\x80"}\n')
    assert len(read_dataset(path, encoding="big5").set_aside) == 1


def test_half_a_surrogate_in_utf16_costs_only_its_line(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"row {number} 😀"}, ensure_ascii=False) for number in range(5)]
    content = bytearray("\n".join(lines).encode("utf-16"))
    place = content.index(b"\x3d\xd8")
    content[place : place + 2] = b"x\0"
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    dataset = read_dataset(path)
    assert (len(dataset.records), len(dataset.set_aside)) == (4, 1)
    assert dataset.set_aside["reason"][0].startswith("not utf-16-le")


@given(
    content=st.binary(max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    encoding=st.sampled_from(
        ["utf-16-le", "utf-16-be", "utf-32-le", "cp1252", "cp932", "gb18030", "big5", "cp949",
         "euc_jp", "iso2022_jp", "hz", "utf-8-sig", "koi8_r", "cp037"]
    ),
)  # fmt: skip
@settings(max_examples=300, deadline=None, derandomize=True)
def test_transcoding_is_exact_or_marked(content: bytes, cuts: list[int], encoding: str) -> None:
    edges = sorted({0, *cuts, len(content)} & set(range(len(content) + 1)))
    blocks = (content[begin:end] for begin, end in pairwise(edges))
    made = b"".join(transcoded(blocks, encoding))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        assert b"\xff" in made
    else:
        assert made.decode() == text.removeprefix("\ufeff")


@given(st.lists(st.binary(max_size=80), max_size=20), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_lines_have_an_encoding_that_python_knows(lines: list[bytes], json: bool) -> None:
    found = encoding_of(b"\n".join(lines), lines, json=json)
    assert isinstance(found, Encoding)
    assert codecs.lookup(found.name)
    assert found.name == "utf-8" or found.note


def test_places_count_the_text_as_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first = '{"text": "Größe"}\n'
    path.write_bytes((first + "broken\n").encode("cp1252"))
    file = identify(path, "cp1252")
    assert [row.offset for row in read_rows(file)] == [0, len(first.encode())]
