"""Conversations that your chat template refuses, or in which answers cannot be found.

To learn answers alone, a trainer must know where they lie in what the template writes. It is found
by rendering turn by turn: that works only if the first turns are written the same whatever follows
them. A template that drops the thoughts of earlier answers, or writes the last turn in another
way, shows the model in training what it will not see in use. Training here finds answers in the
same way, and refuses such templates.

Evidence: the row; ``field`` is the first answer that is written differently once others follow.
The message gives the template's own words where it refuses a conversation.

Fix: drop rows that are refused, since they cannot be trained on; review the others: another
template, or rows with one answer each, keeps them.

Limits: tools that a row offers are not handed to the template.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, DatasetCheck, DatasetContext
from ..finding import Fix, Severity
from .needs_tokenizer import needed_template
from .template_faults import DIFFERS, REFUSED, template_faults

_MOST_OF_A_REASON = 200


def _find(context: DatasetContext, check: Check) -> pl.DataFrame:
    needed_template(context)
    faults = context.summary(template_faults).rechunk()
    reason = pl.col("text").str.slice(0, _MOST_OF_A_REASON)
    refused = faults.filter(pl.col("fault") == REFUSED).select(
        "row",
        message=pl.format("the chat template refuses the conversation: {}", reason),
        fix=pl.lit(Fix.DROP.value),
    )
    differs = faults.filter(pl.col("fault") == DIFFERS).select(
        "row",
        message=pl.format(
            "the chat template writes message {} differently when others follow", "index"
        ),
        field=pl.format("messages[{}].content", "index"),
    )
    return pl.concat([refused, differs], how="diagonal").sort("row")


CHECK = DatasetCheck(
    name="tokens/template",
    title="conversations that the chat template refuses or writes unsteadily",
    severity=Severity.HIGH,
    fix=Fix.REVIEW,
    summaries=(template_faults,),
    find=_find,
)
