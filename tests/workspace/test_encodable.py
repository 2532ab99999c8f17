from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.workspace.encodable import encodable


def columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(letter)
        else 2 if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "shift_jis"])
@given(st.text(st.characters(exclude_characters="≥")))
def test_any_text_can_be_written_and_keeps_its_columns(encoding: str, text: str) -> None:
    shown = encodable(text, encoding)
    shown.encode(encoding)
    assert encodable(shown, encoding) == shown
    assert columns(shown) == columns(text)


@given(st.text())
def test_a_unicode_terminal_shows_everything_as_it_is(text: str) -> None:
    if all(not 0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        assert encodable(text, "utf-8") == text


def test_signs_have_stand_ins_and_letters_stay_where_they_can() -> None:
    assert encodable("✔ drop  ✖ high  ▲ 3 → 5  café", "ascii") == "+ drop  x high  ^ 3 > 5  caf?"
    assert encodable("✔ café", "latin-1") == "+ café"
