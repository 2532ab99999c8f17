"""Texts that stand in longer ones, against the definition."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.near_duplicates.comparison_text import canonical_texts
from tunewise.curate.near_duplicates.pairs import near_duplicate_pairs

SIZE = 5


def runs(text: str) -> frozenset[tuple[str, ...]]:
    words = text.split()
    return frozenset(tuple(words[at : at + SIZE]) for at in range(len(words) - SIZE + 1))


def by_definition(texts: list[str], share: float) -> dict[int, tuple[int, float]]:
    """For each text of 20 words or more the longer one that has most of it, and how much."""
    words = [text.split() for text in canonical_texts(pl.Series(texts, dtype=pl.String))]
    sets = [runs(" ".join(some)) for some in words]
    first = {tuple(some): at for at, some in reversed(list(enumerate(words)))}
    best: dict[int, tuple[int, float]] = {}
    for text in first.values():
        for other in first.values():
            if len(words[text]) < 20 or len(words[other]) <= len(words[text]):
                continue
            shared = len(sets[text] & sets[other])
            part = shared / len(sets[text])
            alike = shared / len(sets[text] | sets[other]) >= 0.8
            if part >= share and not alike:
                known = best.get(text)
                if known is None or (-part, other) < (-known[1], known[0]):
                    best[text] = (other, part)
    return best


def found_in(texts: list[str], share: float, **options: Any) -> dict[int, tuple[int, float]]:
    found = near_duplicate_pairs(pl.Series(texts, dtype=pl.String), containment=share, **options)
    assert found.contained is not None
    assert found.contained.skipped == 0
    return {text: (within, part) for text, within, part in found.contained.pairs.iter_rows()}


def nested_texts(seed: int, count: int) -> list[str]:
    """Long texts, pieces of them, some edited, and pieces put into others."""
    chance = random.Random(seed)
    texts: list[str] = []
    while len(texts) < count:
        long = [f"w{chance.randrange(40_000)}" for _ in range(chance.randint(60, 160))]
        texts.append(" ".join(long))
        for _ in range(chance.randrange(3)):
            begin = chance.randrange(len(long) - 20)
            piece = long[begin : begin + chance.randint(15, 60)]
            for _ in range(chance.randrange(3)):
                piece[chance.randrange(len(piece))] = "edited"
            texts.append(" ".join(piece))
            if chance.random() < 0.3:
                texts.append(" ".join(["before", *piece, *long[::-1]]))
    chance.shuffle(texts)
    return texts


@pytest.mark.parametrize(("seed", "share"), [(1, 0.9), (2, 0.7), (3, 1.0)])
def test_the_texts_are_those_of_the_definition(seed: int, share: float, tmp_path: Path) -> None:
    texts = nested_texts(seed, 400)
    truth = by_definition(texts, share)
    assert len(truth) > 30
    assert found_in(texts, share) == pytest.approx(truth)
    assert found_in(texts, share, memory=60_000, folder=tmp_path) == pytest.approx(truth)


WORDS = st.lists(st.sampled_from("abcdef"), min_size=18, max_size=40)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from([0.5, 0.9, 1.0]))
def test_repeated_words_equal_the_definition(rows: list[list[str]], share: float) -> None:
    texts = [" ".join(words) for words in rows] + [" ".join(rows[0] + rows[-1])]
    assert found_in(texts, share) == pytest.approx(by_definition(texts, share))


def test_a_template_is_no_containment() -> None:
    template = " ".join(f"rule{number}" for number in range(60))
    texts = [f"{template} t{row}x1 t{row}x2" for row in range(80)]
    longer = [
        f"{template} " + " ".join(f"l{row}x{word}" for word in range(40)) for row in range(80)
    ]
    assert found_in(texts + longer, 0.9) == {}
    assert found_in([texts[0], longer[0]], 0.9) != {}


def test_what_was_not_compared_is_told() -> None:
    base = [f"w{number}" for number in range(30)]
    texts = [" ".join([*base, *(f"x{row}y{word}" for word in range(40))]) for row in range(30)]
    found = near_duplicate_pairs(pl.Series([" ".join(base), *texts]), containment=0.9, max_pairs=5)
    assert found.contained is not None
    assert found.contained.skipped > 0
    assert near_duplicate_pairs(pl.Series(texts)).contained is None
