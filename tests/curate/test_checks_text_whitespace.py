"""White space: what is found, how it is repaired, and what is left alone."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.checks.text_whitespace import plain_white_space

NAME = "text/whitespace"


def repaired(findings: pl.DataFrame, text: str) -> str:
    for finding in reversed(findings.to_dicts()):
        text = text[: finding["start"]] + finding["related"] + text[finding["end"] :]
    return text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  One.", "One."),
        ("\n\n One.", "One."),
        ("One. \n", "One."),
        ("One \nTwo\t\nThree", "One\nTwo\nThree"),
        ("One\n \t\nTwo", "One\n\nTwo"),
        ("One\n\n\n\n\nTwo", "One\n\nTwo"),
        ("One  two   three", "One two three"),
        ("One\ttwo", "One two"),
        ("One\u00a0two\u2009three\u3000four", "One two three four"),
        ("One\r\nTwo\nThree\rFour", "One\nTwo\nThree\nFour"),
    ],
)
def test_white_space_is_found_and_repaired(find_in_answers, text: str, plain: str) -> None:
    found = find_in_answers(NAME, [text])
    assert not found.is_empty()
    assert repaired(found, text) == plain
    assert set(found["fix"]) == {"repair"}


@pytest.mark.parametrize(
    "text",
    [
        "One.  Two!  Three.",
        "One  \nTwo",
        "One\n\n\nTwo",
        "    indented = 1\n    code = 2",
        "```\na  =  1\n\n\n\n\nb\t=\t2\n```",
        "x  = 5    # and so on",
        "Name   Age\nAnna   31\nBela   7",
        "a\tb\nc\td\ne\tf",
        "Vraiment\u00a0? Il a «\u00a0dit\u00a0» 10\u00a0000 €",
        "全角\u3000空白",
        "-   an item\n1.  another",
        "- one\n\t- two",
    ],
)
def test_white_space_that_is_wanted(find_in_answers, text: str) -> None:
    assert find_in_answers(NAME, [text]).is_empty()


def test_many_places_are_one_finding_that_counts_them(find_in_answers) -> None:
    text = "  ".join(["word"] * 9) + " "
    (finding,) = find_in_answers(NAME, [text]).to_dicts()
    assert finding["message"] == "9 places: run of blanks (8), white space after the text (1)"
    assert text[: finding["start"]] + finding["related"] == " ".join(["word"] * 9)


def test_parameters(find_in_answers) -> None:
    text = "One  two  three\n\n\nfour"

    def found(**parameters: int) -> int:
        return find_in_answers(NAME, [text], parameters={NAME: parameters}).height

    assert found() == 2
    assert found(most_findings=1) == 1
    assert found(most_blank_lines=1) == 3


def test_a_blank_text_is_left_to_the_checks_of_form(find_in_answers) -> None:
    assert find_in_answers(NAME, [" \n\t "]).is_empty()


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab1.«; \t\n\r\u00a0\u3000日`", max_size=14))
def test_a_repair_leaves_nothing_to_repair_and_loses_no_word(text: str) -> None:
    plain = text
    for spot in reversed(plain_white_space(text, 2)):
        plain = plain[: spot.start] + (spot.related or "") + plain[spot.end :]
    assert plain_white_space(plain, 2) == []
    assert plain.split() == text.split()
