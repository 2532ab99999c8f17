"""Records with the same words as an earlier one.

Unicode form, case, white space and sentence punctuation make no difference; brackets, operators,
the marks within numbers, and every mark of a text that looks like code do (see
:func:`..comparison_text.canonical_texts`). Roles, tool calls and the label must be equal.

Evidence: the row, and in ``related_row`` the first row with the same words; ``cluster`` is that
row, too, and ``score`` is 1. Exact copies are not reported again.

Fix: drop; the first row of each group stays.

Limits: where a comma is the point (exercises in punctuation), the rows are reported nevertheless.
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import NORMALISED, comparison_keys, copies, without_copies
from ..check import Check, DatasetCheck, DatasetContext
from ..finding import Fix, Severity


def _normalised(context: DatasetContext, check: Check) -> pl.DataFrame:
    keys = context.summary(comparison_keys, "row", "exact", "normalised")
    return copies(
        without_copies(keys, "exact"),
        "normalised",
        "the same words as row {}, which stays; only case, white space, Unicode form or sentence "
        "punctuation differ",
    )


CHECK = DatasetCheck(
    name=NORMALISED,
    title="the same words again",
    severity=Severity.MEDIUM,
    fix=Fix.DROP,
    summaries=(comparison_keys,),
    find=_normalised,
)
