"""Findings as lines of text, for those who do not see a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ...curate.cleaning.journal import Decision
from ..jobs.fixes import decision_about
from .audit_view import AuditView
from .marks import counted, percent, plain, severity_label


def findings_text(audit: AuditView, decisions: Sequence[Decision]) -> Text:
    """Return one line for each finding: severity, check, rows, fix, what was decided.

    Args:
        audit: whose findings.
        decisions: those that hold.
    """
    lines = [Text(counted(len(audit.groups), "finding"))]
    for group in audit.groups:
        line = severity_label(group.severity)
        line.append_text(plain(f" {group.check}: {counted(group.rows, 'row')}, "))
        line.append_text(plain(f"{percent(group.share, 1)}; {group.title}; fix {group.fix}"))
        if decided := decision_about(group, decisions):
            line.append_text(plain(f"; decided: {decided}"))
        lines.append(line)
    return Text("\n").join(lines)
