"""What a finding means, and a few of its hits with the text around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from ..curate.evidence import excerpt, field_text
from ..curate.finding import Fix
from .audit_view import AuditView, FindingGroup
from .marks import BAD, SEVERITY_STYLES, counted, percent, plain, severity_label
from .record_file import first_hits, read_record

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
    """A hit with the text around its evidence."""

    row: int | None
    message: str
    before: str
    hit: str
    after: str


def read_samples(audit: AuditView, group: FindingGroup) -> list[Sample]:
    """Read a few hits of a group with the text around them."""
    hits = first_hits(audit.findings_path, group.check, group.severity, _SAMPLE)
    return [_sample(audit, hit) for hit in hits.iter_rows(named=True)]


def _sample(audit: AuditView, hit: Mapping[str, Any]) -> Sample:
    """Complete a hit with its text; a hit about a whole record shows how that begins."""
    message, row = hit["message"] or "", hit["row"]
    record = read_record(audit.records_path, row) if row is not None else None
    if record is None:
        return Sample(row, message, "", "", "")
    text = field_text(record, hit["field"])
    if text is None:
        text = next((m["content"] for m in record["messages"] or () if m["content"]), "")
    part = excerpt(text, hit["start"], hit["end"], width=_WIDTH)
    return Sample(row, message, part.before, part.hit, part.after)


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
        if sample.hit:
            text.append("\n  ").append_text(plain(sample.before))
            text.append_text(plain(sample.hit, style if sample.before or sample.after else ""))
            text.append_text(plain(sample.after))
    if group.rows > len(samples) > 0:
        text.append("\n\nenter", style="bold").append(" lists them all", style="dim")
    return text
