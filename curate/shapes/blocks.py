"""Blocks: the content of a message as a list of texts, tool calls and tool results.

OpenAI writes texts as typed parts; Anthropic, Bedrock and Gemini also write calls and results so.
Records have one form for all of them: a text, OpenAI's list of tool calls, and a message of the
role ``tool`` for each result. Here is how each of them spells the blocks. What a spelling would
write differently from the source is kept whole by the message (see :mod:`.shape_messages`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..formats.json_values import NotJsonError, json_text, parse_json

Block = dict[str, Any]
Call = dict[str, Any]
"""A tool call as OpenAI writes it: ``{"id", "type": "function", "function": {…}}``."""

_TYPED_TEXTS = ("text", "input_text", "output_text")
_TYPED_KEYS = ("text", "value")
_REFUSAL = "refusal"
_PARTS = "parts"


class Result(NamedTuple):
    """What a tool gave back."""

    content: str | None
    name: str | None
    call_id: str | None


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a source writes the blocks of a message.

    Attributes:
        always: whether a message that is only a text is written as blocks too.
        text_key: the key that holds a block's text; None for what is no block of text.
        text: a text as a block.
        read_call: a block as a tool call; None for what is none.
        call: a tool call as a block.
        read_result: a block as a tool's result; None for what is none.
        result: a tool's result as a block.
        answering: who says the results of tools, among the source's speakers.
        read_system: the text of a system prompt in a field of its own; None for what is none.
        system: a system prompt as that field has it.
    """

    always: bool
    text_key: Callable[[Block], str | None]
    text: Callable[[str], Block]
    read_call: Callable[[Block], Call | None]
    call: Callable[[Call], Block]
    read_result: Callable[[Block], Result | None]
    result: Callable[[Result], Block]
    answering: str
    read_system: Callable[[Any], str | None]
    system: Callable[[str | None], Any]


def block_name(block: Any) -> str:
    """Name what a block is, for the reader of a fault; empty where it does not say."""
    if not isinstance(block, dict):
        return ""
    kind = block.get("type")
    if isinstance(kind, str):
        return kind
    return next((key for key, value in block.items() if isinstance(value, dict)), "")


def _call(call_id: Any, name: Any, arguments: Any) -> Call | None:
    """Put a tool call together; None unless it is one."""
    if type(name) is not str or (call_id is not None and type(call_id) is not str):
        return None
    identified = {} if call_id is None else {"id": call_id}
    return {**identified, "type": "function", "function": {"name": name, "arguments": arguments}}


def _json_object(text: str | None) -> dict[str, Any] | None:
    """Return the object that a text is, as :func:`json_text` writes it; None where it is none."""
    if not text or not text.startswith("{"):
        return None
    try:
        value = parse_json(text.encode())
    except NotJsonError:
        return None
    return value if isinstance(value, dict) and json_text(value) == text else None


def _joined_texts(value: Any, key_of: Callable[[Block], str | None]) -> str | None:
    """Join the texts of a list of blocks; None where it is anything else."""
    if type(value) is not list:
        return None
    texts: list[str] = []
    for block in value:
        key = key_of(block) if type(block) is dict else None
        if key is None or type(block[key]) is not str:
            return None
        texts.append(block[key])
    return "".join(texts)


def _is_text_or_null(*values: Any) -> bool:
    return all(value is None or type(value) is str for value in values)


def _given(**values: Any) -> Block:
    return {key: value for key, value in values.items() if value is not None}


# Typed blocks: OpenAI's parts, and Anthropic's tool_use and tool_result.


def _typed_text_key(block: Block) -> str | None:
    kind = block.get("type")
    if kind in _TYPED_TEXTS:
        return next((key for key in _TYPED_KEYS if key in block), None)
    return _REFUSAL if kind == _REFUSAL and _REFUSAL in block else None


def _read_typed_call(block: Block) -> Call | None:
    if block.get("type") != "tool_use":
        return None
    return _call(block.get("id"), block.get("name"), block.get("input"))


def _typed_call(call: Call) -> Block:
    function = call["function"]
    return {
        "type": "tool_use",
        **_given(id=call.get("id")),
        "name": function["name"],
        "input": function.get("arguments"),
    }


def _read_typed_result(block: Block) -> Result | None:
    if block.get("type") != "tool_result":
        return None
    content, call_id = block.get("content"), block.get("tool_use_id")
    text = content if _is_text_or_null(content) else _joined_texts(content, _typed_text_key)
    if not _is_text_or_null(call_id) or (text is None and content is not None):
        return None
    return Result(text, None, call_id)


def _typed_result(result: Result) -> Block:
    return {
        "type": "tool_result",
        **_given(tool_use_id=result.call_id, content=result.content),
    }


TYPED = Spelling(
    always=False,
    text_key=_typed_text_key,
    text=lambda text: {"type": "text", "text": text},
    read_call=_read_typed_call,
    call=_typed_call,
    read_result=_read_typed_result,
    result=_typed_result,
    answering="user",
    read_system=lambda value: _joined_texts(value, _typed_text_key),
    system=lambda text: text,
)


# Untyped blocks, told apart by their only key.


def _untyped_text_key(block: Block) -> str | None:
    return "text" if "text" in block and "type" not in block else None


def _text_block(text: str) -> Block:
    return {"text": text}


# Amazon Bedrock: toolUse and toolResult.


def _read_bedrock_call(block: Block) -> Call | None:
    use = block.get("toolUse")
    if type(use) is not dict:
        return None
    return _call(use.get("toolUseId"), use.get("name"), use.get("input"))


def _bedrock_call(call: Call) -> Block:
    function = call["function"]
    return {
        "toolUse": {
            **_given(toolUseId=call.get("id")),
            "name": function["name"],
            "input": function.get("arguments"),
        }
    }


def _read_bedrock_result(block: Block) -> Result | None:
    result = block.get("toolResult")
    if type(result) is not dict or not _is_text_or_null(result.get("toolUseId")):
        return None
    content = result.get("content")
    only = content[0] if type(content) is list and len(content) == 1 else None
    if type(only) is dict and type(only.get("json")) is dict:
        return Result(json_text(only["json"]), None, result.get("toolUseId"))
    text = _joined_texts(content, _untyped_text_key)
    return None if text is None else Result(text, None, result.get("toolUseId"))


def _bedrock_result(result: Result) -> Block:
    value = _json_object(result.content)
    if value is not None:
        content = [{"json": value}]
    else:
        content = [] if result.content is None else [_text_block(result.content)]
    return {"toolResult": {**_given(toolUseId=result.call_id), "content": content}}


BEDROCK = Spelling(
    always=True,
    text_key=_untyped_text_key,
    text=_text_block,
    read_call=_read_bedrock_call,
    call=_bedrock_call,
    read_result=_read_bedrock_result,
    result=_bedrock_result,
    answering="user",
    read_system=lambda value: _joined_texts(value, _untyped_text_key),
    system=lambda text: None if text is None else [_text_block(text)],
)


# Google's Gemini: functionCall and functionResponse, in either case.


def _read_gemini_call(block: Block) -> Call | None:
    call = block.get("functionCall", block.get("function_call"))
    if type(call) is not dict:
        return None
    arguments = call.get("args")
    return _call(call.get("id"), call.get("name"), {} if arguments is None else arguments)


def _gemini_call(call: Call) -> Block:
    function = call["function"]
    named = {**_given(id=call.get("id")), "name": function["name"]}
    return {"functionCall": named | _given(args=function.get("arguments"))}


def _read_gemini_result(block: Block) -> Result | None:
    given = block.get("functionResponse", block.get("function_response"))
    if type(given) is not dict or not _is_text_or_null(given.get("name"), given.get("id")):
        return None
    response = given.get("response")
    if type(response) is not dict:
        return None
    only = response.get("result") if len(response) == 1 else None
    text = only if type(only) is str else json_text(response)
    return Result(text, given.get("name"), given.get("id"))


def _gemini_result(result: Result) -> Block:
    response = _json_object(result.content)
    if response is None:
        response = {"result": result.content}
    return {
        "functionResponse": _given(id=result.call_id, name=result.name) | {"response": response}
    }


def _read_gemini_system(value: Any) -> str | None:
    parts = value.get(_PARTS) if type(value) is dict else None
    return _joined_texts([parts] if type(parts) is dict else parts, _untyped_text_key)


GEMINI = Spelling(
    always=True,
    text_key=_untyped_text_key,
    text=_text_block,
    read_call=_read_gemini_call,
    call=_gemini_call,
    read_result=_read_gemini_result,
    result=_gemini_result,
    answering="user",
    read_system=_read_gemini_system,
    system=lambda text: None if text is None else {_PARTS: [_text_block(text)]},
)
