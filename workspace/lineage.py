"""The artifacts that an artifact came from, as far as they can still be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from .artifact import Artifact, Workspace
from .files import read_json
from .manifest import Input, read_manifest


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the loop: its artifact and its document (``<kind>.json``; empty if unread)."""

    artifact: Artifact
    document: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind of the artifact."""
        return self.artifact.kind

    def json(self, name: str) -> Mapping[str, Any]:
        """Return another JSON file of the artifact; empty if it is missing or broken."""
        return _read_object(self.artifact.folder / name)

    def frame(self, name: str) -> pl.LazyFrame | None:
        """Return a Parquet file of the artifact to read from; None if it is missing."""
        path = self.artifact.folder / name
        return pl.scan_parquet(path) if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Lineage:
    """All steps that were found, the first one first, and what was not found."""

    steps: tuple[Step, ...]
    problems: tuple[str, ...] = field(default=())

    def get(self, kind: str) -> Step | None:
        """Return the step of a kind that is nearest to the last one."""
        return next((step for step in reversed(self.steps) if step.kind == kind), None)


def read_lineage(workspace: Workspace, last: Artifact) -> Lineage:
    """Follow the inputs of an artifact, such as an evaluation, back to the audit.

    An artifact that lies elsewhere than noted is looked for in the workspace by its id. One that
    is gone, unreadable or not what it was becomes a problem in words, never an error.
    """
    steps: dict[Path, Step] = {}
    problems: list[str] = []
    open_ends = [last]
    while open_ends:
        artifact = open_ends.pop()
        if artifact.folder in steps:
            continue
        document = _read_object(artifact.folder / f"{artifact.kind}.json")
        if not document:
            problems.append(f"{artifact.kind} {artifact.id}: its document cannot be read")
        steps[artifact.folder] = Step(artifact, document)
        for made_from in artifact.manifest.inputs:
            if not made_from.artifact:
                continue
            found = _find(workspace, made_from)
            if found is None:
                problems.append(f"{made_from.name} {made_from.artifact}: not found any more")
                continue
            if found.manifest.sha256 != made_from.sha256:
                problems.append(f"{made_from.name} {found.id}: was made again since, and differs")
            open_ends.append(found)
    return Lineage(tuple(reversed(steps.values())), tuple(problems))


def _find(workspace: Workspace, made_from: Input) -> Artifact | None:
    noted = [Path(made_from.path)] if made_from.path else []
    here = sorted(workspace.store.glob(f"*/{made_from.artifact}"))
    for folder in (*noted, *here):
        try:
            manifest = read_manifest(folder)
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if manifest.id == made_from.artifact:
            return Artifact(folder, manifest)
    return None


def _read_object(path: Path) -> Mapping[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
