"""Rows of an instruction, its input and its output: Alpaca and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..formats.json_values import type_name
from .shape import (
    ASSISTANT,
    SYSTEM,
    USER,
    Content,
    Fields,
    cut_system,
    only_text,
    read_system,
    require,
    text_field,
    write_system,
)
from .tags import Message, Tags
from .unfit import UnfitError

_BREAK = "\n\n"
_SPLIT = "split"
LACKS = "lacks"
"""The note that a row has an input and no instruction for it: which part is missing."""


def join_input(instruction: str | None, addition: str | None) -> tuple[str | None, int | None]:
    """Join an instruction and its input to one text, with a blank line between them.

    Returns:
        The text, and what :func:`split_input` needs to find the two again: None where the first
        blank line parts them, else the number of characters of the instruction, or -1 where all
        of the text is instruction.
    """
    if not addition:
        text = instruction
    elif not instruction:
        text = addition
    else:
        text = instruction + _BREAK + addition
    wanted = (instruction or "", addition or "")
    if split_input(text, None) == wanted:
        return text, None
    return text, len(wanted[0]) if addition else -1


def split_input(text: str | None, length: int | None) -> tuple[str, str]:
    """Cut a text into instruction and input; the inverse of :func:`join_input`.

    Where an edit has moved the blank line from its place, the nearest one parts the two.
    """
    text = text or ""
    if length is None:
        at = text.find(_BREAK)
    elif length <= 0:
        return ("", text) if length == 0 else (text, "")
    elif text.startswith(_BREAK, length):
        at = length
    else:
        places = (text.rfind(_BREAK, 0, length), text.find(_BREAK, length))
        at = min((place for place in places if place >= 0), default=-1, key=_distance_to(length))
    parted = 0 < at < len(text) - len(_BREAK)
    return (text[:at], text[at + len(_BREAK) :]) if parted else (text, "")


def _distance_to(length: int) -> Callable[[int], int]:
    return lambda place: abs(place - length)


def _read_history(value: Any) -> list[Message]:
    if value is None:
        return []
    if type(value) is not list:
        raise UnfitError("history", "a list of pairs of texts", type_name(value))
    messages: list[Message] = []
    for index, pair in enumerate(value):
        if type(pair) is not list or len(pair) != 2 or not all(type(item) is str for item in pair):
            raise UnfitError(f"history[{index}]", "a pair of texts", type_name(pair))
        messages += [Message(USER, pair[0]), Message(ASSISTANT, pair[1])]
    return messages


def read_instruction(fields: Fields, tags: Tags) -> Content:
    """Read an instruction with its input as one user message, and the output as the answer."""
    require(fields, "instruction", "output")
    instruction, addition = text_field(fields, "instruction"), text_field(fields, "input")
    output = text_field(fields, "output")
    prompt, split = join_input(instruction, addition)
    system, earlier = read_system(fields, tags), _read_history(fields.get("history"))
    messages = [*system, *earlier, Message(USER, prompt), Message(ASSISTANT, output)]
    written = {"instruction": instruction or "", "input": addition or "", "output": output}
    if system:
        written[SYSTEM] = write_system(system[0].content, tags)
    if earlier:
        written["history"] = fields["history"]
    notes: dict[str, Any] = {} if split is None else {_SPLIT: split}
    if instruction is None and addition:
        notes[LACKS] = "instruction"
    return Content(written, messages, notes=notes)


def write_instruction(content: Content, tags: Tags) -> Fields:
    """Write an instruction; the inverse of :func:`read_instruction`."""
    system, messages = cut_system(content.messages)
    answer = only_text(messages[-1:], ASSISTANT, "output")
    prompt = only_text(messages[-2:-1], USER, "instruction")
    earlier = messages[:-2]
    instruction, addition = split_input(prompt, content.notes.get(_SPLIT))
    fields: Fields = {"instruction": instruction, "input": addition, "output": answer}
    if system is not None:
        fields[SYSTEM] = write_system(system, tags)
    if earlier:
        if len(earlier) % 2:
            raise UnfitError("history", "pairs of user and assistant messages", "an odd number")
        fields["history"] = [
            [
                only_text(earlier[start : start + 1], USER, "history"),
                only_text(earlier[start + 1 : start + 2], ASSISTANT, "history"),
            ]
            for start in range(0, len(earlier), 2)
        ]
    return fields
