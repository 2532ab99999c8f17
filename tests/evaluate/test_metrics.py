"""Our metrics for Hugging Face's evaluate: worked examples, and the library's own door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import evaluate
import pytest
from sklearn.metrics import accuracy_score, f1_score

from tunewise.evaluate.metrics.rouge_l import common_subsequence
from tunewise.evaluate.metrics.words import words

FOLDER = Path(__file__).resolve().parents[2] / "evaluate" / "metrics"


def compute(name: str, predictions: list[str], references: list[str]) -> dict[str, Any]:
    metric = evaluate.load(str(FOLDER / f"{name}.py"), keep_in_memory=True)
    result = metric.compute(predictions=predictions, references=references)
    assert result is not None
    return result


def test_exact_match_forgives_case_marks_and_spacing() -> None:
    result = compute(
        "exact_match",
        ["The C-major chord!", "a  b", "42", ":-)", "", "naïve", "日本語"],
        ["the C major\nchord", "a c", "42.", ":-(", "", "NAÏVE", "日本 語"],
    )
    assert result["items"] == [1, 0, 1, 0, 1, 1, 1]
    assert result["exact_match"] == pytest.approx(5 / 7)


def test_token_f1_of_a_worked_example() -> None:
    """Two of three and of four words in common: precision 2/3, recall 1/2, F1 4/7."""
    result = compute(
        "token_f1", ["the cat sat", "a a b", "", "x"], ["The cat on mat", "a b b", "", ""]
    )
    assert result["items"] == pytest.approx([4 / 7, 2 / 3, 1, 0])


def test_rouge_l_of_its_papers_example() -> None:
    """Lin 2004, section 3: with S1 the reference, S2 scores 3/4 and S3 2/4."""
    references = ["police killed the gunman"] * 2
    result = compute("rouge_l", ["police kill the gunman", "the gunman kill police"], references)
    assert result["items"] == pytest.approx([0.75, 0.5])
    assert result["rouge_l"] == pytest.approx(0.625)


def test_common_subsequences() -> None:
    assert common_subsequence(list("ABCBDAB"), list("BDCABA")) == 4
    assert common_subsequence(list("AAAA"), list("AA")) == 2
    assert common_subsequence(list("ABC"), list("CBA")) == 1
    assert common_subsequence([], ["A"]) == 0


def test_macro_f1_is_scikit_learns() -> None:
    said, meant = list("aabcbbca"), list("abbcbaad")
    result = compute("macro_f1", said, meant)
    assert result["macro_f1"] == pytest.approx(f1_score(meant, said, average="macro"))
    assert result["accuracy"] == pytest.approx(accuracy_score(meant, said))
    assert [entry["label"] for entry in result["by_label"]] == ["a", "b", "c", "d"]


def test_words_of_scripts_without_spaces() -> None:
    assert words("東京 tower, ok") == ["東", "京", "tower", "ok"]


def test_metrics_can_be_combined() -> None:
    loaded = [
        evaluate.load(str(FOLDER / f"{name}.py"), keep_in_memory=True)
        for name in ("exact_match", "token_f1")
    ]
    result = evaluate.combine(loaded).compute(predictions=["a"], references=["a"])
    assert result is not None
    assert result["exact_match"] == result["token_f1"] == 1
