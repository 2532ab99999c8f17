"""Clean data made again from the source and the journal, and compared with what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.artifact import Artifact, Workspace, list_artifacts
from ...workspace.errors import DataError, UsageError
from ...workspace.events import Emit, ignore
from ...workspace.files import read_json
from ...workspace.manifest import list_files
from ..auditing.audited import Audited, read_audited
from ..export import source_rows
from ..formats.json_values import json_bytes
from ..reading.read import open_source, read_pieces
from ..reading.source_files import sha256_of_source
from .bias_change import BiasChange
from .clean import clean_document, told_removed
from .decide import audit_journal
from .journal import Decision, effective_decisions
from .plan import Plan, make_plan
from .preview import Changes, describe
from .replay import replay
from .set_aside_rows import as_lines
from .verification import LineComparison, TableComparison, Verification

# Who decided when, and why; and what a guard said, which may be set otherwise by now.
_NOT_COMPARED = ("decisions", "damaged_journal_lines", "refusals")


def verify(workspace: Workspace, audit: Artifact, *, emit: Emit = ignore) -> Verification:
    """Compare the newest clean data of an audit with what source and journal give now.

    The source is read again; its records must be those of the audit, whose findings are taken as
    they are there. Then the decisions of the journal are replayed on these records, and clean,
    removed, changed and set-aside rows are compared with the files: JSON lines byte by byte,
    tables value by value. No more than a piece of the data is in memory at once.

    Args:
        workspace: where the journal and the clean data lie.
        audit: the audit whose clean data are verified.
        emit: told about progress.

    Raises:
        UsageError: nothing was cleaned of this audit yet.
        DataError: the source is not there or cannot be read.
    """
    audited = read_audited(audit)
    done = Verification(_newest_clean(workspace, audit))
    journal = audit_journal(workspace, audit)
    decisions = effective_decisions(journal.entries)
    _compare_decisions(done, decisions)
    _compare_source(done, audited)
    _compare_files(done, audit)
    if done.differences:
        # Other data or other decisions: of course other rows come out.
        return done
    _compare_files(done, done.artifact)
    plan = make_plan(audited, decisions)
    changes, bias = _compare_rows(done, audited, plan, emit)
    told = describe(audited, plan, changes, 1.0, decisions)
    _compare_document(done, clean_document(audited, journal, decisions, told, bias))
    return done


def _newest_clean(workspace: Workspace, audit: Artifact) -> Artifact:
    for artifact in reversed(list_artifacts(workspace, "clean")):
        made_from = artifact.manifest.input("audit")
        if made_from is not None and made_from.artifact == audit.id:
            return artifact
    raise UsageError(
        "nothing was cleaned of this audit yet",
        where=f"audit {audit.id}",
        fix="run `tunewise clean` first",
    )


def _compare_decisions(done: Verification, decisions: Sequence[Decision]) -> None:
    """Compare the decisions that hold with those that the clean data were made with."""
    written = list(done.artifact.manifest.parameters.get("decisions", ()))
    hold = [decision.meaning for decision in decisions]
    for number in range(max(len(written), len(hold))):
        one, other = (some[number] if number < len(some) else None for some in (hold, written))
        if json_bytes(one) != json_bytes(other):
            done.add("journal", f"decision {number + 1}", one or "none", other or "none")
            break
    done.compared.append(("decisions of the journal", f"{len(hold):,} that hold"))


def _compare_source(done: Verification, audited: Audited) -> None:
    if not all(path.is_file() for path in audited.paths):
        raise DataError(
            "the source is no longer where it was: nothing can be made of it again",
            where=", ".join(map(str, audited.paths)),
            fix="put it back",
        )
    sha256 = sha256_of_source(audited.paths)
    if sha256 != audited.source_sha256:
        done.add("source", "sha256", audited.source_sha256, sha256)
    done.compared.append(
        ("source", f"{sum(path.stat().st_size for path in audited.paths):,} bytes")
    )


def _compare_files(done: Verification, artifact: Artifact) -> None:
    """Compare an artifact's files with the fingerprints that its manifest has of them."""
    told = {entry.path: entry.sha256 for entry in artifact.manifest.files}
    there = {entry.path: entry.sha256 for entry in list_files(artifact.folder)}
    for path in sorted(told.keys() | there.keys()):
        if told.get(path) != there.get(path):
            place = f"sha256 in the manifest of the {artifact.kind}"
            done.add(path, place, told.get(path, "no file"), there.get(path, "no file"))
    done.compared.append((f"fingerprints of the {artifact.kind}", f"{len(told):,} files"))


def _compare_rows(
    done: Verification, audited: Audited, plan: Plan, emit: Emit
) -> tuple[Changes, BiasChange]:
    """Read the source again, replay the decisions, and compare every row."""
    folder, audit_folder = done.artifact.folder, audited.artifact.folder
    clean_lines, removed_lines, aside_lines = (
        LineComparison(done, folder / f"{name}.jsonl") for name in ("clean", "removed", "set_aside")
    )
    records, aside = (
        TableComparison(done, audit_folder / f"{name}.parquet", f"{name}.parquet of the audit")
        for name in ("records", "set_aside")
    )
    kept, changed, removed, copied = (
        TableComparison(done, folder / f"{name}.parquet", f"{name}.parquet")
        for name in ("records", "changed", "removed", "set_aside")
    )
    detection = audited.detection
    source = open_source(
        audited.paths,
        shape=detection.shape,
        mapping=detection.mapping,
        encoding=audited.artifact.manifest.parameters.get("encoding"),
    )
    changes, bias = Changes(), BiasChange()
    for piece in read_pieces(source, emit):
        set_aside = _spelled_as_then(piece.set_aside, audited)
        records.expect(piece.records)
        aside.expect(set_aside)
        copied.expect(set_aside)
        aside_lines.expect(b"".join(as_lines(set_aside)))
        for part in replay(audited, plan, [piece.records]):
            for lines, rows in ((clean_lines, part.kept), (removed_lines, part.removed)):
                written = source_rows(rows, detection)
                lines.expect(b"".join(json_bytes(row) + b"\n" for row in written))
            kept.expect(part.kept)
            changed.expect(part.changed)
            changes.add(part)
            bias.add(part)
    removed.expect(told_removed(audited, plan))
    for compared in (records, aside, clean_lines, removed_lines, aside_lines):
        compared.end()
    for compared in (kept, changed, removed, copied):
        compared.end()
    return changes, bias


def _spelled_as_then(set_aside: pl.DataFrame, audited: Audited) -> pl.DataFrame:
    """Name the files as the audit did: it may have been told them by a relative path."""
    then = dict(audited.set_aside.select("row", "path").iter_rows())
    paths = [
        told if (told := then.get(row)) and Path(told).name == Path(path).name else path
        for row, path in set_aside.select("row", "path").iter_rows()
    ]
    return set_aside.with_columns(path=pl.Series(paths, dtype=pl.String))


def _compare_document(done: Verification, document: dict[str, Any]) -> None:
    try:
        written = read_json(done.artifact.folder / "clean.json")
    except (OSError, ValueError) as error:
        done.add("clean.json", "", "a JSON file", error)
        return
    for key, value in document.items():
        expected, found = json_bytes(value), json_bytes(written.get(key))
        if key not in _NOT_COMPARED and expected != found:
            done.add("clean.json", key, expected, found)
    done.compared.append(("clean.json", f"{len(document):,} keys"))
