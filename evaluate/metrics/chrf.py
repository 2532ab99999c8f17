"""chrF: how many runs of letters an answer and its reference have in common."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

_DESCRIPTION = "F-score of character n-grams up to six letters, recall weighing twice (chrF2)."
_CITATION = "Popovic 2015, chrF: character n-gram F-score for automatic MT evaluation"
_INPUTS = "predictions: list of str; references: list of str"


class ChrF(evaluate.Metric):
    """``compute`` returns ``chrf`` (the mean) and ``items`` (0 to 1 for each pair).

    By sacrebleu, whose scale of 0 to 100 becomes 0 to 1; the mean is over pairs, not over a corpus.
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
        from sacrebleu.metrics.chrf import CHRF

        measure = CHRF()
        items = [
            min(1.0, measure.sentence_score(answer, [reference]).score / 100)
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"chrf": sum(items) / len(items), "items": items}
