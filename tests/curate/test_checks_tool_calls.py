"""Tool calls: sound conversations have no fault, and each fault is found where it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curate.measures.tool_faults import Tool, offered_tools, tool_faults

CHECK = "schema/tool-calls"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "day": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def call(name: str = "weather", arguments: Any = '{"city": "Bonn"}', identity: str | None = None):
    function = {"name": name, "arguments": arguments}
    return {"type": "function", "function": function, **({"id": identity} if identity else {})}


def message(role: str, content: str | None = "x", **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def calling(*calls: Any) -> dict[str, Any]:
    return message("assistant", None, tool_calls=list(calls))


def result(identity: str | None = None, **fields: Any) -> dict[str, Any]:
    return message("tool", "sunny", **({"tool_call_id": identity} if identity else {}), **fields)


def row(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": [message("user"), *messages], **fields}


SOUND = {
    "one call": row(calling(call()), result(), message("assistant")),
    "ids": row(calling(call(identity="a")), result("a"), message("assistant")),
    "two calls, results in another order": row(
        calling(call(identity="a"), call(identity="b")), result("b"), result("a"),
        message("assistant"),
    ),
    "two calls in turn": row(calling(call()), result(), calling(call()), result()),
    "last call without result": row(calling(call(identity="a"))),
    "results without ids": row(calling(call(identity="a")), result(), message("assistant")),
    "arguments as object": row(calling(call(arguments={"city": "Bonn"})), result()),
    "tools": row(calling(call()), result(), tools=[WEATHER]),
    "tools as text": row(calling(call()), result(), tools=json.dumps([WEATHER["function"]])),
    "functions": row(calling(call()), result(), functions=[WEATHER["function"]]),
    "tool without parameters": row(calling(call("now", "{}")), result(), tools=[{"name": "now"}]),
    "name of the result": row(calling(call()), result(name="weather")),
    "no tools on offer": row(calling(call("anything")), result(), tools=""),
}  # fmt: skip
FAULTY = {
    "arguments are no JSON": (row(calling(call(arguments="{city: Bonn}")), result()),
                              "messages[1].tool_calls", "high", "arguments of 'weather'"),
    "arguments are no object": (row(calling(call(arguments="[1]")), result()),
                                "messages[1].tool_calls", "high", "found a list"),
    "no name": (row(calling({"type": "function", "function": {"arguments": "{}"}}), result()),
                "messages[1].tool_calls", "high", "name"),
    "not on offer": (row(calling(call("wether")), result(), tools=[WEATHER]),
                     "messages[1].tool_calls", "high", "'wether'"),
    "none on offer": (row(calling(call()), result(), tools=[]),
                      "messages[1].tool_calls", "high", "(none)"),
    "needed argument missing": (row(calling(call(arguments="{}")), result(), tools=[WEATHER]),
                                "messages[1].tool_calls", "medium", "'city' missing"),
    "unknown argument": (
        row(calling(call(arguments='{"city": "x", "hour": 1}')), result(), tools=[WEATHER]),
        "messages[1].tool_calls", "medium", "'hour'"),
    "no result": (row(calling(call(identity="a")), message("assistant")),
                  "messages[1].tool_calls", "medium", "'weather'"),
    "one result of two": (row(calling(call(), call()), result(), message("user")),
                          "messages[1].tool_calls", "medium", "result"),
    "result without call": (row(result(), message("assistant")),
                            "messages[1].content", "medium", "call before"),
    "result after the answer": (row(calling(call()), result(), message("assistant"), result()),
                                "messages[4].content", "medium", "call before"),
    "unknown id": (row(calling(call(identity="a")), result("b")),
                   "messages[2].tool_call_id", "medium", "'b'"),
    "id twice": (row(calling(call(identity="a"), call(identity="a")), result("a"), result("a")),
                 "messages[1].tool_calls", "medium", "twice"),
    "result of another": (row(calling(call()), result(name="news")),
                          "messages[2].name", "medium", "'news'"),
    "tools are no JSON": (row(calling(call()), result(), tools="[{"), "extra", "high", "JSON"),
    "tool without name": (row(calling(call()), result(), tools=[{"type": "function"}]),
                          "extra", "high", "names"),
}  # fmt: skip


@pytest.mark.parametrize("sound", SOUND.values(), ids=SOUND)
def test_sound_rows(check_rows, sound: dict[str, Any]) -> None:
    checked = check_rows(CHECK, [sound, row(message("assistant"))])
    assert checked.status == "ran"
    assert checked.findings["message"].to_list() == []


@pytest.mark.parametrize(("faulty", "field", "severity", "words"), FAULTY.values(), ids=FAULTY)
def test_faults(check_rows, faulty, field: str, severity: str, words: str) -> None:
    (finding,) = check_rows(CHECK, [SOUND["one call"], faulty]).findings.to_dicts()
    assert (finding["row"], finding["field"], finding["severity"]) == (1, field, severity)
    assert words in finding["message"]
    assert finding["fix"] == "drop"


def test_each_answer_of_a_preference_goes_on_from_the_prompt() -> None:
    calls = json.dumps([call(identity="a")])
    prompt = [
        {"role": "user", "tool_calls": None},
        {"role": "assistant", "tool_calls": calls},
    ]
    answer = [{"role": "tool", "tool_calls": None, "tool_call_id": "a", "name": None},
              {"role": "assistant", "tool_calls": None}]  # fmt: skip
    record = {"messages": prompt, "chosen": answer, "rejected": answer[1:], "extra": None}
    (fault,) = tool_faults(record)
    assert fault.field == "messages[1].tool_calls"


def test_rows_without_calls_are_skipped(check_rows) -> None:
    checked = check_rows(CHECK, [row(message("assistant"))])
    assert (checked.status, checked.reason) == ("skipped", "no row calls a tool")


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.booleans(), st.randoms())
def test_a_result_that_is_left_out_is_always_missed(turns, with_ids: bool, chance) -> None:
    messages: list[dict[str, Any]] = []
    for turn, count in enumerate(turns):
        ids = [f"{turn}-{number}" if with_ids else None for number in range(count)]
        calls = [call(identity=identity) for identity in ids]
        messages.append({"role": "assistant", "tool_calls": json.dumps(calls)})
        chance.shuffle(ids)
        for identity in ids:
            messages.append(
                {"role": "tool", "tool_calls": None, "name": None, "tool_call_id": identity}
            )
    messages.append({"role": "assistant", "tool_calls": None})
    record = {"messages": messages, "chosen": None, "rejected": None, "extra": None}
    assert tool_faults(record) == []
    results = [place for place, one in enumerate(messages) if one["role"] == "tool"]
    del messages[chance.choice(results)]
    assert len(tool_faults(record)) == 1


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
)


@given(JSON_VALUES, JSON_VALUES)
def test_nothing_that_stands_there_breaks_the_check(calls: Any, tools: Any) -> None:
    record = {
        "messages": [{"role": "assistant", "tool_calls": json.dumps(calls)}],
        "chosen": None,
        "rejected": None,
        "extra": json.dumps({"tools": tools}),
    }
    for fault in tool_faults(record):
        assert fault.message.startswith("expected ")


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [WEATHER]},
        {"functions": [WEATHER["function"]]},
        {"tools": json.dumps([WEATHER["function"]])},
        {"tools": [{"name": "weather", "input_schema": WEATHER["function"]["parameters"]}]},
        {"tools": [{"functionDeclarations": [WEATHER["function"]]}, {"googleSearch": {}}]},
        {"tools": [{"function_declarations": [WEATHER["function"]]}]},
        {
            "toolConfig": {
                "tools": [
                    {
                        "toolSpec": {
                            "name": "weather",
                            "inputSchema": {"json": WEATHER["function"]["parameters"]},
                        }
                    },
                    {"cachePoint": {"type": "default"}},
                ]
            }
        },
    ],
)
def test_offers_are_read_in_every_spelling(fields: dict[str, Any]) -> None:
    tools = offered_tools(json.dumps(fields))
    assert tools == {"weather": Tool(frozenset({"city"}), frozenset({"city", "day"}))}


@pytest.mark.parametrize(
    "tools", [[{"functionDeclarations": [{}]}], [{"toolSpec": {}}], [{"function": {}}], [5]]
)
def test_an_offer_without_a_name_is_told(tools: list[Any]) -> None:
    with pytest.raises(ValueError, match="expected tools with names, found one without"):
        offered_tools(json.dumps({"tools": tools}))
