"""Whether answers match a JSON schema."""

from __future__ import annotations

import json
from typing import Any

import datasets
import evaluate

from .json_answers import read_json

_DESCRIPTION = "Share of answers that parse as JSON and match a JSON schema."
_INPUTS = "predictions: list of str; references: list of str; schema: the schema as JSON text"


class JsonSchema(evaluate.Metric):
    """``compute`` returns ``json_schema`` (the mean) and ``items`` (0 or 1 for each answer)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(
        self, predictions: list[str], references: list[str], schema: str = "{}"
    ) -> dict[str, Any]:
        from jsonschema.validators import validator_for
        from referencing import Registry

        wanted = json.loads(schema)
        # A registry of its own: nothing is ever fetched, whatever the schema refers to.
        validator = validator_for(wanted)(wanted, registry=Registry())
        items = [
            float(_matches(validator, answer, reference))
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"json_schema": sum(items) / len(items), "items": items}


def _matches(validator: Any, answer: str, reference: str) -> bool:
    try:
        return bool(validator.is_valid(read_json(answer, reference)))
    except (ValueError, RecursionError):
        return False
