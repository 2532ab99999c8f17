"""Whether answers match a JSON schema."""

from __future__ import annotations

import json
from typing import Any

from .json_answers import read_json
from .paired_texts import PairedTexts


class JsonSchema(PairedTexts):
    """``compute`` returns ``json_schema`` (the mean) and ``items`` (0 or 1 for each answer)."""

    key = "json_schema"
    about = "Share of answers that parse as JSON and match a JSON schema."

    def _compute(
        self, predictions: list[str], references: list[str], schema: str = "{}"
    ) -> dict[str, Any]:
        from jsonschema.validators import validator_for
        from referencing import Registry

        wanted = json.loads(schema)
        # A registry of its own: nothing is ever fetched, whatever the schema refers to.
        self._validator: Any = validator_for(wanted)(wanted, registry=Registry())
        return super()._compute(predictions, references)

    def compare(self, answer: str, reference: str) -> float:
        """Tell whether the answer matches."""
        try:
            return float(self._validator.is_valid(read_json(answer, reference)))
        except (ValueError, RecursionError):
            return 0.0
