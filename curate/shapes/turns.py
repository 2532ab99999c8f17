"""Messages with tool calls or tool results among the blocks of their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..formats.json_values import json_text, type_name
from .blocks import Result, Spelling, block_name
from .calls import parse_calls
from .leftover import leftover, put_back
from .tags import TOOL, Form, Message, Tags
from .unfit import UnfitError


def read_blocks(
    blocks: Sequence[Any], role: str | None, weight: int | None, place: str, tags: Tags
) -> list[Message]:
    """Understand a message with calls or results among its blocks; each result becomes one.

    Args:
        blocks: the content.
        role: who speaks the texts and calls.
        weight: of the message.
        place: the content's field, for messages about faults.
        tags: how the source names things.

    Raises:
        UnfitError: a block is none that a record can hold.
    """
    messages: list[Message] = []
    texts: list[str] = []
    calls: list[dict[str, Any]] = []

    def end_of_speech() -> None:
        if texts or calls:
            content = "".join(texts) if texts else None
            called = json_text(calls) if calls else None
            messages.append(Message(role, content, None, called, None, weight))
            texts.clear()
            calls.clear()

    for index, block in enumerate(blocks):
        read = _read_block(block, f"{place}[{index}]", tags.spelling)
        if isinstance(read, str):
            texts.append(read)
        elif isinstance(read, dict):
            calls.append(read)
        else:
            end_of_speech()
            messages.append(Message(TOOL, read.content, read.name, None, read.call_id, weight))
    end_of_speech()
    return messages


def _read_block(block: Any, place: str, spelling: Spelling) -> str | dict[str, Any] | Result:
    """Return a text, a tool call or a tool's result."""
    text = block_text(block, spelling)
    if text is not None:
        return text
    if type(block) is dict:
        read = spelling.read_call(block) or spelling.read_result(block)
        if read is not None:
            return read
        key = spelling.text_key(block)
        if key is not None:
            raise UnfitError(f"{place}.{key}", "text", type_name(block[key]))
    name = block_name(block)
    found = f"a part of type {name[:40]!r}" if name else type_name(block)
    raise UnfitError(place, "a text, a tool call or a tool's result", found)


def block_text(block: Any, spelling: Spelling) -> str | None:
    """Return the text that a block is; None for what is no block of text."""
    key = spelling.text_key(block) if type(block) is dict else None
    text = None if key is None else block[key]
    return text if type(text) is str else None


def block_forms(
    blocks: Sequence[dict[str, Any]], written: Sequence[dict[str, Any]], tags: Tags
) -> list[Form]:
    """Return the leftovers of blocks; none where they would be written as other blocks."""
    if len(written) != len(blocks):
        return []
    forms = [leftover(block, other) for block, other in zip(blocks, written, strict=True)]
    if not any(forms):
        return []
    pairs = zip(blocks, written, strict=True)
    return forms if all(_means_block(block, tags)(other) for block, other in pairs) else []


def _means_block(block: dict[str, Any], tags: Tags) -> Callable[[dict[str, Any]], bool]:
    """Return a function that tells whether another block means the same."""
    meant = _read_block(block, "", tags.spelling)

    def still_means(other: dict[str, Any]) -> bool:
        try:
            return _read_block(other, "", tags.spelling) == meant
        except UnfitError:
            return False

    return still_means


def write_blocks(messages: Sequence[Message], forms: Sequence[Form], tags: Tags) -> dict[str, Any]:
    """Write messages as one, with texts, calls and results as its blocks.

    Args:
        messages: what one message of the source became.
        forms: what :func:`block_forms` returned.
        tags: how the source names things.

    Raises:
        UnfitError: an edit has made the calls something else than calls of functions.
    """
    spelling = tags.spelling
    speaker: str | None = spelling.answering
    blocks: list[dict[str, Any]] = []
    for role, content, name, calls, call_id, _ in messages:
        if role == TOOL and calls is None:
            blocks.append(spelling.result(Result(content, name, call_id)))
            continue
        speaker = tags.speaker(role)
        if content is not None:
            blocks.append(spelling.text(content))
        for call in parse_calls(calls) if calls is not None else ():
            function = call.get("function") if type(call) is dict else None
            if type(function) is not dict or "name" not in function:
                raise UnfitError("tool_calls", "calls of functions", type_name(call))
            blocks.append(spelling.call(call))
    if len(forms) == len(blocks):
        blocks = [
            put_back(block, form, _means_block(block, tags)) if form else block
            for block, form in zip(blocks, forms, strict=True)
        ]
    item: dict[str, Any] = {tags.role: speaker, tags.content: blocks}
    weight = messages[0].weight
    return item if weight is None else item | {"weight": weight}
