"""Tool calls that do not match their results, or the tools on offer.

Every call needs a function's name and arguments that are a JSON object; a tool that the row offers
(its field ``tools`` or ``functions``) under that name, where it offers any, with the arguments that
it needs and none that it does not take; and a result before anyone else speaks. Every result needs
a call that waits for it: the one with its ``tool_call_id``, or where calls have no ids, the next.
The calls that end a conversation may go without results, but not without some of them.

Evidence: ``field`` is the call or the result at fault, such as ``messages[2].tool_calls``, or
``extra`` where the tools on offer cannot be read. The message says what was expected and found.

Fix: drop: neither a call nor a result can be made up. A call that nobody can make (no JSON, a tool
that is not on offer) counts as high, others (an argument too many, no result) as medium.

Limits: values of arguments are not checked against their types. Tools that a system prompt offers
in prose are not read: then every name is allowed.
"""

from __future__ import annotations

import polars as pl

from ..check import Check, CheckContext, CheckSkippedError, RowCheck
from ..finding import Fix, Severity
from ..measures.tool_faults import tool_faults

_SCHEMA = {"row": pl.Int64, "field": pl.String, "message": pl.String, "severity": pl.String}


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    concerned = context.messages.filter(
        (pl.col("role") == "tool") | pl.col("tool_calls").is_not_null()
    )["row"].unique()
    if concerned.is_empty():
        raise CheckSkippedError("no row calls a tool")
    records = context.records.filter(pl.col("row").is_in(concerned.implode()))
    found = [
        (
            record["row"],
            fault.field,
            fault.message,
            Severity.HIGH.value if fault.grave else Severity.MEDIUM.value,
        )
        for record in records.select("row", "messages", "chosen", "rejected", "extra").iter_rows(
            named=True
        )
        for fault in tool_faults(record)
    ]
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


CHECK = RowCheck(
    name="schema/tool-calls",
    title="tool calls that do not match their results or the tools",
    severity=Severity.HIGH,
    fix=Fix.DROP,
    find=_find,
)
