"""Labels that the other rows speak against.

A plain classifier judges each row by the others (out of fold), and cleanlab finds the labels that
fall among the noise: see :mod:`..label_noise`. Reported are those whose own label is besides less
than ``most_ratio`` times as probable as the likeliest one, and whose likeliest label has at least
the probability ``least_probability``. Only rows that are to be classified are looked at, and labels
with at least ``least_rows`` rows.

Evidence: the row, field ``label``; ``score`` is cleanlab's label quality (the probability of the
given label: the lower, the worse), ``related`` the likeliest label.

Fix: review; the likeliest label is a suggestion.

Limits: the classifier knows words, not meanings. Of 10,003 questions with 77 labels, in 300 of
which the label was exchanged by chance, it finds 86 to 89 in a hundred; of what it reports 84 in a
hundred were exchanged, and over half of the others were wrong or doubtful before. With fewer than
some 50 rows for each label more of the reports are false. Copies of a row under the same wrong
label hide it. Of more than ``most_rows`` rows a sample is judged.
"""

from __future__ import annotations

import polars as pl

from ..check import (
    Check,
    CheckContext,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    Extra,
    Parameter,
)
from ..finding import Fix, Severity
from ..measures.label_noise import measure_label_noise
from ..records import CLASSIFICATION, INSTRUCTING_ROLES, message_rows

_MOST_CHARACTERS = 2000
_SEED = 0
_HIT = {
    "row": pl.Int64,
    "field": pl.String,
    "score": pl.Float64,
    "related": pl.String,
    "message": pl.String,
}


def class_labels(context: CheckContext) -> pl.DataFrame:
    """Return ``row`` and ``label`` of the records that are to be classified: a summary."""
    return context.records.filter(
        pl.col("kind") == CLASSIFICATION, pl.col("label").str.contains(r"\S")
    ).select("row", "label")


def _noisy_labels(context: DatasetContext, check: Check) -> pl.DataFrame:
    labelled = _judged_rows(context, check)
    texts = _texts(context.records_of(labelled["row"]))
    labelled = labelled.join(texts, on="row", maintain_order="left")
    names = labelled["label"].unique().sort()
    labels = labelled["label"].replace_strict(names, pl.int_range(len(names), eager=True))
    noise = measure_label_noise(labelled["text"].to_list(), labels.to_numpy())
    context.explain(check, _told(context, labelled, len(names), noise.accuracy))
    if noise.accuracy < context.parameter(check, "least_accuracy"):
        raise CheckSkippedError(
            f"words tell the label of {noise.accuracy:.0%} of the rows only: too few to judge by"
        )
    is_improbable = noise.quality < context.parameter(check, "most_ratio") * noise.probability
    is_sure = noise.probability >= context.parameter(check, "least_probability")
    suggested = names.gather(noise.suggested)
    return (
        labelled.select(
            "row",
            field=pl.lit("label"),
            score=pl.Series(noise.quality),
            related=suggested,
            message=pl.format(
                "labelled '{}', but rows like this are '{}' (probability {} against {})",
                "label",
                suggested,
                pl.Series(noise.probability).round(2),
                pl.Series(noise.quality).round(3),
            ),
        )
        .filter(pl.Series(noise.noisy & is_improbable & is_sure))
        .cast(_HIT)  # type: ignore[arg-type]
        .sort("row")
    )


def _judged_rows(context: DatasetContext, check: Check) -> pl.DataFrame:
    """Return the rows to judge: those of labels with enough rows, or a sample of them."""
    labelled = context.summary(class_labels)
    if labelled.is_empty():
        raise CheckSkippedError("the rows are not to be classified")
    least = context.parameter(check, "least_rows")
    most = context.parameter(check, "most_rows")
    if labelled.height > most:
        labelled = labelled.sample(most, seed=_SEED).sort("row")
    labelled = labelled.filter(pl.len().over("label") >= least)
    number = labelled["label"].n_unique()
    if number < 2:
        raise CheckSkippedError(f"fewer than two labels have {least} rows")
    if number > context.parameter(check, "most_labels"):
        raise CheckSkippedError(f"{number:,} labels are too many to judge")
    return labelled


def _told(context: DatasetContext, judged: pl.DataFrame, labels: int, accuracy: float) -> str:
    rows = context.summary(class_labels).height
    of_all = "" if judged.height == rows else f" of {rows:,}"
    return (
        f"{judged.height:,}{of_all} rows with {labels:,} labels were judged; for {accuracy:.0%} of "
        "them words tell the label given"
    )


def _texts(records: pl.DataFrame) -> pl.DataFrame:
    return (
        message_rows(records)
        .filter(~pl.col("role").is_in(INSTRUCTING_ROLES).fill_null(False))
        .group_by("row")
        .agg(text=pl.col("content").drop_nulls().str.slice(0, _MOST_CHARACTERS).str.join("\n"))
    )


CHECK = DatasetCheck(
    name="labels/noise",
    title="labels that the other rows speak against",
    severity=Severity.MEDIUM,
    fix=Fix.REVIEW,
    summaries=(class_labels,),
    find=_noisy_labels,
    extra=Extra(package="cleanlab", name="noise"),
    parameters={
        "least_rows": Parameter(10, "a label with fewer rows cannot be learned in five parts"),
        "most_rows": Parameter(20_000, "more take long, and tell little more of each label"),
        "most_labels": Parameter(300, "one classifier is trained for each, five times over"),
        "most_ratio": Parameter(
            0.03, "higher finds more wrong labels, and more that are merely doubtful"
        ),
        "least_probability": Parameter(0.2, "below it the classifier itself does not know"),
        "least_accuracy": Parameter(
            0.5, "where words tell fewer of the labels, they cannot contradict the others"
        ),
    },
)
