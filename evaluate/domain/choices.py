"""Wrong answers that look right: the answers of other rows, for telling knowledge from style."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics.words import words
from .rows import DomainRow

DISTRACTORS = 3
# Answers (or questions) with this share of common words are taken for the same. Below it lie those
# that differ in one name or number, which are the distractors that ask most.
_NEAR = 0.8
# The nearest in length among which distractors are drawn, and how many rows are looked at.
_CANDIDATES = 24
_LOOKED_AT = 240


@dataclass(frozen=True, slots=True)
class Choice:
    """A row's own answer among answers of others.

    Attributes:
        row: whose question is asked.
        answers: the choices; one is the row's own.
        gold: which one.
    """

    row: DomainRow
    answers: tuple[str, ...]
    gold: int


def answer_choices(
    rows: Sequence[DomainRow], asked: Sequence[DomainRow], *, seed: int
) -> list[Choice]:
    """Put three answers of other rows beside each row's own.

    They are drawn by the seed among those nearest in length, and are never of the same
    near-duplicate component, of a like question, or like the row's own answer or each other.
    Where a part has fewer than four different answers, there are as many choices as answers.

    Args:
        rows: all rows of the part.
        asked: the rows to ask.
        seed: of the draw; each row's draw depends on nothing but the part and its own number.

    Returns:
        A choice for each row that has enough distractors.
    """
    pool = [row for row in rows if row.answer.strip()]
    distinct = {" ".join(words(row.answer)) for row in pool}
    wanted = min(DISTRACTORS, len(distinct) - 1)
    if wanted < 1:
        return []
    field = _Field(pool)
    choices: list[Choice] = []
    for row in asked:
        if not row.answer.strip():
            continue
        draw = np.random.default_rng([seed, row.row])
        others = field.distractors(row, wanted, draw)
        if len(others) == wanted:
            place = int(draw.integers(wanted + 1))
            answers = (*others[:place], row.answer, *others[place:])
            choices.append(Choice(row, tuple(answers), place))
    return choices


class _Field:
    """Rows sorted by the length of their answers."""

    def __init__(self, rows: Sequence[DomainRow]) -> None:
        lengths = np.array([len(row.answer.encode()) for row in rows])
        order = np.argsort(lengths, kind="stable")
        self.lengths = lengths[order]
        self.rows = [rows[index] for index in order]
        self.answers = [frozenset(words(row.answer)) for row in self.rows]
        self.prompts = [frozenset(words(row.prompt)) for row in self.rows]

    def distractors(self, row: DomainRow, wanted: int, draw: np.random.Generator) -> list[str]:
        """Draw answers for a row; fewer than wanted where there are not enough."""
        answer, prompt = frozenset(words(row.answer)), frozenset(words(row.prompt))
        fit: list[int] = []
        for index in self._by_length(len(row.answer.encode())):
            other = self.rows[index]
            same = row.cluster is not None and row.cluster == other.cluster
            if (
                other.row != row.row
                and not same
                and not near(answer, self.answers[index])
                and not (prompt and near(prompt, self.prompts[index]))
            ):
                fit.append(index)
                if len(fit) == _CANDIDATES:
                    break
        chosen: list[int] = []
        for index in draw.permutation(fit).tolist():
            if not any(near(self.answers[index], self.answers[other]) for other in chosen):
                chosen.append(index)
                if len(chosen) == wanted:
                    break
        return [self.rows[index].answer for index in chosen]

    def _by_length(self, length: int) -> Iterator[int]:
        """Yield rows from the nearest in length on, up to a bound."""
        right = int(np.searchsorted(self.lengths, length))
        left = right - 1
        for _ in range(min(_LOOKED_AT, len(self.rows))):
            further_left = left < 0 or (
                right < len(self.rows)
                and self.lengths[right] - length <= length - self.lengths[left]
            )
            if further_left:
                yield right
                right += 1
            else:
                yield left
                left -= 1


def near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two sets of words are much the same (Jaccard)."""
    common = len(one & other)
    return common >= _NEAR * (len(one) + len(other) - common)
