"""Exact match: the share of answers that equal the reference but for case, marks and spacing."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from .words import words

_DESCRIPTION = "Share of answers that have the words of their reference, in the same order."
_CITATION = "Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text"
_INPUTS = "predictions: list of str; references: list of str"


class ExactMatch(evaluate.Metric):
    """``compute`` returns ``exact_match`` (the mean) and ``items`` (0 or 1 for each pair)."""

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
            float(words(answer) == words(reference))
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"exact_match": sum(items) / len(items), "items": items}
