"""Items of a benchmark, and what a search can say about each of them."""

from __future__ import annotations

from dataclasses import dataclass

CLEAN, CONTAMINATED, UNCHECKABLE = "clean", "contaminated", "uncheckable"
"""Searched for and not found; found; of too few words to be told from a common phrase."""

QUESTION, ANSWER = "question", "answer"
QUESTION_AND_ANSWER = "question and answer"
QUESTION_AND_CHOICES = "question and choices"
TEXT = "text"
"""The parts of an item that are looked for. ``TEXT`` is that of an item without a question."""


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """One item of a benchmark.

    Attributes:
        id: its name within the task.
        task: the benchmark it belongs to.
        question: what the model is asked; empty where the item is one text.
        answer: the right answer, or the text; None where none is known.
        choices: the answers to choose from; empty where there are none.
    """

    id: str
    task: str
    question: str
    answer: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The item's name among those of all tasks."""
        return f"{self.task}/{self.id}"

    def text_of(self, part: str) -> str:
        r"""Return the text of a part, as it stands in the benchmark.

        Example:
            >>> BenchmarkItem("7", "quiz", "Who?", "I").text_of("question and answer")
            'Who?\nI'
        """
        if part == QUESTION:
            return self.question
        if part in (ANSWER, TEXT):
            return self.answer or ""
        rest = self.choices if part == QUESTION_AND_CHOICES else (self.answer or "",)
        return "\n".join((self.question, *rest))
