"""Draws the items of the bundled benchmarks and proves that the corpus lacks them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from .corpus_arithmetic import all_problems
from .corpus_document import Document
from .corpus_grammar import draw_pair
from .corpus_patterns import draw_pattern
from .corpus_stories import draw_story
from .corpus_world import facts

BENCHMARK_SEED = 101
ITEMS_PER_TASK = 1_500
# Some facts are lost because another taught phrasing contains the one that is held out.
FACT_ITEMS = 1_450
TEXTS = 1_000
SPARE_SHARE = 0.2
_WORD = re.compile(r"\w+|[^\w\s]")
_LONGEST_KEY = 4
# A shorter series would be the start of a longer one that the corpus may hold.
_SERIES_WORDS = {"counting": 6, "letters": 7}


@dataclass(frozen=True)
class Item:
    """One item of a benchmark.

    Attributes:
        row: The item as it stands in the file, without its id.
        proof: The text that must not be in the corpus.
    """

    row: dict[str, object] = field(hash=False)
    proof: str


def _with_choices(random: Random, query: str, gold: str, wrong: Iterable[str]) -> dict[str, object]:
    choices = list(wrong)
    random.shuffle(choices)
    place = random.randrange(len(choices) + 1)
    choices.insert(place, gold)
    return {"query": query, "choices": choices, "gold": place}


def _one_begins_another(choices: list[str]) -> bool:
    """Tell whether a choice is the start of another, which would always score higher."""
    return any(
        left is not right and right.startswith(left) for left in choices for right in choices
    )


def grammar_items(random: Random) -> Iterator[Item]:
    """Yield minimal pairs whose deciding words the corpus never brings together."""
    while True:
        pair = draw_pair(random, held_out=True)
        good, bad = pair.good.split(" "), pair.bad.split(" ")
        same = next(place for place in range(len(good)) if good[place] != bad[place])
        query = " ".join(good[:same])
        row = _with_choices(random, query, " ".join(good[same:]), [" ".join(bad[same:])])
        yield Item({**row, "rule": pair.rule}, pair.good)


def fact_items(random: Random) -> Iterator[Item]:
    """Yield each fact once, in the phrasing in which the corpus never tells it."""
    shuffled = list(facts())
    random.shuffle(shuffled)
    for fact in shuffled:
        query = fact.held_out_phrasing.format(fact.entity)
        others = [value for value in fact.attribute.values if value != fact.value]
        row = _with_choices(random, query, fact.value, random.sample(others, 3))
        yield Item({**row, "cluster": fact.entity}, f"{query} {fact.value}.")


def arithmetic_items(random: Random) -> Iterator[Item]:
    """Yield problems that the corpus holds in no form."""
    shuffled = [problem for problem in all_problems() if problem.is_held_out]
    random.shuffle(shuffled)
    for problem in shuffled:
        yield Item({"prompt": f"{problem.text}=", "answer": str(problem.answer)}, problem.text)


def pattern_items(random: Random) -> Iterator[Item]:
    """Yield patterns that the corpus does not hold."""
    while True:
        pattern = draw_pattern(random, held_out=True)
        if len(pattern.query.split()) < _SERIES_WORDS.get(pattern.kind, 0):
            continue
        if _one_begins_another([pattern.gold, *pattern.wrong]):
            continue
        row = _with_choices(random, pattern.query, pattern.gold, pattern.wrong)
        yield Item({**row, "pattern": pattern.kind}, f"{pattern.query} {pattern.gold}")


def story_items(random: Random) -> Iterator[Item]:
    """Yield stories to be ended, whose cast the corpus never brings together."""
    while True:
        story = draw_story(random, held_out=True)
        row = _with_choices(random, story.stem, story.ending, story.wrong)
        yield Item({**row, "plot": story.plot}, story.stem)


def text_items(random: Random) -> Iterator[Item]:
    """Yield running text: a story and some sentences that the corpus does not hold."""
    while True:
        story = draw_story(random, held_out=True).text
        sentences = [draw_pair(random, held_out=True).good for _ in range(2)]
        yield Item({"text": " ".join([story, *sentences])}, story)


def words_of(text: str) -> tuple[str, ...]:
    """Split a text into words and marks, so that white space makes no difference."""
    return tuple(_WORD.findall(text))


def found_in(documents: Iterable[Document], proofs: Iterable[str]) -> set[str]:
    """Find which texts occur, word for word, in any document.

    Args:
        documents: The documents to look through.
        proofs: The texts to look for.
    """
    wanted: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for proof in proofs:
        proof_words = words_of(proof)
        wanted.setdefault(proof_words[:_LONGEST_KEY], []).append((proof, proof_words))
    lengths = sorted({len(key) for key in wanted})
    found: set[str] = set()
    for document in documents:
        read = words_of(" ".join(document.words))
        for start in range(len(read)):
            for length in lengths:
                for proof, proof_words in wanted.get(read[start : start + length], ()):
                    if read[start : start + len(proof_words)] == proof_words:
                        found.add(proof)
    return found
