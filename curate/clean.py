"""Cleaning: the source replayed with the decisions of its journal, and everything accounted for.

The clean data are a function of the audited records, the audit's findings and the decisions that
hold; the journal itself is kept apart and only grows (:mod:`.journal`, :mod:`.decide`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.artifact import Artifact, Draft, Workspace, list_artifacts, produce
from ..workspace.errors import JobError, UsageError
from ..workspace.events import Emit, Note, counting, ignore
from ..workspace.files import sha256_of_files, write_json
from .audited import Audited, read_audited
from .decide import accept, audit_journal, dismiss, redo, undo, with_accepted
from .edits import CHANGED_SCHEMA, apply_edits
from .export import source_rows, write_rows
from .journal import Decision, Journal, effective_decisions
from .piece_files import writing_pieces
from .plan import Plan
from .preview import Changes, Preview, describe, guard, plan_of, trial_changes
from .records import RECORD_SCHEMA
from .settings import CleanSettings

__all__ = ["accept", "clean", "dismiss", "preview", "redo", "undo", "with_accepted"]


def preview(audit: Artifact, decisions: Sequence[Decision], settings: CleanSettings) -> Preview:
    """Tell what decisions would do to the audited data; writes nothing.

    Args:
        audit: the audit.
        decisions: those that would hold (see ``with_accepted``).
        settings: the guard's limit.
    """
    audited = read_audited(audit)
    plan = plan_of(audited, decisions)
    return describe(audited, plan, trial_changes(audited, plan), settings.max_removed_share)


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
        plan = plan_of(audited, decisions)
        if not settings.yes:
            guard(describe(audited, plan, Changes(), settings.max_removed_share))
        changes = _write_rows(draft.folder, audited, plan, emit)
        told = describe(audited, plan, changes, settings.max_removed_share)
        if (
            told.counts["kept"] + told.counts["removed"] + told.counts["set_aside"]
            != (told.counts["input"])
        ):
            raise JobError(f"rows were lost while cleaning: {told.counts}")
        draft.counts.update(told.counts)
        document = _document(audited, journal, decisions, told)
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
    if sha256_of_files(audited.paths) != audited.source_sha256:
        raise UsageError(
            "the source has changed since it was audited",
            where=", ".join(str(path) for path in audited.paths),
            fix="audit it again; decisions about unchanged data stay in their journal",
        )


def _write_rows(folder: Path, audited: Audited, plan: Plan, emit: Emit) -> Changes:
    """Write what stays, what goes, what changed and what was set aside, piece by piece."""
    changes = Changes()
    removed = plan.removed.with_columns(audit=pl.lit(audited.artifact.id))
    removed.write_parquet(folder / "removed.parquet")
    shutil.copyfile(audited.artifact.folder / "set_aside.parquet", folder / "set_aside.parquet")
    total = audited.scan_records().select(pl.len()).collect().item()
    with (
        (folder / "clean.jsonl").open("wb") as clean_rows,
        (folder / "removed.jsonl").open("wb") as removed_rows,
        writing_pieces(folder / "records.parquet", RECORD_SCHEMA) as write_records,
        writing_pieces(folder / "changed.parquet", CHANGED_SCHEMA) as write_changed,
        counting(emit, "cleaning", total) as counter,
    ):
        for piece in audited.record_pieces():
            goes = piece["row"].is_in(plan.removed["row"].implode())
            here = plan.edits.filter(
                pl.col("row").is_between(piece["row"].min(), piece["row"].max())
            )
            edited = apply_edits(piece.filter(~goes), here)
            write_rows(clean_rows, source_rows(edited.records, audited.detection))
            write_rows(removed_rows, source_rows(piece.filter(goes), audited.detection))
            write_records(edited.records)
            write_changed(edited.changed)
            changes.add(edited.changed)
            counter.advance(piece.height)
    return changes


def _document(
    audited: Audited, journal: Journal, decisions: Sequence[Decision], told: Preview
) -> dict[str, Any]:
    return {
        "audit": audited.artifact.id,
        "dataset": {
            **{key: audited.dataset[key] for key in ("paths", "format", "kind", "sha256")},
            "detection": asdict(audited.detection),
        },
        **told.to_json(),
        "decisions": [
            {"id": decision.id, **decision.meaning, "reason": decision.reason}
            for decision in decisions
        ],
        "damaged_journal_lines": [line.line for line in journal.damaged],
    }
