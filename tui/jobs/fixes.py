"""Decisions about findings: the commands that make them, and what they would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from ...curate.cleaning.journal import ACCEPT, Decision
from ...curate.finding import Fix
from ...workspace.artifact import Workspace
from ..texts.audit_view import AuditView, FindingGroup
from ..texts.marks import BAD, WARNING, counted, marks, percent, plain
from .asking import ask

# What a decision names when it is about every check. (`curate.plan` says so too, but importing it
# brings the search for duplicates with it, a second that the app would open later.)
_ALL = "all"
_SHARES_SHOWN = 6
_EXAMPLES_SHOWN = 4
_EXAMPLE_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class FixPreview:
    """What a decision would do, or why it cannot be told.

    Attributes:
        document: what the command's preview prints.
        problem: why there is no preview.
    """

    document: Mapping[str, Any]
    problem: str = ""

    @property
    def refusals(self) -> list[str]:
        """Why the command would refuse without ``--yes``."""
        return [str(reason) for reason in self.document.get("refusals") or ()]

    def text(self) -> Text:
        """Return what would happen, for a person to decide on."""
        return preview_text(self.document)


def preview_text(document: Mapping[str, Any]) -> Text:
    """Return a cleaning's preview: rows by fate, clean share, labels and sources, examples."""
    counts, quality = document["counts"], document["quality"]
    text = Text(f"{counted(counts['removed'], 'row')} of {counts['input']:,} would go, ")
    text.append(f"{counts['changed']:,} would change, {counts['kept']:,} stay", style="bold")
    text.append(f"\nclean {percent(quality['before'])} {marks().arrow} ")
    text.append(percent(quality["after"]), style="bold")
    text.append("\n\nwith all that is accepted so far\n", style="dim")
    for item in document["by_check"]:
        text.append_text(plain(f"  {item['action']:<8} {item['check']:<30}"))
        text.append(f"{item['rows']:>9,}\n")
    for title, parts in (("label", document["by_label"]), ("source", document["by_source"])):
        going = [part for part in parts if part["removed"]]
        if going:
            text.append(f"\nby {title}\n", style="dim")
        for part in going[:_SHARES_SHOWN]:
            text.append("  ").append_text(plain(str(part["value"])[:40]))
            text.append(f"  {part['removed']:,} of {part['records']:,}, {percent(part['share'])}\n")
    for refusal in document.get("refusals") or ():
        text.append(f"\n{marks().bad} more than is allowed: ", style=BAD)
        text.append_text(plain(refusal, BAD))
    examples = document.get("examples") or ()
    if examples:
        text.append("\nfor example\n", style="dim")
    for item in examples[:_EXAMPLES_SHOWN]:
        text.append(f"  row {item['row']:,} ", style="bold")
        text.append_text(plain(f"{item['action']}: ", WARNING))
        text.append_text(plain((item.get("text") or "")[:_EXAMPLE_CHARACTERS]))
        if item.get("after") is not None:
            text.append(f"\n    {marks().arrow} ", style="dim")
            text.append_text(plain(item["after"][:_EXAMPLE_CHARACTERS]))
        text.append("\n")
    return text


def accept_arguments(audit: AuditView, check: str, rows: Sequence[int] = ()) -> list[str]:
    """Return the command that accepts a check's fix and writes the clean data.

    Args:
        audit: the audit that found it.
        check: the check's name.
        rows: only findings about these rows; all where there are none.
    """
    return ["clean", audit.id, "--accept", check, *_rows(rows)]


def undo_arguments(audit: AuditView) -> list[str]:
    """Return the command that undoes the last decision."""
    return ["clean", audit.id, "--undo"]


def redo_arguments(audit: AuditView) -> list[str]:
    """Return the command that brings the last undone decision back."""
    return ["clean", audit.id, "--redo"]


def ignore_arguments(audit: AuditView, check: str, rows: Sequence[int] = ()) -> list[str]:
    """Return the command that sets a check's findings aside as no fault, but for the reason."""
    return ["clean", audit.id, "--ignore", check, *_rows(rows)]


def write_arguments(audit: AuditView, path: str) -> list[str]:
    """Return the command that writes the clean rows to a file."""
    return ["clean", audit.id, "--output", path]


def pair_arguments(
    audit: AuditView, check: str, dropped: Sequence[int], kept: Sequence[int]
) -> list[str]:
    """Return the command that makes the choices between the rows of pairs.

    Args:
        audit: the audit that found the pairs.
        check: the check's name.
        dropped: rows that go.
        kept: rows whose pair is no fault, since both stay.
    """
    words = ["clean", audit.id]
    words += [word for row in sorted(set(dropped)) for word in ("--drop", str(row))]
    if kept:
        words += ["--ignore", check, *_rows(sorted(set(kept)))]
    return [*words, "--reason", f"compared by eye ({check})"]


def drop_arguments(audit: AuditView, rows: Sequence[int]) -> list[str]:
    """Return the command that leaves rows out by hand."""
    words = [word for row in rows for word in ("--drop", str(row))]
    return ["clean", audit.id, *words, "--reason", "looked at in the app"]


def _rows(rows: Sequence[int]) -> list[str]:
    return [word for row in rows for word in ("--row", str(row))]


def preview_decision(
    workspace: Workspace, arguments: Sequence[str], cancelled: Callable[[], bool] = lambda: False
) -> FixPreview:
    """Ask a command what it would do; takes as long as the command, so not on the event loop."""
    answer = ask(workspace, [*arguments, "--preview"], cancelled)
    return FixPreview(answer.document, answer.problem)


def decision_about(group: FindingGroup, decisions: Sequence[Decision]) -> str:
    """Return what was decided last about all findings of a group.

    Returns:
        What is done about them (``drop``, ``mask``, ``repair`` or ``ignore``); empty where
        nothing was decided, or where accepting changes no row: the findings are for a person to
        look at, or about the dataset as a whole.
    """
    for decision in reversed(decisions):
        named = decision.check in (_ALL, group.check) or group.check.startswith(
            f"{decision.check}/"
        )
        if not named or decision.rows is not None:
            continue
        if decision.action != ACCEPT:
            return decision.action
        wanted = str(decision.parameters.get("action") or group.fix)
        return "" if wanted in (Fix.REVIEW, Fix.NONE) or not group.rows else wanted
    return ""
