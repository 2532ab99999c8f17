"""What is shown about a split's answers: by their kind, a schema, and the user's own metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import evaluate.config
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from tunewise.evaluate.domain.kinds import answer_kind
from tunewise.evaluate.domain.text_measures import read_schema, text_measures
from tunewise.evaluate.domain.user_metric import metric_file, user_measure
from tunewise.evaluate.items import Answers, TaskInfo, answers
from tunewise.evaluate.metrics.json_answers import key_paths, parses
from tunewise.evaluate.observations.answers import length_observation, refusal_observation
from tunewise.evaluate.observations.calibration import calibration_error, calibration_observation
from tunewise.evaluate.observations.labels import (
    confusion,
    confusion_table,
    label_observation,
    labels_of,
)
from tunewise.workspace.errors import DataError, UsageError

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"$ref": "#/$defs/age"}},
    "required": ["name"],
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}
INFO = TaskInfo("domain/exact-match", "domain", "exact_match", "share", True, None, decides=False)


def said(outputs: list[str], expected: list[str], **more: list[Any]) -> Answers:
    rows = [
        {"item": str(n), "score": 0.0, "output": output, "expected": meant,
         **{name: values[n] for name, values in more.items()}}
        for n, (output, meant) in enumerate(zip(outputs, expected, strict=True))
    ]  # fmt: skip
    return answers(INFO, rows)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["refund", "Refund.", "delivery status"] * 10, "labels"),
        ([f"It opened in {year}." for year in range(1900, 1930)], "short"),
        (["word " * 40 + str(n) for n in range(30)], "long"),
        (["one\ntwo"] * 9 + ["three"], "long"),
        ([json.dumps({"n": n}) for n in range(28)] + ["sorry", "no"], "structured"),
        ([f"```json\n[{n}]\n```" for n in range(9)], "structured"),
        (["12", "13", "true"] * 3, "short"),
        ([], "long"),
    ],
)
def test_kinds_are_told_by_the_answers(texts: list[str], kind: str) -> None:
    assert answer_kind(texts) == kind
    assert answer_kind(texts, classified=True) == "labels"


def scores(name: str, predictions: list[str], references: list[str], **how: Any) -> list[float]:
    measures = {one.name: one for one in text_measures(how.pop("kind"), **how)}
    return measures[name].score(predictions, references)


def test_structured_answers_are_parsed_and_compared_by_keys() -> None:
    meant = [
        '{"name": "Ann", "age": 3}',
        '{"name": "Bo"}',
        '[{"a": 1}]',
        '{"n": 1}',
        "```\n[1]\n```",
    ]
    heard = ['{"name": "Eve", "size": 3}', "Bo", '[{"a": 2, "b": 1}]', '{"n": NaN}', "[1]"]
    assert scores("json-parses", heard, meant, kind="structured") == [1, 0, 1, 0, 1]
    keys = scores("json-keys", heard, meant, kind="structured")
    assert keys == pytest.approx([1 / 2, 0, 2 / 3, 0, 1])
    # A fence is forgiven where the reference has one, and nowhere else.
    assert scores("json-parses", ["```\n{}\n```"] * 2, ["{}", "```\n{}\n```"],
                  kind="structured") == [0, 1]  # fmt: skip


def test_a_schema_is_matched_whatever_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "answer.schema.json"
    path.write_text(json.dumps(SCHEMA))
    heard = ['{"name": "Ann", "age": 3}', '{"age": 3}', '{"name": "Ann", "age": -1}', "Ann"]
    found = scores("json-schema", heard, ["{}"] * 4, kind="short", schema=read_schema(path))
    assert found == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "is an object"),
        ('{"type": "objekt"}', "no valid JSON schema"),
        ('{"properties": {"a": {"pattern": "("}}}', "no valid JSON schema"),
        ('{"$ref": "https://example.com/a.json"}', "nothing is fetched"),
        ('{"$ref": "other.json#/a"}', "nothing is fetched"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(DataError, match=problem):
        read_schema(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@given(JSON)
@settings(max_examples=40)
def test_an_answer_agrees_with_itself(value: Any) -> None:
    text = json.dumps(value)
    assert parses(text) == isinstance(value, dict | list)
    key_paths(value)
    assert scores("json-keys", [text], [text], kind="structured") == [1]


def test_hostile_answers_do_not_parse() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert not parses(deep)
    assert scores("json-keys", [deep, '{"a":' * 900 + "1" + "}" * 900], ['{"a": 1}'] * 2,
                  kind="structured")[0] == 0  # fmt: skip


def test_long_answers_have_chrf() -> None:
    found = scores("chrf", ["the same", "", "the sane"], ["the same"] * 3, kind="long")
    assert found[:2] == pytest.approx([1, 0])
    assert 0.2 < found[2] < 1
    assert "chrf" not in {one.name for one in text_measures("short")}


FUNCTION = """
HIGHER_IS_BETTER = False
def score(predictions, references):
    return [abs(len(said) - len(meant)) for said, meant in zip(predictions, references)]
"""
METRIC = """
import datasets
import evaluate
class Longest(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        return evaluate.MetricInfo(description="", citation="", inputs_description="",
            features=datasets.Features({"predictions": text, "references": text}))
    def _compute(self, predictions, references):
        return {"note": "text", "other": 7.0, "longest": float(max(map(len, predictions)))}
"""


def test_a_function_of_ones_own_scores_answers(tmp_path: Path) -> None:
    (tmp_path / "length_gap.py").write_text(FUNCTION)
    measure = user_measure(metric_file("length_gap.py", tmp_path))
    assert (measure.name, measure.metric) == ("length-gap", "length_gap")
    assert not measure.higher_is_better
    assert measure.score(["ab", "a"], ["a", "abcd"]) == [1, 3]


def test_a_metric_in_hugging_faces_form_is_computed_answer_by_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "longest.py").write_text(METRIC)
    measure = user_measure(metric_file("longest.py", tmp_path))
    assert measure.score(["abc", "a"], ["", ""]) == [3, 1]
    # What evaluate.load keeps of a metric of the hub is found by its name, without a network.
    monkeypatch.setattr(evaluate.config, "HF_MODULES_CACHE", str(tmp_path))
    kept = tmp_path / "evaluate_modules" / "metrics" / "evaluate-metric--longest" / ("0" * 64)
    kept.mkdir(parents=True)
    (kept / "longest.py").write_text(METRIC)
    assert metric_file("longest", tmp_path) == kept / "longest.py"
    with pytest.raises(UsageError, match="on this machine"):
        metric_file("longer", tmp_path)
    with pytest.raises(UsageError, match="a file of Python"):
        metric_file("absent.py", tmp_path)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("x = 1", "defines no metric"),
        ("1 / 0", "ZeroDivisionError"),
        ("def score(a, b): return [1]", "1 scores for 2"),
        ("def score(a, b): return ['x', 'y']", "no list of numbers"),
        ("def score(a, b): return 3", "no list of numbers"),
        ("def score(a, b): return [float('nan'), 1]", "1 of 2 scores"),
        ("def score(a): return [1, 1]", "TypeError"),
        ("def score(a, b): return [1e308, 1]", "1 of 2 scores"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("def score(a, b): raise SystemExit", "SystemExit"),
    ],
)
def test_a_broken_metric_is_told(tmp_path: Path, code: str, problem: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(code)
    with pytest.raises(DataError, match=problem):
        user_measure(path).score(["a", "b"], ["a", "b"])


def test_what_a_metric_prints_is_not_among_our_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("print('loaded')\ndef score(a, b):\n    print('called')\n    return [1, 0]\n")
    assert user_measure(path).score(["a", "b"], ["a", "b"]) == [1, 0]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.split() == ["loaded", "called"]


def test_macro_f1_and_confusion_are_scikit_learns() -> None:
    random = np.random.default_rng(3)
    names = np.array(["red", "green", "blue", "grey"])
    meant = names[random.integers(0, 3, 90)].tolist()
    first, second = (
        [one if random.random() < share else str(random.choice(names)) for one in meant]
        for share in (0.3, 0.9)
    )
    choices = [names.tolist()] * 90
    base, tuned = (said(heard, meant, choices=choices) for heard in (first, second))
    found = label_observation(base, tuned, 0.02)
    assert found.base == pytest.approx(f1_score(meant, first, average="macro"))
    assert found.tuned == pytest.approx(f1_score(meant, second, average="macro"))
    assert found.ci is not None
    assert found.delta is not None
    assert found.ci[0] < found.delta < found.ci[1]
    assert found.verdict == "improved"
    pairs = confusion(base, labels_of(base))
    square = confusion_matrix(meant, first, labels=names.tolist())
    by_name = {(pair["expected"], pair["said"]): pair["items"] for pair in pairs}
    for row, one in enumerate(names.tolist()):
        for column, other in enumerate(names.tolist()):
            assert by_name.get((one, other), 0) == square[row, column]


def test_where_all_items_agree_the_interval_still_has_a_width() -> None:
    meant = ["red", "blue"] * 20
    found = label_observation(said(["no"] * 40, meant), said(meant, meant), 0.02)
    assert (found.base, found.tuned, found.verdict) == (0, 1, "improved")
    assert found.ci is not None
    assert 0.6 < found.ci[0] < 0.97
    same = label_observation(said(meant, meant), said(meant, meant), 0.02)
    assert same.ci is not None
    assert same.ci[0] < 0 < same.ci[1]
    assert same.verdict == "undecided"


def test_many_labels_with_few_rows_do_not_widen_the_interval() -> None:
    names = [f"label {number}" for number in range(77)]
    meant = [names[number * 31 % 77] for number in range(110)]
    heard = [names[0]] * 110
    choices = [names] * 110
    found = label_observation(
        said(heard, meant, choices=choices), said(heard, meant, choices=choices), 0.02
    )
    assert found.ci is not None
    assert -0.05 < found.ci[0] < 0 < found.ci[1] < 0.05


def test_what_is_no_label_has_a_column_of_its_own() -> None:
    answered = said(["Red.", "purple", "the red", "blue"], ["red", "red", "blue", "blue"])
    pairs = confusion(answered, labels_of(answered))
    names, counts = confusion_table(pairs)
    assert names == ["blue", "red", "(no label)"]
    assert counts == [[1, 0, 1], [0, 1, 1], [0, 0, 0]]
    many = [{"expected": str(n), "said": str(n + 1), "items": 30 - n} for n in range(20)]
    names, counts = confusion_table(many, most=5)
    assert names == ["0", "1", "2", "3", "4", "(others)"]
    assert sum(map(sum, counts)) == sum(pair["items"] for pair in many)


def test_refusals_and_lengths_are_compared_with_the_expected_answers() -> None:
    no = "I'm sorry, but I can't help with that."
    meant = ["The bridge is open now."] * 40
    base, tuned = said(meant[:38] + [no] * 2, meant), said([no] * 30 + ["Open."] * 10, meant)
    found = refusal_observation(base, tuned, 0.02)
    assert (found.base, found.tuned) == (pytest.approx(0.05), pytest.approx(0.75))
    assert found.verdict == "refuses more"
    assert "0.0 %" in found.text
    assert refusal_observation(base, base, 0.2).verdict == "no change shown"
    assert refusal_observation(base, base, 0.001).verdict == "undecided"
    longer = length_observation(said(["Open."] * 40, meant), said(meant, meant), 0.02)
    assert (longer.base, longer.tuned, longer.verdict) == (pytest.approx(0.2), 1, "longer")


def test_calibration_by_bins_of_equal_mass() -> None:
    sure, right = np.array([0.5, 0.5, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    assert calibration_error(sure, right, 2) == pytest.approx(0.05)
    assert calibration_error(sure, right, 1) == pytest.approx(0.05)
    assert calibration_error(np.full(4, 0.9), np.zeros(4), 2) == pytest.approx(0.9)


def test_a_model_that_is_too_sure_is_worse_calibrated() -> None:
    random = np.random.default_rng(5)
    truth = random.random(600)
    meant = ["a" if draw < 0.7 else "b" for draw in truth]

    def asked(confidence: float) -> Answers:
        gap = float(np.log(confidence / (1 - confidence)))
        values = [[gap, 0.0]] * 600
        return said(["a"] * 600, meant, choices=[["a", "b"]] * 600, log_likelihoods=values)

    found = calibration_observation(asked(0.7), asked(0.99), 0.02)
    assert found is not None
    assert found.verdict == "worse calibrated"
    assert found.tuned == pytest.approx(0.29, abs=0.06)
    assert found.base is not None
    assert found.base < 0.12
    few = asked(0.7)
    assert calibration_observation(Answers(few.info, few.frame.head(20)), few, 0.02) is None
    plain = said(["x"] * 40, ["x"] * 40)
    assert calibration_observation(plain, plain, 0.02) is None
    unclear = Answers(few.info, few.frame.with_columns(expected=pl.lit("a | b")))
    assert calibration_observation(unclear, unclear, 0.02) is None
