"""Making decisions about an audit's findings, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from ..workspace.artifact import Artifact, Workspace
from ..workspace.errors import UsageError
from ..workspace.files import read_json
from ..workspace.nearest import nearest
from .finding import Fix
from .journal import (
    ACCEPT,
    IGNORE,
    REDO,
    UNDO,
    Decision,
    Journal,
    append_decisions,
    effective_decisions,
    journal_path,
    new_decision,
    read_journal,
    redoable_decisions,
)
from .plan import ALL, DONE_BY_HAND, matches

FIXES = (Fix.DROP, Fix.MASK, Fix.REPAIR)


def audit_journal(workspace: Workspace, audit: Artifact) -> Journal:
    """Read the journal of the source that was audited."""
    return read_journal(_path(workspace, audit))


def accept(
    workspace: Workspace,
    audit: Artifact,
    checks: Iterable[str],
    *,
    rows: Sequence[int] | None = None,
    action: str | None = None,
    reason: str = "",
) -> tuple[Decision, ...]:
    """Accept the fixes of findings; what holds already is not written again.

    Args:
        workspace: where the journal lies.
        audit: whose findings are meant.
        checks: names of checks or dimensions, or ``all``. Findings that only ask for a look are
            left open by a dimension or ``all``.
        rows: only findings about these rows.
        action: ``drop``, ``mask`` or ``repair`` instead of the proposed fix.
        reason: why, for the journal.

    Returns:
        The new entries.

    Raises:
        UsageError: an unknown check or action, or a check that proposes no fix.
    """
    wanted = _accepted(audit, checks, rows, action, reason)
    return append_decisions(
        _path(workspace, audit),
        lambda journal: _not_held(effective_decisions(journal.entries), wanted),
    )


def with_accepted(
    workspace: Workspace,
    audit: Artifact,
    checks: Iterable[str],
    *,
    rows: Sequence[int] | None = None,
    action: str | None = None,
) -> tuple[Decision, ...]:
    """Return the decisions that would hold after ``accept``, for a preview; writes nothing."""
    held = effective_decisions(audit_journal(workspace, audit).entries)
    return (*held, *_not_held(held, _accepted(audit, checks, rows, action, "")))


def dismiss(
    workspace: Workspace,
    audit: Artifact,
    checks: Iterable[str],
    *,
    rows: Sequence[int] | None = None,
    reason: str = "",
) -> tuple[Decision, ...]:
    """Set findings aside as no fault: they change nothing and no longer count as open."""
    names = _known_names(audit, checks)
    wanted = [
        new_decision(IGNORE, check=name, rows=rows, audit=audit.id, reason=reason) for name in names
    ]
    return append_decisions(
        _path(workspace, audit),
        lambda journal: _not_held(effective_decisions(journal.entries), wanted),
    )


def undo(workspace: Workspace, audit: Artifact, *, reason: str = "") -> Decision:
    """Take back the last decision that holds; returns that decision.

    Raises:
        UsageError: no decision holds.
    """

    def take_back(journal: Journal) -> list[Decision]:
        held = effective_decisions(journal.entries)
        if not held:
            raise UsageError("there is no decision to undo", where=str(_path(workspace, audit)))
        taken.append(held[-1])
        return [new_decision(UNDO, audit=audit.id, reason=reason, undoes=held[-1].id)]

    taken: list[Decision] = []
    append_decisions(_path(workspace, audit), take_back)
    return taken[0]


def redo(workspace: Workspace, audit: Artifact, *, reason: str = "") -> Decision:
    """Bring back the decision that was undone last; returns that decision.

    Raises:
        UsageError: nothing was undone since the last new decision.
    """

    def bring_back(journal: Journal) -> list[Decision]:
        waiting = redoable_decisions(journal.entries)
        if not waiting:
            raise UsageError(
                "there is nothing to redo",
                where=str(_path(workspace, audit)),
                fix="only what was undone since the last new decision can come back",
            )
        brought.append(waiting[-1])
        return [new_decision(REDO, audit=audit.id, reason=reason, undoes=waiting[-1].id)]

    brought: list[Decision] = []
    append_decisions(_path(workspace, audit), bring_back)
    return brought[0]


def _path(workspace: Workspace, audit: Artifact) -> Path:
    document = read_json(audit.folder / "audit.json")
    return journal_path(workspace, document["dataset"]["sha256"])


def _accepted(
    audit: Artifact,
    checks: Iterable[str],
    rows: Sequence[int] | None,
    action: str | None,
    reason: str,
) -> list[Decision]:
    if action is not None and action not in FIXES:
        raise UsageError(f"unknown action {action!r}", fix=nearest(action, FIXES))
    names = _known_names(audit, checks)
    if action is None:
        _refuse_without_fix(audit, names)
    parameters = {} if action is None else {"action": action}
    return [
        new_decision(
            ACCEPT, check=name, rows=rows, audit=audit.id, parameters=parameters, reason=reason
        )
        for name in names
    ]


def _known_names(audit: Artifact, checks: Iterable[str]) -> list[str]:
    document = read_json(audit.folder / "audit.json")
    known = {check["check"] for check in document["checks"]}
    known |= {name.partition("/")[0] for name in known} | {ALL}
    names = list(dict.fromkeys(checks))
    for name in names:
        if name not in known:
            raise UsageError(
                f"the audit has no check {name!r}",
                where=f"audit {audit.id}",
                fix=nearest(name, known),
            )
    return names


def _refuse_without_fix(audit: Artifact, names: Sequence[str]) -> None:
    """Refuse a single check that only asks for a look: accepting it would do nothing."""
    findings = pl.scan_parquet(audit.folder / "findings.parquet")
    for name in names:
        if "/" not in name:
            continue
        fixes = findings.filter(matches(name)).select(pl.col("fix").unique()).collect()["fix"]
        if len(fixes) and fixes.is_in(DONE_BY_HAND).all():
            raise UsageError(
                f"{name} proposes no fix: its findings are for you to look at",
                fix=f"see them with `tunewise findings --check {name}`; "
                "then choose an action for them (drop), or ignore them",
            )


def _not_held(held: Sequence[Decision], wanted: Iterable[Decision]) -> list[Decision]:
    """Leave out what holds already and no later decision has changed."""
    return [decision for decision in wanted if not _holds(held, decision)]


def _holds(held: Sequence[Decision], decision: Decision) -> bool:
    for other in reversed(held):
        if other.meaning == decision.meaning:
            return True
        if _overlap(other.check, decision.check):
            return False
    return False


def _overlap(one: str, other: str) -> bool:
    if ALL in (one, other) or one == other:
        return True
    return one.startswith(other + "/") or other.startswith(one + "/")
