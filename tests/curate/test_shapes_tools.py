"""Tools in every spelling: calls and results as records have them, and back after an edit."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tunewise.curate.shapes.catalogue import SHAPES
from tunewise.curate.shapes.detection import detect_shape
from tunewise.curate.shapes.rows import (
    Layout,
    Record,
    layout_of,
    layout_of_detection,
    to_record,
    to_row,
)
from tunewise.curate.shapes.tags import Message
from tunewise.curate.shapes.unfit import UnfitError

WEATHER = '{"name":"weather","arguments":{"city":"Bonn"}}'
CALL = f'[{{"id":"c1","type":"function","function":{WEATHER}}}]'
NAMELESS_CALL = f'[{{"type":"function","function":{WEATHER}}}]'
ARGUMENTS = {"name": "weather", "arguments": '{"city": "Bonn"}'}

OPENAI: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Bonn"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": ARGUMENTS}],
            "weight": 0,
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "assistant", "content": "It rains.", "weight": 1},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
    "parallel_tool_calls": False,
}
LEGACY: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Bonn"},
        {"role": "assistant", "content": None, "function_call": ARGUMENTS},
        {"role": "function", "name": "weather", "content": "rain"},
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "Where am I?"},
        {"role": "assistant", "refusal": "I cannot say.", "content": None},
    ],
    "functions": [{"name": "weather", "parameters": {}}],
}
ANTHROPIC: dict[str, Any] = {
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {"role": "user", "content": "Bonn"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "A moment."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Bonn"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
                {"type": "text", "text": "And?"},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "It rains."}]},
    ],
}
BEDROCK: dict[str, Any] = {
    "schemaVersion": "bedrock-conversation-2024",
    "system": [{"text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [{"text": "Bonn"}]},
        {
            "role": "assistant",
            "content": [
                {"text": "A moment."},
                {"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Bonn"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "rain"}]}},
                {
                    "toolResult": {
                        "toolUseId": "c2",
                        "content": [{"json": {"sky": "rain"}}],
                        "status": "success",
                    }
                },
            ],
        },
        {"role": "assistant", "content": [{"text": "It rains."}]},
    ],
    "toolConfig": {"tools": []},
}
GEMINI: dict[str, Any] = {
    "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Bo"}, {"text": "nn"}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "weather", "args": {"city": "Bonn"}}}],
        },
        {
            "role": "function",
            "parts": [{"functionResponse": {"name": "weather", "response": {"sky": "rain"}}}],
        },
        {"role": "model", "parts": [{"text": "It rains."}]},
    ],
    "tools": [{"functionDeclarations": []}],
}
SHAREGPT: dict[str, Any] = {
    "conversations": [
        {"from": "human", "value": "Bonn"},
        {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Bonn"}}'},
        {"from": "observation", "value": "rain"},
        {"from": "gpt", "value": "It rains."},
    ],
    "system": "Be brief.",
    "tools": "[]",
}
OPENAI_CALL = json.dumps(OPENAI["messages"][2]["tool_calls"], separators=(",", ":"))
LEGACY_CALL = json.dumps([{"type": "function", "function": ARGUMENTS}], separators=(",", ":"))

SYSTEM, ASKED = Message("system", "Be brief."), Message("user", "Bonn")
SAID = Message("assistant", "It rains.")
KNOWN = {
    "openai": (
        OPENAI,
        [
            Message("developer", "Be brief."),
            ASKED,
            Message("assistant", None, tool_calls=OPENAI_CALL, weight=0),
            Message("tool", "rain", tool_call_id="c1"),
            Message("assistant", "It rains.", weight=1),
        ],
    ),
    "legacy": (
        LEGACY,
        [
            ASKED,
            Message("assistant", None, tool_calls=LEGACY_CALL),
            Message("tool", "rain", name="weather"),
            SAID,
            Message("user", "Where am I?"),
            Message("assistant", "I cannot say."),
        ],
    ),
    "anthropic": (
        ANTHROPIC,
        [
            SYSTEM,
            ASKED,
            Message("assistant", "A moment.", tool_calls=CALL),
            Message("tool", "rain", tool_call_id="c1"),
            Message("user", "And?"),
            SAID,
        ],
    ),
    "bedrock": (
        BEDROCK,
        [
            SYSTEM,
            ASKED,
            Message("assistant", "A moment.", tool_calls=CALL),
            Message("tool", "rain", tool_call_id="c1"),
            Message("tool", '{"sky":"rain"}', tool_call_id="c2"),
            SAID,
        ],
    ),
    "gemini": (
        GEMINI,
        [
            SYSTEM,
            ASKED,
            Message("assistant", None, tool_calls=NAMELESS_CALL),
            Message("tool", '{"sky":"rain"}', name="weather"),
            SAID,
        ],
    ),
    "sharegpt": (
        SHAREGPT,
        [
            SYSTEM,
            ASKED,
            Message("assistant", None, tool_calls=NAMELESS_CALL),
            Message("tool", "rain"),
            SAID,
        ],
    ),
}


def understood(row: dict[str, Any]) -> tuple[Record, Layout]:
    layout = layout_of_detection(detect_shape([row], "data"))
    return to_record(row, layout), layout


@pytest.mark.parametrize("name", KNOWN)
def test_every_spelling_becomes_the_same_messages(name: str) -> None:
    row, messages = KNOWN[name]
    record, layout = understood(row)
    assert record.messages == messages
    assert json.dumps(to_row(record, layout)) == json.dumps(row)


@pytest.mark.parametrize("name", KNOWN)
def test_an_edit_stays_in_its_spelling(name: str) -> None:
    row, _ = KNOWN[name]
    record, layout = understood(row)
    record.messages = [
        message._replace(
            content=message.content and message.content.replace("rain", "snow"),
            tool_calls=message.tool_calls and message.tool_calls.replace("Bonn", "Köln"),
        )
        for message in record.messages
    ]
    expected = json.loads(json.dumps(row).replace("rain", "snow"))
    changed = json.dumps(to_row(record, layout), ensure_ascii=False).replace("Köln", "Bonn")
    assert json.loads(changed) == expected


@pytest.mark.parametrize("name", ["anthropic", "bedrock"])
def test_what_an_edit_leaves_alone_keeps_its_own_fields(name: str) -> None:
    row = copy.deepcopy(KNOWN[name][0])
    for message in row["messages"]:
        message["own"] = {"b": 1, "a": 2}
    record, layout = understood(row)
    record.messages[-1] = record.messages[-1]._replace(content="Sunny.")
    written = to_row(record, layout)
    assert json.dumps(written["messages"][:-1]) == json.dumps(row["messages"][:-1])
    assert written["messages"][-1]["own"] == {"b": 1, "a": 2}


def test_a_field_that_holds_the_others_keeps_them_in_their_place() -> None:
    row = {
        "non_preferred_output": [{"role": "assistant", "content": "bad"}],
        "input": {
            "parallel_tool_calls": True,
            "messages": OPENAI["messages"][:2],
            "tools": OPENAI["tools"],
        },
        "rating": 1,
        "preferred_output": [{"role": "assistant", "content": "good"}],
    }
    record, layout = understood(row)
    assert [message.role for message in record.messages] == ["developer", "user"]
    assert record.extra["tools"] == OPENAI["tools"]
    assert json.dumps(to_row(record, layout)) == json.dumps(row)
    record.messages[1] = record.messages[1]._replace(content="Rome")
    assert to_row(record, layout)["input"]["messages"][1]["content"] == [
        {"type": "text", "text": "Rome"}
    ]


@pytest.mark.parametrize(
    ("row", "shape", "reason"),
    [
        (
            {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png"}}]}]},
            "gemini",
            "contents[0].parts[0]: expected a text, a tool call or a tool's result, "
            "found a part of type 'inlineData'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "a"}, {"image": {}}]}]},
            "bedrock",
            "messages[0].content[1]: expected a text, a tool call or a tool's result, "
            "found a part of type 'image'",
        ),
        (
            {"messages": [{"role": "user", "content": "a"}]},
            "bedrock",
            "messages[0].content: expected a list of parts, found text",
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": 5}]}]},
            "gemini",
            "contents[0].parts[0].text: expected text, found a number",
        ),
        (
            {"contents": [{"parts": []}], "systemInstruction": {"text": "a"}},
            "gemini",
            "systemInstruction: expected text, found an object",
        ),
        (
            {"input": {"messages": [1]}, "preferred_output": []},
            "openai-preference",
            "input.messages[0]: expected a message (an object), found a number",
        ),
        (
            {"input": [], "preferred_output": []},
            "openai-preference",
            "input: expected an object, found a list",
        ),
        (
            {"chosen": {"role": 1}, "rejected": {}},
            "preference",
            "chosen.role: expected text, found a number",
        ),
    ],
)
def test_what_no_message_can_hold_is_told_with_its_place(
    row: dict[str, Any], shape: str, reason: str
) -> None:
    fields = {part.name: part.fields[0] for part in SHAPES[shape].parts}
    with pytest.raises(UnfitError) as caught:
        to_record(row, layout_of(SHAPES[shape], fields))
    assert str(caught.value) == reason


def test_calls_that_an_edit_has_broken_are_refused() -> None:
    for row, broken in ((OPENAI, "[{"), (BEDROCK, '[{"name": "f"}]')):
        record, layout = understood(row)
        record.messages[2] = record.messages[2]._replace(tool_calls=broken)
        with pytest.raises(UnfitError, match="tool_calls"):
            to_row(record, layout)
