"""A row beside the benchmark item that stands in it, marked where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ...curate.evidence import field_text
from ...workspace.safe_text import safe_text
from .differences import Comparison, mark_differences

if TYPE_CHECKING:
    from ...curate.auditing.item_evidence import ItemEvidence

_AROUND = 600
"""Characters of the row that are shown before and after what stands in it."""
_LONGEST_ANSWER = 2_000


def beside_item(
    record: Mapping[str, Any], item: ItemEvidence, hit: Mapping[str, Any], title: str
) -> Comparison:
    """Put what stands in a row beside the part of the item that it is.

    Args:
        record: the row.
        item: the benchmark's half of the evidence.
        hit: the finding.
        title: of the row.
    """
    text = field_text(record, hit["field"]) or ""
    start, end = hit["start"] or 0, hit["end"] or 0
    in_row, in_item = mark_differences(text[start:end], item.text[item.start : item.end])
    left = (
        _quiet(text[max(0, start - _AROUND) : start])
        .append_text(in_row)
        .append_text(_quiet(text[end : end + _AROUND]))
    )
    right = (
        _quiet(item.text[: item.start])
        .append_text(in_item)
        .append_text(_quiet(item.text[item.end :]))
    )
    for name, said in _rest(item):
        right.append_text(_quiet(f"\n\n{name}\n{said[:_LONGEST_ANSWER]}"))
    right.append_text(_quiet(f"\n\n{hit['message'] or ''}"))
    name = f"benchmark item {safe_text(item.item.name)}, its {item.part}"
    return Comparison(f"{title}  {safe_text(hit['field'] or '')}", left, name, right)


def _rest(item: ItemEvidence) -> list[tuple[str, str]]:
    """Return what else the item says, beside the part that stands in the row."""
    parts = [
        ("question", item.item.question),
        ("choices", "\n".join(item.item.choices)),
        ("answer", item.item.answer or ""),
    ]
    return [(name, said) for name, said in parts if said and name not in item.part]


def _quiet(text: str) -> Text:
    return Text(safe_text(text, keep_line_breaks=True), style="dim")
