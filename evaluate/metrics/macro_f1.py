"""Macro-F1: F1 of each label, all labels weighing the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import evaluate

from .paired_texts import text_pairs_info

_DESCRIPTION = "Unweighted mean over the labels of the F1 of each, and the share of right answers."
_CITATION = "Sokolova and Lapalme 2009, A systematic analysis of performance measures"


class MacroF1(evaluate.Metric):
    """``compute`` returns ``macro_f1``, ``accuracy`` and ``by_label`` (label, F1, items).

    A label counts that occurs among the predictions or the references; one that never meets its
    counterpart has an F1 of 0. That is scikit-learn's ``f1_score(average="macro")``.
    """

    def _info(self) -> evaluate.MetricInfo:
        return text_pairs_info(_DESCRIPTION, _CITATION)

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        said, meant = Counter(predictions), Counter(references)
        right = Counter(
            label
            for label, reference in zip(predictions, references, strict=True)
            if label == reference
        )
        scores = {
            label: 2 * right[label] / (said[label] + meant[label])
            for label in sorted({*said, *meant})
        }
        return {
            "macro_f1": sum(scores.values()) / len(scores),
            "accuracy": sum(right.values()) / len(references),
            "by_label": [
                {"label": label, "f1": score, "items": meant[label]}
                for label, score in scores.items()
            ],
        }
