"""Records as the chat template writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..records import CLASSIFICATION, TEXT
from .answer_spans import ASSISTANT, Message
from .tokenizer import ChatTokenizer, TemplateRefusedError

Rendering = str | TemplateRefusedError
"""A conversation as text, or why the template does not accept it."""


def conversation(record: Mapping[str, Any], answer: str = "chosen") -> list[Message]:
    """Return the messages of a record that follow each other, with one of a pair's answers."""
    return [*(record["messages"] or ()), *(record[answer] or ())]


def labelled_conversation(record: Mapping[str, Any]) -> list[Message]:
    """Return the messages, with the label as the answer where a label is to be learned."""
    messages = conversation(record)
    if record["kind"] == CLASSIFICATION and record["label"] is not None:
        messages.append({"role": ASSISTANT, "content": record["label"]})
    return messages


def render_records(
    records: pl.DataFrame, tokenizer: ChatTokenizer, answer: str = "chosen"
) -> list[Rendering]:
    """Render each record's conversation; plain texts stay as they are.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        tokenizer: with the template.
        answer: which answer of a pair belongs to the conversation.
    """
    needed = records.select("kind", "messages", answer).iter_rows(named=True)
    return [_render(tokenizer, record, answer) for record in needed]


def _render(tokenizer: ChatTokenizer, record: Mapping[str, Any], answer: str) -> Rendering:
    messages = conversation(record, answer)
    if record["kind"] == TEXT:
        return plain_text(messages)
    try:
        return tokenizer.render(messages)
    except TemplateRefusedError as error:
        return error


def plain_text(messages: list[Message]) -> str:
    """Put the texts of messages together plainly."""
    return "".join(message["content"] or "" for message in messages)
