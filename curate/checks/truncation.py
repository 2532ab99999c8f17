"""What is lost of the answers of rows that are longer than the context."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..check import CheckContext
from ..records import CLASSIFICATION, TEXT
from ..tokens.answer_spans import Layout, TurnsDifferError, ending_token
from ..tokens.renderings import conversation, plain_text
from ..tokens.tokenizer import ChatTokenizer, TemplateRefusedError

_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "supervised": pl.Int64,
        "lost": pl.Int64,
        "before": pl.Int64,
        "field": pl.String,
        "start": pl.Int64,
        "end": pl.Int64,
    }
)
_BATCH = 256


def truncated_answers(context: CheckContext) -> pl.DataFrame:
    """Return what rows over the context lose: a summary.

    Rows whose answers cannot be found in what the template writes are left out.

    Returns:
        ``row``; ``supervised``, the tokens of its answers, ``lost``, those beyond the context, and
        ``before``, the tokens before the first answer; and of the first answer that is cut off
        its ``field``, and where in it ``start`` and ``end`` of what is lost are.
    """
    tokenizer = context.chat_tokenizer
    if tokenizer is None:
        return _SCHEMA.to_frame()
    over = context.lengths.frame.filter(pl.col("length") > context.context_length)["row"]
    records = context.records.filter(
        pl.col("row").is_in(over.implode()), pl.col("kind") != CLASSIFICATION
    ).select("row", "kind", "messages", "chosen")
    lost: list[tuple[Any, ...]] = []
    for start in range(0, records.height, _BATCH):
        laid_out = [*_laid_out(records[start : start + _BATCH], tokenizer)]
        offsets = tokenizer.offsets([item.layout.text for item in laid_out])
        lost += [
            _lost(item, tokens, context.context_length, tokenizer)
            for item, tokens in zip(laid_out, offsets, strict=True)
        ]
    return pl.DataFrame(lost, schema=_SCHEMA, orient="row")


@dataclass(frozen=True, slots=True)
class _LaidOut:
    """A record's conversation as text with its answers, and where the messages come from."""

    record: Mapping[str, Any]
    layout: Layout

    def field(self, index: int) -> str:
        prompt = len(self.record["messages"] or ())
        part, index = ("messages", index) if index < prompt else ("chosen", index - prompt)
        return f"{part}[{index}].content"


def _laid_out(records: pl.DataFrame, tokenizer: ChatTokenizer) -> Iterator[_LaidOut]:
    for record in records.iter_rows(named=True):
        messages = conversation(record)
        if record["kind"] == TEXT:
            text = plain_text(messages)
            yield _LaidOut(record, Layout(text, ((0, len(text)),), (0,)))
            continue
        try:
            yield _LaidOut(record, tokenizer.lay_out(messages))
        except (TemplateRefusedError, TurnsDifferError):
            continue


def _lost(
    item: _LaidOut, tokens: list[tuple[int, int]], limit: int, tokenizer: ChatTokenizer
) -> tuple[Any, ...]:
    layout = item.layout
    learned = [
        (start, _learned_end(layout.text, start, end, tokenizer)) for start, end in layout.spans
    ]
    cut = tokens[limit][0] if limit < len(tokens) else len(layout.text)
    begins = [first for first, _ in tokens]
    spans = [(bisect_left(begins, start), bisect_left(begins, end)) for start, end in learned]
    supervised = sum(end - start for start, end in spans)
    lost = sum(max(0, end - max(start, limit)) for start, end in spans)
    before = spans[0][0] if spans else 0
    cut_off = next((place for place, (_, end) in enumerate(learned) if end > cut), None)
    counted = (item.record["row"], supervised, lost, before)
    if cut_off is None:
        return (*counted, None, None, None)
    index = layout.answers[cut_off]
    content = conversation(item.record)[index]["content"] or ""
    place = layout.text.find(content, *layout.spans[cut_off]) if content else -1
    start = max(0, cut - place)
    if place < 0 or start >= len(content):
        return (*counted, item.field(index), None, None)
    return (*counted, item.field(index), start, len(content))


def _learned_end(text: str, start: int, end: int, tokenizer: ChatTokenizer) -> int:
    """Return where what is learned of an answer ends: with its last special token."""
    ending = ending_token(text[start:end], tokenizer.added_special_tokens)
    return end if ending is None else start + ending[1]
