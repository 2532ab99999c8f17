"""Marks of chat templates in messages, and answers that go on with the next turn."""

from __future__ import annotations

import polars as pl
import pytest

NAME = "text/chat-markers"


def repaired(findings: pl.DataFrame, text: str) -> str:
    for finding in reversed(findings.filter(pl.col("fix") == "repair").to_dicts()):
        text = text[: finding["start"]] + finding["related"] + text[finding["end"] :]
    return text


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "<|im_start|>assistant\n", "<|endoftext|>", "<|eot_id|>", "</s>", "[/INST]",
     "<</SYS>>", "<end_of_turn>", "<eos>", "<|user|>", "<|fim_middle|>",
     "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|start_header_id|>user"],
)  # fmt: skip
def test_control_tokens_are_taken_out(find_in_answers, token: str) -> None:
    text = f"Cut the board.{token} Then sand it."
    found = find_in_answers(NAME, [text])
    assert repaired(found, text) == "Cut the board. Then sand it."
    assert set(found["severity"]) == {"medium"}


@pytest.mark.parametrize(
    ("text", "heading"),
    [("### Response:\nCut it.", "### Response:"), ("Cut it.\n\n### Instruction: Sand it.",
                                                   "### Instruction: ")],
)  # fmt: skip
def test_headings_of_prompt_formats(find_in_answers, text: str, heading: str) -> None:
    (finding,) = find_in_answers(NAME, [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == heading
    assert finding["fix"] == "review"


def test_an_answer_that_goes_on_with_the_next_turn(find_in_answers) -> None:
    text = "Cut the board.\nUser: And then?\nAssistant: Sand it."
    (finding,) = find_in_answers(NAME, [text]).to_dicts()
    assert text[finding["start"] : finding["end"]] == "User: And then?"
    assert (finding["severity"], finding["fix"]) == ("low", "review")


def test_a_dialogue_that_was_asked_for(check_rows) -> None:
    answer = "Here it is.\nUser: Hello?\nAssistant: Good day."
    rows = [{"prompt": "Write a dialogue with a bot.", "completion": answer},
            {"prompt": "Hello there, friend.", "completion": answer}]  # fmt: skip
    assert check_rows(NAME, rows).findings["row"].to_list() == [1]


@pytest.mark.parametrize(
    "text",
    [
        "Write `<|im_end|>` there, or:\n```\n<s>[INST] Hi [/INST]\n```",
        "It costs <s>20</s> 10 pounds.",
        "a <| b |> c, List<String>, x < s > y",
        "### Inputs and outputs\n\n## User guide\n\nAll about users.",
        "User: Hello?\nBot: Hi.\nUser: Bye.",
        "The human: a riddle.",
    ],
)
def test_what_is_no_mark(find_in_answers, text: str) -> None:
    assert find_in_answers(NAME, [text]).is_empty()


def test_many_tokens_are_one_finding(find_in_answers) -> None:
    text = "a</s>" * 30
    (finding,) = find_in_answers(NAME, [text]).to_dicts()
    assert finding["message"] == "30 places: the control token </s> (30)"
    assert repaired(find_in_answers(NAME, [text]), text) == "a" * 30
