"""Changes of text: private data masked, broken characters repaired."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from ..evidence import field_text
from ..finding import Fix
from ..records import MESSAGE_PARTS, RECORD_SCHEMA
from .relabel import LabelColumn

CHANGED_SCHEMA = pl.Schema(
    {
        "row": pl.Int64,
        "field": pl.String,
        "before": pl.String,
        "after": pl.String,
        "check": pl.String,
    }
)

_FIELD = re.compile(r"(messages|chosen|rejected)\[(\d+)\]\.(\w+)")
_NOT_TELLING = re.compile(r"[\W_]+")
_WORD = re.compile(r"\S+")
# What takes time by the square of words or characters in the worst case has an end.
_MOST_UNITS = 2_000


@dataclass(frozen=True, slots=True)
class Edited:
    """Records after their edits.

    Attributes:
        records: all records, in their order.
        changed: frame of :data:`CHANGED_SCHEMA`, one line a field whose text became another.
        missed: the edits that could not be made: no characters or no replacement are told, their
            text was changed by hand, or they overlap with another repair.
    """

    records: pl.DataFrame
    changed: pl.DataFrame
    missed: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Span:
    """Characters of a text that give way to others."""

    start: int
    end: int
    check: str
    replacement: str | None

    def lies_in(self, other: _Span) -> bool:
        """Tell whether another span covers this one, so that its characters are gone."""
        return other.start <= self.start and self.end <= other.end


def apply_edits(records: pl.DataFrame, edits: pl.DataFrame, labels: LabelColumn) -> Edited:
    """Mask and repair texts.

    A mask names what was there: ``[EMAIL]``, ``[CREDIT_CARD]``. A second, different value in the
    same record is ``[EMAIL_2]``; the same value always has the same mask within its record. A
    repair puts the characters that the finding offers in the place of those that it shows. Masks
    that overlap become one, and win over repairs; of repairs that overlap with a mask or with each
    other, everything is done that does not touch the same characters.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        edits: findings with ``action`` ``mask`` or ``repair`` and ``in_place``, in the order of the
            rows; what no span or replacement tells how to do, or where, is left alone.
        labels: how the source writes its labels.
    """
    wanted = edits.select("row", "field", "start", "end", "check", "action", "related", "in_place")
    by_row = {
        row: list(found)
        for row, found in groupby(
            enumerate(wanted.iter_rows(named=True)), key=lambda item: item[1]["row"]
        )
    }
    concerned = records.filter(pl.col("row").is_in(list(by_row)))
    changed: list[dict[str, Any]] = []
    rewritten: list[dict[str, Any]] = []
    made = np.zeros(edits.height, dtype=bool)
    for record in concerned.iter_rows(named=True):
        changes = _edit_record(record, by_row[record["row"]], made, labels)
        changed += changes
        if changes:
            rewritten.append(record)
    if rewritten:
        new = pl.DataFrame(rewritten, schema=RECORD_SCHEMA)
        order = records.select("row").with_row_index("order")
        merged = pl.concat([records.join(new, on="row", how="anti"), new])
        records = merged.join(order, on="row").sort("order").drop("order")
    return Edited(
        records, pl.DataFrame(changed, schema=CHANGED_SCHEMA), edits.filter(pl.Series(~made))
    )


def _edit_record(
    record: dict[str, Any],
    findings: Sequence[tuple[int, Mapping[str, Any]]],
    made: np.ndarray,
    labels: LabelColumn,
) -> list[dict[str, Any]]:
    """Edit a record in place; return what changed, and mark the findings whose edit was made."""
    by_field: dict[str, list[tuple[int, _Span]]] = {}
    for number, finding in findings:
        text = field_text(record, finding["field"])
        if text is not None and (span := _span(finding, text)) is not None:
            by_field.setdefault(finding["field"], []).append((number, span))
    masks: dict[tuple[str, str], str] = {}
    changes = []
    for name in sorted(by_field, key=_reading_order):
        before = field_text(record, name) or ""
        spans, done = _without_overlaps([span for _, span in by_field[name]], before)
        after = _replace(before, spans, masks)
        if after == before:
            continue
        _set_field(record, name, after, labels)
        for number, span in by_field[name]:
            made[number] = span in done
        checks = ", ".join(dict.fromkeys(span.check for span in spans))
        changes.append(
            {
                "row": record["row"],
                "field": name,
                "before": before,
                "after": after,
                "check": checks,
            }
        )
    return changes


def _span(finding: Mapping[str, Any], text: str) -> _Span | None:
    """Return what a finding changes; None where it does not say."""
    start, end = finding["start"], finding["end"]
    if not finding["in_place"]:
        return None
    if start is None or end is None:
        start, end = 0, len(text)
    if not 0 <= start <= end <= len(text):
        return None
    if finding["action"] == Fix.MASK:
        return _Span(start, end, finding["check"], None) if end > start else None
    if finding["related"] is None:
        return None
    return _Span(start, end, finding["check"], finding["related"])


def _without_overlaps(spans: Sequence[_Span], text: str) -> tuple[list[_Span], set[_Span]]:
    """Join masks that overlap under the name of the longest, and fit repairs in between.

    Returns:
        The spans to replace, in order, and those of the given ones that are wholly done.
    """
    ranked = sorted(set(spans), key=lambda span: (span.start - span.end, span.start, span.check))
    kept: list[_Span] = []
    masks = [span for span in ranked if span.replacement is None]
    for span in masks:
        touched = _touched(span, kept)
        first = min(other.start for other in [span, *touched])
        last = max(other.end for other in [span, *touched])
        kept = [other for other in kept if other not in touched]
        kept.append(_Span(first, last, (touched or [span])[0].check, None))
    done = set(masks)
    for span in ranked:
        if span.replacement is None:
            continue
        pieces = _pieces(span, text) if _touched(span, kept) else [span]
        free = [piece for piece in pieces if not _touched(piece, kept)]
        if all(any(piece.lies_in(other) for other in [*kept, *free]) for piece in pieces):
            done.add(span)
        kept += [piece for piece in free if piece not in kept]
    return sorted(kept, key=lambda span: (span.start, span.end)), done


def _touched(span: _Span, others: Sequence[_Span]) -> list[_Span]:
    return [other for other in others if span.start < other.end and other.start < span.end]


def _pieces(repair: _Span, text: str) -> list[_Span]:
    """Cut a repair that spans much of a text into the characters that it really changes.

    The words that stay are found first; then what differs between two of them.
    """
    before, after = text[repair.start : repair.end], repair.replacement or ""
    olds, news = ([match.span() for match in _WORD.finditer(side)] for side in (before, after))
    if max(len(olds), len(news)) > _MOST_UNITS:
        return [repair]
    matcher = SequenceMatcher(
        None, [before[slice(*word)] for word in olds], [after[slice(*word)] for word in news], False
    )
    staying = [
        (olds[block.a + number], news[block.b + number])
        for block in matcher.get_matching_blocks()
        for number in range(block.size)
    ]
    ends = (len(before), len(before)), (len(after), len(after))
    pieces: list[_Span] = []
    old_end = new_end = 0
    for (old, old_next), (new, new_next) in [*staying, ends]:
        if before[old_end:old] != after[new_end:new]:
            pieces += _characters(
                replace(
                    repair,
                    start=repair.start + old_end,
                    end=repair.start + old,
                    replacement=after[new_end:new],
                ),
                before[old_end:old],
            )
        old_end, new_end = old_next, new_next
    return pieces


def _characters(repair: _Span, before: str) -> list[_Span]:
    """Cut a repair between two words into what differs."""
    after = repair.replacement or ""
    if max(len(before), len(after)) > _MOST_UNITS:
        return [repair]
    return [
        replace(
            repair, start=repair.start + start, end=repair.start + end, replacement=after[one:other]
        )
        for tag, start, end, one, other in SequenceMatcher(None, before, after, False).get_opcodes()
        if tag != "equal"
    ]


def _replace(text: str, spans: Sequence[_Span], masks: dict[tuple[str, str], str]) -> str:
    pieces: list[str] = []
    position = 0
    for span in spans:
        replacement = span.replacement
        if replacement is None:
            replacement = _mask(span.check, text[span.start : span.end], masks)
        pieces += [text[position : span.start], replacement]
        position = span.end
    return "".join([*pieces, text[position:]])


def _mask(check: str, value: str, masks: dict[tuple[str, str], str]) -> str:
    kind = check.rpartition("/")[2].replace("-", "_").upper()
    known = (kind, _NOT_TELLING.sub("", value).casefold())
    if known not in masks:
        number = 1 + sum(1 for other, _ in masks if other == kind)
        masks[known] = f"[{kind}]" if number == 1 else f"[{kind}_{number}]"
    return masks[known]


def _reading_order(field: str) -> tuple[int, int, str]:
    match = _FIELD.fullmatch(field)
    if match is None:
        return len(MESSAGE_PARTS), 0, field
    return MESSAGE_PARTS.index(match[1]), int(match[2]), match[3]


def _set_field(record: dict[str, Any], field: str, text: str, labels: LabelColumn) -> None:
    match = _FIELD.fullmatch(field)
    if match is not None:
        record[match[1]][int(match[2])][match[3]] = text
    elif field == "label":
        labels.write(record, text)
    else:
        record[field] = text
