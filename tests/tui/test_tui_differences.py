"""Word differences."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.tui.texts.differences import mark_differences
from tunewise.tui.widgets.pane import first_mark
from tunewise.workspace.safe_text import safe_text

WORDS = st.lists(st.sampled_from(["how", "do", "I", "can", " ", "\n", ".", "order", "漢字"])).map(
    "".join
)


def without(text: str, opening: str, closing: str) -> str:
    return text.replace(opening, "").replace(closing, "")


@settings(max_examples=150)
@given(WORDS, WORDS)
def test_without_the_marks_both_texts_are_whole(left: str, right: str) -> None:
    marked_left, marked_right = mark_differences(left, right)
    assert without(marked_left.plain, "[-", "-]") == safe_text(left, keep_line_breaks=True)
    assert without(marked_right.plain, "{+", "+}") == safe_text(right, keep_line_breaks=True)


@given(WORDS)
def test_equal_texts_have_no_marks(text: str) -> None:
    left, right = mark_differences(text, text)
    assert left == right
    assert first_mark(left) is None


def test_what_the_text_says_itself_is_not_taken_for_a_mark() -> None:
    left, right = mark_differences("a [-b-] c", "a [-b-] d")
    assert left.plain == "a [-b-] [-c-]"
    assert right.plain == "a [-b-] {+d+}"


def test_different_texts_are_marked_as_a_whole() -> None:
    left, right = mark_differences(
        "The refund was sent, all is well.", "Nobody here knows that, sorry."
    )
    assert len(re.findall(r"\[-", left.plain)) == 1
    assert len(re.findall(r"\{\+", right.plain)) == 1


def test_very_long_texts_are_compared_in_a_moment() -> None:
    left = "same " * 50_000 + "x " * 3000 + "end"
    right = "same " * 50_000 + "y " * 3000 + "end"
    marked, _ = mark_differences(left, right)
    assert first_mark(marked) == len("same " * 50_000)
    assert marked.plain.endswith("end")


def test_hostile_text_is_made_harmless(hostile: str) -> None:
    for text in mark_differences(hostile, hostile.replace("evil", "good")):
        assert "\x1b" not in text.plain
        assert "\u202e" not in text.plain
