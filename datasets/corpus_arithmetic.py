"""Sums and differences in which every number has two digits.

A small model has to learn where each digit stands; with numbers of one length it can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .corpus_document import Document, is_held_out

SMALLEST, LARGEST = 10, 99
HELD_OUT_SHARE = 0.25


@dataclass(frozen=True)
class Problem:
    """A sum or a difference, written as in `23+41`."""

    left: int
    sign: str
    right: int

    @property
    def answer(self) -> int:
        """The value of the problem."""
        return self.left + self.right if self.sign == "+" else self.left - self.right

    @property
    def text(self) -> str:
        """The problem as it is written."""
        return f"{self.left}{self.sign}{self.right}"

    @property
    def is_held_out(self) -> bool:
        """Whether the problem belongs to the benchmark and not to the corpus."""
        return is_held_out("arithmetic", self.text, share=HELD_OUT_SHARE)


def all_problems() -> list[Problem]:
    """List every problem in the range that corpus and benchmark share."""
    numbers = range(SMALLEST, LARGEST + 1)
    problems = [
        Problem(left, sign, right) for sign in "+-" for left in numbers for right in numbers
    ]
    return [problem for problem in problems if SMALLEST <= problem.answer <= LARGEST]


def documents(random: Random) -> Iterator[Document]:
    """Yield lists of solved problems without end."""
    taught = [problem for problem in all_problems() if not problem.is_held_out]
    while True:
        chosen = random.choices(taught, k=random.randint(4, 10))
        text = "\n".join(f"{problem.text}={problem.answer}" for problem in chosen)
        yield Document("arithmetic", text)


def chats(random: Random) -> Iterator[Document]:
    """Yield chats that ask for one or more problems without end."""
    taught = [problem for problem in all_problems() if not problem.is_held_out]
    askings = ("What is {}?", "Please work out {}.", "How much is {}?", "{}=?")
    while True:
        turns: list[tuple[str, str]] = []
        for problem in random.choices(taught, k=random.choice((1, 1, 2, 3))):
            turns.append(("user", random.choice(askings).format(problem.text)))
            turns.append(("assistant", f"{problem.text}={problem.answer}"))
        yield Document("chat-arithmetic", turns=tuple(turns))
