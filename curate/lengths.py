"""How long records are: in tokens of the user's tokenizer, or in words where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from .tokenizer import ChatTokenizer, TemplateRefusedError, load_tokenizer

TOKENS, WORDS = "tokens", "words"
_BATCH = 2048


@dataclass(frozen=True, slots=True)
class Lengths:
    """The length of every record.

    Attributes:
        unit: ``tokens`` or ``words``.
        frame: ``row``, ``length``; for a preference the longer of its two conversations.
        counting: how it was counted, for the reader.
        tokenizer: what counted the tokens; None where words were counted.
        refused: conversations that the chat template does not accept.
        refusal: why it does not accept the first of them.
    """

    unit: str
    frame: pl.DataFrame
    counting: str
    tokenizer: ChatTokenizer | None = None
    refused: int = 0
    refusal: str = ""

    @property
    def method(self) -> str:
        """How it was counted, and what could not be counted so."""
        return describe_counting(self.counting, self.refused, self.refusal)


def describe_counting(counting: str, refused: int, refusal: str) -> str:
    """Say how lengths were counted, and what could not be counted so.

    Args:
        counting: how.
        refused: conversations that the chat template does not accept.
        refusal: why it does not accept the first of them.
    """
    if not refused:
        return counting
    return (
        f"{counting}; the template refuses {refused:,} conversations ({refusal[:120]}), whose "
        "messages were put together instead"
    )


def measure_lengths(
    records: pl.DataFrame, messages: pl.DataFrame, tokenizer_folder: str | None
) -> Lengths:
    """Measure all records.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        messages: its flattened messages.
        tokenizer_folder: of the tokenizer; None counts words, which white space parts.

    Raises:
        UsageError: the folder holds no tokenizer that can be read.
    """
    if tokenizer_folder is None:
        counts = messages.select(
            "row", "part", count=pl.col("content").str.count_matches(r"\S+").fill_null(0)
        )
        return Lengths(WORDS, _longest(records, counts), "words, as white space parts them")
    tokenizer = load_tokenizer(tokenizer_folder)
    if tokenizer.template is None:
        counts = messages.select("row", "part", count=_counted(messages["content"], tokenizer))
        return Lengths(
            TOKENS,
            _longest(records, counts),
            "tokens of the messages put together; the tokenizer has no chat template",
            tokenizer,
        )
    return _rendered_lengths(records, tokenizer)


def rendered_counts(
    conversations: Iterable[list[Mapping[str, Any]]],
    tokenizer: ChatTokenizer,
    *,
    generation_prompt: bool = False,
    refused: Callable[[str], None] = lambda reason: None,
) -> list[int]:
    """Count the tokens of conversations as the chat template writes them.

    Args:
        conversations: lists of messages.
        tokenizer: writes and counts.
        generation_prompt: end each with what asks for an answer.
        refused: told why, for each conversation that the template does not accept; its messages
            are then put together plainly.
    """
    counts: list[int] = []
    batch: list[str] = []
    for messages in conversations:
        try:
            batch.append(tokenizer.render(messages, generation_prompt=generation_prompt))
        except TemplateRefusedError as error:
            refused(str(error))
            batch.append("".join(message["content"] or "" for message in messages))
        if len(batch) == _BATCH:
            counts += tokenizer.count(batch)
            batch = []
    return counts + (tokenizer.count(batch) if batch else [])


def _rendered_lengths(records: pl.DataFrame, tokenizer: ChatTokenizer) -> Lengths:
    refusals: list[str] = []
    longest = pl.Series([0] * records.height, dtype=pl.Int64)
    for answer in ("chosen", "rejected") if records["chosen"].is_not_null().any() else ("chosen",):
        whole = records.select("messages", answer).iter_rows()
        conversations = ((prompt or []) + (said or []) for prompt, said in whole)
        counts = pl.Series(rendered_counts(conversations, tokenizer, refused=refusals.append))
        longest = pl.select(pl.max_horizontal(longest, counts)).to_series()
    return Lengths(
        TOKENS,
        records.select("row", length=longest),
        "tokens of the conversation as the tokenizer's chat template writes it",
        tokenizer,
        refused=len(refusals),
        refusal=refusals[0] if refusals else "",
    )


def _counted(texts: pl.Series, tokenizer: ChatTokenizer) -> pl.Series:
    """Count tokens; a text that comes up again is tokenised once."""
    unique = texts.drop_nulls().unique()
    counts: list[int] = []
    for start in range(0, len(unique), _BATCH):
        counts += tokenizer.count(unique[start : start + _BATCH].to_list())
    return texts.replace_strict(
        unique, pl.Series(counts, dtype=pl.Int64), default=0, return_dtype=pl.Int64
    )


def _longest(records: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Add up the counts of a record's messages, and of the longer of two answers."""
    by_part = counts.group_by("row", "part").agg(pl.col("count").sum())
    of = {
        part: pl.col("count").filter(pl.col("part") == part).sum()
        for part in ("messages", "chosen", "rejected")
    }
    totals = by_part.group_by("row").agg(
        length=of["messages"] + pl.max_horizontal(of["chosen"], of["rejected"])
    )
    return (
        records.select("row")
        .join(totals, on="row", how="left", maintain_order="left")
        .select("row", length=pl.col("length").fill_null(0).cast(pl.Int64))
    )
