"""Messages as sources write them: ``role``/``content``, ``from``/``value``, parts, tool calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .json_values import NotJsonError, json_text, parse_json, type_name
from .leftover import leftover, put_back

PARTS = "parts"
FUNCTION_CALL = "function_call"
_TEXT_PARTS = ("text", "input_text", "output_text")
_TEXT_KEYS = ("text", "value")
_WEIGHT_KEYS = ("weight", "loss_weight")
_LARGEST_WEIGHT = 2**31

Form = dict[str, Any]
"""What a message's columns cannot express: a leftover, and the parts of its content."""

Forms = dict[str, Form]
"""The forms of a list's messages that need one, by position."""


class UnfitError(ValueError):
    """A row does not fit the shape it is read as.

    Args:
        place: the field, such as ``messages[1].role``.
        expected: what should be there.
        found: what is there.
    """

    def __init__(self, place: str, expected: str, found: str) -> None:
        """Say all three in one sentence."""
        super().__init__(f"{place}: expected {expected}, found {found}")
        self.place = place
        self.expected = expected
        self.found = found


class Message(NamedTuple):
    """One turn; the fields are those of the records' message column."""

    role: str | None
    content: str | None
    name: str | None = None
    tool_calls: str | None = None
    tool_call_id: str | None = None
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """How a source names the fields of a message and who speaks.

    Attributes:
        role: the key of the role, such as ``from``.
        content: the key of the text, such as ``value``.
        roles: what the source's speakers are called here; others stay as they are.
        speakers: what roles are called when they are written; others stay as they are.
        functions: whether a speaker ``function_call`` says tool calls as JSON.
    """

    role: str = "role"
    content: str = "content"
    roles: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    functions: bool = False


SHAREGPT_SPEAKERS = {
    "user": "human",
    "assistant": "gpt",
    "system": "system",
    "tool": "observation",
}
SHAREGPT_ROLES = {
    **{speaker: role for role, speaker in SHAREGPT_SPEAKERS.items()},
    "user": "user",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "tool": "tool",
    "function_response": "tool",
    FUNCTION_CALL: "assistant",
}
CHAT_TAGS = Tags()
SHAREGPT_TAGS = Tags("from", "value", SHAREGPT_ROLES, SHAREGPT_SPEAKERS, functions=True)


def read_messages(value: Any, place: str, tags: Tags) -> tuple[list[Message], Forms]:
    """Understand a list of messages.

    Args:
        value: what the source has there.
        place: its field, for messages about faults.
        tags: how the source names things.

    Returns:
        The messages, and the forms of those that need one.

    Raises:
        UnfitError: it is no list of messages, or a message has a field of the wrong type.
    """
    if type(value) is not list:
        raise UnfitError(place, "a list of messages", type_name(value))
    role_key, content_key, roles, speakers = tags.role, tags.content, tags.roles, tags.speakers
    new = tuple.__new__
    messages: list[Message] = []
    forms: Forms = {}
    for index, item in enumerate(value):
        # Nearly all messages are role and content, in this order and both text.
        if type(item) is dict and len(item) == 2:
            (first, speaker), (second, content) = item.items()
            is_text = type(speaker) is str and type(content) is str
            if is_text and first == role_key and second == content_key:
                role = roles.get(speaker, speaker)
                if speakers.get(role, role) == speaker:
                    # Message(role, content), in half the time.
                    messages.append(new(Message, (role, content, None, None, None, None)))
                    continue
        message, form = read_message(item, f"{place}[{index}]", tags)
        messages.append(message)
        if form:
            forms[str(index)] = form
    return messages, forms


def write_messages(messages: Sequence[Message], forms: Forms, tags: Tags) -> list[dict[str, Any]]:
    """Write messages as their source had them; the inverse of :func:`read_messages`."""
    return [
        write_message(message, forms.get(str(index)), tags)
        for index, message in enumerate(messages)
    ]


def read_message(item: Any, place: str, tags: Tags) -> tuple[Message, Form]:
    """Understand one message; the form is empty where its columns say everything.

    Raises:
        UnfitError: it is no object, or has a field of the wrong type.
    """
    if type(item) is not dict:
        raise UnfitError(place, "a message (an object)", type_name(item))
    speaker = _text(item, tags.role, place)
    content, parts = _read_content(item.get(tags.content), f"{place}.{tags.content}")
    calls = _read_tool_calls(item.get("tool_calls"), place)
    if tags.functions and speaker == FUNCTION_CALL and content is not None and parts is None:
        said = _calls_from_text(content)
        content, calls = (content, calls) if said is None else (None, said)
    own_keys = (tags.role, tags.content)
    message = Message(
        None if speaker is None else tags.roles.get(speaker, speaker),
        content,
        None if "name" in own_keys else _text(item, "name", place),
        calls,
        _text(item, "tool_call_id", place),
        _read_weight(item, place),
    )
    form: Form = leftover(item, _written(message, parts, tags))
    if parts is not None:
        form[PARTS] = parts
    return message, form


def write_message(message: Message, form: Form | None, tags: Tags) -> dict[str, Any]:
    """Write one message; the inverse of :func:`read_message`."""
    if form is None:
        return _written(message, None, tags)

    def still_means(item: dict[str, Any]) -> bool:
        try:
            return read_message(item, "", tags)[0] == message
        except UnfitError:
            return False

    return put_back(_written(message, form.get(PARTS), tags), form, still_means)


def _written(message: Message, parts: list[Any] | None, tags: Tags) -> dict[str, Any]:
    role, content, name, calls, call_id, weight = message
    said = _calls_as_text(calls) if tags.functions and content is None and calls else None
    if said is not None and role == "assistant":
        item: dict[str, Any] = {tags.role: FUNCTION_CALL, tags.content: said}
        calls = None
    else:
        speaker = None if role is None else tags.speakers.get(role, role)
        item = {tags.role: speaker, tags.content: _write_content(content, parts)}
    if name is not None:
        item["name"] = name
    if calls is not None:
        item["tool_calls"] = parse_json(calls.encode())
    if call_id is not None:
        item["tool_call_id"] = call_id
    if weight is not None:
        item["weight"] = weight
    return item


def _text(item: dict[str, Any], key: str, place: str) -> str | None:
    value = item.get(key)
    if value is None or type(value) is str:
        return value
    raise UnfitError(f"{place}.{key}", "text", type_name(value))


def _read_content(value: Any, place: str) -> tuple[str | None, list[Any] | None]:
    """Return a message's text; for a list of text parts also the parts with lengths for texts."""
    if value is None or type(value) is str:
        return value, None
    if type(value) is not list:
        raise UnfitError(place, "text", type_name(value))
    texts: list[str] = []
    parts: list[Any] = []
    for index, part in enumerate(value):
        kind = part.get("type") if type(part) is dict else None
        key = next((key for key in _TEXT_KEYS if kind in _TEXT_PARTS and key in part), None)
        if key is None:
            found = f"a part of type {kind[:40]!r}" if isinstance(kind, str) else type_name(part)
            raise UnfitError(f"{place}[{index}]", "a part of type 'text'", found)
        if type(part[key]) is not str:
            raise UnfitError(f"{place}[{index}].{key}", "text", type_name(part[key]))
        texts.append(part[key])
        parts.append(part | {key: len(part[key])})
    return "".join(texts), parts


def _write_content(content: str | None, parts: list[Any] | None) -> Any:
    """Put a text back into its parts; an edited one of another length goes into the first."""
    if parts is None or content is None or (content and not parts):
        return content
    keys = [next(key for key in _TEXT_KEYS if type(part.get(key)) is int) for part in parts]
    lengths = [part[key] for part, key in zip(parts, keys, strict=True)]
    if lengths and sum(lengths) != len(content):
        lengths = [len(content)] + [0] * (len(lengths) - 1)
    filled: list[Any] = []
    start = 0
    for part, key, length in zip(parts, keys, lengths, strict=True):
        filled.append(part | {key: content[start : start + length]})
        start += length
    return filled


def _read_tool_calls(value: Any, place: str) -> str | None:
    if value is None:
        return None
    if type(value) is not list:
        raise UnfitError(f"{place}.tool_calls", "a list of tool calls", type_name(value))
    return json_text(value)


def _calls_from_text(said: str) -> str | None:
    """Turn ``{"name": …, "arguments": …}`` (or a list of them) into a list of tool calls."""
    try:
        value = parse_json(said.encode())
    except NotJsonError:
        return None
    functions = value if isinstance(value, list) else [value]
    if not functions or not all(isinstance(item, dict) and "name" in item for item in functions):
        return None
    return json_text([{"type": "function", "function": item} for item in functions])


def _calls_as_text(calls: str) -> str | None:
    """The inverse of :func:`_calls_from_text`; None for calls that carry more than functions."""
    value = parse_json(calls.encode())
    if not value or not all(_is_bare_call(call) for call in value):
        return None
    functions = [call["function"] for call in value]
    return json.dumps(functions[0] if len(functions) == 1 else functions, ensure_ascii=False)


def _is_bare_call(call: Any) -> bool:
    return isinstance(call, dict) and set(call) == {"type", "function"}


def _read_weight(item: dict[str, Any], place: str) -> int | None:
    for key in _WEIGHT_KEYS:
        value = item.get(key)
        if value is None:
            continue
        is_whole = type(value) is int or (type(value) is float and value.is_integer())
        if not is_whole or abs(value) > _LARGEST_WEIGHT:
            raise UnfitError(f"{place}.{key}", "a whole number", _describe(value))
        return int(value)
    return None


def _describe(value: Any) -> str:
    return str(value)[:40] if type(value) in (int, float) else type_name(value)
