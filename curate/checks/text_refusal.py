"""Answers that refuse: "I'm sorry, but I can't help with that", "As an AI, I do not have …".

A refusal comes first: an apology or "I" with "cannot" and a verb of service, unwillingness, what is
against rules or beyond one's scope, or "as a language model" with a lack. English is looked at
closely, German, French, Spanish, Italian, Portuguese, Dutch, Russian, Chinese and Japanese by their
usual formulas. An answer that says it is a machine and then answers is no refusal; text/boilerplate
reports its disclaimer.

Evidence: ``start`` and ``end`` hold the words that refuse.

Fix: the row should go (``drop``): a model learns to refuse from few examples, and the request
stays unanswered.

Limits: whether a refusal is wanted (a row for safety, a request beyond the tools at hand) only
the reader can tell. One that comes late in an answer is not found, nor is one in words of its own:
of sixteen that were written to be unlike the usual ones, three are.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .refusals import LEAST_HELP, find_refusal, may_refuse, speaks_as_machine
from .spans import SPAN_SCHEMA


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    least_help = context.parameter(check, "least_help")
    candidates = may_refuse(context.answers).select("row", "field", "content")
    found = [
        {
            "row": row,
            "field": field,
            "start": match.start(),
            "end": match.end(),
            "message": "the assistant says that it is a machine and cannot"
            if speaks_as_machine(match)
            else "the assistant refuses",
        }
        for row, field, content in candidates.iter_rows()
        if (match := find_refusal(content, least_help)) is not None
    ]
    return pl.DataFrame(found, schema=SPAN_SCHEMA)


CHECK = RowCheck(
    name="text/refusal",
    title="answers that refuse",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    find=_find,
    parameters={
        "least_help": Parameter(
            LEAST_HELP,
            "words after “as an AI, I do not …”; fewer are a regret or an offer, no answer",
        )
    },
)
