"""Benchmarks that lie in files: rows of JSON, and the lm-eval tasks that ask them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...workspace.errors import DataError

Row = dict[str, Any]

# Fields that may hold an item's own name, the first one found.
ID_FIELDS = ("id", "pairID", "idx", "question_id")
# An answer may be longer than the expected one by this factor before it is cut off; a word is
# seldom more tokens than it has letters.
_ROOM = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of rows: how they are told, checked, and asked.

    Attributes:
        keys: fields that every row has.
        check: returns what is wrong with a row, or an empty text.
        ask: returns the part of an lm-eval task that depends on the shape.
    """

    keys: frozenset[str]
    check: Callable[[Row], str]
    ask: Callable[[Sequence[Row]], dict[str, Any]]


def local_task(path: Path) -> dict[str, Any]:
    """Turn a file of JSON lines into an lm-eval task.

    Rows are ``{query, choices, gold}`` (``gold`` counts from 0), ``{prompt, answer}``,
    ``{sentence_good, sentence_bad}`` or ``{text}``. An ``id`` names the item, a ``cluster`` the
    items that hang together.

    Raises:
        DataError: the file cannot be read, or a row has not the shape of the first one.
    """
    rows = read_rows(path)
    shape = _shape_of(rows[0], path)
    for number, row in enumerate(rows, 1):
        missing = sorted(shape.keys - row.keys())
        problem = f"{', '.join(missing)} is missing" if missing else shape.check(row)
        if problem:
            raise DataError(problem, where=f"{path}, line {number}", fix="mend this row")
    return {
        "task": path.stem,
        "custom_dataset": in_memory({"test": _kept(rows, shape)}),
        "test_split": "test",
        "num_fewshot": 0,
        **shape.ask(rows),
    }


def read_rows(path: Path) -> list[Row]:
    """Read a file of JSON lines; empty lines are skipped.

    Raises:
        DataError: it cannot be read, has no rows, or a line is no JSON object.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the benchmark cannot be read: {error}", where=str(path)) from error
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\u" in line:
                # Half a pair of surrogates is no character, and no file could hold it later.
                whole = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
                row = json.loads(whole)
        except (ValueError, RecursionError) as error:
            raise DataError(f"this is no JSON: {error}", where=f"{path}, line {number}") from error
        if not isinstance(row, dict):
            raise DataError("this is no JSON object", where=f"{path}, line {number}")
        rows.append(row)
    if not rows:
        raise DataError("the benchmark has no rows", where=str(path))
    return rows


def in_memory(splits: Mapping[str, list[Row]]) -> Callable[..., Any]:
    """Return what lm-eval calls for a task's data: nothing is cached, so nothing grows stale."""

    def load(**_: Any) -> Any:
        import datasets

        return {name: datasets.Dataset.from_list(rows) for name, rows in splits.items()}

    return load


def _kept(rows: Sequence[Row], shape: Shape) -> list[Row]:
    """Return what is asked of the rows; Arrow cannot hold other fields, of whatever types."""
    return [
        {
            **{key: row[key] for key in sorted(shape.keys)},
            "id": str(next((row[key] for key in ID_FIELDS if row.get(key) is not None), number)),
            "cluster": None if row.get("cluster") is None else str(row["cluster"]),
        }
        for number, row in enumerate(rows)
    ]


def _shape_of(row: Row, path: Path) -> Shape:
    for shape in SHAPES:
        if shape.keys <= row.keys():
            return shape
    known = "; ".join(", ".join(sorted(shape.keys)) for shape in SHAPES)
    raise DataError(
        f"rows with the fields {', '.join(sorted(row))} are no benchmark",
        where=str(path),
        fix=f"give every row one of these sets of fields: {known}",
    )


def _check_choices(row: Row) -> str:
    query, choices, gold = row["query"], row["choices"], row["gold"]
    if not isinstance(query, str):
        return "query is no text"
    if not isinstance(choices, list) or len(choices) < 2:
        return "choices is no list of two or more"
    if not all(isinstance(choice, str) and choice.strip() for choice in choices):
        return "a choice is empty or no text"
    if isinstance(gold, bool) or not isinstance(gold, int) or not 0 <= gold < len(choices):
        return f"gold is {gold!r}, not a place in choices, counted from 0"
    return ""


def _check_texts(*names: str) -> Callable[[Row], str]:
    def check(row: Row) -> str:
        wrong = [name for name in names if not (isinstance(row[name], str) and row[name].strip())]
        return f"{wrong[0]} is empty or no text" if wrong else ""

    return check


def _ask_choices(rows: Sequence[Row]) -> dict[str, Any]:
    """Compare choices by their probability a letter, or whole sentences as they are.

    Choices of one question differ in length, and longer ones are less probable for that alone;
    where there is no question the choices are near twins of one sentence.
    """
    metric = "acc_norm" if any(row["query"] for row in rows) else "acc"
    return {
        "output_type": "multiple_choice",
        "doc_to_text": "query",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "metric_list": [_mean_of(metric)],
    }


def _ask_pairs(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "output_type": "multiple_choice",
        "doc_to_text": "",
        "doc_to_choice": "{{[sentence_good, sentence_bad]}}",
        "doc_to_target": 0,
        "metric_list": [_mean_of("acc")],
    }


def _ask_answers(rows: Sequence[Row]) -> dict[str, Any]:
    longest = max(len(row["answer"]) for row in rows)
    return {
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": lambda row: row["answer"].strip(),
        "generation_kwargs": {
            "until": [] if any("\n" in row["answer"] for row in rows) else ["\n"],
            "max_gen_toks": min(256, _ROOM * longest),
            "do_sample": False,
        },
        "filter_list": [
            {"name": "stripped", "filter": [{"function": "remove_whitespace"},
                                            {"function": "take_first"}]}
        ],
        "metric_list": [_mean_of("exact_match")],
    }  # fmt: skip


def _ask_texts(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "text",
        "metric_list": [{"metric": "bits_per_byte"}],
    }


def _mean_of(metric: str) -> dict[str, Any]:
    return {"metric": metric, "aggregation": "mean", "higher_is_better": True}


SHAPES = (
    Shape(frozenset({"query", "choices", "gold"}), _check_choices, _ask_choices),
    Shape(frozenset({"prompt", "answer"}), _check_texts("prompt", "answer"), _ask_answers),
    Shape(
        frozenset({"sentence_good", "sentence_bad"}),
        _check_texts("sentence_good", "sentence_bad"),
        _ask_pairs,
    ),
    Shape(frozenset({"text"}), _check_texts("text"), _ask_texts),
)
