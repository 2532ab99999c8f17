"""By what free answers are compared with their references: one score for each answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError, UsageError
from ..scoring.quiet import quiet
from .kinds import LONG, STRUCTURED, AnswerKind

# Scores of this size are none, and their sum would not be finite.
_LARGEST = 1e100
METRICS = Path(__file__).resolve().parents[1] / "metrics"
Score = Callable[[list[str], list[str]], list[float]]


@dataclass(frozen=True, slots=True)
class TextMeasure:
    """A measure of answers.

    Attributes:
        name: what its task is called, behind the group.
        metric: the name of its number.
        score: returns a score for each of predictions and references.
        higher_is_better: False where less is better.
    """

    name: str
    metric: str
    score: Score
    higher_is_better: bool = True


def bundled_measure(name: str, metric: str, **arguments: Any) -> TextMeasure:
    """Return one of the measures in ``metrics/``, by Hugging Face's evaluate."""
    return TextMeasure(name, metric, partial(_bundled_scores, metric, arguments))


def text_measures(kind: AnswerKind, schema: str | None = None) -> tuple[TextMeasure, ...]:
    """Return what is shown for a kind of answers.

    Args:
        kind: of the answers.
        schema: a JSON schema as text.
    """
    usual = (
        bundled_measure("exact-match", "exact_match"),
        bundled_measure("token-f1", "token_f1"),
        bundled_measure("rouge-l", "rouge_l"),
    )
    more: tuple[TextMeasure, ...] = ()
    if kind == LONG:
        more = (bundled_measure("chrf", "chrf"),)
    elif kind == STRUCTURED:
        more = (
            bundled_measure("json-parses", "json_parses"),
            bundled_measure("json-keys", "json_keys"),
        )
    if schema is not None:
        more += (bundled_measure("json-schema", "json_schema", schema=schema),)
    return (*usual, *more)


def schema_file(name: str, root: Path) -> Path:
    """Find the file of a JSON schema.

    Raises:
        UsageError: there is none.
    """
    candidates = (root / Path(name).expanduser(), Path(name).expanduser())
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise UsageError(
            "there is no such JSON schema", where=name, fix="check --schema, or [evaluate] schema"
        )
    return found


def read_schema(path: Path) -> str:
    """Read a JSON schema, and refuse one that cannot be used without a network.

    Returns:
        The schema as JSON text.

    Raises:
        DataError: it is no valid JSON schema, or it refers to other files.
    """
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"the JSON schema cannot be read: {error}", where=str(path)) from error
    try:
        if not isinstance(schema, dict):
            raise DataError("a JSON schema is an object", where=str(path))
        validator_for(schema).check_schema(schema)
        patterns = [value for key, value in _entries(schema) if key == "pattern"]
        for pattern in patterns:
            re.compile(pattern)
    except (SchemaError, re.error, TypeError) as error:
        said = error.message if isinstance(error, SchemaError) else error
        raise DataError(f"this is no valid JSON schema: {said}", where=str(path)) from error
    names = {value for key, value in _entries(schema) if key in ("$id", "id")}
    for key, value in _entries(schema):
        elsewhere = key in ("$ref", "$dynamicRef") and not value.startswith("#")
        if elsewhere and value.partition("#")[0] not in names:
            raise DataError(
                f"the JSON schema refers to {value!r}, and nothing is fetched",
                where=str(path),
                fix="put what it refers to under $defs",
            )
    return json.dumps(schema, sort_keys=True)


def check_scores(found: Any, count: int, where: str) -> list[float]:
    """Return scores as numbers, one for each answer.

    Raises:
        DataError: there are others, or one is no number.
    """
    try:
        scores = [float(score) for score in found]
    except (TypeError, ValueError) as error:
        raise DataError(f"the metric gives no list of numbers: {error}", where=where) from error
    if len(scores) != count:
        raise DataError(f"the metric gives {len(scores)} scores for {count} answers", where=where)

    bad = sum(not abs(score) < _LARGEST for score in scores)
    if bad:
        raise DataError(
            f"{bad} of {count} scores of the metric are no numbers, or too large", where=where
        )
    return scores


def _bundled_scores(
    metric: str, arguments: dict[str, Any], predictions: Sequence[str], references: Sequence[str]
) -> list[float]:
    import evaluate

    with quiet():
        measure = evaluate.load(str(METRICS / f"{metric}.py"), keep_in_memory=True)
        result: Any = measure.compute(
            predictions=list(predictions), references=list(references), **arguments
        )
    return result["items"]


def _entries(value: Any) -> Iterator[tuple[str, str]]:
    """Yield all keys with plain texts, wherever they stand in a schema."""
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, str):
                yield key, part
            yield from _entries(part)
    elif isinstance(value, list):
        for part in value:
            yield from _entries(part)
