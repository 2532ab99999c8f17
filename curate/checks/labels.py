"""Labels that contradict each other, and labels that say that an answer is a bad one.

For contradictions texts are compared by their words, without system prompts. Which of the labels
is wrong cannot be told; reported are the rows that disagree with the label most often given, or
with the first one.

Limits: only equal words are compared. A label of true or false judges the answer of a chat, so
such rows conflict only where the answers are equal too. That ``false`` rejects a chat's answer is
the custom of data for KTO; where it means something else, read the rows without a label
(``--map label=``).
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import CHAT, label_rejects

_VERDICTS = {"true", "false", "0", "1", "good", "bad"}


def _conflicts(context: CheckContext, check: Check) -> pl.DataFrame:
    labels = context.records.select("row", "label").filter(pl.col("label").str.contains(r"\S"))
    if labels["label"].n_unique() < 2:
        raise CheckSkippedError("the rows have no labels, or one label alone")
    judges_answer = labels["label"].str.to_lowercase().is_in(_VERDICTS).all()
    said = pl.col("spoken") if judges_answer else pl.coalesce("prompt", "spoken")
    labelled = (
        labels.join(context.comparison, on="row", maintain_order="left")
        .select("row", "label", text=said)
        .filter(pl.col("text") != "")
    )
    given = (
        labelled.group_by("text", "label")
        .agg(times=pl.len(), first=pl.col("row").min())
        .filter(pl.len().over("text") > 1)
        .sort("text", "times", "first", descending=[False, True, False])
        .group_by("text", maintain_order=True)
        .agg(
            usual=pl.col("label").first(),
            related_row=pl.col("first").first(),
            cluster=pl.col("first").min(),
        )
    )
    return (
        labelled.join(given, on="text", maintain_order="left")
        .filter(pl.col("label") != pl.col("usual"))
        .rechunk()
        .select(
            "row",
            "related_row",
            "cluster",
            field=pl.lit("label"),
            related="usual",
            message=pl.format(
                "labelled '{}', but row {} has the same text labelled '{}'",
                "label",
                "related_row",
                "usual",
            ),
        )
        .sort("row")
    )


def _rejected_answers(context: CheckContext, check: Check) -> pl.DataFrame:
    chats = context.records.filter(pl.col("kind") == CHAT, pl.col("label").is_not_null())
    if chats.is_empty():
        raise CheckSkippedError("the rows are no chats with a label")
    rejecting = [label for label in chats["label"].unique() if label_rejects(CHAT, label)]
    return chats.filter(pl.col("label").is_in(rejecting)).select(
        "row",
        field=pl.lit("label"),
        message=pl.lit("the label is false: the answer shows what not to say"),
    )


CHECKS = (
    RowCheck(
        name="labels/conflict",
        title="the same text with another label",
        severity=Severity.HIGH,
        fix=Fix.REVIEW,
        find=_conflicts,
    ),
    RowCheck(
        name="labels/rejected-answer",
        title="answers that their label rejects, as in data for KTO",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_rejected_answers,
    ),
)
