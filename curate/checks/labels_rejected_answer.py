"""Answers of chats that their label rejects, as in data for KTO.

A label of ``false`` on a row of prompt and completion says that the completion shows what not to
say; who trains on all answers alike would teach it.

Evidence: the row, field ``label``.

Fix: drop; trainers by KTO want these rows, supervised fine-tuning does not.

Limits: that ``false`` rejects the answer is the custom of data for KTO; where it means something
else, read the rows without a label (``--map label=``).
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..records import CHAT, label_rejects


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


CHECK = RowCheck(
    name="labels/rejected-answer",
    title="answers that their label rejects, as in data for KTO",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_rejected_answers,
)
