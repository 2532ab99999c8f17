"""Probes for bias in files: pairs of sentences as CrowS-Pairs has them, questions as BBQ has them.

Both are asked as multiple choice through lm-eval like any benchmark; what their answers say about
bias is worked out by :mod:`..observations.bias`. They take no part in a verdict.

* **Pairs** (Nangia et al. 2020): ``sent_more``, ``sent_less``, ``bias_type``. The more stereotyped
  of two sentences is preferred where it is the likelier one as a whole.
* **Questions** (Parrish et al. 2022): ``context, question, ans0 … ans2, label, context_condition``
  (``ambig`` or ``disambig``), ``question_polarity`` (``neg`` or ``nonneg``), ``category``; who the
  stereotype is about is said by ``target`` (a place among the answers) or, as in BBQ itself, by
  ``answer_info`` and ``additional_metadata.stereotyped_groups``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError
from ...workspace.safe_text import excerpt
from .local import ID_FIELDS, in_memory, read_rows

PROBE = "bias_probe"
PAIRS, QUESTIONS = "pairs", "questions"
PROBES = (PAIRS, QUESTIONS)
NOBODY = -1
"""Stands for an answer that is not known."""

_PAIR = ("sent_more", "sent_less")
_QUESTION = ("context", "question", "ans0", "ans1", "ans2", "label", "context_condition",
             "question_polarity")  # fmt: skip
_IDS = (*ID_FIELDS, "example_id", "")
_ANSWERS = ("ans0", "ans1", "ans2")
_CONDITIONS = {"ambig": True, "disambig": False}
_POLARITIES = {"neg": True, "nonneg": False}
_OTHERS = "other"

Row = Mapping[str, Any]


def bias_task(path: Path) -> dict[str, Any] | None:
    """Turn a file of pairs or questions into an lm-eval task; None where it holds neither.

    Args:
        path: JSON lines, or a CSV of pairs.

    Raises:
        DataError: the file cannot be read, or a row is broken.
    """
    rows = read_rows(path) if path.suffix != ".csv" else _read_table(path)
    first = rows[0].keys()
    if first >= set(_PAIR):
        read, ask = _pair, _ask_pairs
    elif first >= set(_QUESTION):
        read, ask = _question, _ask_questions
    elif path.suffix == ".csv":
        raise DataError(
            f"a table with the columns {', '.join(sorted(map(str, first)))} is no benchmark",
            where=str(path),
            fix=f"give it the columns {', '.join(_PAIR)} and bias_type, or use JSON lines",
        )
    else:
        return None
    found = []
    for number, row in enumerate(rows):
        try:
            found.append({**read(row), **_named(row, number)})
        except (KeyError, ValueError, TypeError) as error:
            said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            raise DataError(said, where=f"{path}, row {number + 1}", fix="mend this row") from error
    return {
        "task": path.stem,
        "custom_dataset": in_memory({"test": found}),
        "test_split": "test",
        "num_fewshot": 0,
        **ask(),
    }


def _read_table(path: Path) -> list[dict[str, Any]]:
    import polars as pl

    try:
        rows = pl.read_csv(path, infer_schema=False).to_dicts()
    except (OSError, pl.exceptions.PolarsError) as error:
        said = str(error).partition("\n")[0]
        raise DataError(f"the benchmark cannot be read: {said}", where=str(path)) from error
    if not rows:
        raise DataError("the benchmark has no rows", where=str(path))
    return rows


def _named(row: Row, number: int) -> dict[str, Any]:
    name = next((row[key] for key in _IDS if row.get(key) not in (None, "")), number)
    cluster = row.get("cluster")
    return {"id": str(name), "cluster": None if cluster is None else str(cluster)}


def _pair(row: Row) -> dict[str, Any]:
    return {
        "sentences": [_text(row, name) for name in _PAIR],
        "bias_type": str(row.get("bias_type") or _OTHERS),
    }


def _question(row: Row) -> dict[str, Any]:
    answers = [_text(row, name) for name in _ANSWERS]
    label = _place(row["label"], "label")
    negative = _one_of(row, "question_polarity", _POLARITIES)
    unknown = _unknown(row, label)
    target = _target(row)
    biased = NOBODY
    if NOBODY not in (target, unknown):
        if target == unknown:
            raise ValueError("target is the answer that nobody can know")
        biased = target if negative else 3 - target - unknown
    return {
        "query": f"{_text(row, 'context')}\n{_text(row, 'question')}\nAnswer:",
        "choices": answers,
        "gold": label,
        "bias_type": str(row.get("category") or row.get("bias_type") or _OTHERS),
        "ambiguous": _one_of(row, "context_condition", _CONDITIONS),
        "unknown": unknown,
        "biased": biased,
    }


def _unknown(row: Row, label: int) -> int:
    """Return which answer says that it cannot be told."""
    if row.get("unknown") is not None:
        return _place(row["unknown"], "unknown")
    groups = _groups(row)
    if "unknown" in groups:
        return groups.index("unknown")
    return label if _one_of(row, "context_condition", _CONDITIONS) else NOBODY


def _target(row: Row) -> int:
    """Return which answer names the one whom the stereotype is about; or nobody."""
    for name in ("target", "target_loc", "target_label"):
        if row.get(name) is not None:
            return _place(row[name], name)
    extra = _object(row.get("additional_metadata"))
    wanted = {str(group).lower() for group in extra.get("stereotyped_groups") or ()}
    places = [place for place, group in enumerate(_groups(row)) if group in wanted]
    return places[0] if len(places) == 1 else NOBODY


def _groups(row: Row) -> list[str]:
    """Return the group of each answer, as BBQ has it: ``{"ans0": ["Ann", "old"], …}``."""
    told = _object(row.get("answer_info"))
    return [str((told.get(name) or [""])[-1]).lower() for name in _ANSWERS]


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{excerpt(value, 40)!r} is no JSON object") from error
    return value if isinstance(value, Mapping) else {}


def _text(row: Row, name: str) -> str:
    text = row[name]
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{name} is empty or no text")
    return text


def _place(value: Any, name: str) -> int:
    try:
        place = int(value)
    except (TypeError, ValueError):
        place = NOBODY
    if isinstance(value, bool) or place not in (0, 1, 2):
        raise ValueError(f"{name} is {value!r}, not one of the places 0, 1 and 2")
    return place


def _one_of(row: Row, name: str, known: Mapping[str, bool]) -> bool:
    if row[name] not in known:
        raise ValueError(f"{name} is {row[name]!r}, not one of {', '.join(known)}")
    return known[row[name]]


def _ask_pairs() -> dict[str, Any]:
    return {
        "output_type": "multiple_choice",
        "doc_to_text": "",
        "doc_to_choice": "sentences",
        "doc_to_target": 0,
        "target_delimiter": "",
        "metric_list": _mean_of("acc"),
        "metadata": {PROBE: PAIRS, "chance": 0.5},
    }


def _ask_questions() -> dict[str, Any]:
    return {
        "output_type": "multiple_choice",
        "doc_to_text": "query",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "metric_list": _mean_of("acc_norm"),
        "metadata": {PROBE: QUESTIONS},
    }


def _mean_of(metric: str) -> Sequence[dict[str, Any]]:
    return [{"metric": metric, "aggregation": "mean", "higher_is_better": True}]
