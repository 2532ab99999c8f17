"""What kind of answers a split has, by which it is decided what is shown about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..metrics.json_answers import parses
from ..metrics.words import words

AnswerKind = Literal["labels", "structured", "short", "long"]
LABELS: AnswerKind = "labels"
STRUCTURED: AnswerKind = "structured"
SHORT: AnswerKind = "short"
LONG: AnswerKind = "long"

# A few broken rows do not make another kind of the others.
_MOST = 0.9
_LEAST_ROWS = 20
# Labels come back: each of them five times or more, and there are not endlessly many.
_LEAST_REPEATS = 5
_MOST_LABELS = 200
_LABEL_WORDS = 8
_SHORT_WORDS = 10


def answer_kind(answers: Sequence[str], *, classified: bool = False) -> AnswerKind:
    """Detect the kind of a split's answers.

    Args:
        answers: of the training and test rows.
        classified: the rows are records with labels.

    Returns:
        ``structured`` where nine in ten are a JSON object or list; ``labels`` for records with
        labels, and where a few short answers come back five times or more on average; ``short``
        where nine in ten are one line of ten words at most; else ``long``.

    Example:
        >>> answer_kind(["The bridge opened in 1894."] + ["yes"]), answer_kind(["yes", "no"] * 10)
        ('short', 'labels')
    """
    if classified:
        return LABELS
    said = [answer for answer in answers if answer.strip()]
    if not said:
        return LONG
    if np.mean([parses(answer, answer) for answer in said]) >= _MOST:
        return STRUCTURED
    lengths = np.array([len(words(answer)) for answer in said])
    one_line = np.array(["\n" not in answer.strip() for answer in said])
    distinct = len(label_names(said))
    repeated = len(said) >= max(_LEAST_ROWS, _LEAST_REPEATS * distinct)
    if repeated and distinct <= _MOST_LABELS and bool((lengths <= _LABEL_WORDS).all()):
        return LABELS
    return SHORT if np.mean(one_line & (lengths <= _SHORT_WORDS)) >= _MOST else LONG


def label_names(answers: Sequence[str]) -> dict[str, str]:
    """Return the labels among answers: how each is written first, by its words."""
    found: dict[str, str] = {}
    for answer in answers:
        found.setdefault(" ".join(words(answer)), answer.strip())
    return found
