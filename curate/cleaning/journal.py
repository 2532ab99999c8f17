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
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...workspace.artifact import Workspace
from ...workspace.errors import JobError
from ...workspace.lock import locked

ACCEPT, IGNORE, EDIT, RELABEL, DROP = "accept", "ignore", "edit", "relabel", "drop"
UNDO, REDO = "undo", "redo"
MAKING = (ACCEPT, IGNORE, EDIT, RELABEL, DROP)
"""The actions of decisions; the others take decisions back or bring them back."""
ACTIONS = (*MAKING, UNDO, REDO)
CONFIRMED = "confirmed"
"""The parameter that tells which removals beyond the guard's limit a person has confirmed."""
_NAME_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One entry of the journal.

    Attributes:
        id: unique.
        time: ISO 8601, UTC.
        who: the person's login name.
        action: ``accept`` or ``ignore`` findings, ``edit`` a row, ``relabel`` or ``drop`` rows,
            ``undo`` or ``redo`` an earlier decision.
        check: a check's name, a dimension, or ``all``; empty where no finding is meant.
        rows: only findings about these rows, None for all of the check; the rows that are edited,
            relabelled or dropped.
        audit: id of the audit that was looked at.
        parameters: of ``accept``: ``action`` where it differs from the proposed fix, ``keep``
            (which copy stays); of ``edit``: ``row``, the whole new source row; of ``relabel``:
            ``label``; of all: ``confirmed``, the shares of labels and sources that may go although
            the guard would refuse.
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
            "parameters": {k: v for k, v in self.parameters.items() if k != CONFIRMED},
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

    def to_json(self) -> dict[str, Any]:
        """Return the journal as JSON values, each decision with its ``state``.

        The state is ``holds`` or ``undone``; of an entry that takes back or brings back, empty.
        """
        held = {decision.id for decision in effective_decisions(self.entries)}
        return {
            "decisions": [
                {
                    **_values(entry),
                    "state": ("holds" if entry.id in held else "undone")
                    if entry.action in MAKING
                    else "",
                }
                for entry in self.entries
            ],
            "damaged_lines": [line.line for line in self.damaged],
        }


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
        who=_encodable(_user() if who is None else who),
        action=action,
        check=check,
        rows=None if rows is None else tuple(sorted(set(rows))),
        audit=audit,
        parameters=dict(parameters or {}),
        reason=_encodable(reason),
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
        except (ValueError, TypeError, KeyError, RecursionError):
            damaged.append(DamagedLine(number, line.decode("utf-8", errors="replace")))
    return Journal(tuple(entries), tuple(damaged))


def append_decisions(
    path: Path, decide: Callable[[Journal], Sequence[Decision]]
) -> tuple[Decision, ...]:
    """Add entries to a journal, while nobody else does.

    All of them are added or none. A line that a killed writer left unfinished stays as it is, on
    a line of its own.

    Args:
        path: the journal.
        decide: makes the new entries from those that are there.

    Returns:
        The new entries.

    Raises:
        JobError: the disk is full or cannot be written; the journal is as it was.
    """
    try:
        with locked(path.with_name(path.name + ".lock")):
            added = tuple(decide(read_journal(path)))
            if added:
                _append(path, "".join(_line(entry) for entry in added).encode("utf-8"))
    except OSError as error:
        raise JobError(
            f"cannot write the journal of decisions: {error.strerror or error}",
            where=str(path),
            fix="free some space or check the folder's permissions, then decide again",
        ) from error
    return added


def effective_decisions(entries: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions that hold, in the order they were made.

    Args:
        entries: all entries of a journal.
    """
    made: dict[str, Decision] = {}
    holds: dict[str, bool] = {}
    for entry in entries:
        if entry.action in MAKING:
            made[entry.id], holds[entry.id] = entry, True
        elif entry.undoes in holds:
            holds[entry.undoes] = entry.action == REDO
    return tuple(decision for name, decision in made.items() if holds[name])


def redoable_decisions(entries: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions taken back since the last new one, the next to bring back last."""
    made: dict[str, Decision] = {}
    waiting: list[str] = []
    for entry in entries:
        if entry.action in MAKING:
            made[entry.id] = entry
            waiting.clear()
        elif entry.undoes in made:
            waiting = [name for name in waiting if name != entry.undoes]
            if entry.action == UNDO:
                waiting.append(entry.undoes)
    return tuple(made[name] for name in waiting)


def _line(entry: Decision) -> str:
    return json.dumps(_values(entry), ensure_ascii=False) + "\n"


def _values(entry: Decision) -> dict[str, Any]:
    # Not `asdict`, which copies whole rows by recursion.
    return {item.name: getattr(entry, item.name) for item in fields(entry)}


def _append(path: Path, lines: bytes) -> None:
    """Add lines to a file, or leave it as it was."""
    # Unbuffered: nothing is left over that closing the file would still write.
    with path.open("a+b", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size > 0:
            stream.seek(-1, os.SEEK_END)
            lines = lines if stream.read(1) == b"\n" else b"\n" + lines
        try:
            left = memoryview(lines)
            while left:
                left = left[stream.write(left) :]
            os.fsync(stream.fileno())
        except BaseException:
            stream.truncate(size)
            raise


def _parse(line: bytes) -> Decision:
    document = json.loads(line)
    # Half a surrogate pair could be written nowhere else.
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    if document["action"] not in ACTIONS:
        raise ValueError(document["action"])
    if document["rows"] is not None:
        document["rows"] = tuple(int(row) for row in document["rows"])
    decision = Decision(**document)
    texts = (decision.id, decision.time, decision.who, decision.check, decision.reason)
    if not isinstance(decision.parameters, dict) or not all(isinstance(t, str) for t in texts):
        raise TypeError(decision.id)
    _check_parameters(decision)
    return decision


def _check_parameters(decision: Decision) -> None:
    """Make sure that a decision says what it needs to say.

    Raises:
        ValueError: it does not.
    """
    parameters = decision.parameters
    if decision.action == EDIT:
        complete = isinstance(parameters.get("row"), dict) and len(decision.rows or ()) == 1
    elif decision.action == RELABEL:
        complete = isinstance(parameters.get("label"), str) and bool(decision.rows)
    elif decision.action == DROP:
        complete = bool(decision.rows)
    else:
        complete = True
    confirmed = (
        isinstance(part["share"], float | int)
        and isinstance(part["column"], str)
        and isinstance(part["value"], str)
        for part in parameters.get(CONFIRMED, ())
    )
    if not complete or not all(confirmed):
        raise ValueError(f"{decision.action} with parameters that do not fit")


def _encodable(text: str) -> str:
    """Put signs in the place of half characters: bytes of a command line that are no UTF-8."""
    return text.encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
