"""What each row contributes: counted before anything is trained, and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from ...curate.records import CLASSIFICATION, PREFERENCE, Dataset, label_rejects
from ...workspace.safe_text import safe_text
from .render import ASSISTANT, Message, Refused, Rendered, render_all

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SUPERVISION_SCHEMA = pl.Schema(
    {
        "part": pl.String,
        "row": pl.Int64,
        "tokens": pl.Int64,
        "supervised": pl.Int64,
        "truncated": pl.Boolean,
        "lost_supervised": pl.Int64,
        "refused": pl.String,
    }
)

LEARNED_FROM, LEARNED_TO = "⟦", "⟧"
# Characters of a stretch that an example shows from each of its ends.
_SHOWN_OF_A_STRETCH = 160
# Fewer characters than this are not worth hiding.
_LEAST_HIDDEN = 40


# What a record teaches: one lesson or more, or why it teaches none.
Outcome = Sequence[Rendered] | Refused
# Turns the records of a part into what they teach; the tokens that a lesson may have come last.
Learn = Callable[["PreTrainedTokenizerBase", pl.DataFrame, int | None], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the split, ready for the model.

    Attributes:
        name: ``train``, ``replay`` or ``val``.
        rows: what is learned, in the order of the file: a row with something to learn each, or a
            piece of one.
        numbers: for each of them, its 0-based row in the part's file.
        supervision: frame of :data:`SUPERVISION_SCHEMA` with every row of the file; ``refused``
            holds the reason for those that are not in ``rows``, and is null for the others.
    """

    name: str
    rows: tuple[Rendered, ...]
    numbers: tuple[int, ...]
    supervision: pl.DataFrame

    @property
    def refused(self) -> pl.DataFrame:
        """The rows that are not used, with the reason."""
        return self.supervision.filter(pl.col("refused").is_not_null())

    @property
    def used(self) -> int:
        """How many rows of the file are used."""
        return len(set(self.numbers))

    def total(self, column: str) -> int:
        """Return the sum of a column over the rows that are used."""
        return int(self.supervision.filter(pl.col("refused").is_null())[column].sum())


def empty_part(name: str) -> Part:
    """Return a part without rows."""
    return Part(name, (), (), SUPERVISION_SCHEMA.to_frame())


def prepare_part(
    name: str,
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int | None = None,
    learn: Learn | None = None,
) -> Part:
    """Render a part of the split and set aside the rows that have nothing to learn.

    Args:
        name: the part's name.
        dataset: its file as read; rows that could not be read are refused here too, so that
            rows used + rows refused = rows of the file.
        tokenizer: the base model's.
        max_length: tokens a row may have.
        learn: what its records teach; :func:`learn_answers` if not said.
    """
    records = dataset.records
    numbers: list[int] = records["row"].to_list()
    outcomes = (learn or learn_answers)(tokenizer, records, max_length)
    counted = [
        _count(name, number, outcome, max_length)
        for number, outcome in zip(numbers, outcomes, strict=True)
    ]
    unread = [
        _count(name, number, Refused(f"it cannot be read: {reason}"), max_length)
        for number, reason in dataset.set_aside.select("row", "reason").iter_rows()
    ]
    used = [
        (number, lesson)
        for number, outcome in zip(numbers, outcomes, strict=True)
        for lesson in (() if isinstance(outcome, Refused) else outcome)
        if any(lesson.supervised)
    ]
    return Part(
        name=name,
        rows=tuple(row for _, row in used),
        numbers=tuple(number for number, _ in used),
        supervision=pl.DataFrame(counted + unread, schema=SUPERVISION_SCHEMA, orient="row").sort(
            "row"
        ),
    )


def learn_answers(
    tokenizer: PreTrainedTokenizerBase, records: pl.DataFrame, max_length: int | None
) -> list[Outcome]:
    """Render records for the answers in them, each as one lesson; a text is learned whole."""
    conversations = (conversation(record) for record in records.iter_rows(named=True))
    rendered = render_all(tokenizer, conversations, max_length=max_length)
    return [
        Refused("its label is false, which rejects the answer")
        if label_rejects(kind, label)
        else outcome
        if isinstance(outcome, Refused)
        else (outcome,)
        for outcome, kind, label in zip(rendered, records["kind"], records["label"], strict=True)
    ]


def conversation(record: Mapping[str, Any]) -> list[Message]:
    """Return the messages that a record is trained on.

    A preference record is trained on its chosen answer, a classification record on its label as
    the assistant's answer, and a chat whose label rejects the answer on nothing.
    """
    if label_rejects(record["kind"], record["label"]):
        return []
    messages: list[Message] = list(record["messages"] or [])
    if record["kind"] == PREFERENCE:
        messages += record["chosen"] or []
    elif record["kind"] == CLASSIFICATION and record["label"] is not None:
        messages.append({"role": ASSISTANT, "content": record["label"]})
    return messages


def count_refusals(*parts: Part) -> list[tuple[str, int]]:
    """Count the rows of parts that are not used by reason, the most frequent first."""
    reasons = pl.concat([part.refused["refused"] for part in parts])
    counted = reasons.alias("reason").value_counts(name="rows")
    return counted.sort("rows", "reason", descending=[True, False]).rows()


def proof(
    part: Part, tokenizer: PreTrainedTokenizerBase, count: int = 3, labels: Sequence[str] = ()
) -> list[str]:
    """Show rows as the model sees them, with what it learns between ⟦ and ⟧.

    Args:
        part: the rows are taken evenly from the one with the fewest supervised tokens to the
            one with the most.
        tokenizer: turns the tokens back into text, special tokens included.
        count: how many rows.
        labels: names of what is learned, where that is the number of a label and no token.

    Returns:
        One line for each row, safe to show.
    """
    order = sorted(range(len(part.rows)), key=lambda index: sum(part.rows[index].supervised))
    last = len(order) - 1
    picked = sorted({round(last * step / max(1, count - 1)) for step in range(count)})
    return [
        f"row {part.numbers[order[place]]}, learns {sum(part.rows[order[place]].supervised)} of "
        f"{len(part.rows[order[place]].tokens)} tokens: "
        + marked_text(part.rows[order[place]], tokenizer, labels)
        for place in picked
    ]


def marked_text(
    row: Rendered, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str] = ()
) -> str:
    """Return a row's tokens as one line of text with the supervised stretches marked.

    Args:
        row: its tokens.
        tokenizer: turns them back into text.
        labels: as in :func:`proof`.
    """
    return "".join(
        f"{LEARNED_FROM}{text}{LEARNED_TO}" if learned else text
        for text, learned in _stretches(row, tokenizer, labels)
    )


def _stretches(
    row: Rendered, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    pairs: Sequence[tuple[int, bool]] = list(zip(row.tokens, row.supervised, strict=True))
    for learned, group in groupby(pairs, key=lambda pair: pair[1]):
        tokens = [token for token, _ in group]
        named = learned and labels
        text: Any = labels[tokens[0]] if named else tokenizer.decode(tokens)
        text = safe_text(text).replace(LEARNED_FROM, "[").replace(LEARNED_TO, "]")
        hidden = len(text) - 2 * _SHOWN_OF_A_STRETCH
        if hidden >= _LEAST_HIDDEN:
            head, tail = text[:_SHOWN_OF_A_STRETCH], text[-_SHOWN_OF_A_STRETCH:]
            text = f"{head} …{hidden:,} characters… {tail}"
        yield text, learned


def _count(part: str, number: int, outcome: Outcome, max_length: int | None) -> tuple[Any, ...]:
    """Return a row of :data:`SUPERVISION_SCHEMA`."""
    if isinstance(outcome, Refused):
        return part, number, 0, 0, False, 0, outcome.reason
    supervised = sum(sum(lesson.supervised) for lesson in outcome)
    lost = sum(lesson.lost_supervised for lesson in outcome)
    reason = None
    if not supervised:
        reason = "it has no answer to learn"
        if lost:
            reason = f"its answer begins after the maximum length of {max_length} tokens"
    return (
        part,
        number,
        sum(len(lesson.tokens) for lesson in outcome),
        supervised,
        any(lesson.truncated for lesson in outcome),
        lost,
        reason,
    )
