"""Whether answers parse as JSON."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from .json_answers import parses

_DESCRIPTION = "Share of answers that are a JSON object or list."
_INPUTS = "predictions: list of str; references: list of str"


class JsonParses(evaluate.Metric):
    """``compute`` returns ``json_parses`` (the mean) and ``items`` (0 or 1 for each answer)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        items = [
            float(parses(answer, reference))
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"json_parses": sum(items) / len(items), "items": items}
