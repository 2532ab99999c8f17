"""Copying, repeating, reversing, counting: patterns that are new in every document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from . import corpus_words as words
from .corpus_document import Document, is_held_out

HELD_OUT_SHARE = 0.1
_POOL = tuple(noun.singular for noun in words.THINGS + words.ANIMALS + words.PLACES) + words.COLOURS
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Pattern:
    """A pattern that stops before its last part.

    Attributes:
        kind: The kind of pattern.
        query: What is given.
        gold: The part that comes next.
        wrong: Three parts that do not.
    """

    kind: str
    query: str
    gold: str
    wrong: tuple[str, str, str]

    @property
    def is_held_out(self) -> bool:
        """Whether the pattern belongs to the benchmark and not to the corpus."""
        return is_held_out(self.kind, self.query, share=HELD_OUT_SHARE)


def _wrong(random: Random, gold: str, near: list[str], pool: tuple[str, ...]) -> tuple[str, ...]:
    """Choose three wrong parts, first among those that the pattern itself contains."""
    candidates = [word for word in dict.fromkeys(near) if word != gold]
    random.shuffle(candidates)
    while len(candidates) < 3:
        word = random.choice(pool)
        if word != gold and word not in candidates:
            candidates.append(word)
    return tuple(candidates[:3])


def _make(
    random: Random, kind: str, query: str, gold: str, near: list[str], pool: tuple[str, ...] = _POOL
) -> Pattern:
    first, second, third = _wrong(random, gold, near, pool)
    return Pattern(kind, query, gold, (first, second, third))


def repeat(random: Random) -> Pattern:
    """A group of words that comes again and again."""
    group = random.sample(_POOL, random.randint(2, 4))
    shown = random.randint(len(group) * 2 - 1, len(group) * 3 - 1)
    series = [group[place % len(group)] for place in range(shown + 1)]
    return _make(random, "repeat", " ".join(series[:-1]), series[-1], group)


def copy(random: Random) -> Pattern:
    """A list of words that is to be copied."""
    group = random.sample(_POOL, random.randint(3, 6))
    done = random.randint(0, len(group) - 1)
    query = " ".join(["Copy:", *group, "->", *group[:done]])
    return _make(random, "copy", query, group[done], group)


def reverse(random: Random) -> Pattern:
    """A list of words that is to be turned round."""
    group = random.sample(_POOL, random.randint(3, 5))
    backwards = group[::-1]
    done = random.randint(0, len(group) - 1)
    query = " ".join(["Reverse:", *group, "->", *backwards[:done]])
    return _make(random, "reverse", query, backwards[done], group)


def first_or_last(random: Random) -> Pattern:
    """The first or the last word of a list."""
    group = random.sample(_POOL, random.randint(3, 5))
    which = random.choice(("First", "Last"))
    gold = group[0] if which == "First" else group[-1]
    return _make(random, "first-or-last", f"{which}: {' '.join(group)} ->", gold, group)


def letters(random: Random) -> Pattern:
    """Letters in the order of the alphabet, forwards or backwards, one or two apart."""
    step = random.choice((1, 1, 2, -1))
    length = random.randint(3, 6)
    starts = [start for start in range(26) if 0 <= start + step * length < 26]
    start = random.choice(starts)
    series = [_LETTERS[start + step * place] for place in range(length + 1)]
    near = [_LETTERS[(start + step * length + shift) % 26] for shift in (-2, -1, 1, 2)]
    return _make(random, "letters", "Letters: " + " ".join(series[:-1]), series[-1], near)


def counting(random: Random) -> Pattern:
    """Numbers with the same distance from one to the next."""
    step = random.choice((1, 2, 3, 5, 10, -1, -2))
    length = random.randint(3, 5)
    start = random.randint(max(0, -step * length), 60)
    series = [start + step * place for place in range(length + 1)]
    near = [str(series[-1] + shift) for shift in (-2, -1, 1, 2, 10) if series[-1] + shift >= 0]
    query = "Count: " + " ".join(str(number) for number in series[:-1])
    return _make(random, "counting", query, str(series[-1]), near)


def lookup(random: Random) -> Pattern:
    """Pairs of words, of which one is asked for again."""
    group = random.sample(_POOL, 6)
    pairs = list(zip(group[:3], group[3:], strict=True))
    asked = random.choice(pairs)
    shown = ", ".join(f"{left} is {right}" for left, right in pairs)
    return _make(random, "lookup", f"Pairs: {shown}. {asked[0]} is", asked[1], group[3:])


KINDS: tuple[Callable[[Random], Pattern], ...] = (
    repeat,
    copy,
    reverse,
    first_or_last,
    letters,
    counting,
    lookup,
)


def draw_pattern(random: Random, held_out: bool) -> Pattern:
    """Draw a pattern of a random kind, either for the benchmark or for the corpus."""
    kind = random.choice(KINDS)
    while True:
        pattern = kind(random)
        if pattern.is_held_out == held_out:
            return pattern


def documents(random: Random) -> Iterator[Document]:
    """Yield lists of finished patterns without end."""
    while True:
        patterns = [draw_pattern(random, held_out=False) for _ in range(random.randint(2, 5))]
        lines = [f"{pattern.query} {pattern.gold}" for pattern in patterns]
        yield Document("patterns", "\n".join(lines))


def chats(random: Random) -> Iterator[Document]:
    """Yield chats in which the user gives a pattern and the assistant the next part."""
    while True:
        turns: list[tuple[str, str]] = []
        for _ in range(random.choice((1, 1, 2))):
            pattern = draw_pattern(random, held_out=False)
            turns += [("user", f"What comes next? {pattern.query}"), ("assistant", pattern.gold)]
        yield Document("chat-patterns", turns=tuple(turns))
