"""Scores of single items: per model while it is measured, then paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..workspace.errors import JobError
from ..workspace.events import Emit, Note
from .verdicts.measures import Choices, Kind, TaskScores

GENERAL, DOMAIN = "general", "domain"
OUT_OF_DOMAIN = "out-of-domain"
QUICK, BIAS = "quick", "bias"

ANSWER_SCHEMA = pl.Schema(
    {
        "item": pl.String,
        "cluster": pl.String,
        "score": pl.Float64,
        "prompt": pl.String,
        "expected": pl.String,
        "choices": pl.List(pl.String),
        "output": pl.String,
        "log_likelihoods": pl.List(pl.Float64),
    }
)

ITEMS_SCHEMA = pl.Schema(
    {
        "task": pl.String,
        "group": pl.String,
        "item": pl.String,
        "cluster": pl.String,
        "metric": pl.String,
        "contamination": pl.String,
        "base_score": pl.Float64,
        "tuned_score": pl.Float64,
        "prompt": pl.String,
        "expected": pl.String,
        "choices": pl.List(pl.String),
        "base_output": pl.String,
        "tuned_output": pl.String,
        "base_log_likelihoods": pl.List(pl.Float64),
        "tuned_log_likelihoods": pl.List(pl.Float64),
    }
)


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What a task measures, whatever the model (see :class:`TaskScores` for the fields)."""

    task: str
    group: str
    metric: str
    kind: Kind
    higher_is_better: bool
    chance: float | None
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's items of one task: frame of :data:`ANSWER_SCHEMA`."""

    info: TaskInfo
    frame: pl.DataFrame

    @property
    def mean(self) -> float:
        """The mean score."""
        return float(np.mean(self.frame["score"].to_numpy()))


def answers(info: TaskInfo, rows: Sequence[Mapping[str, object]]) -> Answers:
    """Make a model's items from rows; columns that a row lacks are null."""
    return Answers(info, pl.from_dicts(list(rows), schema=ANSWER_SCHEMA, strict=False))


def paired_scores(base: Answers, tuned: Answers, margin: float | None = None) -> TaskScores:
    """Bring both models' scores of a task together, item by item.

    Args:
        base: the base model's items.
        tuned: the tuned model's, of the same items in the same order.
        margin: see :class:`TaskScores`.

    Raises:
        JobError: the items are not the same.
    """
    asked = (base.info.task, base.info.metric) == (tuned.info.task, tuned.info.metric)
    if not asked or not base.frame["item"].equals(tuned.frame["item"]):
        raise JobError(
            "base and tuned were not asked the same items",
            where=f"task {base.info.task}",
            fix="evaluate again with --force",
        )
    # A score that leaves 0 to 1 for one of the models is no share for either.
    info = base.info if base.info.kind == "loss" else tuned.info
    return TaskScores(
        task=info.task,
        group=info.group,
        metric=info.metric,
        kind=info.kind,
        higher_is_better=info.higher_is_better,
        chance=info.chance,
        base=base.frame["score"].to_numpy().astype(np.float64),
        tuned=tuned.frame["score"].to_numpy().astype(np.float64),
        clusters=cluster_numbers(base.frame["cluster"]),
        decides=info.decides,
        margin=margin,
        choices=choices_taken(*tuned.frame.select("choices", "output", "expected")),
    )


def choices_taken(choices: pl.Series, outputs: pl.Series, expected: pl.Series) -> Choices | None:
    """Return the places of what was chosen and of what is right.

    Args:
        choices: of every item, or null.
        outputs: what the tuned model answered.
        expected: the right answers.

    Returns:
        None where an item has no choices.
    """
    if not len(choices) or choices.null_count():
        return None
    tuned, right = (
        np.array(
            [
                among.index(one) if one in among else -1
                for among, one in zip(choices.to_list(), texts.to_list(), strict=True)
            ],
            dtype=np.int64,
        )
        for texts in (outputs, expected)
    )
    return Choices(tuned, right)


def same_items(
    base: Sequence[Answers], tuned: Sequence[Answers], emit: Emit
) -> list[tuple[Answers, Answers]]:
    """Bring both models' tasks together, with the items that both were asked.

    An item that is too long for one of two tokenizers was asked of one model alone.

    Args:
        base: the base model's tasks.
        tuned: the tuned model's, in the same order.
        emit: told how many items are left out.
    """
    others = {answers.info.task: answers for answers in tuned}
    pairs: list[tuple[Answers, Answers]] = []
    for first in base:
        second = others.get(first.info.task)
        if second is None:
            emit(Note(text=f"{first.info.task}: only the base could be asked; left out"))
            continue
        if not first.frame["item"].equals(second.frame["item"]):
            both = first.frame.join(second.frame, on="item", how="semi")["item"]
            left = len(first.frame) + len(second.frame) - 2 * len(both)
            emit(
                Note(text=f"{first.info.task}: {left:,} items fit only one of the models; left out")
            )
            first, second = (
                Answers(one.info, one.frame.filter(pl.col("item").is_in(both.implode())))
                for one in (first, second)
            )
        if len(first.frame):
            pairs.append((first, second))
    return pairs


def paired_items(base: Answers, tuned: Answers, statuses: Mapping[str, str]) -> pl.DataFrame:
    """Return a task's rows of ``items.parquet``, a frame of :data:`ITEMS_SCHEMA`.

    Args:
        base: the base model's items.
        tuned: the tuned model's, of the same items in the same order.
        statuses: of the items that were looked for among the training rows, by their name:
            ``clean``, ``contaminated`` or ``uncheckable``.
    """
    own = ("score", "output", "log_likelihoods")
    return base.frame.select(
        pl.lit(base.info.task).alias("task"),
        pl.lit(base.info.group).alias("group"),
        pl.lit(base.info.metric).alias("metric"),
        base.frame["item"]
        .replace_strict(statuses, default=None, return_dtype=pl.String)
        .alias("contamination"),
        pl.all().exclude(own),
        *(pl.col(name).alias(f"base_{name}") for name in own),
        *(tuned.frame[name].alias(f"tuned_{name}") for name in own),
    ).select(ITEMS_SCHEMA.names())


def cluster_numbers(clusters: pl.Series) -> np.ndarray | None:
    """Number the clusters; an item without one stands alone.

    Args:
        clusters: names or nulls, shape (n,).

    Returns:
        int64 of shape (n,); None where every item stands alone.
    """
    if clusters.null_count() == len(clusters):
        return None
    alone = pl.Series([f"\x00{index}" for index in range(len(clusters))])
    names = clusters.zip_with(clusters.is_not_null(), alone)
    return (names.rank("dense") - 1).to_numpy().astype(np.int64)
