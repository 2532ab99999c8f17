"""Cleaning: the source replayed with the decisions of its journal, and everything accounted for.

The clean data are a function of the audited records, the audit's findings and the decisions that
hold; the journal itself is kept apart and only grows (:mod:`.journal`, :mod:`.decide`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from ..workspace.artifact import Artifact, Draft, Workspace, list_artifacts, produce
from ..workspace.errors import JobError, UsageError
from ..workspace.events import Emit, Note, counting, ignore
from ..workspace.files import sha256_of_files, write_json
from .audited import Audited, read_audited
from .decide import accept, audit_journal, dismiss, redo, undo, with_accepted
from .export import source_rows, write_jsonl
from .journal import Decision, Journal, effective_decisions
from .preview import Outcome, Preview, guard, replay
from .settings import CleanSettings

__all__ = ["accept", "clean", "dismiss", "preview", "redo", "undo", "with_accepted"]


def preview(audit: Artifact, decisions: Sequence[Decision], settings: CleanSettings) -> Preview:
    """Tell what decisions would do to the audited data; writes nothing.

    Args:
        audit: the audit.
        decisions: those that would hold (see ``with_accepted``).
        settings: the guard's limit.
    """
    return replay(read_audited(audit), decisions, settings.max_removed_share).preview


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
        with counting(emit, "cleaning", audited.records.height) as counter:
            outcome = replay(audited, decisions, settings.max_removed_share)
            if not settings.yes:
                guard(outcome.preview)
            counter.advance(audited.records.height)
        _write(draft, audited, journal, decisions, outcome)

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


def _write(
    draft: Draft,
    audited: Audited,
    journal: Journal,
    decisions: Sequence[Decision],
    outcome: Outcome,
) -> None:
    counts = outcome.preview.counts
    if counts["kept"] + counts["removed"] + counts["set_aside"] != counts["input"]:
        raise JobError(f"rows were lost while cleaning: {counts}")
    draft.counts.update(counts)
    folder = draft.folder
    write_jsonl(folder / "clean.jsonl", source_rows(outcome.kept, audited.detection))
    write_jsonl(folder / "removed.jsonl", source_rows(outcome.removed, audited.detection))
    outcome.kept.write_parquet(folder / "records.parquet")
    outcome.plan.removed.with_columns(audit=pl.lit(audited.artifact.id)).write_parquet(
        folder / "removed.parquet"
    )
    outcome.edited.changed.write_parquet(folder / "changed.parquet")
    audited.set_aside.write_parquet(folder / "set_aside.parquet")
    write_json(folder / "clean.json", _document(audited, journal, decisions, outcome))


def _document(
    audited: Audited, journal: Journal, decisions: Sequence[Decision], outcome: Outcome
) -> dict[str, Any]:
    return {
        "audit": audited.artifact.id,
        "dataset": {
            **{key: audited.dataset[key] for key in ("paths", "format", "kind", "sha256")},
            "detection": asdict(audited.detection),
        },
        **outcome.preview.to_json(),
        "decisions": [
            {"id": decision.id, **decision.meaning, "reason": decision.reason}
            for decision in decisions
        ],
        "damaged_journal_lines": [line.line for line in journal.damaged],
    }
