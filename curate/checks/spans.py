"""Hits inside texts: which characters of which field, found fast and judged one by one.

A pattern check works in two steps. A cheap expression over whole columns picks the few texts that
can hold a hit (most have no ``@``, or no run of digits); only those are searched for spans, whose
offsets count characters as everywhere in findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ..finding import Fix, Severity

SPAN_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "field": pl.String,
        "start": pl.Int64,
        "end": pl.Int64,
        "score": pl.Float64,
        "related": pl.String,
        "message": pl.String,
        "severity": pl.String,
        "fix": pl.String,
    }
)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a match means.

    Attributes:
        message: a sentence for the reader; it does not repeat private data.
        start: first character; that of the match by default.
        end: the character after the last; that of the match by default.
        score: how sure, 0 to 1.
        related: for a repair, the characters to put in place.
        severity: where it differs from the check's.
        fix: where it differs from the check's.
    """

    message: str
    start: int | None = None
    end: int | None = None
    score: float | None = None
    related: str | None = None
    severity: Severity | None = None
    fix: Fix | None = None


def find_spans(
    messages: pl.DataFrame,
    pattern: re.Pattern[str],
    judge: Callable[[re.Match[str]], Hit | None],
    *,
    where: pl.Expr,
) -> pl.DataFrame:
    """Find the matches of a pattern that a judge takes for hits.

    Args:
        messages: frame of flattened messages.
        pattern: what to look for in ``content``.
        judge: says what a match means; None that it is no hit.
        where: true for every message that can hold a hit; the cheaper and stricter, the better.

    Returns:
        A frame of :data:`SPAN_SCHEMA`, in the order of the messages.
    """
    candidates = messages.filter(where).select("row", "field", "content")
    found = [
        (
            row,
            field,
            match.start() if hit.start is None else hit.start,
            match.end() if hit.end is None else hit.end,
            hit.score,
            hit.related,
            hit.message,
            hit.severity,
            hit.fix,
        )
        for row, field, content in candidates.iter_rows()
        for match in pattern.finditer(content)
        if (hit := judge(match)) is not None
    ]
    return pl.DataFrame(found, schema=SPAN_SCHEMA, orient="row")


def code_blocks(text: str) -> list[tuple[int, int]]:
    """Return where the code of a Markdown text lies: fenced blocks and words in backticks.

    Example:
        >>> code_blocks("Use `<b>` here")
        [(4, 9)]
    """
    return [match.span() for match in _CODE.finditer(text)]


def inside(position: int, spans: list[tuple[int, int]]) -> bool:
    """Tell whether a position lies in one of the spans."""
    return any(start <= position < end for start, end in spans)


_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
