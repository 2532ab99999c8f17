from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.workspace.safe_text import safe_text

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\x00b\x7fc", "a␀b␡c"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("user\u202egpj.exe", "user⟨RLO⟩gpj.exe"),
        ("pay\u200bpal", "pay⟨ZWSP⟩pal"),
        ("\ufeffid", "⟨BOM⟩id"),
        ("x\ud800y", "x⟨U+D800⟩y"),
        ("hi\U000e0041", "hi⟨U+E0041⟩"),
        ("a\u3164b", "a⟨U+3164⟩b"),
        ("one\r\ntwo\tthree", "one␍↵two⇥three"),
    ],
)
def test_unseen_characters_become_visible(hostile: str, shown: str) -> None:
    assert safe_text(hostile) == shown


def test_ordinary_text_in_any_script_stays() -> None:
    for text in ("", "plain", "naïve café", "日本語", "עברית", "Привет", "❤️ 5 € [bold]<b>"):
        assert safe_text(text) == text


def test_line_breaks_and_tabs_can_be_kept_and_nothing_else() -> None:
    assert safe_text("a\n\tb\x1b\r\u2028", keep_line_breaks=True) == "a\n\tb␛␍⟨LS⟩"


def test_every_control_format_separator_and_surrogate_is_covered() -> None:
    unseen = (
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    left = [f"U+{ord(character):04X}" for character in unseen if safe_text(character) == character]
    assert left == []


@given(ANY_TEXT)
@settings(max_examples=150, deadline=None)
def test_the_result_is_harmless_writable_and_final(text: str) -> None:
    shown = safe_text(text)
    shown.encode("utf-8")
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs"}
    assert "\n" not in shown
    assert safe_text(shown) == shown


def test_a_large_text_passes_whole() -> None:
    text = "word \x1b" * 200_000
    assert len(safe_text(text)) == len(text)
