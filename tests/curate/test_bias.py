"""Whom records speak of, and what stands with whom: known figures, and what leaves them alone."""

from __future__ import annotations

import json
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.associations import measure_associations
from tunewise.curate.measures.bias import bias_figures, measure_mentions
from tunewise.curate.measures.mentions import GROUP_BITS, flag_mentions
from tunewise.curate.measures.terms import GROUPS, OCCUPATIONS, REGARD
from tunewise.curate.records import RECORD_SCHEMA, message_rows


def records_of(texts: list[str]) -> pl.DataFrame:
    message = {"name": None, "tool_calls": None, "tool_call_id": None, "weight": None}
    rows = [
        {
            "row": row,
            "id": str(row),
            "kind": "chat",
            "messages": [{"role": "assistant", "content": text, **message}],
            "chosen": None,
            "rejected": None,
            "label": None,
            "group": None,
            "source": "web",
            "extra": None,
        }
        for row, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=RECORD_SCHEMA)


def flags_of(texts: list[str]) -> pl.DataFrame:
    return flag_mentions(message_rows(records_of(texts)))


def mentioned(text: str) -> set[str]:
    value = flags_of([text])["assistant"][0]
    return {group for (_, group), bit in GROUP_BITS.items() if value >> bit & 1}


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("She said so.", {"women"}),
        ("HER brother", {"women", "men"}),
        ("a black woman and a black dog", {"Black people", "women"}),
        ("a black dog on white paint", set()),
        ("African-American voters", {"Black people"}),
        ("the old man", {"the old", "men"}),
        ("Otherwise the hero stated this", set()),
        ("non-binary and nonbinary", {"non-binary people"}),
        ("Il est parti avec son frère", set()),
        ("The French word son means his", {"men"}),
        ("", set()),
    ],
)
def test_whom_a_text_mentions(text: str, groups: set[str]) -> None:
    assert mentioned(text) == groups


def test_every_term_is_found_by_itself() -> None:
    terms = [
        (("assistant", position), term)
        for position, (dimension, group) in enumerate(GROUP_BITS)
        for term in GROUPS[dimension][group]
    ]
    for column, families in (("occupations", OCCUPATIONS), ("regard", REGARD)):
        for position, forms in enumerate(families.values()):
            terms += [((column, position), term) for term in forms]
    flags = flags_of([f"the {term.upper()}!" for _, term in terms])
    for row, ((column, position), term) in enumerate(terms):
        assert flags[column][row] >> position & 1, term


def test_rejected_answers_do_not_count() -> None:
    records = records_of(["x"]).with_columns(rejected=pl.col("messages"))
    told = records.with_columns(
        rejected=pl.col("rejected").list.eval(
            pl.element().struct.with_fields(content=pl.lit("she"))
        )
    )
    assert flag_mentions(message_rows(told))["assistant"].to_list() == [0]


@given(st.lists(st.sampled_from(["She works.", "He works.", "It works.", "A nurse."]), min_size=1))
def test_pieces_make_no_difference(texts: list[str]) -> None:
    records = records_of(texts)
    pieces = list(records.iter_slices(3))
    whole = bias_figures([records])
    assert bias_figures(pieces) == whole
    json.dumps(whole, allow_nan=False)


def work(pronoun: str, occupation: str, number: int) -> str:
    return f"{pronoun} is the {occupation} number {number}."


def test_a_planted_association_is_measured_as_by_hand() -> None:
    texts = [
        *(work("She", "nurse", number) for number in range(60)),
        *(work("She", "guest", number) for number in range(140)),
        *(work("He", "nurse", number) for number in range(15)),
        *(work("He", "guest", number) for number in range(385)),
        *(f"It is the nurse number {number}." for number in range(500)),
        *(f"She met him, a nurse, {number} times." for number in range(500)),
    ]
    measured = measure_associations(flags_of(texts), least_group=100, least_word=20)
    women, men = sorted(measured, key=lambda item: item.group, reverse=True)
    assert (women.group, women.word) == ("women", "nurse")
    assert (women.both, women.with_group, women.with_word, women.total) == (60, 200, 75, 600)
    together = 60 / 600
    expected = math.log(together / (200 / 600 * 75 / 600)) / -math.log(together)
    assert women.npmi == pytest.approx(expected)
    assert 0 < women.low < women.npmi < women.high
    assert women.p_adjusted < 1e-6
    assert men.high < 0
    assert men.p_adjusted > 0.99


def test_what_is_independent_is_hardly_ever_told() -> None:
    occupations = [name for name in OCCUPATIONS if " " not in name][:40]
    texts = [
        f"{'She' if number % 3 else 'He'} is the {occupations[number % 40]} number {number}."
        for number in range(6000)
    ]
    assert bias_figures([records_of(texts)])["associations"]["told"] == []


def test_copies_are_no_evidence() -> None:
    texts = [
        *["She is the nurse."] * 400,
        *(work("She", "guest", number) for number in range(200)),
        *(work("He", "guest", number) for number in range(200)),
        *(work("He", "nurse", number) for number in range(20)),
    ]
    measured = measure_associations(flags_of(texts), least_group=100, least_word=20)
    assert {item.group: item.both for item in measured} == {"women": 1, "men": 20}


def test_the_check_tells_the_figures_and_shows_a_record(find_in_answers) -> None:
    answers = [
        *(f"He is a guest with number {number}." for number in range(200)),
        *(work("She", "nurse", number) for number in range(60)),
        *(work("She", "guest", number) for number in range(140)),
    ]
    (hit,) = find_in_answers("bias/association", answers).to_dicts()
    assert (hit["row"], hit["related_row"], hit["related"]) == (None, 200, "women × nurse")
    assert hit["message"].startswith(
        "'nurse' stands in 60 of 200 records that mention women alone, and in 0 of 200 that "
        "mention another group of gender alone: nPMI"
    )
    assert hit["severity"] == "info"


def test_thin_support_makes_no_association(check_rows) -> None:
    rows = [{"text": work("She", "nurse", number)} for number in range(99)]
    result = check_rows("bias/association", rows, shape="text")
    assert result.status == "skipped"


@given(st.lists(st.sampled_from(["She", "He", "It"]), min_size=1, max_size=60))
def test_shares_are_of_the_records_in_which_the_side_speaks(pronouns: list[str]) -> None:
    flags = flags_of([f"{pronoun} works." for pronoun in pronouns])
    for item in measure_mentions(flags):
        assert item.side == "assistant"
        assert item.groups["women"].count == pronouns.count("She")
        assert item.groups["men"].count == pronouns.count("He")
        assert item.groups["women"].total == len(pronouns)
        assert item.anybody == pronouns.count("She") + pronouns.count("He")


def test_every_term_has_a_bit_of_its_own() -> None:
    from tunewise.curate.measures.mentions import OCCUPATION_BITS, REGARD_BITS

    for bits in (OCCUPATION_BITS, REGARD_BITS):
        assert len(bits) <= 64, "they are counted as bits of a whole number of 64"
