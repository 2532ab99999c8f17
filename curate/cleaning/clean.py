"""Cleaning: the source replayed with the decisions of its journal, and everything accounted for.

The clean data are a function of the audited records, the audit's findings and the decisions that
hold; the journal itself is kept apart and only grows (:mod:`.journal`, :mod:`.decide`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.artifact import Artifact, Draft, Workspace, list_artifacts, produce
from ...workspace.errors import JobError, UsageError
from ...workspace.events import Emit, Note, counting, ignore
from ...workspace.files import write_json
from ..auditing.audited import Audited, read_audited
from ..export import source_rows, write_rows
from ..piece_files import read_in_pieces, writing_pieces
from ..reading.source_files import sha256_of_source
from ..records import RECORD_SCHEMA
from ..settings import CleanSettings
from .bias_change import BiasChange
from .decide import Approve, audit_journal
from .edits import CHANGED_SCHEMA
from .guard import as_confirmed, refuse, shares_of, too_much
from .journal import Decision, Journal, effective_decisions
from .plan import Plan, make_plan
from .preview import Changes, Preview, describe, label_values, trial_changes
from .replay import replay
from .set_aside_rows import as_lines


def preview(audit: Artifact, decisions: Sequence[Decision], settings: CleanSettings) -> Preview:
    """Tell what decisions would do to the audited data; writes nothing.

    Args:
        audit: the audit.
        decisions: those that would hold (see ``decide.would_hold``).
        settings: the guard's limit.
    """
    audited = read_audited(audit)
    plan = make_plan(audited, decisions)
    changes = trial_changes(audited, plan)
    return describe(audited, plan, changes, settings.max_removed_share, decisions)


def approval(audited: Audited, settings: CleanSettings) -> Approve:
    """Return the guard that is asked before decisions are written down.

    It refuses where they would remove too much, unless the settings say ``yes``: then what would
    be too much is confirmed.
    """

    def approve(decisions: tuple[Decision, ...]) -> list[dict[str, Any]]:
        removed = make_plan(audited, decisions).removed["row"]
        shares = shares_of(label_values(audited), removed)
        beyond = too_much(shares, settings.max_removed_share, decisions)
        if not settings.yes:
            refuse(beyond)
        return as_confirmed(beyond)

    return approve


def clean(
    workspace: Workspace,
    audit: Artifact,
    settings: CleanSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Write the clean data: what stays, what goes and why, what changed, what was set aside.

    Args:
        workspace: where to write, and where the journal lies.
        audit: the audit whose source is cleaned.
        settings: how much may go without ``yes``.
        force: do it again even if it was done.
        emit: told about progress.

    Returns:
        The ``clean`` artifact; ``kept + removed + set_aside == input`` in its counts.

    Raises:
        GateError: too much of a label, a source or the whole would go.
        UsageError: the source has changed since the audit.
    """
    audited = read_audited(audit)
    _check_source(audited, emit)
    journal = audit_journal(workspace, audit)
    for line in journal.damaged:
        text = f"line {line.line} of the journal of decisions cannot be read and does not count"
        emit(Note(text=text, level="warning"))
    decisions = effective_decisions(journal.entries)

    def build(draft: Draft) -> None:
        plan = make_plan(audited, decisions)
        limit = settings.max_removed_share
        if not settings.yes:
            shares = shares_of(label_values(audited), plan.removed["row"])
            refuse(too_much(shares, limit, decisions))
        changes, bias = _write_rows(draft.folder, audited, plan, emit)
        told = describe(audited, plan, changes, limit, decisions)
        _refuse_loss(told.counts)
        if told.missed:
            emit(Note(text=_about_missed(told.missed), level="warning"))
        draft.counts.update(told.counts)
        document = clean_document(audited, journal, decisions, told, bias)
        write_json(draft.folder / "clean.json", document)

    def write(again: bool) -> Artifact:
        return produce(
            workspace,
            "clean",
            build,
            inputs=[audit.as_input("audit")],
            parameters={"decisions": [decision.meaning for decision in decisions]},
            force=again,
            emit=emit,
        )

    try:
        done = write(force)
    except KeyboardInterrupt as interruption:
        interruption.add_note("the decisions stay in the journal, until --undo takes them back")
        raise
    if done.reused and list_artifacts(workspace, "clean")[-1].id != done.id:
        # Undo leads back to an older artifact; written again, it is the `latest` of later steps.
        done = write(True)
    return done


def _check_source(audited: Audited, emit: Emit) -> None:
    """Make sure that what was audited is what lies there now."""
    if not all(path.is_file() for path in audited.paths):
        emit(Note(text="the source is no longer where it was; the audit's copy is cleaned"))
        return
    if sha256_of_source(audited.paths) != audited.source_sha256:
        raise UsageError(
            "the source has changed since it was audited",
            where=", ".join(str(path) for path in audited.paths),
            fix="audit it again; decisions about unchanged data stay in their journal",
        )


def _refuse_loss(counts: dict[str, int]) -> None:
    if counts["kept"] + counts["removed"] + counts["set_aside"] != counts["input"]:
        raise JobError(f"rows were lost while cleaning: {counts}")


def _about_missed(missed: int) -> str:
    return (
        f"{missed} accepted masks and repairs could not be made and stay open: "
        "the finding names no characters, overlaps with another repair, or its text was edited"
    )


def _write_rows(
    folder: Path, audited: Audited, plan: Plan, emit: Emit
) -> tuple[Changes, BiasChange]:
    """Write what stays, what goes, what changed and what was set aside, piece by piece."""
    changes, bias = Changes(), BiasChange()
    told_removed(audited, plan).write_parquet(folder / "removed.parquet")
    _write_set_aside(folder, audited)
    kept = 0
    with ExitStack() as stack:
        clean_rows, removed_rows = (
            stack.enter_context((folder / f"{name}.jsonl").open("wb"))
            for name in ("clean", "removed")
        )
        write_records, write_changed = (
            stack.enter_context(writing_pieces(folder / f"{name}.parquet", schema))
            for name, schema in (("records", RECORD_SCHEMA), ("changed", CHANGED_SCHEMA))
        )
        counter = stack.enter_context(counting(emit, "cleaning", audited.count_records()))
        for piece in replay(audited, plan, audited.record_pieces()):
            kept += write_rows(clean_rows, source_rows(piece.kept, audited.detection))
            write_rows(removed_rows, source_rows(piece.removed, audited.detection))
            write_records(piece.kept)
            write_changed(piece.changed)
            changes.add(piece)
            bias.add(piece)
            counter.advance(piece.before.height)
    if kept + plan.removed.height != audited.count_records():
        raise JobError(f"rows were lost while cleaning: {kept} were written")
    return changes, bias


def _write_set_aside(folder: Path, audited: Audited) -> None:
    """Write the rows that could not be read: as they lie there, and for a reader."""
    lying = audited.artifact.folder / "set_aside.parquet"
    shutil.copyfile(lying, folder / "set_aside.parquet")
    with (folder / "set_aside.jsonl").open("wb") as stream:
        for piece in read_in_pieces(lying):
            stream.writelines(as_lines(piece))


def told_removed(audited: Audited, plan: Plan) -> pl.DataFrame:
    """Return the rows that go with their reasons, as they are written."""
    return plan.removed.with_columns(audit=pl.lit(audited.artifact.id))


def clean_document(
    audited: Audited,
    journal: Journal,
    decisions: Sequence[Decision],
    told: Preview,
    bias: BiasChange,
) -> dict[str, Any]:
    """Return what ``clean.json`` says."""
    return {
        "audit": audited.artifact.id,
        "dataset": {
            **{key: audited.dataset[key] for key in ("paths", "format", "kind", "sha256")},
            "detection": asdict(audited.detection),
        },
        **told.to_json(),
        "bias": bias.to_json(),
        "decisions": [
            {"id": decision.id, **decision.meaning, "reason": decision.reason}
            for decision in decisions
        ],
        "damaged_journal_lines": [line.line for line in journal.damaged],
    }
