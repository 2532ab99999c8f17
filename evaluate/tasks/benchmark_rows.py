"""How the rows of benchmarks say question, choices and right answer, by the fields they have."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Row = Mapping[str, Any]

_LABEL = r"(?:^|\s)\(?[A-Za-z1-9][.):]\s*"
"""What stands before a choice that is listed within a question, such as "A. " or "(b) "."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an item says.

    Attributes:
        question: what is asked; empty where the item is one text.
        choices: the answers to choose from.
        answer: the right one, or the text; None where none is known.
    """

    question: str
    choices: tuple[str, ...] = ()
    answer: str | None = None


Read = Callable[[Row], Said]


def read_row(row: Row) -> Said | None:
    """Return what a row says; None where its fields are those of no known benchmark.

    Raises:
        ValueError: a field does not hold what it should.
        KeyError: a part of a field is missing.
    """
    found = next((read for fields, read in _READINGS if fields <= row.keys()), None)
    return None if found is None else found(row)


def known_fields() -> str:
    """Name the fields by which rows are understood."""
    return "; ".join(", ".join(sorted(fields)) for fields, _ in _READINGS)


def said(question: Any, choices: Any = None, target: Any = None, labels: Any = None) -> Said:
    """Put question, choices and answer together as texts.

    Args:
        question: a text or number.
        choices: a list of them, also written as a list within a string; None where there are none.
        target: the right choice, as place counted from 0, label or text; or the answer itself.
        labels: of the choices, such as A, B, C (the default) or 1, 2, 3.

    Example:
        >>> said("Why?", ["so", "because"], "B")
        Said(question='Why?', choices=('so', 'because'), answer='because')
    """
    options = tuple(text_of(choice) for choice in _listed(choices))
    answer = text_of(_chosen(target, options, labels)) or None
    return Said(text_of(question), options, answer)


def without_choices(item: Said) -> Said:
    """Cut the choices out of a question that lists them at its end, each after its label.

    Example:
        >>> without_choices(Said("Which? A. red B. blue Answer:", ("red", "blue"), "red")).question
        'Which?'
    """
    if len(item.choices) < 2:
        return item
    pattern = r".*?".join(f"(?:{_LABEL}){re.escape(choice)}" for choice in item.choices)
    found = re.search(pattern, item.question, re.DOTALL)
    if found is None or not item.question[: found.start()].strip():
        return item
    return replace(item, question=item.question[: found.start()].rstrip())


def spelled_out(item: Said, row: Row) -> Said:
    """Put texts in the place of choices that are but labels of them, as MMLU asks.

    Args:
        item: as the templates of a task say it.
        row: in which the texts of the choices may stand.
    """
    if not item.choices or any(len(choice.strip()) > 1 for choice in item.choices):
        return item
    try:
        texts = read_row(row)
    except (ValueError, KeyError):
        return item
    if texts is None or len(texts.choices) != len(item.choices):
        return item
    return replace(item, choices=texts.choices, answer=texts.answer)


def text_of(value: Any) -> str:
    """Return a value as text; of a list the first one stands for all, since all are right.

    Raises:
        ValueError: it is an object.
    """
    if isinstance(value, Mapping) and "text" in value:
        # As SQuAD has its answers.
        value = value["text"]
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, str):
        # JSON can hold halves of characters, which are no text anywhere else.
        return (value or "").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int | float):
        return str(value)
    raise ValueError(f"{value!r} is no text")


def _listed(choices: Any) -> Sequence[Any]:
    if choices is None:
        return ()
    options = ast.literal_eval(choices) if isinstance(choices, str) else choices
    if isinstance(options, Mapping):
        # As ARC has its choices: {text: […], label: […]}.
        options = options["text"]
    if not isinstance(options, list | tuple):
        raise ValueError(f"{options!r} is no list of choices")
    return [option["text"] if isinstance(option, Mapping) else option for option in options]


def _chosen(target: Any, options: Sequence[str], labels: Any) -> Any:
    """Return the choice that a target names, or the target where it is a text itself."""
    if not options:
        return target
    if isinstance(target, list) and target:
        target = target[0]
    if isinstance(target, str) and target not in options:
        names = [str(label) for label in labels] if labels else _letters(len(options))
        if target.strip() in names:
            target = names.index(target.strip())
        elif target.strip().isdigit():
            target = int(target)
    if isinstance(target, int) and not isinstance(target, bool):
        if not 0 <= target < len(options):
            raise ValueError(f"{target} is no place in the choices, counted from 0")
        return options[target]
    return target


def _letters(count: int) -> list[str]:
    return [chr(ord("A") + number) for number in range(min(count, 26))]


def _labelled(question: str) -> Read:
    """Read choices that have labels of their own, and the label of the right one."""

    def read(row: Row) -> Said:
        choices = row["choices"]
        if isinstance(choices, Mapping):
            labels = choices.get("label")
        else:
            labels = [one.get("label") for one in choices if isinstance(one, Mapping)]
        return said(row[question], choices, row["answerKey"], labels)

    return read


def _context(row: Row) -> Any:
    return row["ctx"] if "ctx" in row else f"{row['ctx_a']} {row['ctx_b']}"


def _joined(*parts: Any) -> str:
    return "\n".join(text for part in parts if (text := text_of(part)).strip())


def _counted_from_one(target: Any) -> int:
    return int(target) - 1


def _distractors(row: Row) -> list[Any]:
    return [row["correct_answer"], *(row[name] for name in sorted(row) if "distractor" in name)]


_READINGS: tuple[tuple[frozenset[str], Read], ...] = tuple(
    (frozenset(fields.split()), read)
    for fields, read in (
        ("query choices gold", lambda row: said(row["query"], row["choices"], row["gold"])),
        ("question choices answerKey", _labelled("question")),
        ("question_stem choices answerKey", _labelled("question_stem")),
        ("question choices answer",
         lambda row: said(row["question"], row["choices"], row["answer"])),
        ("ctx endings label", lambda row: said(_context(row), row["endings"], row["label"])),
        ("ctx_a ctx_b endings label",
         lambda row: said(_context(row), row["endings"], row["label"])),
        ("goal sol1 sol2 label",
         lambda row: said(row["goal"], [row["sol1"], row["sol2"]], row["label"])),
        ("sentence option1 option2 answer",
         lambda row: said(row["sentence"], [row["option1"], row["option2"]],
                          _counted_from_one(row["answer"]))),
        ("question correct_answer",
         lambda row: said(row["question"], _distractors(row), row["correct_answer"])),
        ("question best_answer", lambda row: said(row["question"], None, row["best_answer"])),
        ("passage question answer",
         lambda row: said(_joined(row["passage"], row["question"]), None, row["answer"])),
        ("context question answers",
         lambda row: said(_joined(row["context"], row["question"]), None, row["answers"])),
        ("prompt canonical_solution",
         lambda row: said(row["prompt"], None, row["canonical_solution"])),
        ("problem solution", lambda row: said(row["problem"], None, row["solution"])),
        ("problem answer", lambda row: said(row["problem"], None, row["answer"])),
        ("prompt answer", lambda row: said(row["prompt"], None, row["answer"])),
        ("question answer", lambda row: said(row["question"], None, row["answer"])),
        ("question answers", lambda row: said(row["question"], None, row["answers"])),
        ("input target", lambda row: said(row["input"], None, row["target"])),
        ("instruction output",
         lambda row: said(_joined(row["instruction"], row.get("input")), None, row["output"])),
        ("input output", lambda row: said(row["input"], None, row["output"])),
        ("text code", lambda row: said(row["text"], None, row["code"])),
        ("sentence_good sentence_bad", lambda row: said("", None, row["sentence_good"])),
        ("text", lambda row: said("", None, row["text"])),
    )
)  # fmt: skip
"""The first of these whose fields a row has says how it is read."""
