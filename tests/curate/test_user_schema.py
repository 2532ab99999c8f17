"""The user's own schema: every way to break it is found in its row; broken schemas say where."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunewise.curate.auditing.audit import audit
from tunewise.curate.schemas.json_columns import shown, typed_column
from tunewise.curate.schemas.user_schema import load_user_schema
from tunewise.curate.settings import AuditSettings
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.errors import UsageError

CHECK = "schema/user-schema"
YAML = """\
columns:
  year: {dtype: Int64, nullable: true, required: false,
         in_range: {min_value: 1900, max_value: 2030}}
  topic: {dtype: str, isin: [cards, billing]}
  answer: {dtype: String, str_length: {min_value: 2}}
"""
PYTHON = """\
from __future__ import annotations
import pandera.polars as pa
import polars as pl

class Schema(pa.DataFrameModel):
    year: int = pa.Field(ge=1900, le=2030, nullable=True)
    topic: str = pa.Field(isin=["cards", "billing"])

    @pa.check("topic", error="a topic without x")
    def no_x(cls, data):
        return data.lazyframe.select(~pl.col(data.key).str.contains("x"))

    @pa.dataframe_check(error="answers longer than prompts")
    def longer(cls, data):
        return data.lazyframe.select(
            pl.col("answer").str.len_chars() > pl.col("prompt").str.len_chars()
        )
"""


def row(answer: str = "An answer", **fields: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": answer}]
    return {"messages": turns, **fields}


@pytest.fixture
def write(tmp_path: Path):
    """Write a schema's file; a new one each time, since what was read is kept."""
    count = 0

    def writer(text: str, ending: str = "yaml") -> str:
        nonlocal count
        count += 1
        path = tmp_path / f"schema{count}.{ending}"
        path.write_text(text)
        return str(path)

    return writer


def told(result) -> list[tuple[int, str, str]]:
    assert result.status == "ran", result.reason
    assert set(result.findings["fix"]) <= {"drop"}
    return result.findings.select("row", "field", "message").rows()


def test_every_way_to_break_a_schema(check_rows, write) -> None:
    rows = [
        row(year=2000, topic="cards"),
        row(year=None, topic="cards"),
        row(topic="cards"),
        row(year=1800, topic="cards"),
        row(year="2000", topic="cards"),
        row(year=2000.5, topic="cards"),
        row(year=True, topic="cards"),
        row(year=2000),
        row(year=2000, topic=None),
        row(year=2000, topic="weather"),
        row("x", year=2000, topic="cards"),
    ]
    assert told(check_rows(CHECK, rows, schema=write(YAML))) == [
        (3, "year", "expected in_range(1900, 2030) of 'year', found a number 1800"),
        (4, "year", "expected Int64, found text '2000'"),
        (5, "year", "expected Int64, found a number 2000.5"),
        (6, "year", "expected Int64, found true"),
        (7, "topic", "expected a field 'topic', found none"),
        (8, "topic", "expected a value of 'topic', found null"),
        (9, "topic", "expected isin(['cards', 'billing']) of 'topic', found text 'weather'"),
        (10, "messages[1].content", "expected str_length(2, None) of 'answer', found text 'x'"),
    ]


def test_a_python_file_may_bring_checks_of_its_own(check_rows, write, tmp_path: Path) -> None:
    rows = [
        row(year=1, topic="cards"),
        row(topic="x", year=None),
        row("H", topic="cards", year=2000),
    ]
    assert told(check_rows(CHECK, rows, schema=write(PYTHON, "py"))) == [
        (0, "year", "expected greater_than_or_equal_to(1900) of 'year', found a number 1"),
        (1, "topic", "expected isin(['cards', 'billing']) of 'topic', found text 'x'"),
        (1, "topic", "expected a topic without x of 'topic', found text 'x'"),
        (2, None, "expected answers longer than prompts of the row, found otherwise"),
    ]
    assert not (tmp_path / "__pycache__").exists()


def test_values_that_come_once_are_looked_for_in_the_whole_source(check_rows, write) -> None:
    text = """\
columns:
  code: {dtype: Int64, unique: true, nullable: true, required: false}
  a: {required: false}
  b: {required: false}
unique: [a, b]
"""
    rows = [row(code=1, a=1, b=1), row(code=2, a=1, b=2), row(code=1, a=1, b=1), row(), row(),
            row(code=None, a=2), row(code=None, a=2)]  # fmt: skip
    found = check_rows(CHECK, rows, schema=write(text)).findings
    assert found.select("row", "field", "related_row").rows() == [(2, "code", 0), (2, "a", 0)]
    assert "'a', 'b'" in found["message"][1]


def test_other_fields_where_the_schema_is_strict(check_rows, write) -> None:
    text = "columns: {a: {required: false}}\nstrict: true\n"
    rows = [row(a=1), row(b=1, c=2), row()]
    assert [(at, field) for at, field, _ in told(check_rows(CHECK, rows, schema=write(text)))] == [
        (1, "b"), (1, "c"),
    ]  # fmt: skip


def test_fields_go_by_the_sources_own_names(check_rows, write) -> None:
    text = "columns: {category: {dtype: String, str_matches: '^[a-z]+$'}, label: {ne: cards}}\n"
    rows = [{"text": "a", "category": "cards"}, {"text": "b", "category": "X"}] * 3
    result = check_rows(CHECK, rows, schema=write(text))
    assert {(at, field) for at, field, _ in told(result)} == {
        (at, "category" if at % 2 else "label") for at in range(6)
    }


def test_csv_has_no_types(tmp_path: Path, write) -> None:
    text = "columns: {year: {dtype: Int64, ge: 1900}, ok: {dtype: bool, nullable: true}}\n"
    path = tmp_path / "rows.csv"
    path.write_text("prompt,completion,year,ok\na,b,2000,true\na,c,1800,\na,d,,no\na,e,x,false\n")
    artifact = audit(
        Workspace(tmp_path), [path], AuditSettings(checks=(CHECK,), schema=write(text))
    )
    found = pl.read_parquet(artifact.folder / "findings.parquet")
    assert found.select("row", "field").rows() == [(1, "year"), (2, "year"), (2, "ok"), (3, "year")]


def test_without_a_schema_the_check_says_how_to_name_one(check_rows) -> None:
    result = check_rows(CHECK, [row()])
    assert (result.status, result.reason) == (
        "skipped", "needs a schema: name a Python or YAML file with --schema",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ending", "words"),
    [
        ("columns: {a: {dtype: Nope}}", "yaml", ["column 'a'", "nope"]),
        ("columns: {a: {dtype: 'Decimal(10, 2)'}}", "yaml", ["column 'a'", "Decimal"]),
        ("columns: {a: {nulable: true}}", "yaml", ["column 'a'", "nulable", "nullable"]),
        ("columns: {a: {in_range: {min: 1}}}", "yaml", ["column 'a'", "min_value"]),
        ("columns: {a: {str_matches: '('}}", "yaml", ["column 'a'", "unterminated"]),
        ("columns: {a: {unique_values_eq: [1]}}", "yaml", ["column 'a'", "unique_values_eq"]),
        ("columns: {a: 3}", "yaml", ["column 'a'", "table"]),
        ("columns: {'^a.*$': {dtype: String}}", "yaml", ["pattern"]),
        ("colums: {a: {}}", "yaml", ["no columns"]),
        ("columns: {a: {}}\nunique: [b]", "yaml", ["no column 'b'"]),
        ("columns: {a: {}}\nstict: true", "yaml", ["stict", "strict"]),
        ("columns: [", "yaml", ["no YAML"]),
        ("[1, 2]", "yaml", ["no columns"]),
        ("x = 1\n", "py", ["named", "schema"]),
        ("import pandera.polars as pa\n\nschema = pa.Column(nope)\n", "py", ["line 3", "nope"]),
        ("x = (\n", "py", ["line 1", "SyntaxError"]),
        ("raise SystemExit(3)\n", "py", ["SystemExit"]),
        ("{}", "json", [".yaml"]),
    ],
)  # fmt: skip
def test_a_schema_that_is_none(write, text: str, ending: str, words: list[str]) -> None:
    path = write(text, ending)
    with pytest.raises(UsageError) as caught:
        load_user_schema(path)
    for word in [path, *words]:
        assert word.lower() in str(caught.value).lower()


def test_a_schema_that_is_nowhere(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps(row()) + "\n")
    with pytest.raises(UsageError, match="no such schema file"):
        audit(Workspace(tmp_path), [data], AuditSettings(schema=str(tmp_path / "none.yaml")))


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).mean() > 0))", "together"),
        ("pa.Check(lambda data: True)", "together"),
        ("pa.Check(lambda data: 1 / 0, error='never')", "never of column 'a' fails"),
    ],
)
def test_checks_that_judge_no_single_row_fail_by_name(check_rows, write, check, words) -> None:
    text = (
        "import pandera.polars as pa\nimport polars as pl\n"
        f"schema = pa.DataFrameSchema({{'a': pa.Column(checks={check})}})\n"
    )
    result = check_rows(CHECK, [row(a=1), row(a=2)], schema=write(text, "py"))
    assert result.status == "failed"
    assert words in result.reason


def test_the_schema_is_an_input_of_the_audit(tmp_path: Path, write) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps(row(a=1)) + "\n")
    ids = {
        audit(Workspace(tmp_path), [data], AuditSettings(checks=(CHECK,), schema=schema)).id
        for schema in (None, write("columns: {a: {}}"), write("columns: {a: {ge: 0}}"))
    }
    assert len(ids) == 3


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)  # fmt: skip
TYPES = [pl.Int8(), pl.UInt64(), pl.Float32(), pl.Boolean(), pl.String(), pl.Enum(["a", "b"]),
         pl.List(pl.Int64), pl.Struct({"a": pl.String}), pl.Date(), pl.Datetime("us")]  # fmt: skip


@example([""], pl.Datetime("us"), False)
@example(["no time", "2024-05-01 10:00:00"], pl.Datetime("us"), False)
@example([""], pl.Date(), False)
@given(st.lists(JSON_VALUES, max_size=8), st.sampled_from(TYPES), st.booleans())
def test_what_does_not_fit_a_type_is_told_and_nothing_else_is_lost(
    values, dtype, from_text
) -> None:
    column = typed_column(values, dtype, from_text=from_text)
    assert column.values.dtype == dtype
    assert len(column.values) == len(values)
    for position, value in enumerate(values):
        is_lost = column.values[position] is None and value is not None
        assert is_lost == (position in column.unfit)


def test_texts_stand_for_dates_and_numbers_for_floats() -> None:
    dates = typed_column(["2024-02-29", "2023-02-29"], pl.Date(), from_text=False)
    assert dates.values.to_list() == [date(2024, 2, 29), None]
    assert typed_column([1, 2.5], pl.Float64(), from_text=False).values.to_list() == [1.0, 2.5]
    assert typed_column([" 7", "x"], pl.Int64(), from_text=True).unfit == {1: "text 'x'"}
    assert shown("y" * 99).endswith("…")


@pytest.fixture(scope="module")
def page(repository_root: Path) -> list[str]:
    text = (repository_root / "docs" / "custom_checks.md").read_text(encoding="utf-8")
    return re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)


def test_the_schemas_of_the_page(check_rows, write, page: list[str]) -> None:
    fields = {"year": 2000, "category": "cards", "ticket": "T-1"}
    rows = [
        row("An answer of twenty letters", **fields),
        row("Short", **fields | {"year": 1800, "ticket": "T-2"}),
        row("An answer of twenty letters", **fields),
        row("", **fields | {"category": "food", "ticket": "3"}),
    ]
    yaml = next(block for block in page if block.startswith("columns:"))
    found = told(check_rows(CHECK, rows, schema=write(yaml)))
    assert [(at, field) for at, field, _ in found] == [
        (1, "year"), (1, "messages[1].content"), (2, "ticket"),
        (3, "category"), (3, "ticket"), (3, "messages[1].content"),
    ]  # fmt: skip
    python = next(block for block in page if block.startswith("# columns.py"))
    found = told(check_rows(CHECK, rows, schema=write(python, "py")))
    assert [(at, field) for at, field, _ in found] == [(1, "year"), (3, "category"), (3, None)]


def test_a_text_that_is_no_time_does_not_hide_the_times_after_it() -> None:
    values = ["", "2024-05-01 10:00:00", None]
    column = typed_column(values, pl.Datetime("us"), from_text=False)
    assert column.values.is_null().to_list() == [True, False, True]
    assert set(column.unfit) == {0}
