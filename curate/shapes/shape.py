"""What a row shape is: its fields, and two functions that read and write rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..formats.json_values import type_name
from .tags import Message, Tags
from .unfit import UnfitError

Fields = dict[str, Any]
"""A row's values by the names of the shape's parts."""

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
COLUMN_PARTS = ("id", "label", "group", "source")
ROLE_TAG = "role."
TAG_PARTS = (
    "role",
    "content",
    *(ROLE_TAG + role for role in (SYSTEM, USER, ASSISTANT, "tool", "call")),
)
"""Names within messages: the keys of the role and the text, and what speakers are called."""

NO_SUCH_FIELD = "no such field"
"""What is said to be found in a row that lacks all fields of its shape; checks go by it."""


@dataclass(slots=True)
class Content:
    """What a row says, apart from its label, group, source and id.

    Attributes:
        fields: the row's fields as ``write`` would give them back, which tells what they miss.
        messages: the conversation, or the prompt of a preference.
        chosen: the preferred answer; None where the row is no preference.
        rejected: the other answer.
        notes: what ``write`` must know and the messages do not tell; usually empty.
    """

    fields: Fields
    messages: list[Message]
    chosen: list[Message] | None = None
    rejected: list[Message] | None = None
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a shape: its name here, and what sources call it, the most usual first."""

    name: str
    fields: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A way to write rows.

    Attributes:
        name: what it is called on the command line.
        kind: the kind of its records.
        about: its fields, in a few words.
        parts: the fields it consists of.
        tags: the usual names within its messages, if it has any.
        read: fields to content; raises :class:`UnfitError`.
        write: content to fields; raises :class:`UnfitError` for an edited record that the shape
            cannot express.
        inside: a field whose own fields count as the row's; empty for most.
    """

    name: str
    kind: str
    about: str
    parts: tuple[Part, ...]
    tags: Tags
    read: Callable[[Fields, Tags], Content]
    write: Callable[[Content, Tags], Fields]
    inside: str = ""


SYSTEM_PART = Part(SYSTEM, ("system", "system_prompt"))


def text_field(fields: Fields, part: str) -> str | None:
    """Return a field that must be text, null or missing.

    Raises:
        UnfitError: it is something else.
    """
    value = fields.get(part)
    if value is None or type(value) is str:
        return value
    raise UnfitError(part, "text", type_name(value))


def require(fields: Fields, *parts: str) -> None:
    """Make sure that a row has at least one of the fields that make up its shape.

    Raises:
        UnfitError: it has none.
    """
    if fields.keys().isdisjoint(parts):
        raise UnfitError(" or ".join(parts), "a value", NO_SUCH_FIELD)


def only_text(messages: list[Message], role: str, part: str) -> str | None:
    """Return the text of what must be one plain message of a role.

    Raises:
        UnfitError: it is something else, after an edit.
    """
    if len(messages) != 1 or messages[0] != Message(role, messages[0].content):
        raise UnfitError(part, f"one plain {role} message", f"{len(messages)} messages")
    return messages[0].content


def read_system(fields: Fields, tags: Tags) -> list[Message]:
    """Return the system prompt that has a field of its own, as no or one message.

    Raises:
        UnfitError: it is neither text nor what the tags' spelling has for it.
    """
    value = fields.get(SYSTEM)
    if value is None:
        return []
    text = value if type(value) is str else tags.spelling.read_system(value)
    if text is None:
        raise UnfitError(SYSTEM, "text", type_name(value))
    return [Message(SYSTEM, text)] if text else []


def write_system(text: str | None, tags: Tags) -> Any:
    """Return what the field of the system prompt holds."""
    return tags.spelling.system(text)


def cut_system(messages: list[Message]) -> tuple[str | None, list[Message]]:
    """Take the system prompt off a conversation, to be written as a field of its own."""
    if messages and messages[0].role == SYSTEM:
        return only_text(messages[:1], SYSTEM, SYSTEM), messages[1:]
    return None, messages
