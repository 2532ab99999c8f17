"""Metrics that compare each answer with its reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import datasets
import evaluate

_INPUTS = "predictions: list of str; references: list of str"


def text_pairs_info(description: str, citation: str = "") -> evaluate.MetricInfo:
    """Return what a metric of answers and references tells of itself.

    Args:
        description: in a sentence.
        citation: where its formula stands.
    """
    text = datasets.Value("string")
    return evaluate.MetricInfo(
        description=description,
        citation=citation,
        inputs_description=_INPUTS,
        features=datasets.Features({"predictions": text, "references": text}),
    )


class PairedTexts(evaluate.Metric, ABC):
    """``compute`` returns the mean under the metric's own key, and ``items`` (one for each pair).

    Attributes:
        key: of the mean.
        about: what is measured, in a sentence.
        source: where its formula stands.
    """

    key: ClassVar[str]
    about: ClassVar[str]
    source: ClassVar[str] = ""

    def _info(self) -> evaluate.MetricInfo:
        return text_pairs_info(self.about, self.source)

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        pairs = zip(predictions, references, strict=True)
        items = [self.compare(answer, reference) for answer, reference in pairs]
        return {self.key: sum(items) / len(items), "items": items}

    @abstractmethod
    def compare(self, answer: str, reference: str) -> float:
        """Score an answer by its reference, from 0 to 1."""
