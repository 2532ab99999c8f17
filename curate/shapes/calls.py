"""Tool calls: OpenAI's list of them as a message's column holds it, and other ways to write it."""

from __future__ import annotations

import json
from typing import Any

from ..formats.json_values import NotJsonError, json_text, parse_json, type_name
from .unfit import UnfitError

TOOL_CALLS = "tool_calls"


def read_calls(value: Any, place: str) -> str | None:
    """Return the calls of a message's key ``tool_calls`` as JSON.

    Raises:
        UnfitError: it is no list.
    """
    if value is None:
        return None
    if type(value) is not list:
        raise UnfitError(f"{place}.tool_calls", "a list of tool calls", type_name(value))
    return json_text(value)


def parse_calls(calls: str) -> list[Any]:
    """Return the calls that a column holds.

    Raises:
        UnfitError: an edit has made it something else than a list as JSON.
    """
    try:
        value = parse_json(calls.encode())
    except NotJsonError as error:
        raise UnfitError("tool_calls", "a list of tool calls as JSON", str(error)) from error
    if type(value) is not list:
        raise UnfitError("tool_calls", "a list of tool calls", type_name(value))
    return value


def write_calls(calls: str, key: str) -> dict[str, Any]:
    """Write calls as ``tool_calls``, or a single one in another key that it came from.

    Example:
        >>> write_calls('[{"type":"function","function":{"name":"f"}}]', "function_call")
        {'function_call': {'name': 'f'}}
    """
    value = parse_calls(calls)
    if key != TOOL_CALLS and len(value) == 1 and _is_bare(value[0]):
        return {key: value[0]["function"]}
    return {TOOL_CALLS: value}


def calls_from_text(said: str | None) -> str | None:
    """Turn ``{"name": …, "arguments": …}`` (or a list of them) into a list of tool calls.

    Returns:
        The calls as JSON; None where the text is anything else.
    """
    if said is None:
        return None
    try:
        value = parse_json(said.encode())
    except NotJsonError:
        return None
    functions = value if isinstance(value, list) else [value]
    if not functions or not all(isinstance(item, dict) and "name" in item for item in functions):
        return None
    return json_text([function_call(item) for item in functions])


def calls_as_text(calls: str) -> str | None:
    """The inverse of :func:`calls_from_text`; None for calls that carry more than functions."""
    value = parse_calls(calls)
    if not value or not all(_is_bare(call) for call in value):
        return None
    functions = [call["function"] for call in value]
    return json.dumps(functions[0] if len(functions) == 1 else functions, ensure_ascii=False)


def function_call(function: dict[str, Any]) -> dict[str, Any]:
    """Return a call that says only which function is called with what."""
    return {"type": "function", "function": function}


def _is_bare(call: Any) -> bool:
    return isinstance(call, dict) and set(call) == {"type", "function"}
