"""What the workspace holds right now, read once into values that the places show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..curate.cleaning.journal import Decision, effective_decisions, journal_path, read_journal
from ..workspace.artifact import Artifact, Workspace, list_artifacts
from ..workspace.files import read_json
from .texts.audit_view import AuditView, parse_audit

# Folders whose change means that there may be something new to show.
_WATCHED = ("audit", "clean", "split", "train", "evaluate", "report", "decisions")

_MOST_SPLITS = 100


@dataclass(frozen=True, slots=True)
class Document:
    """An artifact with its document (``<kind>.json``)."""

    artifact: Artifact
    content: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where the artifact's files are."""
        return self.artifact.folder


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest artifact of each kind.

    Attributes:
        audit: the newest audit of the shown source.
        clean: the newest cleaning of the shown audit.
        split: the newest split.
        splits: all splits, the newest last.
        train: the newest training run.
        evaluate: the newest evaluation.
        report: the newest report.
        models: names of the evaluation's ``base`` and ``tuned`` model, as its report has them.
        decisions: those that hold about the shown source, in the order they were made.
        sources: every source that was audited here, the latest first.
        problems: artifacts that could not be read, and why.
    """

    audit: AuditView | None = None
    clean: Document | None = None
    split: Document | None = None
    splits: tuple[Document, ...] = ()
    train: Document | None = None
    evaluate: Document | None = None
    report: Document | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    sources: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def assignments(self) -> Path | None:
        """Which part each row of the shown source is in; None where they were not split."""
        if self.split is None or self.clean is None:
            return None
        inputs = self.split.artifact.manifest.inputs
        is_of = any(source.artifact == self.clean.artifact.id for source in inputs)
        return self.split.folder / "assignments.parquet" if is_of else None


def signature(workspace: Workspace) -> tuple[tuple[str, int], ...]:
    """Return something cheap that changes whenever an artifact or a decision is added."""
    found: list[tuple[str, int]] = []
    for name in _WATCHED:
        folder = workspace.store / name
        try:
            found.append((name, folder.stat().st_mtime_ns))
            if name == "decisions":
                found += [(path.name, path.stat().st_mtime_ns) for path in folder.glob("*.jsonl")]
        except OSError:
            # Not there yet, or replaced at this very moment: the next look sees it.
            continue
    return tuple(sorted(found))


def take_snapshot(workspace: Workspace, source: Path | None = None) -> Snapshot:
    """Read the newest artifacts of a workspace.

    Args:
        workspace: where to look.
        source: show the newest audit of this file; the newest of all where it is None.
    """
    problems: list[str] = []
    audits = [
        view
        for artifact in list_artifacts(workspace, "audit")
        if (view := _read_audit(artifact, problems)) is not None
    ]
    wanted = [view for view in audits if source is None or view.is_of(source)]
    audit = wanted[-1] if wanted else None
    clean = _newest(workspace, "clean", problems)
    if audit is None or (clean is not None and clean.content.get("audit") != audit.id):
        clean = None
    evaluate = _newest(workspace, "evaluate", problems)
    splits = _latest(workspace, "split", problems)
    return Snapshot(
        audit=audit,
        clean=clean,
        decisions=_decisions(workspace, audit, problems) if audit else (),
        split=splits[-1] if splits else None,
        splits=splits,
        train=_newest(workspace, "train", problems),
        evaluate=evaluate,
        report=_newest(workspace, "report", problems),
        models=_models(workspace, evaluate) if evaluate else {},
        sources=tuple(dict.fromkeys(view.paths[0] for view in reversed(audits) if view.paths)),
        problems=tuple(problems),
    )


def _models(workspace: Workspace, evaluate: Document) -> Mapping[str, str]:
    # They bring the settings of every step with them, which an app without verdicts does without.
    from ..evaluate.reporting.facts import model_names
    from ..workspace.lineage import read_lineage

    return model_names(evaluate.content, read_lineage(workspace, evaluate.artifact))


def _decisions(workspace: Workspace, audit: AuditView, problems: list[str]) -> tuple[Decision, ...]:
    try:
        journal = read_journal(journal_path(workspace, audit.sha256))
    except OSError as error:
        problems.append(f"cannot read the decisions: {error}")
        return ()
    return effective_decisions(journal.entries)


def _latest(workspace: Workspace, kind: str, problems: list[str]) -> tuple[Document, ...]:
    """Read the newest artifacts of a kind, the newest last."""
    artifacts = list_artifacts(workspace, kind)[-_MOST_SPLITS:]
    found = (_read(artifact, problems) for artifact in artifacts)
    return tuple(document for document in found if document is not None)


def _newest(workspace: Workspace, kind: str, problems: list[str]) -> Document | None:
    for artifact in reversed(list_artifacts(workspace, kind)):
        document = _read(artifact, problems)
        if document is not None:
            return document
    return None


def _read_audit(artifact: Artifact, problems: list[str]) -> AuditView | None:
    document = _read(artifact, problems)
    if document is None:
        return None
    try:
        return parse_audit(artifact, document.content)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        problems.append(f"audit {artifact.id} is not understood: {error!r}")
        return None


def _read(artifact: Artifact, problems: list[str]) -> Document | None:
    path = artifact.folder / f"{artifact.kind}.json"
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        problems.append(f"cannot read {artifact.kind} {artifact.id}: {error}")
        return None
    if not isinstance(content, dict):
        problems.append(f"{artifact.kind} {artifact.id} holds no document")
        return None
    return Document(artifact, content)
