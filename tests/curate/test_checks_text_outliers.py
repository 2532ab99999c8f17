"""Outliers of length and of compression, and runs that look encoded."""

from __future__ import annotations

import base64
import random

import pytest

from tunewise.curate.checks.text_compression import compression_ratio

LENGTH, COMPRESSION = "text/length", "text/compression"
WORDS = (
    "board saw glue clamp sand plane measure corner joint varnish brush dry grain oak pine walnut "
    "screw nail drill dust bench light edge curve pencil line mark cut shape hold turn slow fast"
)


def prose(seed: int, words: int) -> str:
    choice = random.Random(seed)
    return " ".join(choice.choice(WORDS.split()) for _ in range(words)).capitalize() + "."


def answers_of_usual_length(count: int = 150) -> list[str]:
    return [prose(seed, 80 + seed % 60) for seed in range(count)]


@pytest.mark.parametrize("odd", [prose(1, 5000), "No.", "?"])
def test_a_message_of_unusual_length(find_in_answers, odd: str) -> None:
    texts = [*answers_of_usual_length(), odd]
    (finding,) = find_in_answers(LENGTH, texts).to_dicts()
    assert finding["row"] == len(texts) - 1
    assert finding["field"] == "messages[1].content"
    assert finding["score"] > 8
    assert str(len(odd)) in finding["message"]


def test_lengths_of_each_role_are_apart(check_rows) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "Yes?" * (1 + number % 3)},
                      {"role": "assistant", "content": prose(number, 200)}]}
        for number in range(120)
    ]  # fmt: skip
    result = check_rows(LENGTH, rows)
    assert result.findings.is_empty()
    assert result.reason.endswith("user 8")


def test_outliers_among_messages_of_one_length(find_in_answers) -> None:
    texts = ["yes"] * 120 + ["no"] * 10 + [prose(3, 40)]
    assert find_in_answers(LENGTH, texts)["row"].to_list() == [130]


def test_too_few_messages_for_lengths(check_rows) -> None:
    result = check_rows(LENGTH, [{"prompt": "a", "completion": "b"}])
    assert result.status == "skipped"


def test_unusual_lengths_are_settings(find_in_answers) -> None:
    texts = [*answers_of_usual_length(), prose(1, 700)]

    def found(**parameters: float) -> int:
        return find_in_answers(LENGTH, texts, parameters={LENGTH: parameters}).height

    assert found() == 1
    assert found(times_longest=9) == 0
    assert found(times_longest=9, least_times=4) == 1
    assert found(times_longest=9, least_times=4, most_deviations=50) == 0


def test_where_every_length_is_usual_only_the_longest_stands_out(find_in_answers) -> None:
    texts = [prose(seed, 2 ** (seed % 9)) for seed in range(180)]
    assert find_in_answers(LENGTH, texts).is_empty()
    assert find_in_answers(LENGTH, [*texts, prose(1, 1000)])["row"].to_list() == [180]


def test_many_long_messages_do_not_hide_each_other(find_in_answers) -> None:
    texts = [*answers_of_usual_length(300), *(prose(seed, 500) for seed in range(9))]
    assert find_in_answers(LENGTH, texts)["row"].to_list() == [*range(300, 309)]


def test_a_chinese_character_counts_as_three_letters(check_rows) -> None:
    asked = ["Who are you, and what can you do for me?"] * 150 + ["你是谁", "abc"]
    rows = [{"prompt": text, "completion": prose(number, 90)} for number, text in enumerate(asked)]
    (finding,) = check_rows(LENGTH, rows).findings.to_dicts()
    assert finding["row"] == 151
    assert finding["message"].startswith("3 letters")


def test_compression_ratio_is_that_of_zlib() -> None:
    assert compression_ratio("a") < 1
    assert compression_ratio("0" * 4000) > 100


@pytest.mark.parametrize(
    ("odd", "word"), [("x = next(row)\n" * 60, "better"), ("0" * 800, "better")]
)
def test_redundant_messages(find_in_answers, odd: str, word: str) -> None:
    texts = [*answers_of_usual_length(), odd]
    (finding,) = find_in_answers(COMPRESSION, texts).to_dicts()
    assert finding["row"] == len(texts) - 1
    assert word in finding["message"]
    assert finding["score"] == pytest.approx(compression_ratio(odd), rel=1e-5)


def test_random_messages(find_in_answers) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.;:!?()[]"
    choice = random.Random(5)
    garbage = " ".join("".join(choice.choices(letters, k=7)) for _ in range(200))
    texts = [*answers_of_usual_length(), garbage]
    (finding,) = find_in_answers(COMPRESSION, texts).to_dicts()
    assert finding["row"] == len(texts) - 1
    assert "worse" in finding["message"]


def test_garbage_among_garbage_is_found(find_in_answers) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.;:!?()[]<>%&$#@*"
    choice = random.Random(5)
    texts = ["".join(choice.choices(letters, k=900)) for _ in range(200)]
    found = find_in_answers(COMPRESSION, texts)
    assert found["row"].to_list() == [*range(200)]
    assert "worse" in found["message"][0]


def test_a_listing_is_shown_where_it_stands(find_in_answers) -> None:
    listing = "\n".join(f"page {number} of 120" for number in range(1, 60))
    text = f"{prose(1, 200)}\n\n{listing}\n\n{prose(2, 20)}"
    (finding,) = find_in_answers(COMPRESSION, [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == listing
    assert finding["message"] == "59 lines in a row that differ in their numbers alone"
    short = "\n".join(listing.split("\n")[:20])
    assert find_in_answers(COMPRESSION, [short]).is_empty()


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{number}. {prose(number, 8)}" for number in range(60)),
        "\n".join(f"{prose(number, 3)} {number}" for number in range(60)),
    ],
)
def test_lists_of_different_items_are_no_listings(find_in_answers, text: str) -> None:
    assert find_in_answers(COMPRESSION, [text]).is_empty()


def test_an_encoded_run_is_shown_where_it_stands(find_in_answers) -> None:
    run = base64.b64encode(random.Random(5).randbytes(120)).decode()
    text = f"Here it is: {run} as you wanted."
    (finding,) = find_in_answers(COMPRESSION, [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == run


@pytest.mark.parametrize(
    "text",
    [
        "See https://example.org/" + base64.b64encode(random.Random(6).randbytes(120)).decode(),
        "=" * 200,
        "a" * 150,
        "0123456789abcdef" * 10,
        "LongIdentifierNamesAreFineInSomeLanguages1" * 4,
        "Donaudampfschifffahrtsgesellschaftskapitän" * 3,
    ],
)
def test_long_runs_that_are_not_encoded(find_in_answers, text: str) -> None:
    assert find_in_answers(COMPRESSION, [text]).is_empty()


def test_few_messages_are_compared_with_usual_ones_and_that_is_said(check_rows) -> None:
    rows = [{"text": "0" * 900}, {"text": prose(1, 120)}, {"text": "包裹将于星期一送到" * 60}]
    result = check_rows(COMPRESSION, rows, shape="text")
    assert result.findings["row"].to_list() == [0]
    assert "too few long messages" in result.reason
