"""CSV as people and programs write it: delimiters, quotes, and what is no CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.formats import rows_csv
from tunewise.curate.formats.csv_dialect import sniff_dialect
from tunewise.curate.formats.rows_csv import Dialect
from tunewise.curate.reading.read import read_dataset
from tunewise.curate.reading.rows import read_rows
from tunewise.curate.reading.source_files import identify


def values_of(path: Path) -> list[dict[str, Any] | None]:
    return [row.value for row in read_rows(identify(path))]


def saved(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


cells = st.text(st.sampled_from("ab ,;\t|\"'\\\né"), max_size=8)


@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=30),
    delimiter=st.sampled_from(",;\t|"),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_a_writer_quotes_throughout_comes_back(
    rows: list[tuple[str, str, str]], delimiter: str
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    lines = rows_csv.csv_records(
        iter(
            rows_csv.Line(number, 0, raw)
            for number, raw in enumerate(buffer.getvalue().encode().split(b"\n")[:-1], 1)
        ),
        Dialect(delimiter),
    )
    assert [tuple(record.fields) for record in lines][1:] == rows


def test_quotes_escaped_by_a_backslash_are_told_and_read(tmp_path: Path) -> None:
    lines = [f'"He said \\"hello {n}\\", twice",label' for n in range(20)]
    path = saved(tmp_path, "a.csv", "text,category\n" + "\n".join(lines) + "\n")
    assert values_of(path)[3] == {"text": 'He said "hello 3", twice', "category": "label"}
    assert identify(path).notes == ('quotes within quotes are written \\"',)


def test_backslashes_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    text = 'text,category\n"C:\\new, folder\\",a\n"say ""hi\\""",b\n'
    path = saved(tmp_path, "a.csv", text)
    assert [row and row["text"] for row in values_of(path)] == ["C:\\new, folder\\", 'say "hi\\"']
    assert not identify(path).notes


def test_fields_in_single_quotes_are_told_and_read(tmp_path: Path) -> None:
    lines = [f"'one, two and {n}','don''t'" for n in range(20)]
    path = saved(tmp_path, "a.csv", "'text','category'\n" + "\n".join(lines) + "\n")
    assert values_of(path)[0] == {"text": "one, two and 0", "category": "don't"}
    assert identify(path).notes == ("fields are in single quotes",)


def test_an_apostrophe_is_no_single_quote(tmp_path: Path) -> None:
    text = "text,category\n" + "".join(f"'tis row {n} and don't,a\n" for n in range(20))
    path = saved(tmp_path, "a.csv", text)
    assert values_of(path)[0] == {"text": "'tis row 0 and don't", "category": "a"}


@pytest.mark.parametrize("fault", ['"Well, she said', '"Well" she said', 'end"'])
def test_quotes_between_tabs_may_be_mere_characters(tmp_path: Path, fault: str) -> None:
    lines = [f"row {n}\tlabel" for n in range(40)]
    lines[7] = f"{fault}\tlabel"
    lines[20] = f"{fault}\tlabel"
    path = saved(tmp_path, "a.tsv", "text\tcategory\n" + "\n".join(lines) + "\n")
    values = values_of(path)
    assert (len(values), values[7]) == (40, {"text": fault, "category": "label"})


def test_a_quote_between_tabs_does_not_swallow_rows(tmp_path: Path) -> None:
    lines = [f"row {n}\tlabel" for n in range(40)]
    lines[7], lines[20] = '"Well, she said\tlabel', 'and "no"\tlabel'
    lines[21] = 'last"\tlabel'
    path = saved(tmp_path, "a.tsv", "text\tcategory\n" + "\n".join(lines) + "\n")
    assert len(values_of(path)) == 40
    assert identify(path).notes == ("quotes are characters like any other",)


def test_line_breaks_in_quotes_between_tabs_stay_line_breaks(tmp_path: Path) -> None:
    lines = [f'"row {n}\nand more"\tlabel' for n in range(40)]
    path = saved(tmp_path, "a.tsv", "text\tcategory\n" + "\n".join(lines) + "\n")
    assert values_of(path)[39] == {"text": "row 39\nand more", "category": "label"}
    assert not identify(path).notes


def test_line_ends_of_old_are_line_ends(tmp_path: Path) -> None:
    assert values_of(saved(tmp_path, "a.csv", "text;label\ra;b\rc;d\r")) == [
        {"text": "a", "label": "b"},
        {"text": "c", "label": "d"},
    ]


def test_an_open_quote_costs_one_line_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_csv, "_MOST_LINES_OF_A_ROW", 50)
    lines = [f"text {n},label" for n in range(2000)]
    for number in range(100, 2000, 100):
        lines[number] = f'"open {number},label'
    path = saved(tmp_path, "a.csv", "text,category\n" + "\n".join(lines) + "\n")
    rows = list(read_rows(identify(path)))
    # Ten are allowed, and one more for each thousand lines.
    refused = [number for number, row in enumerate(rows) if row.value is None]
    assert refused == [*range(100, 1200, 100), *range(1200, 2000)]
    assert [row.line for row in rows] == list(range(2, 2002))


def test_after_too_many_open_quotes_no_line_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_csv, "_MOST_LINES_OF_A_ROW", 7)
    path = saved(tmp_path, "a.csv", "text,label\nfine,x\n" + 'a","b\n' * 300)
    dataset = read_dataset(path)
    assert (dataset.rows, len(dataset.records)) == (301, 1)
    assert dataset.set_aside["line"].to_list() == list(range(3, 303))


def test_a_row_may_span_many_lines_but_not_endlessly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_csv, "_MOST_BYTES_OF_A_ROW", 1000)
    text = "text,label\n" + '"' + "line\n" * 100 + 'end",x\n' + '"' + "line\n" * 500 + 'end",y\n'
    rows = list(read_rows(identify(saved(tmp_path, "a.csv", text))))
    assert rows[0].value == {"text": "line\n" * 100 + "end", "label": "x"}
    assert rows[1].reason == "a quote is never closed"


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_beginning_has_a_dialect(text: bytes) -> None:
    dialect, note = sniff_dialect(text)
    assert dialect.delimiter
    assert bool(note) == (dialect.quote != '"' or dialect.escape != "")
