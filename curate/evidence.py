"""The very characters that prove a finding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FIELD = re.compile(r"(messages|chosen|rejected)\[(\d+)\]\.(\w+)")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of text around a hit: what comes before, the hit itself, what follows."""

    before: str
    hit: str
    after: str


def field_text(record: Mapping[str, Any], field: str | None) -> str | None:
    """Return the text that a finding's field names.

    Args:
        record: one row of the records as a dictionary.
        field: such as ``messages[2].content`` or ``label``; None for the record as a whole.

    Returns:
        The text, or None where the record has no such field.

    Example:
        >>> field_text({"messages": [{"role": "user", "content": "Hi"}]}, "messages[0].content")
        'Hi'
    """
    if field is None:
        return None
    match = _FIELD.fullmatch(field)
    if match is None:
        value = record.get(field)
        return value if isinstance(value, str) else None
    messages = record.get(match[1]) or []
    position = int(match[2])
    return messages[position].get(match[3]) if position < len(messages) else None


def field_lies_in(field: str, whole: str) -> bool:
    """Tell whether a field is another one or a part of it.

    Example:
        >>> field_lies_in("messages[0].content", "messages"), field_lies_in("label", "labels")
        (True, False)
    """
    return field == whole or field.startswith((f"{whole}[", f"{whole}."))


def excerpt(text: str, start: int | None, end: int | None, *, width: int = 80) -> Excerpt:
    """Cut a text down to a hit and its surroundings.

    Args:
        text: the field's text.
        start: first character of the hit; None where the whole text is meant.
        end: the character after the hit.
        width: about how many characters to keep in all.

    Example:
        >>> excerpt("write to a@b.co today", 9, 15, width=12)
        Excerpt(before='… to ', hit='a@b.co', after=' to …')
    """
    if start is None or end is None:
        return Excerpt("", _shorten(text, width), "")
    hit = _shorten(text[start:end], width)
    room = max(6, width - len(hit)) // 2
    before, after = text[max(0, start - room) : start], text[end : end + room]
    if start > room:
        before = "… " + before.lstrip()
    if end + room < len(text):
        after = after.rstrip() + " …"
    return Excerpt(before, hit, after)


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
