"""Token F1: how many words an answer and its reference have in common, whatever their order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import datasets
import evaluate

from .words import words

_DESCRIPTION = "Harmonic mean of the shares of common words in the answer and in the reference."
_CITATION = "Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text"
_INPUTS = "predictions: list of str; references: list of str"


class TokenF1(evaluate.Metric):
    """``compute`` returns ``token_f1`` (the mean) and ``items`` (0 to 1 for each pair)."""

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
            token_f1(words(answer), words(reference))
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"token_f1": sum(items) / len(items), "items": items}


def token_f1(answer: list[str], reference: list[str]) -> float:
    """Return the F1 of two bags of words; two empty ones are equal."""
    if not answer or not reference:
        return float(answer == reference)
    common = sum((Counter(answer) & Counter(reference)).values())
    return 2 * common / (len(answer) + len(reference))
