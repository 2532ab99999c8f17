"""The very characters that prove a finding."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .records import INSTRUCTING_ROLES, MESSAGE_PARTS

_FIELD = re.compile(r"(messages|chosen|rejected)\[(\d+)\]\.(\w+)")
# Where two texts differ is looked for so far into them.
_FAR = 200_000


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


def finding_excerpts(
    hit: Mapping[str, Any],
    record: Mapping[str, Any],
    related: Mapping[str, Any] | None,
    *,
    width: int = 80,
) -> tuple[Excerpt, Excerpt | None]:
    """Return what proves a finding: a piece of the row, and of the row that it is compared with.

    Args:
        hit: one row of the findings as a dictionary.
        record: the finding's row.
        related: the other row, where the finding names one.
        width: about how many characters to keep of each.
    """
    start, end = hit["start"], hit["end"]
    if related is not None and start is None:
        return around_difference(said(record), said(related), width=width)
    field = hit["field"] or ""
    text = field_text(record, field)
    # A label by itself proves nothing; what the row says beside it does.
    if text is None or (start is None and not field.startswith(MESSAGE_PARTS)):
        text = said(record, (field,) if field in MESSAGE_PARTS else MESSAGE_PARTS)
    other = None if related is None else excerpt(said(related), None, None, width=width)
    return excerpt(text, start, end, width=width), other


def around_difference(
    one: str, other: str, span: tuple[int | None, int | None] = (None, None), *, width: int = 80
) -> tuple[Excerpt, Excerpt]:
    """Show two texts where they differ.

    Args:
        one: a text.
        other: another.
        span: where the first is to be shown, if that is known.
        width: about how many characters to keep of each.

    Example:
        >>> [part.hit for part in around_difference("How is it?", "How was it?")]
        ['i', 'wa']
    """
    if one == other:
        same = excerpt(one, None, None, width=width)
        return same, same
    one, other = one[:_FAR], other[:_FAR]
    first = _shared_prefix(one, other)
    left_out = _shared_prefix(one[first:][::-1], other[first:][::-1])
    shown = excerpt(other, first, len(other) - left_out, width=width)
    start, end = span
    if start is None or end is None:
        start, end = first, len(one) - left_out
    return excerpt(one, start, end, width=width), shown


def said(record: Mapping[str, Any], parts: Sequence[str] = MESSAGE_PARTS) -> str:
    """Return what a record says, without its system prompt."""
    return "\n".join(
        message["content"]
        for part in parts
        for message in record[part] or ()
        if message["content"] and message["role"] not in INSTRUCTING_ROLES
    )


def _shared_prefix(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginning, by halving."""
    shared, most = 0, min(len(one), len(other))
    while shared < most:
        middle = (shared + most + 1) // 2
        if one[shared:middle] == other[shared:middle]:
            shared = middle
        else:
            most = middle - 1
    return shared
