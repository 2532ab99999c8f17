"""Benchmarks: found, checked, loaded, fingerprinted; and what lm-eval makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM

from tunewise.evaluate.scoring.quiet import heard
from tunewise.evaluate.tasks.asking import ask
from tunewise.evaluate.tasks.suites import BUNDLED, load_benchmarks, suite_inputs
from tunewise.workspace.errors import DataError, UsageError
from tunewise.workspace.events import Note

QUESTION = {"id": "q1", "query": "Who?", "choices": ["Tom", "nobody here"], "gold": 1}
YAML = """
task: mine
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{query}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {version: 1.0, chance: 0.4, cluster: topic}
"""


class Parrot(LM):
    """Finds texts the less probable the longer they are, and answers with a fixed text."""

    def __init__(self, answer: str = "") -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        self.asked += [request.args for request in requests]
        return [(-float(len(request.args[1])), False) for request in requests]

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        return [-float(len(request.args[0])) for request in requests]

    def generate_until(self, requests: list[Any]) -> list[str]:
        self.asked += [request.args for request in requests]
        return [self.answer for _ in requests]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_question_with_choices(tmp_path: Path) -> None:
    write(tmp_path / "who.jsonl", [QUESTION, {**QUESTION, "id": 7, "gold": 0, "cluster": "a"}])
    (benchmark,) = load_benchmarks(["who.jsonl"], tmp_path)
    model = Parrot()
    found = ask(benchmark, model)
    assert model.asked[:2] == [("Who?", " Tom"), ("Who?", " nobody here")]
    assert (found.info.task, found.info.group, found.info.metric) == ("who", "general", "acc_norm")
    assert (found.info.kind, found.info.higher_is_better, found.info.chance) == ("share", True, 0.5)
    first, second = found.frame.to_dicts()
    assert first == {
        "item": "q1",
        "cluster": None,
        "score": 1.0,
        "prompt": "Who?",
        "expected": "nobody here",
        "choices": ["Tom", "nobody here"],
        "output": "nobody here",
        "log_likelihoods": [-4.0, -12.0],
    }
    assert (second["item"], second["cluster"], second["score"]) == ("7", "a", 0.0)


def test_whole_sentences_are_compared_as_they_are(tmp_path: Path) -> None:
    rows = [{"sentence_good": "Tom has it, the book.", "sentence_bad": "Tom have it."}]
    write(tmp_path / "pairs.jsonl", rows)
    write(tmp_path / "bare.jsonl", [{**QUESTION, "query": ""}])
    pairs, bare = (ask(one, Parrot()) for one in load_benchmarks(
        ["pairs.jsonl", "bare.jsonl"], tmp_path))  # fmt: skip
    assert (pairs.info.metric, bare.info.metric) == ("acc", "acc")
    assert pairs.frame.row(0, named=True)["output"] == "Tom have it."
    assert pairs.mean == 0


def test_an_answer_is_compared_without_its_margins(tmp_path: Path) -> None:
    write(
        tmp_path / "sums.jsonl",
        [{"prompt": "1+1=", "answer": " 2"}, {"prompt": "x", "answer": "[2]"}],
    )
    (benchmark,) = load_benchmarks(["sums.jsonl"], tmp_path)
    model = Parrot(" 2 ")
    found = ask(benchmark, model)
    assert model.asked[0][0] == "1+1="
    assert model.asked[0][1]["until"] == ["\n"]
    assert found.frame["score"].to_list() == [1.0, 0.0]
    assert found.frame["expected"].to_list() == ["2", "[2]"]
    assert found.info.chance == 0


def test_a_text_has_a_loss_a_byte(tmp_path: Path) -> None:
    write(tmp_path / "texts.jsonl", [{"text": "äb"}])
    (benchmark,) = load_benchmarks(["texts.jsonl"], tmp_path)
    found = ask(benchmark, Parrot())
    assert (found.info.metric, found.info.kind) == ("bits_per_byte", "loss")
    assert found.info.higher_is_better is False
    assert found.info.chance is None
    assert found.mean == pytest.approx(2 / 3 / 0.6931471805599453)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**QUESTION, "gold": 2}, "gold is 2"),
        ({**QUESTION, "gold": True}, "gold is True"),
        ({**QUESTION, "gold": "1"}, "gold is '1'"),
        ({**QUESTION, "choices": ["one"]}, "two or more"),
        ({**QUESTION, "choices": ["one", " "]}, "empty"),
        ({**QUESTION, "query": None}, "query is no text"),
        ({"query": "", "choices": ["a", "b"]}, "gold is missing"),
        (["no", "object"], "no JSON object"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: Any, problem: str) -> None:
    write(tmp_path / "broken.jsonl", [QUESTION, row])
    with pytest.raises(DataError, match=problem) as error:
        load_benchmarks(["broken.jsonl"], tmp_path)
    assert error.value.where.endswith("broken.jsonl, line 2")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no rows"),
        ("{", "no JSON"),
        ('{"a":1}', "no benchmark"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "broken.jsonl").write_text(text)
    with pytest.raises(DataError, match=problem):
        load_benchmarks([str(tmp_path / "broken.jsonl")], tmp_path / "elsewhere")


def test_data_is_never_a_template(tmp_path: Path) -> None:
    hostile = "{{ 7*7 }}{% for x in y %}"
    row = {"query": hostile, "choices": [hostile, "__import__('os')"], "gold": 0}
    write(tmp_path / "rows.jsonl", [row])
    (tmp_path / "mine.yaml").write_text(YAML)
    write(tmp_path / "plain.jsonl", [row])
    for benchmark in load_benchmarks(["mine.yaml", "plain.jsonl"], tmp_path):
        found = ask(benchmark, Parrot()).frame.row(0, named=True)
        assert found["prompt"] == hostile
        assert found["choices"] == row["choices"]


def test_a_definition_finds_its_data_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    folder.mkdir()
    write(folder / "rows.jsonl", [{**QUESTION, "topic": "men"}])
    (folder / "any.yaml").write_text(YAML)
    (benchmark,) = load_benchmarks(["tasks"], tmp_path)
    found = ask(benchmark, Parrot())
    assert (benchmark.name, found.info.chance, found.info.metric) == ("mine", 0.4, "acc")
    assert found.frame["cluster"].to_list() == ["men"]


@pytest.mark.parametrize("template", [True, False])
def test_compiled_templates_ask_the_same(tmp_path: Path, template: bool) -> None:
    """What lm-eval does to rendered texts: numbers of choices, lists of targets."""
    fields = {"doc_to_text": "query", "doc_to_choice": "choices", "doc_to_target": "gold"}
    text = YAML
    if not template:
        for name, field in fields.items():
            text = text.replace(f'{name}: "{{{{{field}}}}}"', f"{name}: {field}")
    rows = [QUESTION, {"id": "q2", "query": "Why?", "choices": ["it's", 'so "he" said'], "gold": 0}]
    write(tmp_path / "rows.jsonl", rows)
    (tmp_path / "mine.yaml").write_text(text)
    (benchmark,) = load_benchmarks(["mine.yaml"], tmp_path)
    model = Parrot()
    frame = ask(benchmark, model).frame
    assert frame["choices"].to_list() == [row["choices"] for row in rows]
    assert frame["expected"].to_list() == ["nobody here", "it's"]
    assert [context for context, _ in model.asked] == ["Who?", "Who?", "Why?", "Why?"]


def test_only_the_first_items_are_asked(tmp_path: Path) -> None:
    write(tmp_path / "who.jsonl", [{**QUESTION, "id": str(n)} for n in range(9)])
    (benchmark,) = load_benchmarks(["who.jsonl"], tmp_path, limit=3)
    assert ask(benchmark, Parrot()).frame["item"].to_list() == ["0", "1", "2"]


def test_the_fingerprint_is_that_of_the_questions(tmp_path: Path) -> None:
    def fingerprint(rows: list[Any], folder: str = "one") -> tuple[str, str]:
        (tmp_path / folder).mkdir(exist_ok=True)
        path = write(tmp_path / folder / "rows.jsonl", rows)
        (path.parent / "mine.yaml").write_text(YAML)
        (benchmark,) = load_benchmarks([f"{folder}/mine.yaml"], tmp_path)
        (made_from,) = suite_inputs([f"{folder}/mine.yaml"], tmp_path)
        return benchmark.content, made_from.sha256

    first = fingerprint([QUESTION])
    assert fingerprint([QUESTION], "two") == first
    changed = fingerprint([{**QUESTION, "gold": 0}])
    assert changed[0] != first[0]
    assert changed[1] != first[1]


def test_bundled_tasks_are_all_asked() -> None:
    benchmarks = load_benchmarks(["general", "domain"], Path())
    assert {one.name for one in benchmarks} == {path.stem for path in BUNDLED.glob("*.yaml")}
    assert len(benchmarks) >= 6
    assert len(suite_inputs(["general", "hellaswag"], Path())) == 1


@pytest.mark.parametrize(
    ("suites", "problem"),
    [
        (["gone.jsonl"], "no such benchmark"),
        (["folder/"], "holds no benchmarks"),
        (["who.jsonl", "who.jsonl"], "two tasks have the name who"),
        (["notes.txt/"], "no such benchmark"),
    ],
)
def test_a_wrong_suite_is_named(tmp_path: Path, suites: list[str], problem: str) -> None:
    (tmp_path / "folder").mkdir()
    write(tmp_path / "who.jsonl", [QUESTION])
    with pytest.raises(UsageError, match=problem):
        load_benchmarks(suites, tmp_path)


def test_a_task_whose_data_is_not_here_is_refused(tmp_path: Path) -> None:
    (tmp_path / "far.yaml").write_text("task: far\ndataset_path: nobody/nothing\ntest_split: test\n"
                                       "doc_to_text: a\ndoc_to_target: b\n")  # fmt: skip
    with pytest.raises(UsageError, match="far cannot be loaded"):
        load_benchmarks(["far.yaml"], tmp_path)


def test_nothing_but_our_events_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "who.jsonl", [QUESTION])
    (benchmark,) = load_benchmarks(["who.jsonl"], tmp_path)
    tell = heard(lambda event: print("heard", event.name, file=sys.stderr))

    class Telling(Parrot):
        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            print("noise", file=sys.stderr)
            tell(Note(text="x"))
            return super().loglikelihood(requests)

    ask(benchmark, Telling())
    streams = capsys.readouterr()
    assert streams.err == "heard note\n"
    assert streams.out == ""


def test_what_a_task_asks_has_one_name_in_every_process(tmp_path: Path) -> None:
    """Functions are part of a task's content by what they say, not by where they lie."""
    (tmp_path / "sums.jsonl").write_text('{"prompt": "1 2", "answer": "3"}')
    (tmp_path / "who.jsonl").write_text('{"query": "Who?", "choices": ["I", "you"], "gold": 0}')
    code = (
        "from pathlib import Path\n"
        "from tunewise.evaluate.tasks.suites import load_benchmarks as load\n"
        "print(*(one.content for one in load(['sums.jsonl', 'who.jsonl'], Path('.'))))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    here = [one.content for one in load_benchmarks(["sums.jsonl", "who.jsonl"], tmp_path)]
    assert child.stdout.split() == here
