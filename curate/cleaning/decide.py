"""Making decisions about an audit's findings and rows, and taking them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.artifact import Artifact, Workspace
from ...workspace.errors import UsageError
from ...workspace.files import read_json
from ...workspace.nearest import nearest
from ..finding import Fix
from .actions import ALL, COPY_CHECKS, DONE_BY_HAND, KEPT_ROWS, can_be, matches
from .copy_removals import DUPLICATES
from .journal import (
    ACCEPT,
    CONFIRMED,
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

FIXES = (Fix.DROP, Fix.MASK, Fix.REPAIR)

Approve = Callable[[tuple[Decision, ...]], Sequence[Mapping[str, Any]]]
"""Is asked before decisions are written down, with those that would hold then. It raises where it
refuses, and returns what a person has confirmed (see ``guard.as_confirmed``)."""


def audit_journal(workspace: Workspace, audit: Artifact) -> Journal:
    """Read the journal of the source that was audited."""
    return read_journal(_path(workspace, audit))


def acceptance(
    audit: Artifact,
    checks: Iterable[str],
    *,
    rows: Sequence[int] | None = None,
    action: str | None = None,
    keep: str | None = None,
    reason: str = "",
) -> list[Decision]:
    """Make decisions to accept the fixes of findings; nothing is written yet.

    Args:
        audit: whose findings are meant.
        checks: names of checks or dimensions, or ``all``. Findings that only ask for a look are
            left open by a dimension or ``all``.
        rows: only findings about these rows.
        action: ``drop``, ``mask`` or ``repair`` instead of the proposed fix.
        keep: which of several copies stays: the ``longest``, the ``best`` (with the fewest open
            findings, by gravity, then the longest) or the ``first``.
        reason: why, for the journal.

    Raises:
        UsageError: an unknown check or action, a check that proposes no fix or cannot have this
            one, or ``keep`` for a check that is not about copies.
    """
    names = _known_names(audit, checks)
    if action is not None and action not in FIXES:
        raise UsageError(f"unknown action {action!r}", fix=nearest(action, FIXES))
    if keep is not None:
        _refuse_keeping(names, keep, action)
    _refuse_without_fix(audit, names, action)
    wanted = {"action": action, "keep": keep}
    parameters = {name: value for name, value in wanted.items() if value is not None}
    return [
        new_decision(
            ACCEPT, check=name, rows=rows, audit=audit.id, parameters=parameters, reason=reason
        )
        for name in names
    ]


def dismissal(
    audit: Artifact,
    checks: Iterable[str],
    *,
    rows: Sequence[int] | None = None,
    reason: str = "",
) -> list[Decision]:
    """Make decisions that findings are no fault: they change nothing and are no longer open.

    Raises:
        UsageError: an unknown check.
    """
    return [
        new_decision(IGNORE, check=name, rows=rows, audit=audit.id, reason=reason)
        for name in _known_names(audit, checks)
    ]


def decide(
    workspace: Workspace,
    audit: Artifact,
    wanted: Sequence[Decision],
    approve: Approve | None = None,
) -> tuple[Decision, ...]:
    """Write decisions into the journal, all or none; what holds already is not written again.

    Args:
        workspace: where the journal lies.
        audit: what was looked at.
        wanted: the decisions.
        approve: asked before anything is written.

    Returns:
        The new entries.
    """

    def choose(journal: Journal) -> list[Decision]:
        held = effective_decisions(journal.entries)
        new = _not_held(held, wanted)
        return _approved(new, (*held, *new), approve)

    return append_decisions(_path(workspace, audit), choose)


def accept(
    workspace: Workspace, audit: Artifact, checks: Iterable[str], **how: Any
) -> tuple[Decision, ...]:
    """Accept the fixes of findings and write that down: :func:`acceptance`, then :func:`decide`."""
    return decide(workspace, audit, acceptance(audit, checks, **how))


def would_hold(
    workspace: Workspace, audit: Artifact, wanted: Sequence[Decision]
) -> tuple[Decision, ...]:
    """Return the decisions that would hold after :func:`decide`, for a preview."""
    held = effective_decisions(audit_journal(workspace, audit).entries)
    return (*held, *_not_held(held, wanted))


def undo(
    workspace: Workspace,
    audit: Artifact,
    *,
    decision: str | None = None,
    reason: str = "",
    approve: Approve | None = None,
) -> Decision:
    """Take back a decision that holds: the last one, or one by its id; returns that decision.

    Args:
        workspace: where the journal lies.
        audit: what was looked at.
        decision: the id of the decision, or its beginning; the last one by default.
        reason: why, for the journal.
        approve: asked before anything is written.

    Raises:
        UsageError: there is no such decision, or it does not hold.
    """
    taken: list[Decision] = []

    def take_back(journal: Journal) -> list[Decision]:
        held = effective_decisions(journal.entries)
        if decision is not None:
            taken.append(_held_by_id(journal, held, decision))
        elif held:
            taken.append(held[-1])
        else:
            raise UsageError("there is no decision to undo", where=str(_path(workspace, audit)))
        entry = new_decision(UNDO, audit=audit.id, reason=reason, undoes=taken[0].id)
        left = tuple(other for other in held if other.id != taken[0].id)
        return _approved([entry], left, approve)

    append_decisions(_path(workspace, audit), take_back)
    return taken[0]


def redo(
    workspace: Workspace, audit: Artifact, *, reason: str = "", approve: Approve | None = None
) -> Decision:
    """Bring back the decision that was undone last; returns that decision.

    Raises:
        UsageError: nothing was undone since the last new decision.
    """
    brought: list[Decision] = []

    def bring_back(journal: Journal) -> list[Decision]:
        waiting = redoable_decisions(journal.entries)
        if not waiting:
            raise UsageError(
                "there is nothing to redo",
                where=str(_path(workspace, audit)),
                fix="only what was undone since the last new decision can come back",
            )
        brought.append(waiting[-1])
        entry = new_decision(REDO, audit=audit.id, reason=reason, undoes=waiting[-1].id)
        return _approved([entry], effective_decisions([*journal.entries, entry]), approve)

    append_decisions(_path(workspace, audit), bring_back)
    return brought[0]


def _path(workspace: Workspace, audit: Artifact) -> Path:
    document = read_json(audit.folder / "audit.json")
    return journal_path(workspace, document["dataset"]["sha256"])


def _approved(
    new: list[Decision], held: tuple[Decision, ...], approve: Approve | None
) -> list[Decision]:
    """Ask for approval of what would hold; what was confirmed is kept with the last entry."""
    confirmed = list(approve(held)) if approve is not None and new else []
    if confirmed:
        new[-1] = replace(new[-1], parameters={**new[-1].parameters, CONFIRMED: confirmed})
    return new


def _held_by_id(journal: Journal, held: Sequence[Decision], wanted: str) -> Decision:
    found = [decision for decision in held if decision.id.startswith(wanted)] if wanted else []
    if len(found) == 1:
        return found[0]
    known = [decision.id for decision in held]
    if found:
        raise UsageError(
            f"{wanted!r} begins the ids of several decisions",
            fix="name one of: " + ", ".join(decision.id for decision in found),
        )
    if wanted and any(entry.id.startswith(wanted) for entry in journal.entries):
        raise UsageError(
            f"the decision {wanted!r} does not hold: it was taken back, or takes one back itself",
            fix="see them with `--list`",
        )
    raise UsageError(f"there is no decision {wanted!r}", fix=nearest(wanted, known))


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


def _refuse_keeping(names: Sequence[str], keep: str, action: str | None) -> None:
    if keep not in KEPT_ROWS:
        raise UsageError(f"unknown rule {keep!r} for what to keep", fix=nearest(keep, KEPT_ROWS))
    if action not in (None, Fix.DROP):
        raise UsageError(f"what to keep of several copies has no sense with {action!r}")
    for name in names:
        if name not in (*COPY_CHECKS, DUPLICATES):
            raise UsageError(
                f"{name} is not about copies, of which one could be kept",
                fix=f"name {', '.join(COPY_CHECKS)} or {DUPLICATES}",
            )


def _refuse_without_fix(audit: Artifact, names: Sequence[str], action: str | None) -> None:
    """Refuse to accept of a single check what would do nothing."""
    findings = pl.scan_parquet(audit.folder / "findings.parquet")
    for name in names:
        if "/" not in name:
            continue
        found = findings.filter(matches(name))
        if action is not None:
            possible = can_be(action).fill_null(False)
            counted = found.select(pl.len(), possible.sum().alias("possible")).collect()
            if counted["len"].item() and not counted["possible"].item():
                raise UsageError(
                    f"none of the findings of {name} can be met with {action!r}: "
                    "they show no characters for it, or offer no replacement",
                    fix=f"see them with `tunewise findings --check {name}`",
                )
            continue
        fixes = found.select(pl.col("fix").unique()).collect()["fix"]
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
        if _touch(other, decision):
            return False
    return False


def _touch(one: Decision, other: Decision) -> bool:
    """Tell whether two decisions may be about the same finding or row."""
    about_findings = [decision.action in (ACCEPT, IGNORE) for decision in (one, other)]
    if all(about_findings):
        return _overlap(one.check, other.check)
    return bool(set(one.rows or ()) & set(other.rows or ()))


def _overlap(one: str, other: str) -> bool:
    if ALL in (one, other) or one == other:
        return True
    return one.startswith(other + "/") or other.startswith(one + "/")
