"""Checks of form: every fault is found in its row and field, and sound rows are left alone."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.curate.auditing.checking import run_check
from tunewise.curate.check import CheckContext
from tunewise.curate.checks.registry import choose_checks
from tunewise.curate.checks.rules import Rule, broken_rules
from tunewise.curate.records import (
    RECORD_SCHEMA,
    SET_ASIDE_SCHEMA,
    Dataset,
    Detection,
)

GOOD = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def chat(*turns: tuple[str, str | None]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def fields(findings: pl.DataFrame) -> list[tuple[int, str]]:
    return findings.select("row", "field").rows()


def test_a_malformed_line_is_reported_with_its_place(check_rows) -> None:
    result = check_rows("schema/malformed-row", [chat(("user", "a"), ("assistant", "b")), "{nope"])
    (finding,) = result.findings.to_dicts()
    assert finding["row"] == 1
    assert finding["severity"] == "high"
    assert "line 2" in finding["message"]
    assert "byte 88" in finding["message"]


def test_a_row_without_its_field_is_missing_a_field_and_not_malformed(check_rows) -> None:
    rows = [chat(("user", "a"), ("assistant", "b")), {"id": "x", "topic": "y"}]
    missing = check_rows("schema/missing-field", rows)
    assert fields(missing.findings) == [(1, "messages")]
    assert missing.findings["fix"].to_list() == ["none"], "the row was set aside already"
    assert check_rows("schema/malformed-row", rows).findings.is_empty()


def test_a_missing_field_is_known_by_the_readers_own_words(check_rows, monkeypatch) -> None:
    for module in ("shapes.shape", "checks.set_aside"):
        monkeypatch.setattr(f"tunewise.curate.{module}.NO_SUCH_FIELD", "nothing of the kind")
    rows = [chat(("user", "a"), ("assistant", "b")), {"id": "x", "topic": "y"}]
    missing = check_rows("schema/missing-field", rows)
    assert fields(missing.findings) == [(1, "messages")]
    assert check_rows("schema/malformed-row", rows).findings.is_empty()


def test_an_input_without_its_instruction(check_rows) -> None:
    rows = [
        {"instruction": "Name the kind.", "input": "Frog", "output": "An amphibian."},
        {"instruction": None, "input": "Newt", "output": "An amphibian."},
        {"input": "Toad", "output": "An amphibian."},
        {"instruction": "", "input": "What is an eel?", "output": "A fish."},
        {"instruction": 'Say "lacks".', "input": '"lacks"', "output": "lacks"},
    ]
    found = check_rows("schema/missing-field", rows).findings
    assert fields(found) == [(1, "instruction"), (2, "instruction")]
    pairs = [
        {"instruction": said, "input": "Frog", "chosen": "An amphibian.", "rejected": "A fish."}
        for said in ("Name the kind.", None, "")
    ]
    found = check_rows("schema/missing-field", pairs).findings
    assert fields(found) == [(1, "prompt")]


def test_parts_of_messages_that_are_missing(check_rows) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant"}]},
        {"messages": [{"content": "a"}, {"role": "assistant", "content": "b"}]},
        {"messages": []},
        {"messages": GOOD},
    ]
    result = check_rows("schema/missing-field", rows)
    assert fields(result.findings) == [
        (0, "messages[1].content"),
        (1, "messages[0].role"),
        (2, "messages"),
    ]


def test_a_tool_call_needs_no_content(check_rows) -> None:
    call = [{"type": "function", "function": {"name": "look", "arguments": "{}"}}]
    row = {
        "messages": [
            {"role": "user", "content": "Look!"},
            {"role": "assistant", "content": None, "tool_calls": call},
            {"role": "tool", "content": "", "tool_call_id": "1"},
            {"role": "assistant", "content": "Done."},
        ]
    }
    for name in ("missing-field", "empty-message", "role-order", "no-assistant"):
        assert check_rows(f"schema/{name}", [row]).findings.is_empty(), name


def test_a_classification_without_a_label(check_rows) -> None:
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": None}, {"text": "c", "label": " "}]
    result = check_rows("schema/missing-field", rows, shape="classification")
    assert fields(result.findings) == [(1, "label"), (2, "label")]


@pytest.mark.parametrize("content", ["", "  ", "\n\t", "\u200b", "\u00a0\ufeff"])
def test_messages_that_only_look_like_text_are_empty(check_rows, content: str) -> None:
    result = check_rows("schema/empty-message", [chat(("user", "a"), ("assistant", content))])
    assert fields(result.findings) == [(0, "messages[1].content")]


def test_an_empty_system_prompt_matters_less(check_rows) -> None:
    row = chat(("system", ""), ("user", "a"), ("assistant", "b"))
    assert check_rows("schema/empty-message", [row]).findings["severity"].to_list() == ["low"]


@pytest.mark.parametrize(
    ("turns", "wrong"),
    [
        ("ua", None),
        ("sua", None),
        ("suaua", None),
        ("a", 0),
        ("au", 0),
        ("uaa", 2),
        ("uua", 1),
        ("usa", 1),
        ("uau", 2),
        ("uat", 2),
        ("u?a", 1),
        ("su", None),
    ],
)
def test_turns_out_of_order(check_rows, turns: str, wrong: int | None) -> None:
    names = {"s": "system", "u": "user", "a": "assistant", "t": "tool", "?": "robot"}
    rows = [chat(*((names[turn], "text") for turn in turns)), {"messages": GOOD}]
    found = fields(check_rows("schema/role-order", rows).findings.filter(pl.col("row") == 0))
    if wrong is None:
        assert found == []
    else:
        assert found[0] == (0, f"messages[{wrong}].role")


def test_an_unknown_role_is_named(check_rows) -> None:
    result = check_rows("schema/role-order", [chat(("user", "a"), ("robot", "b"))])
    assert "'robot'" in result.findings["message"][0]
    assert "assistant" in result.findings["message"][0]


def test_a_silent_assistant_is_one_finding_and_no_other(check_rows) -> None:
    rows = [chat(("user", "a")), {"messages": GOOD}]
    assert fields(check_rows("schema/no-assistant", rows).findings) == [(0, "messages")]
    assert check_rows("schema/role-order", rows).findings.is_empty()


def test_an_unknown_role_may_be_the_assistant(check_rows) -> None:
    rows = [chat(("user", "a"), ("robot", "b"))]
    assert check_rows("schema/no-assistant", rows).findings.is_empty()


def preference(chosen: str, rejected: str) -> dict[str, str]:
    return {"prompt": "Which?", "chosen": chosen, "rejected": rejected}


def test_equal_answers_of_a_pair(check_rows) -> None:
    rows = [
        preference("Yes.", "No."),
        preference("Same", " Same\n"),
        preference("It is so; really", "It is so. Really!"),
        preference("?!", "..."),
        preference("x", "..."),
    ]
    found = check_rows("schema/equal-pair", rows).findings
    assert found.select("row", "severity", "fix").rows() == [
        (1, "high", "drop"),
        (2, "low", "review"),
    ]


def test_checks_that_do_not_apply_say_so(check_rows) -> None:
    result = check_rows("schema/equal-pair", [{"messages": GOOD}])
    assert (result.status, result.reason) == ("skipped", "the rows are no preference pairs")


def test_rules_are_checked_even_if_the_environment_turns_pandera_off(monkeypatch) -> None:
    monkeypatch.setenv("PANDERA_VALIDATION_ENABLED", "False")
    frame = pl.DataFrame({"row": [0, 1], "size": [1, -1]})
    rule = Rule("size", "a positive size", pl.col("size").cast(pl.String), pl.col("size") > 0)
    (broken,) = broken_rules(frame, [rule]).to_dicts()
    assert (broken["row"], broken["message"]) == (1, "expected a positive size, found -1")


def test_a_row_that_breaks_two_rules_comes_twice() -> None:
    frame = pl.DataFrame({"row": [7], "size": [-3]})
    shown = pl.col("size").cast(pl.String)
    rules = [
        Rule("size", "a positive size", shown, pl.col("size") > 0),
        Rule("size", "an even size", shown, pl.col("size") % 2 == 0),
        Rule("size", "nothing", shown, pl.lit(None, dtype=pl.Boolean)),
    ]
    assert broken_rules(frame, rules)["message"].to_list() == [
        "expected a positive size, found -3",
        "expected an even size, found -3",
    ]


ANY_ROLE = st.sampled_from(["system", "user", "assistant", "tool", "robot", "", None])
ANY_TEXT = st.one_of(st.none(), st.text(max_size=12))
ANY_MESSAGES = st.one_of(
    st.none(),
    st.lists(st.fixed_dictionaries({"role": ANY_ROLE, "content": ANY_TEXT}), max_size=5),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["chat", "preference", "classification", "text"]),
                "messages": ANY_MESSAGES,
                "chosen": ANY_MESSAGES,
                "rejected": ANY_MESSAGES,
                "label": ANY_TEXT,
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_records_break_a_check_of_form(records: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(
        [{"row": row, "id": str(row), **record} for row, record in enumerate(records)],
        schema=RECORD_SCHEMA,
    )
    dataset = Dataset(
        (), "jsonl", Detection("chat", 1.0), "chat", "", len(records), frame,
        pl.DataFrame(schema=SET_ASIDE_SCHEMA),
    )  # fmt: skip
    context = CheckContext(dataset)
    for check in choose_checks(["schema"]):
        result = run_check(check, context)
        assert result.status in ("ran", "skipped"), result.reason
        assert result.findings["row"].is_in(frame["row"].implode()).all()
        assert result.findings["message"].null_count() == 0
