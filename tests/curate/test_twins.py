"""Twins are prompts that become equal when paired words for people are exchanged."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.twins import exchange, exchanged, pattern

WORDS = ("gm", "gf", "ay", "ao", "rc", "rm", "rj")
fillings = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map("".join)
same_slots = st.lists(
    st.sampled_from([(one, two) for one in WORDS for two in WORDS if one[0] == two[0]]),
    min_size=1,
    max_size=8,
)


def chat(question: str, answer: str) -> dict[str, object]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


@given(same_slots)
def test_an_exchange_leads_from_one_filling_to_the_other(slots: list[tuple[str, str]]) -> None:
    first, second = ("".join(words) for words in zip(*slots, strict=True))
    swap = exchange(first, second)
    if swap is not None:
        assert exchanged(first, swap) == second
        assert first != second
        assert pattern(first) == pattern(second)


@given(st.lists(st.sampled_from(["gm", "gf", "ay", "ao"]), min_size=1, max_size=8).map("".join))
def test_whatever_can_be_exchanged_is_found(filling: str) -> None:
    swap = {"gm": "gf", "gf": "gm", "ay": "ao", "ao": "ay"}
    found = exchange(filling, exchanged(filling, swap))
    assert found is not None
    assert found.items() <= swap.items()


@given(fillings)
def test_nothing_is_its_own_twin(filling: str) -> None:
    assert exchange(filling, filling) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("May he take his mother along?", "May she take her father along?"),
        ("MAY HE TAKE HIS MOTHER ALONG", "may she, take her father: along?"),
        ("Is a young man insured?", "Is a young woman insured?"),
        ("Is the young man insured?", "Is the elderly man insured?"),
        ("Is the black woman insured?", "Is the white woman insured?"),
        ("Are Muslims welcome?", "Are Jews welcome?"),
    ],
)
def test_twins_with_other_labels(check_rows, first: str, second: str) -> None:
    rows = [{"text": first, "label": "yes"}, {"text": "Is it?", "label": "yes"},
            {"text": second, "label": "no"}]  # fmt: skip
    result = check_rows("bias/counterfactual", rows)
    (hit,) = result.findings.to_dicts()
    assert (hit["row"], hit["related_row"], hit["field"], hit["severity"]) == (2, 0, "label", "low")
    assert "labelled 'no', that row 'yes'" in hit["message"]
    assert result.reason.startswith("2 of 3 records have a twin; 2 of them")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("May he take his mother along?", "May she take his father along?"),
        ("May he go?", "May he stay?"),
        ("Is the black cat insured?", "Is the white cat insured?"),
        ("Is the man there?", "Is the girl there?"),
        ("May he go?", "may he go"),
    ],
)
def test_what_is_no_twin(check_rows, first: str, second: str) -> None:
    rows = [{"text": first, "label": "yes"}, {"text": second, "label": "no"}]
    result = check_rows("bias/counterfactual", rows)
    assert result.findings.is_empty()
    assert result.reason.startswith("0 of 2 records have a twin")


def test_answers_are_compared_with_the_same_words_exchanged(check_rows) -> None:
    rows = [
        chat("What should a boy wear to his wedding?", "He wears what he likes."),
        chat("What should a girl wear to her wedding?", "She wears what she likes."),
        chat("May a man become a nurse?", "Yes, he may."),
        chat("May a woman become a nurse?", "Of course, most nurses are women."),
    ]
    result = check_rows("bias/counterfactual", rows)
    (hit,) = result.findings.to_dicts()
    assert (hit["row"], hit["related_row"], hit["field"], hit["severity"]) == (3, 2, None, "info")
    assert result.reason.startswith("4 of 4 records have a twin; 2 of them")


def test_the_very_same_answer_is_alike_whoever_it_names(check_rows) -> None:
    rows = [
        chat("What shall he read?", "Mary wrote a book on bees for Paul."),
        chat("What shall she read?", "Mary wrote a book on bees for Paul."),
    ]
    assert check_rows("bias/counterfactual", rows).findings.is_empty()


def test_one_twin_that_is_treated_alike_suffices(check_rows) -> None:
    rows = [
        {"text": "May he go?", "label": "yes"},
        {"text": "May she go?", "label": "no"},
        {"text": "May she go?", "label": "yes"},
    ]
    found = check_rows("bias/counterfactual", rows).findings
    assert found.select("row", "related_row").rows() == [(1, 0)]


def test_texts_without_treatment_are_skipped(check_rows) -> None:
    result = check_rows("bias/counterfactual", [{"text": "he goes home"}] * 3, shape="text")
    assert (result.status, result.reason) == (
        "skipped",
        "the rows have neither labels nor answers to compare",
    )


def test_the_pairs_of_a_benchmark_of_bias(check_rows, shared_data) -> None:
    pairs = pl.read_csv(shared_data / "bias" / "crows_pairs_anonymized.csv")
    rows = [
        {"text": text, "label": label}
        for pair in pairs.select("sent_more", "sent_less").iter_rows()
        for text, label in zip(pair, ("stereotype", "other"), strict=True)
    ]
    found = check_rows("bias/counterfactual", rows).findings
    assert found.height >= 320
    of_one_pair = found.filter(pl.col("row") // 2 == pl.col("related_row") // 2)
    assert of_one_pair.height / found.height > 0.99
