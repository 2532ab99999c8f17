"""Messages as records have them, and the names that sources have for their fields and speakers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .blocks import BEDROCK, GEMINI, TYPED, Spelling

FUNCTION_CALL = "function_call"
TOOL, ASSISTANT = "tool", "assistant"

Form = dict[str, Any]
"""What the columns of messages cannot express about their source: a leftover, and how it says
them."""

Forms = dict[str, Form]
"""The forms of a list's messages that need one, by the position of the first they are of."""


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
        calling: the speaker who says tool calls as JSON, if there is one.
        spelling: how blocks are written.
    """

    role: str = "role"
    content: str = "content"
    roles: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    calling: str | None = None
    spelling: Spelling = TYPED

    def speaker(self, role: str | None) -> str | None:
        """Return what a role is called when it is written."""
        return None if role is None else self.speakers.get(role, role)


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
# The role `function` is OpenAI's old name for `tool`, `model` is Google's for `assistant`.
CHAT_TAGS = Tags(roles={"function": "tool", "model": "assistant"})
SHAREGPT_TAGS = Tags("from", "value", SHAREGPT_ROLES, SHAREGPT_SPEAKERS, FUNCTION_CALL)
BEDROCK_TAGS = Tags(spelling=BEDROCK)
GEMINI_TAGS = Tags(
    content="parts",
    roles={"model": "assistant", "function": "tool"},
    speakers={"assistant": "model"},
    spelling=GEMINI,
)
