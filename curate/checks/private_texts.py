"""The texts that are searched for private data: what is said, and what tools are called with.

Calls are searched as the JSON that they are. A mask that would break it (in the place of a bare
number, or of half an escape) is not proposed: such a hit is to be reviewed.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
import polars as pl

from ..check import CheckContext
from ..finding import Fix

_CALLS = ".tool_calls"
_MASK = "[X]"


def find_private(
    context: CheckContext, find: Callable[[pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    """Find private data in messages and tool calls.

    Args:
        context: a piece of the data.
        find: returns the hits in a frame of ``row``, ``field`` and ``content``.
    """
    texts = _texts(context.messages)
    hits = find(texts)
    in_calls = hits["field"].str.ends_with(_CALLS)
    if not in_calls.any():
        return hits
    calls = texts.filter(pl.col("field").str.ends_with(_CALLS))
    by_place = {(row, field): content for row, field, content in calls.iter_rows()}
    unsafe = [
        is_call and not _can_be_masked(by_place[row, field], start, end)
        for is_call, row, field, start, end in zip(
            in_calls, *hits.select("row", "field", "start", "end"), strict=True
        )
    ]
    return hits.with_columns(
        fix=pl.when(pl.Series(unsafe)).then(pl.lit(Fix.REVIEW.value)).otherwise("fix")
    )


def _texts(messages: pl.DataFrame) -> pl.DataFrame:
    said = messages.select("row", "field", "content")
    calls = messages.filter(pl.col("tool_calls").is_not_null()).rechunk()
    if calls.is_empty():
        return said
    field = pl.format(f"{{}}[{{}}]{_CALLS}", "part", "index")
    return pl.concat([said, calls.select("row", field=field, content="tool_calls")], rechunk=True)


def _can_be_masked(calls: str, start: int, end: int) -> bool:
    """Tell whether calls are still JSON, and their arguments, with a mask in that place."""
    try:
        masked = orjson.loads(f"{calls[:start]}{_MASK}{calls[end:]}")
        for call in masked if isinstance(masked, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if isinstance(arguments, str):
                orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return True
