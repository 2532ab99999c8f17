"""Where the answers of a conversation lie in what a chat template writes.

Stock templates do not mark them. They are found by rendering the conversation turn by turn: what
the template adds after the prompt is the answer and what ends it. That holds only for a template
that writes earlier turns the same whatever follows; others are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Message = Mapping[str, Any]

ASSISTANT = "assistant"
_KEPT = ("role", "content", "name", "tool_call_id")


class TurnsDifferError(ValueError):
    """A template writes a turn differently once an answer or another turn follows.

    Attributes:
        index: position of the answer that cannot be found.
    """

    def __init__(self, index: int) -> None:
        """Say which answer it is about."""
        super().__init__(
            "the chat template renders a turn differently when an answer or another turn follows, "
            "so that training would not see what the model sees in use"
        )
        self.index = index


@dataclass(frozen=True, slots=True)
class Layout:
    """A conversation as text, and where the answers to learn lie in it.

    Attributes:
        text: as the template writes it.
        spans: first character of each answer, and the one after its last; what ends it belongs
            to it.
        answers: the positions of the messages that these are.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    answers: tuple[int, ...]


def lay_out(
    render: Callable[[Sequence[Message], bool], str],
    messages: Sequence[Message],
    text: str | None = None,
) -> Layout:
    """Find the answers that a model would learn: all but those of weight 0, and one without prompt.

    Args:
        render: writes messages as text; asked for the generation prompt, it ends with that.
        messages: at least one, as the source has them.
        text: the whole conversation, where it was rendered already.

    Raises:
        TurnsDifferError: the template is not fit for this.
    """
    text = render(messages, False) if text is None else text
    spans: list[tuple[int, int]] = []
    answers: list[int] = []
    for index, message in enumerate(messages):
        if index == 0 or message["role"] != ASSISTANT or message.get("weight") == 0:
            continue
        before = render(messages[:index], True)
        until = text if index == len(messages) - 1 else render(messages[: index + 1], False)
        if not (text.startswith(until) and until.startswith(before)):
            raise TurnsDifferError(index)
        spans.append((len(before), len(until)))
        answers.append(index)
    return Layout(text, tuple(spans), tuple(answers))


def ending_token(answer: str, special_tokens: Sequence[str]) -> tuple[str, int] | None:
    r"""Return the special token that ends an answer, and where in it that token ends.

    What a template puts after it, such as a line break, the model never has to produce.

    Args:
        answer: as the template writes it, with what ends it.
        special_tokens: of the tokenizer.

    Returns:
        None where no special token ends it, so that a model would never learn to stop.

    Example:
        >>> ending_token("It is 42.<|end|>\n", ["<|end|>"])
        ('<|end|>', 16)
    """
    said = answer.rstrip()
    for token in special_tokens:
        # A token may be white space itself, or end with it.
        for text in (said, answer):
            if token and text.endswith(token):
                return token, len(text)
    return None


def template_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Bring messages into the form that templates expect: no nulls, tool calls as objects."""
    ready: list[dict[str, Any]] = []
    for message in messages:
        plain = {key: message[key] for key in _KEPT if message.get(key) is not None}
        if message.get("tool_calls"):
            calls = message["tool_calls"]
            plain["tool_calls"] = json.loads(calls) if isinstance(calls, str) else calls
        plain.setdefault("content", "")
        ready.append(plain)
    return ready
