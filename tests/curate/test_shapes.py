"""Rows survive being understood: untouched ones come back as they were, edits are carried."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tunewise.curate.export import source_rows
from tunewise.curate.records import Detection
from tunewise.curate.shapes.catalogue import SHAPES
from tunewise.curate.shapes.record_frame import RecordColumns, content_id
from tunewise.curate.shapes.rows import RESERVED, layout_of_detection, to_record
from tunewise.curate.shapes.unfit import UnfitError

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
quick = settings(max_examples=50, deadline=None, suppress_health_check=SLOW)

COLUMNS = {"id": "id", "label": "label", "group": "group", "source": "source"}
DETECTIONS = {
    "chat": {"messages": "messages", "system": "system", "role": "role", "content": "content"},
    "sharegpt": {"messages": "conversations", "system": "system", "role": "from"},
    "alpaca": {
        "instruction": "instruction",
        "input": "input",
        "output": "response",
        "system": "system",
        "history": "history",
    },
    "prompt-completion": {"prompt": "prompt", "completion": "completion", "system": "system"},
    "question-answer": {"question": "query", "answer": "answer"},
    "preference": {
        "prompt": "prompt",
        "input": "input",
        "chosen": "chosen",
        "rejected": "rejected",
        "system": "system",
    },
    "openai-preference": {
        "prompt": "messages",
        "chosen": "preferred_output",
        "rejected": "non_preferred_output",
    },
    "gemini": {"messages": "contents", "system": "systemInstruction"},
    "bedrock": {"messages": "messages", "system": "system"},
    "classification": {"text": "body", "text_pair": "second"},
    "text": {"text": "text"},
}

texts = st.one_of(
    st.sampled_from(["", "Hi", "a\n\nb", "\n", "\n\n", "a\n", "x\n\n\ny", '{"name": "f"}', "\x00"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
scalars = st.one_of(st.none(), texts, numbers)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)
)
text_or_null = st.none() | texts
calls = st.sampled_from(
    [
        '{"name": "f", "arguments": {"x": 1}}',
        '{"name":"f","arguments":{}}',
        '[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]',
        '[{"name": "f"}]',
        "[]",
        "no call",
    ]
)


def shuffled(fields: dict[str, st.SearchStrategy], optional: dict[str, st.SearchStrategy]):
    """Objects with all of the fields, some of the optional ones, in any order."""
    return st.fixed_dictionaries(fields, optional=optional).flatmap(
        lambda made: st.permutations(list(made.items())).map(dict)
    )


def block(**fields: st.SearchStrategy | str):
    """Blocks with these fields, in this order; a text stands for itself."""
    return st.fixed_dictionaries(
        {key: st.just(value) if isinstance(value, str) else value for key, value in fields.items()}
    )


objects = st.dictionaries(texts, json_values, max_size=2)
texts_of_blocks = st.one_of(
    block(type="text", text=texts),
    st.fixed_dictionaries({"value": texts, "type": st.just("text"), "odd": scalars}),
    block(type="refusal", refusal=texts),
)
typed_blocks = st.one_of(
    texts_of_blocks,
    block(type="tool_use", id=texts, name=texts, input=json_values),
    block(type="tool_use", name=texts, odd=scalars),
    block(type="tool_result", tool_use_id=texts, content=text_or_null),
    block(
        type="tool_result",
        content=st.lists(texts_of_blocks, max_size=2),
        is_error=st.booleans(),
    ),
)
text_block = block(text=texts)
bedrock_blocks = st.one_of(
    text_block,
    block(toolUse=block(toolUseId=texts, name=texts, input=json_values)),
    block(
        toolResult=block(
            toolUseId=texts,
            content=st.one_of(
                st.lists(text_block, max_size=2), block(json=objects).map(lambda made: [made])
            ),
            status="error",
        )
    ),
    block(toolResult=block(toolUseId=texts, content=text_block.map(lambda made: [made]))),
)
responses = st.one_of(objects, block(result=json_values))
gemini_blocks = st.one_of(
    text_block,
    block(text=texts, thought=st.booleans()),
    block(functionCall=block(name=texts, args=objects)),
    block(function_call=block(id=texts, name=texts)),
    block(functionResponse=block(name=texts, response=responses)),
    block(function_response=block(id=texts, name=texts, response=responses)),
)


def turns_of(content_key: str, blocks: st.SearchStrategy, roles: list[str]):
    """Messages whose content is a list of blocks, mostly one text."""
    plain = block(role=st.sampled_from(roles), **{content_key: st.lists(text_block, max_size=1)})
    odd = shuffled(
        {},
        {
            "role": st.none() | st.sampled_from(roles) | texts,
            content_key: st.none() | st.lists(blocks, max_size=3),
            "weight": st.sampled_from([None, 0, 1.0]),
            "tool_calls": json_values,
        },
    )
    return st.none() | st.lists(plain | odd, max_size=4)


def messages_of(role_key: str, content_key: str, roles: list[str]):
    parts = st.lists(texts_of_blocks, max_size=3) | st.lists(typed_blocks, max_size=3)
    optional = {
        "name": st.none() | texts,
        "tool_call_id": st.none() | texts,
        "tool_calls": st.none() | st.lists(json_values, max_size=2),
        "weight": st.sampled_from([None, 0, 1, 0.0, 1.0]),
        "loss_weight": st.sampled_from([None, 0.0, 1.0]),
        "refusal": text_or_null,
        "function_call": st.none() | block(name=texts, arguments=texts) | json_values,
        "thought": json_values,
    }
    plain = st.fixed_dictionaries({role_key: st.sampled_from(roles), content_key: texts})
    odd = shuffled(
        {},
        {
            role_key: st.none() | st.sampled_from(roles) | texts,
            content_key: st.one_of(st.none(), texts, parts, calls),
            **optional,
        },
    )
    return st.lists(plain | odd, max_size=4)


chat = messages_of(
    "role", "content", ["system", "user", "assistant", "tool", "human", "function", "developer"]
)
sharegpt = messages_of(
    "from", "value", ["human", "gpt", "system", "function_call", "observation", "chatgpt", "user"]
)
side = st.one_of(st.none(), texts, chat, chat.filter(bool).map(lambda messages: messages[0]))
pairs = st.lists(st.tuples(texts, texts).map(list), max_size=2)
transcripts = st.lists(
    st.tuples(
        st.sampled_from(["\n\nHuman:", "\n\nAssistant:"]), st.sampled_from(["", " "]), texts
    ).map("".join),
    max_size=3,
).map(lambda turns: "".join(["\n\nHuman: Hi", *turns]))
beginnings = st.tuples(chat, chat, chat).map(
    lambda lists: {"chosen": lists[0] + lists[1], "rejected": lists[0] + lists[2]}
)

PARTS: dict[str, st.SearchStrategy] = {
    "chat": shuffled(
        {},
        {
            "messages": st.none() | chat,
            "system": text_or_null | st.lists(texts_of_blocks, max_size=2),
        },
    ),
    "sharegpt": shuffled({}, {"conversations": st.none() | sharegpt, "system": text_or_null}),
    "alpaca": shuffled(
        {},
        {
            "instruction": text_or_null,
            "input": text_or_null,
            "response": text_or_null,
            "system": text_or_null,
            "history": st.none() | pairs,
        },
    ),
    "prompt-completion": shuffled({}, {"prompt": side, "completion": side, "system": text_or_null}),
    "question-answer": shuffled({}, {"query": side, "answer": side}),
    "preference": shuffled(
        {},
        {
            "prompt": side,
            "input": text_or_null,
            "chosen": side,
            "rejected": side,
            "system": text_or_null,
        },
    )
    | beginnings
    | shuffled({"chosen": transcripts, "rejected": transcripts}, {"system": text_or_null})
    | st.tuples(chat, chat, chat).map(
        lambda lists: {
            "prompt": lists[0],
            "chosen": lists[0] + lists[1],
            "rejected": lists[0] + lists[2],
        }
    ),
    "openai-preference": shuffled(
        {
            "input": shuffled(
                {},
                {
                    "messages": chat,
                    "tools": json_values,
                    "parallel_tool_calls": st.booleans(),
                    "id": scalars,
                    "input": json_values,
                    "preferred_output": side,
                    "": json_values,
                },
            )
        },
        {"preferred_output": side, "non_preferred_output": side, "messages": text_or_null},
    ),
    "gemini": shuffled(
        {},
        {
            "contents": turns_of("parts", gemini_blocks, ["user", "model", "function"]),
            "systemInstruction": text_or_null
            | block(parts=st.lists(text_block, max_size=2))
            | block(role="system", parts=text_block),
        },
    ),
    "bedrock": shuffled(
        {},
        {
            "messages": turns_of("content", bedrock_blocks, ["user", "assistant"]),
            "system": text_or_null | st.lists(text_block, max_size=2),
            "schemaVersion": st.just("bedrock-conversation-2024"),
        },
    ),
    "classification": shuffled({}, {"body": text_or_null, "second": text_or_null}),
    "text": shuffled({}, {"text": text_or_null}),
}
others = shuffled(
    {},
    {
        "id": scalars,
        "label": json_values,
        "group": json_values,
        "source": scalars,
        "tools": json_values,
        RESERVED: json_values,
        "": json_values,
    },
)


def rows_of(name: str):
    both = st.tuples(PARTS[name], others).map(lambda made: [*made[0].items(), *made[1].items()])
    return both.flatmap(st.permutations).map(dict)


def detection_of(name: str) -> Detection:
    return Detection(name, 1.0, {**DETECTIONS[name], **COLUMNS})


def records_frame(rows: list[dict[str, Any]], detection: Detection) -> pl.DataFrame:
    layout = layout_of_detection(detection)
    columns = RecordColumns(layout.shape.kind)
    for number, row in enumerate(rows):
        record = to_record(row, layout)
        record.id = content_id(row) if record.id is None else record.id
        columns.add(number, record)
    return columns.take_frame()


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data())
@quick
def test_untouched_rows_come_back_with_every_field_in_its_order(name: str, data: Any) -> None:
    row = data.draw(rows_of(name))
    detection = detection_of(name)
    try:
        to_record(row, layout_of_detection(detection))
    except UnfitError as error:
        assume("no such field" not in str(error))
        raise
    (written,) = source_rows(records_frame([row], detection), detection)
    assert json.dumps(written) == json.dumps(row)


def edited(records: pl.DataFrame, change: Any) -> pl.DataFrame:
    """Change the list of messages of every part that is there."""
    columns = [
        pl.Series(part, [change(lists) for lists in records[part].to_list()], records[part].dtype)
        for part in ("messages", "chosen", "rejected")
    ]
    return records.with_columns(columns)


def masked(messages: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    if messages is None:
        return None
    return [
        message | {"content": message["content"] and message["content"] + " [masked]"}
        for message in messages
    ]


def said(row: dict[str, Any], detection: Detection) -> tuple[Any, ...]:
    return to_record(row, layout_of_detection(detection)).said


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data())
@quick
def test_a_masked_text_is_in_the_row_and_all_else_as_it_was(name: str, data: Any) -> None:
    row = data.draw(rows_of(name))
    detection = detection_of(name)
    try:
        records = edited(records_frame([row], detection), masked)
    except UnfitError:
        assume(False)
        return
    (written,) = source_rows(records, detection)
    (again,) = records_frame([written], detection).to_dicts()
    (wanted,) = records.to_dicts()
    for part in ("messages", "chosen", "rejected", "label", "group", "source"):
        assert again[part] == wanted[part]
    own_fields = {*DETECTIONS[name].values(), SHAPES[name].inside}
    untouched = [key for key in row if key not in own_fields]
    assert json.dumps({key: written[key] for key in untouched}) == json.dumps(
        {key: row[key] for key in untouched}
    )
    assert list(written)[: len(row)] == list(row)
