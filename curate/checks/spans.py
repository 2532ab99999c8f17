"""Hits inside texts: which characters of which field, found fast and judged one by one.

A pattern check works in two steps. A cheap expression over whole columns picks the few texts that
can hold a hit (most have no ``@``, or no run of digits); only those are searched for spans, whose
offsets count characters as everywhere in findings.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from operator import itemgetter

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

    def search(text: str) -> Iterator[Hit]:
        for match in pattern.finditer(text):
            hit = judge(match)
            if hit is None:
                continue
            start, end = match.span()
            yield replace(
                hit,
                start=start if hit.start is None else hit.start,
                end=end if hit.end is None else hit.end,
            )

    return search_texts(messages, search, where=where)


def search_texts(
    messages: pl.DataFrame, search: Callable[[str], Iterable[Hit]], *, where: pl.Expr
) -> pl.DataFrame:
    """Find hits in texts by a function.

    Args:
        messages: frame of flattened messages, or of their lines (see :func:`lines_of`).
        search: returns the hits of a text, each with its ``start`` and ``end``.
        where: true for every message that can hold a hit; the cheaper and stricter, the better.

    Returns:
        A frame of :data:`SPAN_SCHEMA`, in the order of the messages.
    """
    candidates = messages.filter(where)
    offsets = candidates["offset"] if "offset" in candidates.columns else repeat(0)
    texts = candidates.select("row", "field", "content").iter_rows()
    found = [
        (
            row,
            field,
            None if hit.start is None else offset + hit.start,
            None if hit.end is None else offset + hit.end,
            hit.score,
            hit.related,
            hit.message,
            hit.severity,
            hit.fix,
        )
        for (row, field, content), offset in zip(texts, offsets, strict=False)
        for hit in search(content)
    ]
    return pl.DataFrame(found, schema=SPAN_SCHEMA, orient="row")


def lines_of(messages: pl.DataFrame) -> pl.DataFrame:
    """Cut messages into lines, for what lies within one.

    Args:
        messages: frame of flattened messages.

    Returns:
        ``row, field, content`` and ``offset``, the characters before the line in its text.
    """
    line = pl.col("content")
    return (
        messages.select("row", "field", line.str.split("\n"))
        .with_row_index("text")
        .explode("content")
        .with_columns(after=(line.str.len_chars().cast(pl.Int64) + 1).cum_sum().over("text"))
        .select("row", "field", "content", offset=pl.col("after") - line.str.len_chars() - 1)
    )


@lru_cache(maxsize=2)
def code_blocks(text: str) -> tuple[tuple[int, int], ...]:
    """Return where the code of a Markdown text lies: fenced blocks and words in backticks.

    Example:
        >>> code_blocks("Use `<b>` here")
        ((4, 9),)
    """
    return tuple(match.span() for match in _CODE.finditer(text))


def without_code(text: str) -> str:
    """Put blanks in the place of code, so that all else stays where it is.

    Example:
        >>> without_code("Use `<b>` here")
        'Use       here'
    """
    return _CODE.sub(lambda match: " " * len(match[0]), text)


def inside(position: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a position lies in one of the spans, which are in order and apart."""
    number = bisect_right(spans, position, key=itemgetter(0)) - 1
    return number >= 0 and position < spans[number][1]


_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
