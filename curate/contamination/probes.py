"""What is looked for of each item, and the items of which nothing can be.

The question is looked for by itself, without the words that frame every question of its task, such
as "Question: … Answer:". One too short for that is looked for together with its answer, and with
its choices. The answer is looked for by itself where it is long and no other item has the same.
An item of which nothing is long enough is *uncheckable*: what it says stands in many texts that
have never seen the benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..near_duplicates.comparison_text import spaceless_characters
from .items import (
    ANSWER,
    QUESTION,
    QUESTION_AND_ANSWER,
    QUESTION_AND_CHOICES,
    TEXT,
    BenchmarkItem,
)
from .words import words_of

LEAST_WORDS = 8
LEAST_ANSWER_WORDS = 12
"""An answer by itself is a statement that others may make too, so it must be longer."""
RUN = 3
"""Words of a run: the shortest that tell phrases apart, so that an edit breaks few of them."""

# Of fewer items all may begin with the same words by chance.
_FRAMED_ITEMS = 20
_LONGEST_FRAME = 2


@dataclass(frozen=True, slots=True)
class Probe:
    """Words to look for, which one or more items have in the same part.

    Attributes:
        part: which part of the items it is.
        words: their hashes, uint64.
        length: how many words, as far as they say something.
        items: positions of the items.
        skipped: how many words of the first item's part, those that frame it, come before.
    """

    part: str
    words: np.ndarray
    length: int
    items: tuple[int, ...]
    skipped: int = 0

    @property
    def asks_alone(self) -> bool:
        """Whether it is a question by itself."""
        return self.part == QUESTION


@dataclass(frozen=True, slots=True)
class Probes:
    """What is looked for.

    Attributes:
        probes: each sequence of words once for each part.
        uncheckable: why nothing is looked for, by the position of the item.
    """

    probes: tuple[Probe, ...]
    uncheckable: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Part:
    """The words of a part of an item; half of those of scripts without spaces do not count."""

    words: np.ndarray
    spaceless: int = 0
    skipped: int = 0

    def __add__(self, other: _Part) -> _Part:
        words = np.concatenate([self.words, other.words])
        return _Part(words, self.spaceless + other.spaceless, self.skipped)

    def length(self) -> int:
        """Count words, as far as they say something: what is repeated counts once."""
        words = self.words
        if len(words) <= RUN:
            return len(words) - self.spaceless // 2
        runs = {words[place : place + RUN].tobytes() for place in range(len(words) - RUN + 1)}
        return min(len(words), len(runs) + RUN - 1) - self.spaceless // 2


def make_probes(items: Sequence[BenchmarkItem], least_words: int = LEAST_WORDS) -> Probes:
    """Work out what is looked for.

    Args:
        items: of all tasks.
        least_words: of fewer words nothing is looked for.
    """
    least = max(least_words, RUN)
    questions = _without_frames(items, _parts([item.question for item in items]))
    answers = _parts([item.answer or "" for item in items])
    choices = _parts(["\n".join(item.choices) for item in items])
    found: dict[tuple[str, bytes], tuple[_Part, int, list[int]]] = {}
    uncheckable: dict[int, str] = {}
    for number in range(len(items)):
        wanted = list(_wanted(questions[number], answers[number], choices[number], least))
        if not wanted:
            whole = questions[number] + answers[number]
            uncheckable[number] = f"{whole.length()} words; {least} are needed"
        for name, part, length in wanted:
            key = (name, part.words.tobytes())
            found.setdefault(key, (part, length, []))[2].append(number)
    return Probes(
        tuple(
            Probe(name, part.words, length, tuple(numbers), part.skipped)
            for (name, _), (part, length, numbers) in found.items()
            # What several questions are answered with tells of none of them.
            if name != ANSWER or len({items[number].question for number in numbers}) == 1
        ),
        uncheckable,
    )


def _wanted(
    question: _Part, answer: _Part, choices: _Part, least: int
) -> Iterator[tuple[str, _Part, int]]:
    """Yield the parts of an item that are looked for, with their lengths."""
    asked, said = question.length(), answer.length()
    if not len(question.words):
        if said >= least:
            yield TEXT, answer, said
        return
    if asked >= least:
        yield QUESTION, question, asked
    else:
        for name, rest in ((QUESTION_AND_ANSWER, answer), (QUESTION_AND_CHOICES, choices)):
            both = question + rest
            if len(rest.words) and both.length() >= least:
                yield name, both, both.length()
    if said >= max(least, LEAST_ANSWER_WORDS):
        yield ANSWER, answer, said


def _parts(texts: list[str]) -> list[_Part]:
    column = pl.Series(texts, dtype=pl.String)
    words = words_of(column)
    spaceless = spaceless_characters(column).to_list()
    starts = words.starts.tolist()
    return [
        _Part(words.hashes[begin:end], count)
        for begin, end, count in zip(starts, starts[1:], spaceless, strict=False)
    ]


def _without_frames(items: Sequence[BenchmarkItem], questions: list[_Part]) -> list[_Part]:
    """Leave out the words with which all questions of a task begin, and those they end with."""
    by_task: dict[str, list[int]] = {}
    for number, (item, question) in enumerate(zip(items, questions, strict=True)):
        if len(question.words):
            by_task.setdefault(item.task, []).append(number)
    stripped = list(questions)
    for numbers in by_task.values():
        if len(numbers) < _FRAMED_ITEMS:
            continue
        members = [questions[number] for number in numbers]
        before = _common([member.words for member in members])
        after = _common([member.words[before:][::-1] for member in members])
        for number, member in zip(numbers, members, strict=True):
            kept = member.words[before : len(member.words) - after]
            stripped[number] = _Part(kept, member.spaceless, before)
    return stripped


def _common(sequences: Sequence[np.ndarray]) -> int:
    """Return how many words all sequences begin with in common; each keeps one at least."""
    most = min(_LONGEST_FRAME, *(len(words) - 1 for words in sequences))
    for place in range(max(0, most)):
        if len({words[place] for words in sequences}) > 1:
            return place
    return max(0, most)
