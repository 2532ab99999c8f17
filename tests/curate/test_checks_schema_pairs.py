"""Preference pairs of two shapes, pairs that stand elsewhere the other way round, and labels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.checks.schema_label_vocabulary import is_one_letter_away

SHAPE, SWAPPED, LABELS = "schema/pair-shape", "schema/swapped-pair", "schema/label-vocabulary"


def says(*contents: str) -> list[dict[str, str]]:
    roles = ("assistant", "user")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(contents)]


def pair(chosen: Any, rejected: Any, prompt: Any = "Which?") -> dict[str, Any]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


CALLS = [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]
CALL = {"role": "assistant", "content": None, "tool_calls": CALLS}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (pair(says("a"), says("b", "why", "c")), "1 in chosen and 3 in rejected"),
        (pair(says("a"), [{"role": "user", "content": "b"}]), "assistant in chosen and user in"),
        (pair(says("a"), [CALL]), "none in chosen and a tool call in rejected"),
        (pair("a", says("b")), "text in chosen and a list of messages in rejected"),
        (pair(says("a")[0], says("b")), "a message in chosen and a list of messages in rejected"),
    ],
)
def test_answers_of_two_shapes(check_rows, row: dict[str, Any], words: str) -> None:
    sound = [pair("a", "b"), pair(says("a"), says("b")), pair([CALL], [CALL]), pair("a", "")]
    (finding,) = check_rows(SHAPE, [*sound, row], shape="preference").findings.to_dicts()
    assert (finding["row"], finding["field"], finding["fix"]) == (4, "rejected", "review")
    assert words in finding["message"]


def test_of_an_answer_that_is_missing_no_shape_is_told(check_rows) -> None:
    rows = [pair(None, says("b")[0]), pair(says("a")[0], None), pair(says("a"), says("b"))]
    assert check_rows(SHAPE, rows, shape="preference").findings.is_empty()


def test_pairs_the_other_way_round(check_rows) -> None:
    rows = [
        pair("Red.", "Blue."),
        pair("Red.", "Blue.", "Which one?"),
        pair("blue", "RED"),
        pair("Red.", "Red."),
        pair("Red.", "Green."),
        pair("red", "blue", "Which one?"),
        pair("Blue", "Red", "Which one"),
    ]
    result = check_rows(SWAPPED, rows)
    assert result.findings.select("row", "related_row").rows() == [(2, 0), (6, 1)]
    assert result.findings["fix"].unique().to_list() == ["review"]


def test_pairs_with_other_tool_calls_are_others(check_rows) -> None:
    other = {**CALL, "tool_calls": [{"type": "function", "function": {"name": "g"}}]}
    rows = [pair([CALL], says("a")), pair(says("a"), [other]), pair(says("a"), [CALL])]
    assert check_rows(SWAPPED, rows).findings["row"].to_list() == [2]


@pytest.mark.parametrize("check", [SHAPE, SWAPPED])
def test_other_rows_have_no_pairs(check_rows, check: str) -> None:
    result = check_rows(check, [{"messages": [{"role": "user", "content": "a"}, *says("b")]}])
    assert (result.status, result.reason) == ("skipped", "the rows are no preference pairs")


def labelled(*labels: tuple[str | None, int]) -> list[dict[str, Any]]:
    return [
        {"text": f"text {label} {number}", "label": label}
        for label, count in labels
        for number in range(count)
    ]


def meant(check_rows, *labels: tuple[str | None, int], **parameters: Any) -> dict[str, str | None]:
    result = check_rows(
        LABELS, labelled(*labels), shape="classification", parameters={LABELS: parameters}
    )
    assert result.status == "ran", result.reason
    found = result.findings
    assert set(found["fix"]) <= {"review"}
    assert set(found["field"]) <= {"label"}
    by_row = [label for label, count in labels for _ in range(count)]
    return {by_row[row]: other for row, other in found.select("row", "related").iter_rows()}


def test_ways_to_write_one_label(check_rows) -> None:
    found = meant(
        check_rows,
        ("refund", 20), ("Refund", 3), ("refund ", 1), ("card-arrival", 9), ("card_arrival", 10),
        ("Card  arrival", 1), ("other", 6), (None, 2), (" ", 1),
    )  # fmt: skip
    assert found == {
        "Refund": "refund",
        "refund ": "refund",
        "card-arrival": "card_arrival",
        "Card  arrival": "card_arrival",
    }


def test_signs_and_digits_tell_labels_apart(check_rows) -> None:
    pairs = [("-1", 60), ("1", 60), ("+1", 1), ("C", 60), ("C++", 1), ("C#", 1), ("1.5", 9),
             ("15", 1), ("4 stars", 200), ("5 stars", 1), ("-", 50), ("+", 1), ("level one1", 100),
             ("level one2", 1)]  # fmt: skip
    assert meant(check_rows, *pairs) == {}


def test_typos_are_rare_and_one_letter_away(check_rows) -> None:
    found = meant(
        check_rows,
        ("refund", 120), ("refnud", 1), ("refun", 2), ("reffund", 1), ("rafund", 3),
        ("billing", 100), ("biling", 2), ("cat", 200), ("car", 1), ("moral", 60), ("amoral", 30),
        ("refusal", 1),
    )  # fmt: skip
    typos = {"refnud": "refund", "refun": "refund", "reffund": "refund", "biling": "billing"}
    assert found == typos
    assert meant(check_rows, ("refund", 30), ("refun", 3), times=10) == {"refun": "refund"}


def test_a_given_vocabulary_decides(check_rows) -> None:
    labels = ["refund", "billing"]
    found = meant(
        check_rows, ("refund", 3), ("Refund", 1), ("biling", 5), ("weather", 2), labels=labels
    )
    assert found == {"Refund": "refund", "biling": "billing", "weather": None}


def test_rows_without_labels(check_rows) -> None:
    result = check_rows(LABELS, [{"text": "a"}], shape="text")
    assert (result.status, result.reason) == ("skipped", "no record has a label")


LETTERS = st.text(alphabet="abcdé", min_size=1, max_size=8)


@given(LETTERS, st.integers(0, 8), st.sampled_from("abcdéxyz"), st.sampled_from(range(4)))
def test_one_letter_away(label: str, place: int, letter: str, change: int) -> None:
    place %= len(label)
    other = [
        label[:place] + letter + label[place:],
        label[:place] + label[place + 1 :],
        label[:place] + letter + label[place + 1 :],
        label[:place] + label[place : place + 2][::-1] + label[place + 2 :],
    ][change]
    assert is_one_letter_away(label, other) == (label != other)
    assert is_one_letter_away(other, label) == (label != other)
    assert not is_one_letter_away(label, other + "zz" if len(other) >= len(label) else label)
