"""What a finding means, and a few of its hits with the text around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from ...curate.evidence import Excerpt, finding_excerpts
from ...curate.finding import Fix
from ..records.file import first_hits, read_record
from .audit_view import AuditView, FindingGroup
from .marks import BAD, SEVERITY_STYLES, counted, percent, plain, severity_label

_SAMPLE = 6
_WIDTH = 100
_FIX_TEXTS = {
    Fix.DROP: "drop: the rows are left out of the clean data",
    Fix.MASK: "mask: the characters are replaced, the rows stay",
    Fix.REPAIR: "repair: the text is put right, the rows stay",
    Fix.REVIEW: "review: a person has to decide; enter shows the rows",
    Fix.NONE: "none: nothing to do, it is for your information",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A hit with what proves it: a piece of its row, and of the row it is compared with."""

    row: int | None
    message: str
    part: Excerpt | None = None
    related_row: int | None = None
    related: Excerpt | None = None


def read_samples(audit: AuditView, group: FindingGroup) -> list[Sample]:
    """Read a few hits of a group with the text around them."""
    hits = first_hits(audit.findings_path, group.check, group.severity, _SAMPLE)
    return [_sample(audit, hit) for hit in hits.iter_rows(named=True)]


def _sample(audit: AuditView, hit: Mapping[str, Any]) -> Sample:
    """Complete a hit with its text, and with that of the row that it is compared with."""
    message, row, other = hit["message"] or "", hit["row"], hit["related_row"]
    record = read_record(audit.records_path, row) if row is not None else None
    if record is None:
        return Sample(row, message)
    beside = read_record(audit.records_path, other) if other is not None else None
    part, related = finding_excerpts(hit, record, beside, width=_WIDTH)
    return Sample(row, message, part, other, related if related != part else None)


def evidence_text(group: FindingGroup, samples: list[Sample], problem: str = "") -> Text:
    """Return what a finding means, what could be done, and a few hits."""
    text = severity_label(group.severity)
    text.append("  ").append_text(plain(group.check, "bold")).append("\n")
    text.append_text(plain(group.title)).append("\n")
    text.append(f"{counted(group.rows, 'row')}, {percent(group.share, 1)} of the records\n", "dim")
    fix = _FIX_TEXTS[Fix(group.fix)] if group.fix in {*Fix} else group.fix
    text.append("Fix  ", style="dim").append_text(plain(fix)).append("\n")
    if problem:
        text.append("\n").append_text(plain(problem, BAD))
    style = f"reverse {SEVERITY_STYLES[group.severity]}"
    for sample in samples:
        where = f"row {sample.row:,}" if sample.row is not None else "the dataset"
        text.append(f"\n{where}  ", style="bold").append_text(plain(sample.message, "dim"))
        if sample.part is not None:
            text.append("\n  ").append_text(_marked(sample.part, style))
        if sample.related is not None:
            text.append(f"\nrow {sample.related_row:,}\n  ", style="bold")
            text.append_text(_marked(sample.related, style))
    if group.rows > len(samples) > 0:
        text.append("\n\nenter", style="bold").append(" lists them all", style="dim")
    return text


def _marked(part: Excerpt, style: str) -> Text:
    """Return an excerpt with its hit marked, unless the hit is all there is."""
    marked = style if part.before or part.after else ""
    return plain(part.before).append_text(plain(part.hit, marked)).append_text(plain(part.after))
