"""A record as text to read: its messages, with the evidence of findings marked in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from rich.text import Text

from ...curate.finding import Severity
from ...curate.formats.json_values import NotJsonError, json_text, parse_json
from ...curate.records import MESSAGE_PARTS
from ...curate.shapes.rows import RESERVED
from ...workspace.safe_text import safe_text
from .marks import BAD, GOOD, PURPLE, SEVERITY_STYLES, SKY, counted, plain, severity_label, styled

# What a pane shows of one message; more would keep the terminal busy wrapping lines.
SHOWN_CHARACTERS = 12_000
_BEFORE_EVIDENCE = 2_000
_SHOWN_MESSAGES = 60
_SHOWN_HITS = 12
_ROLE_STYLES = {"system": PURPLE, "user": SKY, "assistant": GOOD, "tool": "dim"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of characters of a field that proves a finding."""

    start: int
    end: int
    severity: Severity


def marks_by_field(hits: pl.DataFrame) -> dict[str, list[Mark]]:
    """Return the marks of a record's hits by field; hits without a stretch have none."""
    found: dict[str, list[Mark]] = {}
    columns = ("field", "start", "end", "severity")
    for field, start, end, severity in hits.select(columns).iter_rows():
        if field and start is not None and end is not None and end > start >= 0:
            found.setdefault(field, []).append(Mark(start, end, Severity(severity)))
    return found


def marked_text(content: str, marks: Sequence[Mark], *, limit: int = SHOWN_CHARACTERS) -> Text:
    """Return a text with stretches shown reversed in their severity's colour.

    Positions count characters of ``content``; a long text is cut to a window around the first
    mark, and what is left out is told.

    Args:
        content: the field's text, as it is in the data.
        marks: stretches; parts outside of the text are ignored.
        limit: characters to show at most.
    """
    first = min((mark.start for mark in marks), default=0)
    begin = max(0, first - _BEFORE_EVIDENCE) if first >= limit else 0
    end = min(len(content), begin + limit)
    text = Text()
    if begin:
        text.append(f"[{counted(begin, 'character')} before]\n", style="dim italic")
    position = begin
    for mark in sorted(marks, key=lambda mark: mark.start):
        start, stop = max(position, mark.start), min(end, mark.end)
        if start >= stop:
            continue
        text.append(_safe(content[position:start]))
        style = f"reverse {SEVERITY_STYLES[mark.severity]}"
        text.append(_safe(content[start:stop]), style=style)
        position = stop
    text.append(_safe(content[position:end]))
    if end < len(content):
        rest = counted(len(content) - end, "character")
        text.append(f"\n[{rest} more]", style="dim italic")
    return text


def record_heading(record: Mapping[str, Any]) -> Text:
    """Return a record's facts in one line: row, kind, label, group, source, id."""
    text = styled(f"row {record['row']:,}", "bold")
    text.append("  ").append_text(plain(record["kind"], "dim"))
    for name in ("label", "group", "source", "id"):
        if record.get(name):
            text.append(f"  {name} ", style="dim").append_text(plain(str(record[name])[:80]))
    return text


def hits_text(hits: pl.DataFrame) -> Text:
    """Return one line for each hit of a record."""
    text = Text()
    for hit in hits.head(_SHOWN_HITS).iter_rows(named=True):
        text.append_text(severity_label(hit["severity"], short=True)).append(" ")
        text.append_text(plain(hit["check"], "bold"))
        if hit["message"]:
            text.append("  ").append_text(plain(hit["message"][:300], "dim"))
        text.append("\n")
    if len(hits) > _SHOWN_HITS:
        text.append(f"and {counted(len(hits) - _SHOWN_HITS, 'more finding')}\n", style="dim")
    return text


def record_text(record: Mapping[str, Any], hits: pl.DataFrame) -> Text:
    """Return a record to read: facts, findings, then every message under its role.

    Args:
        record: one row of the records.
        hits: its findings.
    """
    marks = marks_by_field(hits)
    text = record_heading(record).append("\n").append_text(hits_text(hits))
    for part in MESSAGE_PARTS:
        messages = record.get(part) or []
        for index, message in enumerate(messages[:_SHOWN_MESSAGES]):
            heading = message["role"] or "?"
            heading = heading if part == "messages" else f"{part}: {heading}"
            style = _ROLE_STYLES.get(message["role"], "") if part == "messages" else SKY
            text.append("\n").append_text(plain(heading, f"bold {style}")).append("\n")
            content = message["content"]
            if content is None:
                text.append("(no content)", style="dim italic")
            elif not content:
                text.append("(empty)", style=BAD)
            else:
                text.append_text(marked_text(content, marks.get(f"{part}[{index}].content", ())))
            if message.get("tool_calls"):
                text.append("\ncalls ", style="dim").append_text(
                    marked_text(message["tool_calls"], ())
                )
            text.append("\n")
        if len(messages) > _SHOWN_MESSAGES:
            left = counted(len(messages) - _SHOWN_MESSAGES, "more message")
            text.append(f"\nand {left}\n", style="dim italic")
    if others := other_fields(record.get("extra")):
        text.append("\nother fields\n", style="dim").append_text(marked_text(others, ()))
    return text


def other_fields(extra: str | None) -> str:
    """Return the fields of the source that no column holds, as JSON; empty where there are none.

    What the reader has noted among them for itself is left out.
    """
    if not extra:
        return ""
    try:
        fields = parse_json(extra.encode())
    except NotJsonError:
        return extra
    if isinstance(fields, dict):
        fields.pop(RESERVED, None)
    return json_text(fields) if fields else ""


def set_aside_text(item: Mapping[str, Any], hits: pl.DataFrame) -> Text:
    """Return a row that could not be understood: where it is, why, and its raw bytes."""
    text = styled(f"row {item['row']:,} was set aside", f"bold {BAD}")
    text.append("\n").append_text(plain(item["reason"] or ""))
    place = f"{item['path']}, line {item['line']:,}"
    if item["offset"] is not None:
        place += f", byte {item['offset']:,}"
    text.append("\n").append_text(plain(place, "dim"))
    text.append("\n").append_text(hits_text(hits)).append("\n")
    raw = (item["raw"] or b"")[: 4 * SHOWN_CHARACTERS].decode("utf-8", errors="replace")
    return text.append_text(marked_text(raw, ()))


def record_as_plain_text(record: Mapping[str, Any]) -> str:
    """Return a record's messages as one text, for comparing two records."""
    parts = []
    for part in MESSAGE_PARTS:
        for message in record.get(part) or ():
            name = message["role"] if part == "messages" else part
            parts.append(f"{name}: {(message['content'] or '')[:SHOWN_CHARACTERS]}")
    return "\n\n".join(parts)


def _safe(text: str) -> str:
    return safe_text(text, keep_line_breaks=True)
