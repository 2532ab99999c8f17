"""Texts that hold a whole conversation between Human and Assistant, as in Anthropic's HH data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .tags import ASSISTANT, Message
from .unfit import UnfitError

_ROLES = {"Human": "user", "Assistant": ASSISTANT}
_SPEAKERS = {role: speaker for speaker, role in _ROLES.items()}
_BEGINNING = "\n\nHuman:"
_TURN = re.compile(r"\n\n(Human|Assistant): ?")


def read_transcript(text: object) -> list[Message] | None:
    r"""Return the messages of a transcript; None for what is none, or has no answer at its end.

    Example:
        >>> [message.content for message in read_transcript("\n\nHuman: Hi\n\nAssistant: Hello")]
        ['Hi', 'Hello']
    """
    if not isinstance(text, str) or not text.startswith(_BEGINNING):
        return None
    _, *pieces = _TURN.split(text)
    turns = zip(pieces[::2], pieces[1::2], strict=True)
    messages = [Message(_ROLES[speaker], content) for speaker, content in turns]
    return messages if messages[-1].role == ASSISTANT else None


def write_transcript(messages: Sequence[Message], part: str) -> str:
    """Write a transcript; the inverse of :func:`read_transcript`.

    Raises:
        UnfitError: an edited message is no plain one of user or assistant.
    """
    turns: list[str] = []
    for message in messages:
        role, content = message.role, message.content
        if role not in _SPEAKERS or content is None or message != Message(role, content):
            raise UnfitError(part, "plain messages of user and assistant", f"one of {role!r}")
        turns.append(f"\n\n{_SPEAKERS[role]}: {content}" if content else f"\n\n{_SPEAKERS[role]}:")
    return "".join(turns)
