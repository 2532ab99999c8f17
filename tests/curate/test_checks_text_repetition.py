"""Repetition: loops of letters and words, shares of lines, sentences and runs of words."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.checks.word_repeats import (
    longest_loops,
    may_hold_letter_run,
    repeated_runs,
    rough_words_of,
    words_of,
)

NAME = "text/repetition"
STORY = (
    "The miller had three sons, a mill, a donkey and a cat. The eldest took the mill, the second "
    "took the donkey, and nothing but the cat was left for the youngest of them."
)


def the_hit(findings: pl.DataFrame, text: str) -> tuple[str, str]:
    (finding,) = findings.to_dicts()
    return text[finding["start"] : finding["end"]], finding["message"]


@pytest.mark.parametrize("letter", ["a", "!", "哈", "😂", "é"])
def test_a_letter_over_and_over(find_in_answers, letter: str) -> None:
    text = f"Well, {letter * 20} then."
    found, message = the_hit(find_in_answers(NAME, [text]), text)
    assert found == letter * 20
    assert message == f"{letter!r} 20 times in a row"


@pytest.mark.parametrize(
    "text",
    ["Well, " + "a" * 14, "=" * 80, "0" * 60, "." * 30, " " * 40 + "x", "Name: ________________",
     "```\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n```", "┌────────────────────┐"],
)  # fmt: skip
def test_letters_that_may_come_often(find_in_answers, text: str) -> None:
    assert find_in_answers(NAME, [text]).is_empty()


def test_a_syllable_and_a_lone_letter_over_and_over(find_in_answers) -> None:
    texts = ["Well: " + "blab" * 20, "So it is " + "e " * 30 + "then.", "hahaha hahaha", "a b a b"]
    assert find_in_answers(NAME, texts)["row"].to_list() == [0, 1]


def test_a_loop_that_ends_a_long_answer(find_in_answers) -> None:
    text = f"{STORY} {STORY.replace('miller', 'baker')} and so and so and so and so and so and so"
    found, message = the_hit(find_in_answers(NAME, [text]), text)
    assert found == "and so and so and so and so and so and so"
    assert message == "“and so” 6 times in a row"


def test_a_loop_in_a_script_without_blanks(find_in_answers) -> None:
    text = "我觉得" + "这个问题很难" * 6
    found, message = the_hit(find_in_answers(NAME, [text]), text)
    assert found == "这个问题很难" * 6
    assert message == "“这个问题很难” 6 times in a row"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{STORY}\n\n{STORY}", "lines"),
        (f"{STORY} {STORY}", "sentences"),
        ("\n\n".join([f"{STORY}\nNumber one."] * 2), "lines"),
        (" ".join(f"Step {number}: repeat the whole process again." for number in range(12)),
         "runs of 5 words"),
        (" ".join(f"Then {word}, {STORY[:-1]}," for word in ("first", "later", "last")),
         "runs of 10 words"),
    ],
)  # fmt: skip
def test_an_answer_that_repeats_itself(find_in_answers, text: str, message: str) -> None:
    found, said = the_hit(find_in_answers(NAME, [text]), text)
    assert message in said
    assert text.endswith(found) or found.endswith(text.split()[-1].rstrip(","))


@pytest.mark.parametrize(
    "text",
    [
        # A refrain of three lines, twice among eight others.
        "\n".join([*(f"Verse line number {n} is all new" for n in range(4)), "Row, row your boat",
                   "Gently down the stream", "Life is but a dream",
                   *(f"Another {n} line of the verse" for n in range(4)), "Row, row your boat",
                   "Gently down the stream", "Life is but a dream"]),
        "\n".join(f"{cheese} is a type of cheese." for cheese in
                  ("Gouda", "Brie", "Feta", "Cheddar", "Edam", "Gruyère", "Ricotta", "Quark")),
        "<table>" + "<tr><td>Row 1</td><td>Row 1</td></tr>" * 20 + "</table>",
        "\n".join(["| a | b |"] * 20),
        "1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0",
        "Here:\n```\n" + "x = next(values)\n" * 30 + "```\n" + STORY,
        "It was a good day. " * 2,
    ],
)  # fmt: skip
def test_repetition_by_right(find_in_answers, text: str) -> None:
    assert find_in_answers(NAME, [text]).is_empty()


def test_limits_are_parameters(find_in_answers) -> None:
    song = "\n".join(["one two three four five six"] * 2 + [f"{n} is {n} for {n}" for n in range(9)]
                     + ["one two three four five six"])  # fmt: skip

    def found(**parameters: float) -> int:
        return find_in_answers(NAME, [song], parameters={NAME: parameters}).height

    assert found() == 0
    assert found(repeated_units=0.2) == 1
    assert found(repeated_units=0.2, least_words_shares=500) == 0
    assert found(repeated_5_grams=0.2) == 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(alphabet="ab! 哈é\n", max_size=40), min_size=1, max_size=5),
    st.integers(2, 9),
)
def test_no_run_of_letters_is_overlooked(texts: list[str], least: int) -> None:
    may_hold = may_hold_letter_run(pl.Series(texts, dtype=pl.String), least)
    for text, may in zip(texts, may_hold, strict=True):
        assert may or not re.search(rf"(?i)([^ \n])\1{{{least - 1},}}", text)


def brute_force_runs(words: list[str], length: int) -> int:
    runs = [tuple(words[first : first + length]) for first in range(len(words) - length + 1)]
    return len(runs) - len(set(runs))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=14), min_size=1, max_size=5))
def test_repeated_runs_are_those_of_plain_counting(texts: list[list[str]]) -> None:
    series = pl.Series([" ".join(words) for words in texts], dtype=pl.String)
    expected = [brute_force_runs(words, 3) for words in texts]
    assert repeated_runs(words_of(series), 3).tolist() == expected
    # The rough words of an empty text are one empty word.
    assert repeated_runs(rough_words_of(series), 3).tolist() == expected


def brute_force_longest_loop(words: list[str], longest: int, times: int, least: int) -> int:
    """Return the number of words of the longest loop."""
    best = 0
    for period in range(1, longest + 1):
        for first in range(len(words)):
            last = first + period
            while last < len(words) and words[last] == words[last - period]:
                last += 1
            if last - first >= max(times * period, least):
                best = max(best, last - first)
    return best


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from("ab"), max_size=20), min_size=1, max_size=4))
def test_the_longest_loop_is_that_of_plain_search(texts: list[list[str]]) -> None:
    series = pl.Series([" ".join(words) for words in texts], dtype=pl.String)
    loops = longest_loops(words_of(series), longest_period=4, least_times=3, least_words=5)
    found = {loop["text"]: loop["length"] + 1 for loop in loops.iter_rows(named=True)}
    for number, words in enumerate(texts):
        assert found.get(number, 0) == brute_force_longest_loop(words, 4, 3, 5)
