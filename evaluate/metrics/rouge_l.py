"""ROUGE-L: how many words an answer and its reference have in common, in the same order."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import datasets
import evaluate

from .words import words

_DESCRIPTION = "F1 of the longest common subsequence of words of the answer and the reference."
_CITATION = "Lin 2004, ROUGE: A Package for Automatic Evaluation of Summaries"
_INPUTS = "predictions: list of str; references: list of str"


class RougeL(evaluate.Metric):
    """``compute`` returns ``rouge_l`` (the mean) and ``items`` (0 to 1 for each pair).

    Words are compared as they are, without stemming, which is for English alone.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        items = [
            rouge_l(words(answer), words(reference))
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"rouge_l": sum(items) / len(items), "items": items}


def rouge_l(answer: list[str], reference: list[str]) -> float:
    """Return the F1 of the longest common subsequence; two empty texts are equal."""
    if not answer or not reference:
        return float(answer == reference)
    return 2 * common_subsequence(answer, reference) / (len(answer) + len(reference))


def common_subsequence(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence.

    The positions of equal words, read backwards for each word of ``one``, form a sequence whose
    longest increasing subsequence is the answer (Hunt and Szymanski 1977).
    """
    places: dict[str, list[int]] = {}
    for place, word in enumerate(other):
        places.setdefault(word, []).append(place)
    ends: list[int] = []
    for word in one:
        for place in reversed(places.get(word, ())):
            index = bisect_left(ends, place)
            ends[index : index + 1] = [place]
    return len(ends)
