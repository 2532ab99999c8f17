"""Lines: where they begin and end, however the blocks are cut that they come in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.formats import streams
from tunewise.curate.formats.streams import text_lines
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.rows import read_rows
from tunewise.curate.reading.source_files import identify
from tunewise.workspace.errors import DataError


@given(
    text=st.text(st.sampled_from('a{" \t\n'), max_size=60).map(str.encode),
    size=st.integers(1, 20),
    blank=st.booleans(),
)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_lines_have_their_places_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, size: int, blank: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes(text)
    with pytest.MonkeyPatch.context() as patch:
        cut = (text[begin : begin + size] for begin in range(0, len(text), size))
        patch.setattr(streams, "content_blocks", lambda *_: cut)
        found = list(text_lines(path, blank=blank))
    lines = [line for part in found for line in part]
    assert lines == [line for whole in found for part in whole.parts(lambda: 2) for line in part]
    expected = text.split(b"\n")
    for number, offset, raw in lines:
        assert expected[number - 1].endswith(raw)
        assert text[offset : offset + len(raw)] == raw
    if blank:
        wanted = expected if expected[-1] else expected[:-1]
        assert [line.raw for line in lines] == wanted
    else:
        wanted = [line.strip() for line in expected if line.strip()]
        assert [line.raw.strip() for line in lines if line.raw.strip()] == wanted


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_LONGEST_LINE", 1 << 21)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "fine"}\n' + b"x" * (1 << 22))
    with pytest.raises(DataError, match="line 2 is longer than"):
        read_dataset(path)


def test_many_blank_lines_cost_nothing_but_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "one"}' + b"\n" * 20_000_000 + b'{"text": "two"}')
    rows = list(read_rows(identify(path)))
    assert [(row.line, row.offset) for row in rows] == [(1, 0), (20_000_001, 20_000_015)]


def test_blank_lines_within_quotes_of_csv_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'text,label\n\n"one\n\n  \ntwo",a\n\n')
    (row,) = read_rows(identify(path))
    assert row.value == {"text": "one\n\n  \ntwo", "label": "a"}


@pytest.mark.parametrize("columns", [50_000])
def test_a_header_of_many_columns_is_read_in_time(tmp_path: Path, columns: int) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"," * columns + b"\n")
    with pytest.raises(DataError, match="names a column twice"):
        read_dataset(path)
    names = b",".join(b"c%d" % number for number in range(columns))
    path.write_bytes(names + b"\n" + b"," * (columns - 1) + b"\n")
    (row,) = read_rows(identify(path))
    assert row.value is not None
    assert len(row.value) == columns
