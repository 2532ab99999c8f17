"""The domain's questions behind examples from the training rows: what tuning has to beat.

A base that is shown a few examples can do much of what tuning teaches, for no training at all. The
examples are rows of the training part alone, drawn by a fixed seed, the same before every question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...curate.records import TEXT
from .questions import DomainTask
from .rows import DomainRow, PartRows, render_answers

PROMPTED = "prompted-base"
"""What the names of its tasks begin with."""

_SYSTEM = "system"
# Rows longer than this share of the others do not decide how many examples there is room for.
_MOST_ROWS = 0.95
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows that are shown before a question.

    Attributes:
        rows: in the order in which they are shown.
        wanted: how many were asked for.
    """

    rows: tuple[DomainRow, ...]
    wanted: int

    def before(self, row: DomainRow) -> DomainRow:
        """Return a row with the examples before it, its own system message first."""
        system = [message for message in row.messages[:1] if message["role"] == _SYSTEM]
        shown = [
            message
            for example in self.rows
            for message in example.messages
            if message["role"] != _SYSTEM
        ]
        messages = (*system, *shown, *row.messages[len(system) :])
        return replace(row, messages=tuple(messages))


def draw_examples(
    train: PartRows, asked: PartRows, task: DomainTask, tokenizer: Any, *, count: int, context: int,
    seed: int
) -> Examples:  # fmt: skip
    """Draw training rows for which there is room before the questions.

    Args:
        train: the training part; nothing else is drawn from.
        asked: the part that is asked, whose questions never become examples.
        task: the questions without examples.
        tokenizer: with the template; None for a model that takes messages as they are.
        count: how many examples are wanted.
        context: tokens that the model sees.
        seed: of the draw.

    Returns:
        As many examples as fit, which may be none.
    """
    questions = {row.prompt.strip() for row in asked.rows}
    fitting = [
        row
        for row in train.rows
        if train.kind != TEXT and row.answer.strip() and row.prompt.strip() not in questions
    ]
    order = np.random.default_rng(seed).permutation(len(fitting))[:_LOOKED_AT]
    drawn = [fitting[number] for number in order.tolist()]
    if tokenizer is None:
        return Examples(tuple(drawn[:count]), count)
    lengths = [
        0 if asked is None else len(asked.tokens)
        for asked in render_answers(tokenizer, [row.messages for row in drawn])
    ]
    room = context - _longest(task)
    kept: list[DomainRow] = []
    for row, length in zip(drawn, lengths, strict=True):
        if len(kept) == count:
            break
        if 0 < length <= room:
            kept.append(row)
            room -= length
    return Examples(tuple(kept), count)


def prompted_part(part: PartRows, examples: Examples) -> PartRows:
    """Return a part whose questions come behind the examples."""
    return replace(part, rows=tuple(examples.before(row) for row in part.rows))


def _longest(task: DomainTask) -> int:
    """Return the tokens that nearly all questions need, their answers included."""
    lengths = [len(asked.tokens) for asked in task.sequences]
    lengths += [
        asked.start + limit
        for (_, asked), limit in zip(task.questions, task.limits, strict=True)
        if asked is not None
    ]
    return int(np.quantile(lengths, _MOST_ROWS)) if lengths else 0
