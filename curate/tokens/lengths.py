"""How long records are: in tokens of the user's tokenizer, or in words where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..records import TEXT
from .renderings import Rendering, conversation, plain_text, render_records
from .tokenizer import ChatTokenizer, TemplateRefusedError

TOKENS, WORDS = "tokens", "words"
_BATCH = 16_384


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


def describe_tokens(tokenizer: ChatTokenizer) -> str:
    """Say what is counted with a tokenizer."""
    if tokenizer.template is None:
        return "tokens of the messages put together; the tokenizer has no chat template"
    return "tokens of the conversation as the tokenizer's chat template writes it"


def measure_lengths(
    records: pl.DataFrame,
    messages: pl.DataFrame,
    tokenizer: ChatTokenizer | None = None,
    rendered: Sequence[Rendering] = (),
) -> Lengths:
    """Measure all records.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        messages: its flattened messages.
        tokenizer: counts tokens; without one words are counted, which white space parts.
        rendered: the records as its chat template writes them, where it has one.
    """
    if tokenizer is None:
        counts = messages.select(
            "row", "part", count=pl.col("content").str.count_matches(r"\S+").fill_null(0)
        )
        return Lengths(WORDS, _longest(records, counts), "words, as white space parts them")
    if tokenizer.template is None:
        counts = messages.select("row", "part", count=_counted(messages["content"], tokenizer))
        return Lengths(
            TOKENS,
            _longest(records, counts),
            describe_tokens(tokenizer),
            tokenizer,
        )
    return _rendered_lengths(records, tokenizer, rendered)


def _rendered_lengths(
    records: pl.DataFrame, tokenizer: ChatTokenizer, rendered: Sequence[Rendering]
) -> Lengths:
    counts = _counts_of(records, rendered, tokenizer)
    pairs = records.filter(pl.col("rejected").list.len() > 0)
    refusals = [str(item) for item in rendered if isinstance(item, TemplateRefusedError)]
    if pairs.height:
        others = render_records(pairs, tokenizer, "rejected")
        refusals += [str(item) for item in others if isinstance(item, TemplateRefusedError)]
        longer = pairs.select("row", other=_counts_of(pairs, others, tokenizer, "rejected"))
        counts = (
            records.select("row", count=counts)
            .join(longer, on="row", how="left", maintain_order="left")
            .select(pl.max_horizontal("count", "other"))
            .to_series()
        )
    return Lengths(
        TOKENS,
        records.select("row", length=counts),
        describe_tokens(tokenizer),
        tokenizer,
        refused=len(refusals),
        refusal=refusals[0] if refusals else "",
    )


def _counts_of(
    records: pl.DataFrame,
    rendered: Sequence[Rendering],
    tokenizer: ChatTokenizer,
    answer: str = "chosen",
) -> pl.Series:
    """Count the tokens of conversations; of refused ones those of the messages put together."""
    refused = [place for place, item in enumerate(rendered) if not isinstance(item, str)]
    texts = [item if isinstance(item, str) else "" for item in rendered]
    if refused:
        some = records[refused].select("messages", answer).iter_rows(named=True)
        for place, record in zip(refused, some, strict=True):
            texts[place] = plain_text(conversation(record, answer))
    counts: list[int] = []
    for start in range(0, len(texts), _BATCH):
        counts += tokenizer.count(texts[start : start + _BATCH])
    around = pl.when(records["kind"] == TEXT).then(tokenizer.around_text).otherwise(0)
    return pl.select(pl.Series(counts, dtype=pl.Int64) + around).to_series()


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
