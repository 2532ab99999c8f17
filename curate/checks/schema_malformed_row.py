"""Rows that cannot be understood.

What the reader could not turn into a record (no JSON, no text, not the shape of the others) is
set aside with its bytes; none of it is dropped without a word.

Evidence: ``row`` counts the rows of the source from 0. The message says what was wrong, in which
file, in which line, and at which byte; the bytes themselves are in ``set_aside.parquet``.

Fix: none. The row is not among the records any more; mend it in the source.

Limits: a row that can be read but means something else than it says is for the other checks.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, RowCheck
from ..finding import Fix, Severity
from .set_aside import unreadable_rows


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    return unreadable_rows(context)


CHECK = RowCheck(
    name="schema/malformed-row",
    title="rows that cannot be understood",
    severity=Severity.HIGH,
    fix=Fix.NONE,
    find=_find,
)
