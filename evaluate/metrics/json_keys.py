"""Whether answers have the keys of their references."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from .json_answers import key_paths, read_json

_DESCRIPTION = "F1 of the paths of keys of the answer and of the reference."
_INPUTS = "predictions: list of str; references: list of str"


class JsonKeys(evaluate.Metric):
    """``compute`` returns ``json_keys`` (the mean) and ``items`` (0 to 1 for each pair).

    An answer that does not parse has no key in common with anything. Where the reference has no
    keys (a list of numbers, or no JSON at all), an answer without keys agrees.
    """

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
            agreement(answer, reference)
            for answer, reference in zip(predictions, references, strict=True)
        ]
        return {"json_keys": sum(items) / len(items), "items": items}


def agreement(answer: str, reference: str) -> float:
    """Return the F1 of the key paths of two answers."""
    wanted = _keys(reference, reference) or set()
    said = _keys(answer, reference)
    if said is None and wanted:
        return 0.0
    said = said or set()
    if not said or not wanted:
        return float(said == wanted)
    return 2 * len(said & wanted) / (len(said) + len(wanted))


def _keys(answer: str, like: str) -> set[tuple[str, ...]] | None:
    try:
        return key_paths(read_json(answer, like))
    except (ValueError, RecursionError):
        return None
