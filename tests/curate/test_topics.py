"""Topics are found again where texts speak of different things."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.topics import FEWEST, MOST, find_topics, number_of_topics

SUBJECTS = {
    "kitchen": "butter flour oven recipe sugar bake cheese onion garlic soup",
    "stars": "planet orbit telescope galaxy comet gravity rocket moon lunar solar",
    "money": "loan interest bank credit mortgage deposit invoice budget tax payment",
    "sport": "goal player match referee league stadium coach team score tennis",
}


def texts_about(counts: dict[str, int]) -> list[str]:
    chance = random.Random(1)
    return [
        " ".join(chance.choices(SUBJECTS[subject].split(), k=12))
        for subject, count in counts.items()
        for _ in range(count)
    ]


def test_planted_topics_are_found_with_their_words() -> None:
    counts = {"kitchen": 160, "stars": 80, "money": 40, "sport": 40}
    topics = find_topics(texts_about(counts))
    assert [topic.texts for topic in topics] == [160, 80, 40, 40]
    for topic, subject in zip(topics[:2], SUBJECTS, strict=False):
        assert set(topic.terms) <= set(SUBJECTS[subject].split())
    assert find_topics(texts_about(counts)) == topics


@pytest.mark.parametrize("text", ["", "1 2 3", "the of and", "?! \x00"])
def test_texts_without_words_have_no_topics(text: str) -> None:
    assert find_topics([text] * 300) == ()


@given(st.integers(1, 10**7))
def test_the_number_of_topics_is_for_a_reader(texts: int) -> None:
    assert FEWEST <= number_of_topics(texts) <= MOST


def test_the_check_tells_shares_and_terms(check_rows) -> None:
    counts = {"kitchen": 150, "stars": 60, "money": 50, "sport": 40}
    rows = [{"text": text} for text in texts_about(counts)]
    result = check_rows("balance/topic", rows, shape="text")
    (hit,) = result.findings.to_dicts()
    assert hit["row"] is None
    assert hit["score"] == pytest.approx(0.5)
    assert set(hit["related"].split(", ")) <= set(SUBJECTS["kitchen"].split())
    assert "topics of the records are as diverse as" in hit["message"]
    assert result.reason.startswith("4 topics of the records")


def test_few_records_have_no_topics(check_rows) -> None:
    result = check_rows("balance/topic", [{"text": "a b"}] * 50, shape="text")
    assert (result.status, result.reason) == ("skipped", "too few records for topics")
