"""Two answers to one prompt: known pairs, and what holds of any."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.answer_relations import (
    CONTRADICTION,
    PARAPHRASE,
    PREFERENCE,
    relate_answers,
)
from tunewise.curate.near_duplicates.comparison_text import canonical_texts


def relation(prompt: str, one: str, other: str) -> str:
    words = canonical_texts(pl.Series([prompt, one, other])).to_list()
    found, shared, seen = relate_answers(*words, least_shared=0.5)
    assert 0 <= shared <= 1
    assert seen
    return found


@pytest.mark.parametrize(
    ("prompt", "one", "other", "expected"),
    [
        ("Are you open on Sunday?", "Yes, from nine.", "No, never.", CONTRADICTION),
        ("Do you ship abroad?", "We ship abroad.", "We don't ship abroad.", CONTRADICTION),
        ("How long does it take?", "It takes 3 days.", "It takes 14 days.", CONTRADICTION),
        ("What is the boiling point of ethanol?", "The boiling point is 78 degrees.",
         "The boiling point is 78.37 degrees.", PARAPHRASE),
        ("What does it cost?", "It costs 1,200 euros.", "It costs 1200 euros.", PARAPHRASE),
        ("What is the capital of Australia?", "Canberra", "Sydney", CONTRADICTION),
        ("What is the opposite of light?", "The opposite of light is dark.",
         "The opposite of light is heavy.", CONTRADICTION),
        ("Provide a synonym for beautiful.", "A synonym for beautiful is lovely.",
         "A synonym for beautiful is stunning.", PREFERENCE),
        ("What is the past tense of draw?", "The past tense of draw is drew.", "drew",
         PARAPHRASE),
        ("Sort: Zebra, Ape", "Ape, Zebra", "Sorted: Ape, Zebra", PARAPHRASE),
        ("Write a sentence with meticulous.", "He was meticulous in planning the project.",
         "She pays meticulous attention to details.", PREFERENCE),
        ("Define photosynthesis.",
         "Photosynthesis is how green plants turn sunlight, water and carbon dioxide into sugar.",
         "Photosynthesis is how plants turn sunlight, water and carbon dioxide into food.",
         PARAPHRASE),
        ("Thank you!", "?!", "You are welcome.", PREFERENCE),
        ("Hi", "", "Hello", PREFERENCE),
    ],
)  # fmt: skip
def test_known_pairs(prompt: str, one: str, other: str, expected: str) -> None:
    assert relation(prompt, one, other) == expected
    assert relation(prompt, other, one) == expected


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_the_order_of_the_answers_makes_no_difference(prompt: str, one: str, other: str) -> None:
    assert relation(prompt, one, other) == relation(prompt, other, one)


@given(st.lists(st.from_regex(r"[0-9]{1,30}([.,][0-9]{1,30}){0,4}", fullmatch=True), max_size=3))
def test_numbers_of_any_form_are_read(numbers: list[str]) -> None:
    text = "it costs " + " ".join(numbers)
    assert relation("How much?", text, "it costs 5") in (CONTRADICTION, PARAPHRASE, PREFERENCE)
