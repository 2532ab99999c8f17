"""The same text with another label.

Texts are compared by their words, without system prompts: of chats the prompt, of everything else
all that is said. A label of true or false judges the answer of a chat, so such rows conflict only
where the answers are equal, too. Which of the labels is wrong cannot be told: reported are the rows
that disagree with the label most often given, or with the first one.

Evidence: the row (field ``label``), in ``related_row`` the first row that has the same text with
the usual label, in ``related`` that label; ``cluster`` is the first of these rows.

Fix: review.

Limits: only equal words are compared, by 128-bit hashes.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, DatasetCheck, DatasetContext
from ..finding import Fix, Severity

_VERDICTS = {"true", "false", "0", "1", "good", "bad"}


def labelled_texts(context: CheckContext) -> pl.DataFrame:
    """Return each label with what it may be about: a summary.

    Returns:
        ``row``, ``label``, and as hashes (null where there are no words) ``prompt`` and
        ``spoken``; only rows that have a label.
    """
    labels = context.records.select("row", "label").filter(pl.col("label").str.contains(r"\S"))
    return labels.join(context.comparison, on="row", maintain_order="left").select(
        "row", "label", _hashed("prompt"), _hashed("spoken")
    )


def _conflicts(context: DatasetContext, check: Check) -> pl.DataFrame:
    labels = context.summary(labelled_texts)
    if labels["label"].n_unique() < 2:
        raise CheckSkippedError("the rows have no labels, or one label alone")
    judges_answer = labels["label"].str.to_lowercase().is_in(_VERDICTS).all()
    said = pl.col("spoken") if judges_answer else pl.coalesce("prompt", "spoken")
    labelled = labels.select("row", "label", text=said).drop_nulls("text")
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


def _hashed(name: str) -> pl.Expr:
    text = pl.col(name)
    return (
        pl.when(text.is_not_null() & (text != ""))
        .then(pl.struct(a=text.hash(1), b=text.hash(2)))
        .alias(name)
    )


CHECK = DatasetCheck(
    name="labels/conflict",
    title="the same text with another label",
    severity=Severity.HIGH,
    fix=Fix.REVIEW,
    summaries=(labelled_texts,),
    find=_conflicts,
)
