"""What the rows of a split teach, by task: answers, texts in pieces, labels, preferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import polars as pl

from ...curate.records import CLASSIFICATION, PREFERENCE, TEXT, Dataset
from ...workspace.errors import UsageError
from ..recipe import Recipe
from .render import Refused, Rendered, render_all, render_prompts
from .supervision import Learn, Outcome, conversation, learn_answers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SUPERVISED, PRETRAINING = "supervised", "pretraining"
HEAD, PREFERENCES = "classification-head", "preference"

# The kind of rows that a task needs, in the words of the records.
_KINDS = {PRETRAINING: TEXT, HEAD: CLASSIFICATION, PREFERENCES: PREFERENCE}


@dataclass(frozen=True, slots=True)
class Pair(Rendered):
    """A prompt with the answer to prefer, which the tokens are of, and the one to reject.

    Attributes:
        rejected: the same prompt with the other answer.
    """

    rejected: Rendered = field(default_factory=lambda: Rendered([], []))


def check_kind(recipe: Recipe, datasets: Sequence[Dataset | None]) -> None:
    """Check that a split holds rows of the kind that the task is for.

    Raises:
        UsageError: it does not.
    """
    wanted = _KINDS.get(recipe.task)
    found = next((dataset.kind for dataset in datasets if dataset), wanted)
    if wanted is not None and found != wanted:
        raise UsageError(
            f"task {recipe.task!r} learns from {wanted} rows; the split holds {found} rows",
            where="[train] task",
            fix="leave task out, which learns rows by their kind, or train on another split",
        )


def label_vocabulary(recipe: Recipe, train: Dataset | None) -> tuple[str, ...]:
    """Return the labels that can be learned: the recipe's, or those of the training rows.

    Raises:
        UsageError: a head has fewer than two to decide between.
    """
    labels = recipe.labels
    if not labels and train is not None:
        rows = train.records.filter(pl.col("kind") == CLASSIFICATION)
        labels = tuple(sorted(rows["label"].drop_nulls().unique()))
    if recipe.task == HEAD and len(labels) < 2:
        raise UsageError(
            f"a head for {len(labels)} label leaves nothing to decide",
            where="[train] task, labels",
            fix="train on rows with two labels or more",
        )
    return labels


def learning(recipe: Recipe, labels: Sequence[str]) -> Learn:
    """Return how a recipe's task learns from records.

    Args:
        recipe: tells the task.
        labels: the label vocabulary.
    """
    match recipe.task:
        case "pretraining":
            return learn_texts
        case "classification-head":
            return partial(learn_labels, {label: number for number, label in enumerate(labels)})
        case "preference":
            return learn_pairs
        case _:
            return partial(_learn_known_labels, recipe.labels) if recipe.labels else learn_answers


def learn_texts(
    tokenizer: PreTrainedTokenizerBase, records: pl.DataFrame, max_length: int | None
) -> list[Outcome]:
    """Cut texts into pieces, none of which reaches over a document's border.

    Every token but a document's first is learned once. A piece after the first begins with the
    last token of the one before it, which is not learned again, so that each has something
    before it; the pieces of a document are of about equal length, so that none is a crumb.
    """
    texts = records["kind"] == TEXT
    found = iter(
        render_all(tokenizer, map(conversation, records.filter(texts).iter_rows(named=True)))
    )
    outcomes: list[Outcome] = []
    for is_text in texts:
        rendered = next(found) if is_text else Refused("it is no text")
        alone = isinstance(rendered, Refused)
        outcomes.append(rendered if alone else pieces(rendered, max_length))
    return outcomes


def pieces(text: Rendered, max_length: int | None) -> list[Rendered]:
    """Cut a text into pieces of about equal length.

    Example:
        >>> [piece.tokens for piece in pieces(Rendered([1, 2, 3, 4, 5], [False] + [True] * 4), 4)]
        [[1, 2, 3], [3, 4, 5]]
    """
    learned = len(text.tokens) - 1
    if max_length is None or learned < max_length:
        return [text]
    count = ceil(learned / (max_length - 1))
    borders = [round(number * learned / count) for number in range(count + 1)]
    return [
        Rendered(text.tokens[start : end + 1], [False] + [True] * (end - start))
        for start, end in pairwise(borders)
    ]


def learn_labels(
    numbers: Mapping[str, int],
    tokenizer: PreTrainedTokenizerBase,
    records: pl.DataFrame,
    max_length: int | None,
) -> list[Outcome]:
    """Render classification rows for a head: the prompt, and the number of its label.

    The number stands where the answer's first token would; what the model reads ends before it,
    so that the last token of the prompt is the one that decides.

    Args:
        numbers: of the labels.
        tokenizer: the base model's.
        records: rows with labels.
        max_length: tokens of a row, the label's number included.
    """
    prompts = render_prompts(tokenizer, records["messages"].fill_null([]).to_list())
    outcomes: list[Outcome] = []
    for prompt, label in zip(prompts, records["label"], strict=True):
        if isinstance(prompt, Refused):
            outcomes.append(prompt)
        elif label is None:
            outcomes.append(Refused("it has no label"))
        elif label not in numbers:
            outcomes.append(Refused("its label is none of the vocabulary's"))
        else:
            kept = prompt if max_length is None else prompt[: max_length - 1]
            outcomes.append(
                (
                    Rendered(
                        [*kept, numbers[label]],
                        [False] * len(kept) + [True],
                        truncated=len(kept) < len(prompt),
                    ),
                )
            )
    return outcomes


def learn_pairs(
    tokenizer: PreTrainedTokenizerBase, records: pl.DataFrame, max_length: int | None
) -> list[Outcome]:
    """Render preference rows: a prompt with the chosen answer and with the rejected one."""
    sides: list[list[Rendered | Refused]] = []
    for side in ("chosen", "rejected"):
        asked = [
            [{**message, "weight": 0} for message in record["messages"] or []]
            + (record[side] or [])
            for record in records.iter_rows(named=True)
        ]
        sides.append(render_all(tokenizer, asked, max_length=max_length))
    return [_pair(chosen, rejected) for chosen, rejected in zip(*sides, strict=True)]


def _pair(chosen: Rendered | Refused, rejected: Rendered | Refused) -> Outcome:
    for side, rendered in (("chosen", chosen), ("rejected", rejected)):
        if isinstance(rendered, Refused):
            return Refused(f"its {side} answer: {rendered.reason}")
        if not any(rendered.supervised):
            return Refused(f"nothing of its {side} answer is left to learn")
    assert isinstance(chosen, Rendered)
    assert isinstance(rejected, Rendered)
    if chosen.tokens == rejected.tokens:
        return Refused("its answers are the same, up to the maximum length")
    return (
        Pair(
            chosen.tokens,
            chosen.supervised,
            chosen.truncated or rejected.truncated,
            chosen.lost_supervised,
            rejected,
        ),
    )


def _learn_known_labels(
    labels: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    records: pl.DataFrame,
    max_length: int | None,
) -> list[Outcome]:
    """Learn answers, but of classification rows only those with a label of the vocabulary."""
    return [
        Refused("its label is none of the vocabulary's")
        if kind == CLASSIFICATION and label is not None and label not in labels
        else outcome
        for outcome, kind, label in zip(
            learn_answers(tokenizer, records, max_length),
            records["kind"],
            records["label"],
            strict=True,
        )
    ]
