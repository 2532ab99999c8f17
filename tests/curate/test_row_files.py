"""Clean rows in a file of the user's choice: the same rows, whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.cleaning.row_files import check_output, write_row_file
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.rows import read_rows
from tunewise.curate.reading.source_files import identify
from tunewise.workspace.errors import UsageError
from tunewise.workspace.events import Event, Note

ENDINGS = [".jsonl", ".json", ".csv", ".tsv", ".parquet"]
COMPRESSED = [f"{ending}{more}" for ending in ENDINGS[:-1] for more in (".gz", ".zst")]


def lines_file(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.lines"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read_back(path: Path) -> list[Any]:
    return [raw.value for raw in read_rows(identify(path))]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.fixed_dictionaries({"text": TEXT, "label": TEXT}), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, ending=st.sampled_from(ENDINGS + COMPRESSED))
def test_rows_of_texts_come_back_from_every_format(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict], ending: str
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    path = folder / f"out{ending}"
    assert write_row_file(path, lines_file(folder, rows)) == len(rows)
    if ".csv" not in ending and ".tsv" not in ending:
        assert read_back(path) == rows
        return
    content = path.read_bytes()
    if ending.endswith(".gz"):
        content = gzip.decompress(content)
    elif ending.endswith(".zst"):
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    text = io.StringIO(content.decode("utf-8"), newline="")
    delimiter = "\t" if ".tsv" in ending else ","
    assert list(csv.DictReader(text, delimiter=delimiter, strict=True)) == rows


NESTED = [
    {"messages": [{"role": "user", "content": "Hi"}], "n": 1, "tags": ["a", "b"]},
    {"messages": [{"role": "user", "content": "Ho\n"}], "n": 2, "tags": []},
]


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".json.gz", ".jsonl.zst", ".parquet"])
def test_nested_rows_come_back(tmp_path: Path, ending: str) -> None:
    notes: list[Event] = []
    path = tmp_path / f"out{ending}"
    write_row_file(path, lines_file(tmp_path, NESTED), notes.append)
    assert read_back(path) == NESTED
    assert notes == []
    assert read_dataset(path).rows == 2


def test_no_rows_are_a_file_too(tmp_path: Path) -> None:
    for ending in ENDINGS:
        path = tmp_path / f"out{ending}"
        assert write_row_file(path, lines_file(tmp_path, [])) == 0
        assert path.is_file()
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    for ending in ENDINGS + COMPRESSED:
        rows = [{"text": "a", "n": "1"}] * 3
        one, other = tmp_path / f"one{ending}", tmp_path / f"other{ending}"
        for path in (one, other):
            write_row_file(path, lines_file(tmp_path, rows))
        assert one.read_bytes() == other.read_bytes(), ending


def told(rows: list[dict], path: Path) -> list[str]:
    notes: list[str] = []
    write_row_file(path, lines_file(path.parent, rows),
                   lambda event: notes.append(event.text) if isinstance(event, Note) else None)  # fmt: skip # noqa: E501
    return notes


def test_what_a_table_of_texts_does_not_keep_is_said(tmp_path: Path) -> None:
    rows = [{"text": "a", "n": 1, "ok": True}, {"text": None, "n": 2.5, "ok": False}, {"n": 3}]
    (note,) = told(rows, tmp_path / "out.csv")
    assert "numbers, true and false become text (n, ok)" in note
    assert "null and missing become empty (ok, text)" in note
    assert (tmp_path / "out.csv").read_text() == "text,n,ok\na,1,true\n,2.5,false\n,3,\n"
    assert told([{"text": "a"}], tmp_path / "other.csv") == []


def test_what_parquet_does_not_keep_is_said(tmp_path: Path) -> None:
    (note,) = told([{"a": 1}, {"b": 2}, {"a": 1, "b": 2}], tmp_path / "out.parquet")
    assert note.startswith("2 rows read from out.parquet will not quite be equal")
    assert read_back(tmp_path / "out.parquet")[0] == {"a": 1, "b": None}


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("out.csv", [{"a": "x"}, {"a": ["nested"]}]),
        ("out.parquet", [{"a": "x"}, {"a": 1}]),
        ("out.parquet", [{"a": 2**70}]),
        ("out.parquet", [{"a": {}}]),
    ],
)
def test_what_cannot_be_held_is_refused_and_nothing_is_left(
    tmp_path: Path, name: str, rows: list[dict]
) -> None:
    lines = lines_file(tmp_path, rows)
    with pytest.raises(UsageError, match=r"fits in no cell|Parquet cannot hold"):
        write_row_file(tmp_path / name, lines)
    assert list(tmp_path.iterdir()) == [lines]


def test_a_source_or_another_file_is_never_written_over(tmp_path: Path) -> None:
    source, other = tmp_path / "data.jsonl", tmp_path / "other.jsonl"
    for path in (source, other):
        path.write_text("{}\n")
    link, hard = tmp_path / "link.jsonl", tmp_path / "hard.jsonl"
    link.symlink_to(source)
    hard.hardlink_to(source)
    for path in (source, link, hard, tmp_path / "x" / ".." / "data.jsonl"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match="the source itself"):
            check_output(path, [source], replace=True)
    with pytest.raises(UsageError, match="there already"):
        check_output(other, [source], replace=False)
    check_output(other, [source], replace=True)
    check_output(tmp_path / "new.csv.gz", [source], replace=False)


@pytest.mark.parametrize("name", ["out", "out.txt", "out.gz", "out.parquet.gz", "out.jsonl.xz", ""])
def test_an_ending_tells_the_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        check_output(tmp_path / name, [], replace=True)


@pytest.mark.parametrize("ending", [*ENDINGS, ".jsonl.gz", ".csv.zst"])
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, ending: str) -> None:
    rows = [{"text": os.urandom(500).hex(), "n": str(n)} for n in range(400)]
    lines = lines_file(tmp_path, rows)
    path = tmp_path / f"out{ending}"
    script = (
        "import sys; from pathlib import Path\n"
        "from tunewise.curate.cleaning.row_files import write_row_file\n"
        "from tunewise.workspace.errors import JobError\n"
        "try: write_row_file(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except JobError as error: sys.exit(int(error.exit_code))\n"
    )

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(lines)],
        preexec_fn=little_room, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert sorted(tmp_path.iterdir()) == [lines]
