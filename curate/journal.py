"""The journal of decisions: what a person chose, in the order it was chosen, nothing ever erased.

A journal belongs to a source (by the fingerprint of its bytes), so that decisions survive a new
audit. It is a JSONL file that only grows; taking a decision back is one more entry. What holds
now is worked out by :func:`effective_decisions`.
"""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..workspace.artifact import Workspace
from ..workspace.lock import locked

ACCEPT, IGNORE, UNDO, REDO = "accept", "ignore", "undo", "redo"
ACTIONS = (ACCEPT, IGNORE, UNDO, REDO)
_NAME_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One entry of the journal.

    Attributes:
        id: unique.
        time: ISO 8601, UTC.
        who: the person's login name.
        action: ``accept`` or ``ignore`` findings, ``undo`` or ``redo`` an earlier decision.
        check: a check's name, a dimension, or ``all``; empty for undo and redo.
        rows: only findings about these rows; None for all of the check.
        audit: id of the audit that was looked at.
        parameters: ``{"action": "drop"}`` and the like, where it differs from the proposed fix.
        reason: in the person's words.
        undoes: the decision that undo takes back, or redo brings back.
    """

    id: str
    time: str
    who: str
    action: str
    check: str = ""
    rows: tuple[int, ...] | None = None
    audit: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    undoes: str | None = None

    @property
    def meaning(self) -> dict[str, Any]:
        """What the decision does, apart from who made it when."""
        return {
            "action": self.action,
            "check": self.check,
            "rows": None if self.rows is None else sorted(self.rows),
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line of a journal that cannot be read, such as the last one of a killed writer."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The entries of a journal, and the lines that are none."""

    entries: tuple[Decision, ...] = ()
    damaged: tuple[DamagedLine, ...] = ()


def new_decision(
    action: str,
    *,
    check: str = "",
    rows: Iterable[int] | None = None,
    audit: str = "",
    parameters: Mapping[str, Any] | None = None,
    reason: str = "",
    undoes: str | None = None,
    who: str | None = None,
) -> Decision:
    """Make an entry with a fresh id, the present time and the present user."""
    return Decision(
        id=uuid.uuid4().hex[:12],
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        who=_user() if who is None else who,
        action=action,
        check=check,
        rows=None if rows is None else tuple(sorted(set(rows))),
        audit=audit,
        parameters=dict(parameters or {}),
        reason=reason,
        undoes=undoes,
    )


def journal_path(workspace: Workspace, source_sha256: str) -> Path:
    """Return where the decisions about a source are kept."""
    return workspace.store / "decisions" / f"{source_sha256[:_NAME_LENGTH]}.jsonl"


def read_journal(path: Path) -> Journal:
    """Read a journal; one that does not exist has no entries."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Journal()
    entries: list[Decision] = []
    damaged: list[DamagedLine] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entries.append(_parse(line))
        except (ValueError, TypeError, KeyError):
            damaged.append(DamagedLine(number, line.decode("utf-8", errors="replace")))
    return Journal(tuple(entries), tuple(damaged))


def append_decisions(
    path: Path, decide: Callable[[Journal], Sequence[Decision]]
) -> tuple[Decision, ...]:
    """Add entries to a journal, while nobody else does.

    A line that a killed writer left unfinished stays as it is, on a line of its own.

    Args:
        path: the journal.
        decide: makes the new entries from those that are there.

    Returns:
        The new entries.
    """
    with locked(path.with_name(path.name + ".lock")):
        added = tuple(decide(read_journal(path)))
        if added:
            lines = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in added)
            with path.open("a+b") as stream:
                if stream.tell() > 0:
                    stream.seek(-1, os.SEEK_END)
                    lines = lines if stream.read(1) == b"\n" else "\n" + lines
                stream.write(lines.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
    return added


def effective_decisions(entries: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions that hold, in the order they were made.

    Args:
        entries: all entries of a journal.
    """
    made: dict[str, Decision] = {}
    holds: dict[str, bool] = {}
    for entry in entries:
        if entry.action in (ACCEPT, IGNORE):
            made[entry.id], holds[entry.id] = entry, True
        elif entry.undoes in holds:
            holds[entry.undoes] = entry.action == REDO
    return tuple(decision for name, decision in made.items() if holds[name])


def redoable_decisions(entries: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions taken back since the last new one, the next to bring back last."""
    made: dict[str, Decision] = {}
    waiting: list[str] = []
    for entry in entries:
        if entry.action in (ACCEPT, IGNORE):
            made[entry.id] = entry
            waiting.clear()
        elif entry.undoes in made:
            waiting = [name for name in waiting if name != entry.undoes]
            if entry.action == UNDO:
                waiting.append(entry.undoes)
    return tuple(made[name] for name in waiting)


def _parse(line: bytes) -> Decision:
    document = json.loads(line)
    if document["action"] not in ACTIONS:
        raise ValueError(document["action"])
    if document["rows"] is not None:
        document["rows"] = tuple(int(row) for row in document["rows"])
    return Decision(**document)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
