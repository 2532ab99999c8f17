"""The items of benchmarks as plain text: every form of file, and what is wrong with one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tunewise.curate.contamination import BenchmarkItem
from tunewise.evaluate.tasks_files import BUNDLED
from tunewise.evaluate.tasks_items import benchmark_items
from tunewise.workspace.errors import DataError, UsageError

TASK = """
task: mine
dataset_path: json
dataset_kwargs: {data_files: {train: other.jsonl, test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "Q: {{query}}"
doc_to_choice: "{{choices}}"
doc_to_target: gold
"""
ROW = {"id": 7, "query": "Who?", "choices": ["it's me", 'so "he" said'], "gold": 1}


def write(path: Path, *rows: Any) -> str:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path.name


@pytest.mark.parametrize(
    ("row", "question", "answer"),
    [
        (ROW, "Who?", 'so "he" said'),
        ({"prompt": "1+1=", "answer": "2"}, "1+1=", "2"),
        ({"question": "Why?", "answer": 42}, "Why?", "42"),
        ({"question": "Why?", "answer": ["so", "because"]}, "Why?", "so"),
        ({"question": "Why?", "answer": None}, "Why?", None),
        ({"text": "Once."}, "", "Once."),
        ({"sentence_good": "He is.", "sentence_bad": "He are."}, "", "He is."),
        ({"text": "half a cat: \ud83d"}, "", "half a cat: ?"),
    ],
)
def test_rows_of_json_lines(tmp_path: Path, row: Any, question: str, answer: str | None) -> None:
    (item,) = benchmark_items([write(tmp_path / "some.jsonl", row)], tmp_path)
    assert item == BenchmarkItem(str(row.get("id", 0)), "some", question, answer)


def test_a_task_of_lm_eval_is_read_by_its_templates(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", ROW, {**ROW, "id": 8, "gold": 0, "query": "{{ 7*7 }}"})
    (tmp_path / "any.yaml").write_text(TASK)
    assert benchmark_items(["any.yaml"], tmp_path) == (
        BenchmarkItem("7", "mine", "Q: Who?", 'so "he" said'),
        BenchmarkItem("8", "mine", "Q: {{ 7*7 }}", "it's me"),
    )


def test_the_bundled_benchmarks_are_all_read(tmp_path: Path) -> None:
    items = benchmark_items(["general", "general"], tmp_path)
    lines = sum(len(path.read_text().splitlines()) for path in BUNDLED.glob("*.jsonl"))
    assert len(items) == len({item.name for item in items}) == lines
    assert {item.task for item in items} == {path.stem for path in BUNDLED.glob("*.yaml")}
    assert all(item.answer for item in items)


def test_a_folder_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    write(folder / "a.jsonl", {"text": "One."})
    write(folder / "b.jsonl", {"text": "Two."})
    assert [item.name for item in benchmark_items(["suite"], tmp_path)] == ["a/0", "b/0"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("genral", "'general'"),
        ("sum.jsonl", "'sums.jsonl'"),
        ("hellaswag", "JSON lines"),
        ("domain", "known: general"),
        ("nowhere/sums.jsonl", "JSON lines"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(tmp_path: Path, name: str, hint: str) -> None:
    write(tmp_path / "sums.jsonl", {"text": "One."})
    with pytest.raises(UsageError) as caught:
        benchmark_items([name], tmp_path)
    assert repr(name) in caught.value.what
    assert hint in caught.value.fix


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no rows"),
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"a": 1}', "no benchmark"),
        ('{"query": "x", "choices": ["a"], "gold": 3}', "3 is no place"),
        ('{"question": {"a": 1}, "answer": "x"}', "is no text"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "broken.jsonl").write_text(text)
    with pytest.raises(DataError, match=problem) as caught:
        benchmark_items(["broken.jsonl"], tmp_path)
    assert "broken.jsonl" in caught.value.where


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("dataset_path: json", "dataset_path: allenai/ai2_arc", UsageError),
        ("test_split: test", "test_split: other", UsageError),
        ("doc_to_target: gold", "doc_to_target: !function utils.gold", UsageError),
        ("task: mine", "group: mine", UsageError),
        ("{{query}}", "{{query", DataError),
        ("{{query}}", "{{query.__class__.__mro__[1].__subclasses__()}}", DataError),
        ("{{query}}", "{{missing.field}}", DataError),
        ("rows.jsonl", "gone.jsonl", DataError),
        ("task: mine", "task: [", DataError),
    ],
)
def test_a_task_that_cannot_be_read(
    tmp_path: Path, old: str, new: str, error: type[Exception]
) -> None:
    write(tmp_path / "rows.jsonl", ROW)
    (tmp_path / "any.yaml").write_text(TASK.replace(old, new))
    with pytest.raises(error) as caught:
        benchmark_items(["any.yaml"], tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_reading_items_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tunewise.evaluate.tasks_items import benchmark_items\n"
        "benchmark_items(['general'], Path('.'))\n"
        "print(sorted({'torch', 'transformers', 'lm_eval', 'datasets'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stderr
