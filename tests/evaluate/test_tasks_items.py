"""The items of benchmarks as plain text: every form of file, and what is wrong with one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tunewise.curate.contamination import BenchmarkItem
from tunewise.evaluate.tasks.files import BUNDLED
from tunewise.evaluate.tasks.items import benchmark_items
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
    assert item == BenchmarkItem(
        str(row.get("id", 0)), "some", question, answer, tuple(row.get("choices", ()))
    )


CHOICES = ("red", "blue", "green")


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Which?", "choices": CHOICES, "answer": 1},
        {"question": "Which?", "choices": CHOICES, "answer": "B"},
        {"question": "Which?", "choices": CHOICES, "answer": "blue"},
        {"question": "Which?", "choices": repr(list(CHOICES)), "answer": "1"},
        {
            "question": "Which?",
            "choices": {"text": CHOICES, "label": ["1", "2", "3"]},
            "answerKey": "2",
        },
        {
            "question_stem": "Which?",
            "choices": [
                {"text": text, "label": label} for text, label in zip(CHOICES, "ABC", strict=True)
            ],
            "answerKey": "B",
        },
        {"ctx": "Which?", "endings": CHOICES, "label": "1", "ctx_a": "other"},
        {"query": "Which?\nA. red\nB. blue\n(C) green\nAnswer:", "choices": CHOICES, "gold": 1},
    ],
)
def test_rows_of_known_benchmarks_with_choices(tmp_path: Path, row: Any) -> None:
    (item,) = benchmark_items([write(tmp_path / "some.jsonl", row)], tmp_path)
    assert item == BenchmarkItem("0", "some", "Which?", "blue", CHOICES)


@pytest.mark.parametrize(
    ("row", "question", "choices", "answer"),
    [
        ({"goal": "Sit", "sol1": "a", "sol2": "b", "label": 1}, "Sit", ("a", "b"), "b"),
        (
            {"sentence": "_ ran", "option1": "He", "option2": "It", "answer": "2"},
            "_ ran", ("He", "It"), "It",
        ),
        (
            {"question": "Q", "distractor1": "x", "distractor2": "y", "correct_answer": "z"},
            "Q", ("z", "x", "y"), "z",
        ),
        ({"passage": "P", "question": "Q", "answer": True}, "P\nQ", (), "yes"),
        (
            {"context": "P", "question": "Q", "answers": {"text": ["a", "b"], "start": [1]}},
            "P\nQ", (), "a",
        ),
        ({"problem": "P", "solution": "S", "answer": "3"}, "P", (), "S"),
        ({"prompt": "def f", "canonical_solution": "pass", "task_id": "He/1"}, "def f", (), "pass"),
        ({"text": "Write", "code": "x = 1", "task_id": 3}, "Write", (), "x = 1"),
        ({"instruction": "Add", "input": "1 1", "output": "2"}, "Add\n1 1", (), "2"),
        ({"question": "Q", "best_answer": "B", "category": "c"}, "Q", (), "B"),
    ],
)  # fmt: skip
def test_rows_of_other_known_benchmarks(
    tmp_path: Path, row: Any, question: str, choices: tuple[str, ...], answer: str
) -> None:
    (item,) = benchmark_items([write(tmp_path / "some.jsonl", row)], tmp_path)
    assert (item.question, item.choices, item.answer) == (question, choices, answer)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".tsv", ".parquet"])
def test_tables_of_rows(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"question": ["Why, though?", "Who?"], "answer": ["so", "I"]})
    path = tmp_path / f"some{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(frame.to_dicts()))
    elif suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    assert benchmark_items([path.name], tmp_path) == (
        BenchmarkItem("0", "some", "Why, though?", "so"),
        BenchmarkItem("1", "some", "Who?", "I"),
    )


def test_a_choice_that_is_no_list_at_the_end_stays_in_the_question(tmp_path: Path) -> None:
    row = {"query": "Is it red or blue? A. red", "choices": ["red", "blue"], "gold": 0}
    (item,) = benchmark_items([write(tmp_path / "some.jsonl", row)], tmp_path)
    assert item.question == row["query"]


def test_a_task_of_lm_eval_is_read_by_its_templates(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", ROW, {**ROW, "id": 8, "gold": 0, "query": "{{ 7*7 }}"})
    (tmp_path / "any.yaml").write_text(TASK)
    assert benchmark_items(["any.yaml"], tmp_path) == (
        BenchmarkItem("7", "mine", "Q: Who?", 'so "he" said', tuple(ROW["choices"])),
        BenchmarkItem("8", "mine", "Q: {{ 7*7 }}", "it's me", tuple(ROW["choices"])),
    )


def test_a_task_whose_templates_are_code_is_read_by_its_fields(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", ROW)
    text = TASK.replace("doc_to_target: gold", "doc_to_target: !function utils.gold")
    (tmp_path / "any.yaml").write_text(text)
    assert benchmark_items(["any.yaml"], tmp_path) == (
        BenchmarkItem("7", "mine", "Who?", 'so "he" said', tuple(ROW["choices"])),
    )


def test_what_a_task_includes_and_what_it_asks_to_be_looked_for(tmp_path: Path) -> None:
    write(tmp_path / "rows.jsonl", ROW)
    (tmp_path / "_base").write_text(TASK.replace("task: mine", "task: base"))
    (tmp_path / "any.yaml").write_text(
        "include: _base\ntask: mine\ndoc_to_decontamination_query: query\n"
    )
    (item,) = benchmark_items(["any.yaml"], tmp_path)
    assert (item.name, item.question) == ("mine/7", "Who?")
    (tmp_path / "any.yaml").write_text("include: any.yaml\ntask: mine\n")
    with pytest.raises(DataError, match="includes itself"):
        benchmark_items(["any.yaml"], tmp_path)


def test_choices_that_are_but_labels_of_what_the_question_lists(tmp_path: Path) -> None:
    row = {"question": "Which of them floats?", "choices": ["a stone", "a cork"], "answer": 1}
    write(tmp_path / "rows.jsonl", row)
    text = TASK.replace(
        '"Q: {{query}}"',
        '"{{question}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nAnswer:"',
    )
    text = text.replace('"{{choices}}"', '["A", "B"]').replace("gold", "answer")
    (tmp_path / "any.yaml").write_text(text)
    assert benchmark_items(["any.yaml"], tmp_path) == (
        BenchmarkItem("0", "mine", "Which of them floats?", "a cork", ("a stone", "a cork")),
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
        ('{"question": "x", "choices": 3, "answer": "x"}', "no list of choices"),
        ('{"sentence": "x", "option1": "a", "option2": "b", "answer": ""}', "ValueError"),
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
        ("{{query}}", "{{missing}}", DataError),
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
        "from tunewise.evaluate.tasks.items import benchmark_items\n"
        "benchmark_items(['general'], Path('.'))\n"
        "print(sorted({'torch', 'transformers', 'lm_eval', 'datasets'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stderr
