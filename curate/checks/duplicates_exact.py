"""Records with the same content as an earlier one, byte for byte.

Compared are kind, messages, answers and label; not the id, group, source and the untouched rest.

Evidence: the row, and in ``related_row`` the first row with the same content; ``cluster`` is that
row, too, and ``score`` is 1.

Fix: drop; the first row of each group stays.

Limits: rows that say the same with a blank more are ``duplicates/normalised``.
"""

from __future__ import annotations

import polars as pl

from ..auditing.copies import EXACT, comparison_keys, copies
from ..check import Check, DatasetCheck, DatasetContext
from ..finding import Fix, Severity


def _exact(context: DatasetContext, check: Check) -> pl.DataFrame:
    keys = context.summary(comparison_keys, "row", "exact")
    return copies(keys, "exact", "the same content as row {}, which stays")


CHECK = DatasetCheck(
    name=EXACT,
    title="the same content again",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    summaries=(comparison_keys,),
    find=_exact,
)
