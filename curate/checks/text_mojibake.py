r"""Characters that were read in the wrong encoding, such as ``â€™`` for ``’``, or lost on the way.

UTF-8 that was read as Windows-1252 or Latin-1 leaves sequences of letters that no language writes:
a lead byte's letter followed by continuation bytes' letters. Each such sequence is encoded back
and decoded as UTF-8, as often as it was misread; what does not decode is not reported.

Evidence: ``start`` and ``end`` hold one run of misread characters, ``related`` what was meant,
``score`` is 1. A run of ``\ufffd`` is where characters were lost. A message with more than
``most_findings`` runs gets one finding from the first to the last.

Fix: the repair puts back what was meant. In code, where such bytes may be the subject, and where
characters were lost, somebody must look (``review``).

Limits: other pairs of encodings, such as Cyrillic ones, are not found. What a lost character was
cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from ..check import Check, CheckContext, Parameter, RowCheck
from ..finding import Fix, Severity
from .joined_hits import joined
from .misread import MAY_BE_MISREAD, MISREAD, REST_OF_QUOTATION_MARK, what_was_meant
from .spans import Hit, code_blocks, inside, search_texts

_LOST = "\ufffd"
_PATTERN = re.compile(f"{MISREAD.pattern}|{_LOST}+")


def _judge(match: re.Match[str]) -> Hit | None:
    text, place = match[0], match.span()
    if text.startswith(_LOST):
        return Hit("a character was lost: replacement character", *place, score=1.0, fix=Fix.REVIEW)
    if text == REST_OF_QUOTATION_MARK:
        return Hit("part of a character in the wrong encoding", *place, score=1.0, fix=Fix.REVIEW)
    meant = what_was_meant(match)
    if meant is None:
        return None
    return Hit(
        f"UTF-8 read as Windows-1252; meant is {meant!r}",
        *place,
        score=1.0,
        related=meant,
        fix=Fix.REVIEW if inside(match.start(), code_blocks(match.string)) else None,
    )


def _find(context: CheckContext, check: Check) -> pl.DataFrame:
    most = context.parameter(check, "most_findings")

    def search(text: str) -> Sequence[Hit]:
        hits = (_judge(match) for match in _PATTERN.finditer(text))
        return joined(text, [hit for hit in hits if hit is not None], most)

    content = pl.col("content")
    is_ascii = content.str.len_bytes() == content.str.len_chars()
    where = ~is_ascii & content.str.contains(f"{MAY_BE_MISREAD}|{_LOST}")
    return search_texts(context.messages, search, where=where)


CHECK = RowCheck(
    name="text/mojibake",
    title="characters read in the wrong encoding",
    severity=Severity.MEDIUM,
    fix=Fix.REPAIR,
    find=_find,
    parameters={"most_findings": Parameter(20, "of a message; more are shown and repaired as one")},
)
