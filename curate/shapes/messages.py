"""Messages as sources write them: ``role``/``content``, ``from``/``value``, blocks, tool calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..formats.json_values import json_text, type_name
from .blocks import Spelling
from .calls import (
    TOOL_CALLS,
    calls_as_text,
    calls_from_text,
    function_call,
    read_calls,
    write_calls,
)
from .leftover import leftover, put_back
from .tags import ASSISTANT, FUNCTION_CALL, Form, Forms, Message, Tags
from .turns import block_forms, block_text, read_blocks, write_blocks
from .unfit import UnfitError

_REFUSAL = "refusal"
_WEIGHT_KEYS = ("weight", "loss_weight")
_LARGEST_WEIGHT = 2**31

# How a source has what a message's columns hold: the lengths of the parts of its text, calls and
# results among its blocks, how many messages it is, a key of its own for the text or the call.
_PARTS, _BLOCKS, _TURNS, _SAID_AS, _CALLED_AS = "parts", "blocks", "turns", "said_as", "called_as"


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
    in_blocks = tags.spelling.always
    new = tuple.__new__
    messages: list[Message] = []
    forms: Forms = {}
    for index, item in enumerate(value):
        # Nearly all messages are role and content, in this order and both text.
        if type(item) is dict and len(item) == 2:
            (first, speaker), (second, content) = item.items()
            if in_blocks:
                content = _only_text(content)
            is_text = type(speaker) is str and type(content) is str
            if is_text and first == role_key and second == content_key:
                role = roles.get(speaker, speaker)
                if speakers.get(role, role) == speaker:
                    # Message(role, content), in half the time.
                    messages.append(new(Message, (role, content, None, None, None, None)))
                    continue
        said, form = read_turn(item, f"{place}[{index}]", tags)
        if form:
            forms[str(len(messages))] = form
        messages += said
    return messages, forms


def write_messages(messages: Sequence[Message], forms: Forms, tags: Tags) -> list[dict[str, Any]]:
    """Write messages as their source had them; the inverse of :func:`read_messages`."""
    items: list[dict[str, Any]] = []
    index = 0
    while index < len(messages):
        form = forms.get(str(index))
        end = index + (form.get(_TURNS, 1) if form else 1)
        items.append(write_turn(messages[index:end], form, tags))
        index = end
    return items


def read_turn(item: Any, place: str, tags: Tags) -> tuple[list[Message], Form]:
    """Understand one message of a source, which is several here if it has results of tools.

    Returns:
        The messages, at least one, and their form, which is empty where their columns say all.

    Raises:
        UnfitError: it is no object, or has a field of the wrong type.
    """
    if type(item) is not dict:
        raise UnfitError(place, "a message (an object)", type_name(item))
    speaker = _text(item, tags.role, place)
    role = None if speaker is None else tags.roles.get(speaker, speaker)
    value = item.get(tags.content)
    if type(value) is list and any(block_text(block, tags.spelling) is None for block in value):
        weight = _read_weight(item, place)
        messages = read_blocks(value, role, weight, f"{place}.{tags.content}", tags)
        written = write_blocks(messages, (), tags)
        form: Form = {_BLOCKS: block_forms(value, written[tags.content], tags)}
        if form[_BLOCKS]:
            written = write_blocks(messages, form[_BLOCKS], tags)
    else:
        message, form = _read_message(item, role, place, tags)
        if tags.calling is not None and speaker == tags.calling and not form:
            called = calls_from_text(message.content)
            message = message._replace(content=None, tool_calls=called) if called else message
        messages = [message]
        written = _written(messages, form, tags, source=item)
    if len(messages) != 1:
        form[_TURNS] = len(messages)
    form |= leftover(item, written)
    return messages, form


def write_turn(messages: Sequence[Message], form: Form | None, tags: Tags) -> dict[str, Any]:
    """Write what one message of the source became; the inverse of :func:`read_turn`."""
    if form is None:
        return _written(messages, {}, tags)

    def still_means(item: dict[str, Any]) -> bool:
        try:
            return read_turn(item, "", tags)[0] == list(messages)
        except UnfitError:
            return False

    return put_back(_written(messages, form, tags), form, still_means)


def _read_message(
    item: dict[str, Any], role: str | None, place: str, tags: Tags
) -> tuple[Message, Form]:
    """Understand a message that says texts only, with calls in keys beside them."""
    form: Form = {}
    content = item.get(tags.content)
    if type(content) is list:
        content, form = _read_parts(content, tags.spelling)
    elif content is not None and (type(content) is not str or tags.spelling.always):
        wanted = "a list of parts" if tags.spelling.always else "text"
        raise UnfitError(f"{place}.{tags.content}", wanted, type_name(content))
    weight = _read_weight(item, place)
    if tags.spelling.always:
        return Message(role, content, None, None, None, weight), form
    name = None if "name" in (tags.role, tags.content) else _text(item, "name", place)
    calls = read_calls(item.get(TOOL_CALLS), place)
    if calls is None and type(item.get(FUNCTION_CALL)) is dict:
        calls = json_text([function_call(item[FUNCTION_CALL])])
        form[_CALLED_AS] = FUNCTION_CALL
    if content is None and type(item.get(_REFUSAL)) is str:
        content = item[_REFUSAL]
        form[_SAID_AS] = _REFUSAL
    return Message(role, content, name, calls, _text(item, "tool_call_id", place), weight), form


def _read_parts(parts: list[dict[str, Any]], spelling: Spelling) -> tuple[str, Form]:
    """Join the texts of parts; the form has the parts with lengths for texts."""
    keys = _text_keys(parts, spelling)
    texts: list[str] = [part[key] for part, key in zip(parts, keys, strict=True)]
    if spelling.always and len(parts) == 1 and parts[0] == spelling.text(texts[0]):
        return texts[0], {}
    lengths = [part | {key: len(text)} for part, key, text in zip(parts, keys, texts, strict=True)]
    return "".join(texts), {_PARTS: lengths}


def _write_content(content: str | None, parts: list[Any] | None, spelling: Spelling) -> Any:
    """Put a text back into its parts; an edited one of another length goes into the first."""
    if content is None:
        return None
    if parts is None or (content and not parts):
        return [spelling.text(content)] if spelling.always else content
    keys = _text_keys(parts, spelling)
    lengths = [part[key] for part, key in zip(parts, keys, strict=True)]
    if lengths and sum(lengths) != len(content):
        lengths = [len(content)] + [0] * (len(lengths) - 1)
    filled: list[Any] = []
    start = 0
    for part, key, length in zip(parts, keys, lengths, strict=True):
        filled.append(part | {key: content[start : start + length]})
        start += length
    return filled


def _text_keys(parts: Sequence[dict[str, Any]], spelling: Spelling) -> list[str]:
    return [key for part in parts if (key := spelling.text_key(part)) is not None]


def _only_text(content: Any) -> Any:
    """Return the text of a list of one untyped block that holds nothing else."""
    if type(content) is list and len(content) == 1 and type(content[0]) is dict:
        return content[0].get("text") if len(content[0]) == 1 else None
    return None


def _written(
    messages: Sequence[Message], form: Form, tags: Tags, *, source: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Write messages without what is left over of their source.

    Their calls need no parsing where the source is at hand.
    """
    role, content, name, calls, call_id, weight = messages[0]
    in_blocks = _BLOCKS in form or (tags.spelling.always and calls is not None)
    if in_blocks or len(messages) > 1:
        return write_blocks(messages, form.get(_BLOCKS, ()), tags)
    is_calling = tags.calling is not None and content is None and role == ASSISTANT
    said = calls_as_text(calls) if is_calling and calls else None
    if said is not None:
        item: dict[str, Any] = {tags.role: tags.calling, tags.content: said}
        calls = None
    else:
        said_as = form.get(_SAID_AS)
        text = None if said_as else _write_content(content, form.get(_PARTS), tags.spelling)
        item = {tags.role: tags.speaker(role), tags.content: text}
        if said_as:
            item[said_as] = content
    if name is not None:
        item["name"] = name
    if calls is not None:
        key = form.get(_CALLED_AS, TOOL_CALLS)
        item |= write_calls(calls, key) if source is None else {key: source[key]}
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
