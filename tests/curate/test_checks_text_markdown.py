"""Markdown: what is broken, how it is repaired, what is fine, and what is out of place."""

from __future__ import annotations

import polars as pl
import pytest

NAME = "text/markdown"


def repaired(findings: pl.DataFrame, text: str) -> str:
    for finding in reversed(findings.filter(pl.col("fix") == "repair").to_dicts()):
        text = text[: finding["start"]] + finding["related"] + text[finding["end"] :]
    return text


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("Run this:\n```sh\nls -l\nand be done.", "```sh", "never closed"),
        ("A:\n```python\nx = 1\n```python\ny = 2\n```\nDone.", "```python", "next one begins"),
        ("A:\n````\n```\n", "````", "never closed"),
        ("It is **very important to know.\n\nNext.", "**", "bold that is never closed"),
        ("See [the page](https://example.org/a for more.", "[the page](https://example.org/a",
         "a link"),
        ("See [the page]() for more.", "[the page]()", "a link"),
        ("See [the page] (https://example.org) there.", "[the page] (https://example.org)",
         "a link"),
        ("| a | b |\n|---|\n| 1 | 2 |", "| a | b |\n|---|\n| 1 | 2 |", "2 columns in its head"),
        ("| a | b |\n|---|---|\n| 1 | 2 | 3 |", "| a | b |\n|---|---|\n| 1 | 2 | 3 |",
         "more cells"),
        ("| a | b |\n| 1 | 2 |\n| 3 | 4 |", "| a | b |\n| 1 | 2 |\n| 3 | 4 |", "without a line"),
        ("---\ntitle: Saws\ndate: 2024-01-01\n---\nAll about saws.",
         "---\ntitle: Saws\ndate: 2024-01-01\n---\n", "front matter"),
    ],
)  # fmt: skip
def test_what_is_broken(find_in_answers, text: str, place: str, message: str) -> None:
    (finding,) = find_in_answers(NAME, [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == place
    assert message in finding["message"]
    assert finding["fix"] == "review"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"It is \*\*very\*\* good.", "It is **very** good."),
        ("\\# Title\n\n\\- one\n\\- two", "# Title\n\n- one\n- two"),
        (
            r"Set max\_length and min\_length, not `a\_b`.",
            r"Set max_length and min_length, not `a\_b`.",
        ),
        ("1\\. One\n2\\. Two", "1. One\n2. Two"),
        ("##Saws\nThey cut.", "## Saws\nThey cut."),
        ("It is ** very good ** indeed.", "It is **very good** indeed."),
        ("Oak is hard【4†source】.", "Oak is hard."),
        ("Oak is hard:contentReference[oaicite:2]{index=2}.", "Oak is hard."),
        ("Oak is hard[^1^].", "Oak is hard."),
    ],
)
def test_what_is_repaired(find_in_answers, text: str, plain: str) -> None:
    found = find_in_answers(NAME, [text])
    assert repaired(found, text) == plain
    assert find_in_answers(NAME, [plain]).is_empty()


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\nSome **bold** and *soft* words, `code`, [a link](https://example.org/a_(b)).",
        "```python\nx = 2 ** 3\nf(**kwargs)\n```\nDone.",
        "````md\n```\nnested\n```\n````",
        "~~~\n```\n~~~",
        "2 ** 3 is 8 and f(*args, **kwargs) is a call; src/**/*.py is a glob.",
        "| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 |",
        "+---+---+\n| a | b |\n| 1 | 2 |\n| 3 | 4 |\n+---+---+",
        r"\(a\_b\) and \[x \* y\] and $a\_b$",
        r"\frac{a}{b} with x\_y",
        r"Use the regex \d+\.\d+ or C:\new\file",
        "I love #saws and ##!",
        "A footnote[^1].\n\n[^1]: Here.",
        "--- \nA line above, and title: none.",
        "See [the page](https://example.org \"title\") and [x][1].",
        "He said f**k and s***.",
        "Write char **names; or g(**options), and **kwargs is usual.",
        "#### 42",
    ],
)  # fmt: skip
def test_what_is_fine(find_in_answers, text: str) -> None:
    assert find_in_answers(NAME, [text]).is_empty()


def test_an_answer_that_is_cut_off_within_code_is_left_to_its_own_check(find_in_answers) -> None:
    text = "Here:\n```python\nfor row in"
    assert find_in_answers(NAME, [text]).is_empty()
    assert find_in_answers("text/truncated", [text]).height == 1


def test_a_question_may_break_off_within_code_too(check_rows) -> None:
    rows = [{"prompt": "Why does this fail?\n```\nfor row in", "completion": "It is not whole."}]
    assert check_rows(NAME, rows).findings["field"].to_list() == ["messages[0].content"]


def test_markdown_where_the_others_have_none(find_in_answers) -> None:
    plain = [f"Take board number {number} and cut it." for number in range(600)]
    texts = [*plain, "Take the **third** board.", "## Boards\n\nTake one."]
    found = find_in_answers(NAME, texts)
    assert found["row"].to_list() == [600, 601]
    assert set(found["severity"]) == {"info"}
    assert find_in_answers(NAME, texts[400:]).is_empty()
    assert find_in_answers(NAME, texts, parameters={NAME: {"most_share": 0.001}}).is_empty()


def test_comments_of_code_are_no_headings(find_in_answers) -> None:
    texts = [f"Take board number {number}." for number in range(600)]
    texts += ["# a comment\nx = 1", "f(a, **b)", "```\n## x\n```"]
    assert find_in_answers(NAME, texts).is_empty()
