"""Copies: records with the same content, the same words, almost the same words, the same prompt.

A record is reported by the strictest of exact, normalised and near that holds for it. What is
proposed for removal always has a direct counterpart that stays; chains of similar records are
never collapsed into one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, Parameter, RowCheck
from ..components import keep_best
from ..finding import Fix, Severity
from ..near_duplicates import SHINGLE_SIZE, THRESHOLD, near_duplicate_pairs

EXACT, NORMALISED, NEAR = "duplicates/exact", "duplicates/normalised", "duplicates/near"
SAME_PROMPT = "duplicates/same-prompt"


def first_of_group(key: str) -> pl.Expr:
    """Return the first row with the same key; the row itself where the key is null."""
    return pl.when(pl.col(key).is_null()).then("row").otherwise(pl.col("row").min().over(key))


def _copies(columns: pl.DataFrame, key: str, message: str) -> pl.DataFrame:
    """Every row but the first of those with an equal key."""
    return (
        columns.with_columns(related_row=first_of_group(key))
        .filter(pl.col("row") != pl.col("related_row"))
        .select(
            "row",
            "related_row",
            score=1.0,
            cluster="related_row",
            message=pl.format(message, "related_row"),
        )
    )


def without_copies(columns: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Leave only the first row of those with an equal key, for each key in turn."""
    for key in keys:
        columns = columns.filter(first_of_group(key) == pl.col("row"))
    return columns


def _exact(context: CheckContext, check: Check) -> pl.DataFrame:
    columns = context.comparison
    return _copies(columns, "exact", "the same content as row {}, which stays")


def _normalised(context: CheckContext, check: Check) -> pl.DataFrame:
    columns = without_copies(context.comparison, "exact")
    return _copies(
        columns,
        "normalised",
        "the same words as row {}, which stays; only case, white space, Unicode form or sentence "
        "punctuation differ",
    )


def _near(context: CheckContext, check: Check) -> pl.DataFrame:
    size = context.parameter(check, "shingle_size")
    columns = without_copies(context.comparison, "exact", "normalised")
    columns = columns.join(
        context.records.select("row", "label"), on="row", how="left", maintain_order="left"
    )
    found = near_duplicate_pairs(
        columns["spoken"], threshold=context.parameter(check, "threshold"), shingle_size=size
    )
    pairs = found.pairs
    removals = keep_best(
        longest_first(columns["spoken"]),
        pairs["left"].to_numpy(),
        pairs["right"].to_numpy(),
        pairs["jaccard"].to_numpy(),
    )
    rows, labels = columns["row"], columns["label"]
    removed, kept = removals.removed, removals.kept
    hits = pl.DataFrame(
        {
            "row": rows.gather(removed),
            "related_row": rows.gather(kept),
            "score": removals.score,
            "cluster": rows.gather(found.components[removed]),
            "same_label": labels.gather(removed).eq_missing(labels.gather(kept)),
        }
    )
    percent = (pl.col("score") * 100).floor().cast(pl.Int64)
    return hits.with_columns(
        message=pl.when("same_label")
        .then(
            pl.format("{} % of its word runs and those of row {} are shared; "
                      "the longer row stays", percent, "related_row")
        )
        .otherwise(
            pl.format("{} % of its word runs and those of row {} are shared, "
                      "but the labels differ", percent, "related_row")
        ),
        fix=pl.when("same_label").then(pl.lit(Fix.DROP)).otherwise(pl.lit(Fix.REVIEW)),
    ).drop("same_label")  # fmt: skip


def longest_first(texts: pl.Series) -> np.ndarray:
    """Order positions by the length of their text, the longest first, then as they come."""
    lengths = texts.str.len_chars().cast(pl.Int64).to_numpy()
    return np.argsort(-lengths, kind="stable")


def _same_prompt(context: CheckContext, check: Check) -> pl.DataFrame:
    columns = context.comparison.drop_nulls("prompt")
    if columns.is_empty():
        raise CheckSkippedError("no record has a prompt and an answer")
    answers = columns.group_by("prompt", "answer", maintain_order=True).agg(pl.col("row").min())
    return (
        answers.with_columns(
            related_row=pl.col("row").min().over("prompt"), answers=pl.len().over("prompt")
        )
        .filter(pl.col("row") != pl.col("related_row"))
        .sort("row")
        .select(
            "row",
            "related_row",
            cluster="related_row",
            message=pl.format(
                "the same prompt as row {}, another answer ({} in all)", "related_row", "answers"
            ),
        )
    )


CHECKS = (
    RowCheck(
        name=EXACT,
        title="the same content again",
        severity=Severity.HIGH,
        fix=Fix.DROP,
        find=_exact,
    ),
    RowCheck(
        name=NORMALISED,
        title="the same words again",
        severity=Severity.MEDIUM,
        fix=Fix.DROP,
        find=_normalised,
    ),
    RowCheck(
        name=NEAR,
        title="almost the same words again",
        severity=Severity.MEDIUM,
        fix=Fix.DROP,
        find=_near,
        parameters={
            "threshold": Parameter(
                THRESHOLD, "lower finds more rewording, but also what merely shares a form"
            ),
            "shingle_size": Parameter(
                SHINGLE_SIZE, "runs of five words are rarely shared by chance"
            ),
        },
    ),
    RowCheck(
        name=SAME_PROMPT,
        title="one prompt, different answers",
        severity=Severity.MEDIUM,
        fix=Fix.REVIEW,
        find=_same_prompt,
    ),
)
