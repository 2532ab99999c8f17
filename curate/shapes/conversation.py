"""Rows that hold a list of messages: chat and ShareGPT."""

from __future__ import annotations

from .messages import read_messages, write_messages
from .shape import SYSTEM, Content, Fields, cut_system, read_system, require, write_system
from .tags import Tags

_FORMS, _COLUMN = "forms", "column"


def read_conversation(fields: Fields, tags: Tags) -> Content:
    """Read a list of messages, with a system prompt from a field of its own put before it."""
    require(fields, "messages")
    value = fields["messages"] or []
    messages, forms = read_messages(value, "messages", tags)
    content = Content({"messages": value}, messages)
    if forms:
        content.notes[_FORMS] = forms
    system = read_system(fields, tags)
    if system:
        content.fields[SYSTEM] = write_system(system[0].content, tags)
        content.messages = system + messages
        content.notes[_COLUMN] = True
    return content


def write_conversation(content: Content, tags: Tags) -> Fields:
    """Write a conversation; the inverse of :func:`read_conversation`."""
    system, messages = None, content.messages
    if content.notes.get(_COLUMN):
        system, messages = cut_system(messages)
    fields: Fields = {"messages": write_messages(messages, content.notes.get(_FORMS, {}), tags)}
    if system is not None:
        fields[SYSTEM] = write_system(system, tags)
    return fields
