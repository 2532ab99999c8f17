"""Artifacts: what a step leaves behind, whole or not at all, and how to find it again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import JobError, UsageError
from .events import Emit, Note, ignore
from .files import sync_folder, write_json
from .lock import is_held, locked
from .manifest import (
    MANIFEST_NAME,
    Input,
    Manifest,
    artifact_id,
    git_commit,
    library_versions,
    list_files,
    read_manifest,
)

FOLDER_NAME = ".tunewise"
SETTINGS_NAME = "tunewise.toml"
LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project's folder; everything tunewise writes lies below ``root/.tunewise``."""

    root: Path

    @property
    def store(self) -> Path:
        """The folder that holds artifacts, decisions and jobs."""
        return self.root / FOLDER_NAME


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished artifact on disk; ``reused`` tells that it was there already."""

    folder: Path
    manifest: Manifest
    reused: bool = False

    @property
    def id(self) -> str:
        """The artifact's id."""
        return self.manifest.id

    @property
    def kind(self) -> str:
        """The artifact's kind, such as ``audit`` or ``split``."""
        return self.manifest.kind

    def as_input(self, name: str) -> Input:
        """Describe this artifact as an input of a later step."""
        return Input(
            name=name, sha256=self.manifest.sha256, path=str(self.folder), artifact=self.id
        )


@dataclass(slots=True)
class Draft:
    """An artifact while it is being written.

    Attributes:
        folder: write files here; it becomes the artifact when the step ends well.
        resumed: a killed earlier attempt left its files in ``folder`` (only when the step asked
            for that with ``keep_partial``).
        counts: rows or items by fate, copied into the manifest.
        seeds: random seeds used, copied into the manifest.
        timed: names of files, besides the document, that tell how long something took.
    """

    folder: Path
    id: str
    resumed: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
    timed: tuple[str, ...] = ()


def find_workspace(start: Path | None = None) -> Workspace:
    """Return the nearest folder upward that has a ``tunewise.toml`` or ``.tunewise``, else here.

    Args:
        start: the folder to begin at; the current one by default.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / SETTINGS_NAME).is_file() or (folder / FOLDER_NAME).is_dir():
            return Workspace(folder)
    return Workspace(here)


def produce(
    workspace: Workspace,
    kind: str,
    build: Callable[[Draft], None],
    *,
    inputs: Sequence[Input],
    parameters: Mapping[str, Any],
    force: bool = False,
    keep_partial: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Write an artifact, or return the one that equal work has left already.

    ``build`` fills ``draft.folder``; the folder is renamed into place when it returns. Whoever
    is killed in between leaves only a hidden ``.partial`` folder that nothing reads. Two
    processes that want the same artifact take turns, and the second finds it done.

    Args:
        workspace: where to write.
        kind: the artifact's kind, which is also its folder's name.
        build: writes the artifact's files and fills the draft's counts and seeds.
        inputs: what it is made from.
        parameters: JSON values that, with the inputs, decide the result.
        force: do the work again and replace the artifact.
        keep_partial: hand the folder of a killed attempt to ``build``, to go on from there.
        emit: told when somebody else is writing the same artifact, or when it is reused.

    Raises:
        JobError: the disk is full or cannot be written.
        KeyboardInterrupt: somebody asked to stop; its notes say what is left of the artifact.
    """
    identity = artifact_id(kind, inputs, parameters)
    shelf = workspace.store / kind
    final = shelf / identity
    partial = shelf / f".{identity}.partial"
    try:
        with locked(shelf / f".{identity}.lock", emit=emit):
            if not force and (final / MANIFEST_NAME).is_file():
                emit(Note(text=f"{kind} {identity} is done already (--force does it again)"))
                # What was asked for last is the latest, whether it had to be made or not.
                (final / MANIFEST_NAME).touch()
                return Artifact(final, read_manifest(final), reused=True)
            resumed = keep_partial and partial.is_dir()
            if partial.exists() and not resumed:
                shutil.rmtree(partial)
            partial.mkdir(parents=True, exist_ok=True)
            draft = Draft(partial, identity, resumed=resumed)
            started = _now()
            try:
                build(draft)
                manifest = _finish(workspace, draft, kind, inputs, parameters, started)
                _move_into_place(partial, final)
            except BaseException as error:
                if not keep_partial:
                    shutil.rmtree(partial, ignore_errors=True)
                if isinstance(error, KeyboardInterrupt):
                    error.add_note(
                        f"the unfinished {kind} is in {partial} until the same command runs again"
                        if keep_partial
                        else f"the unfinished {kind} was removed"
                    )
                raise
            return Artifact(final, manifest)
    except OSError as error:
        raise JobError(
            f"cannot write the {kind}: {error.strerror or error}",
            where=str(error.filename or shelf),
            fix="free some space or check the folder's permissions, then run the command again",
        ) from error


def unfinished(workspace: Workspace, kind: str) -> dict[str, Path]:
    """Return the artifacts of a kind that some process is making now: their folders, by their ids.

    Args:
        workspace: where to look.
        kind: of artifact.
    """
    shelf = workspace.store / kind
    found = {
        folder.name.removeprefix(".").removesuffix(".partial"): folder
        for folder in sorted(shelf.glob(".*.partial"))
    }
    return {
        identity: folder
        for identity, folder in found.items()
        if is_held(shelf / f".{identity}.lock")
    }


def list_artifacts(workspace: Workspace, kind: str) -> list[Artifact]:
    """Return the whole artifacts of a kind, the one that was made or asked for last at the end."""
    shelf = workspace.store / kind
    found: list[Artifact] = []
    if shelf.is_dir():
        for folder in shelf.iterdir():
            if folder.name.startswith(".") or not (folder / MANIFEST_NAME).is_file():
                continue
            with suppress(OSError, ValueError, TypeError, KeyError):
                found.append(Artifact(folder, read_manifest(folder)))
    return sorted(found, key=_last_asked_for)


def _last_asked_for(artifact: Artifact) -> tuple[int, str, str]:
    """Order by the manifest's time on disk; copies of a workspace may share it, hence the rest."""
    with suppress(OSError):
        moment = (artifact.folder / MANIFEST_NAME).stat().st_mtime_ns
        return moment, artifact.manifest.finished, artifact.id
    return 0, artifact.manifest.finished, artifact.id


def resolve_artifact(workspace: Workspace, kind: str, reference: str) -> Artifact:
    """Find an artifact by path, by id (or its beginning), or as ``latest``.

    Raises:
        UsageError: there is none, or the beginning of an id fits several.
    """
    folder = Path(reference)
    if (folder / MANIFEST_NAME).is_file():
        manifest = read_manifest(folder)
        if manifest.kind != kind:
            raise UsageError(
                f"this is an artifact of kind {manifest.kind!r}, not {kind!r}", where=reference
            )
        return Artifact(folder.resolve(), manifest)
    artifacts = list_artifacts(workspace, kind)
    if reference == LATEST:
        if artifacts:
            return artifacts[-1]
        raise UsageError(
            f"there is no {kind} here yet",
            where=str(workspace.store / kind),
            fix=f"run `tunewise {kind}` first",
        )
    matches = [artifact for artifact in artifacts if artifact.id.startswith(reference)]
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(artifact.id for artifact in artifacts[-5:]) or "none"
    problem = "fits several" if matches else "is neither a path nor an id of"
    raise UsageError(
        f"{reference!r} {problem} {kind}",
        where=str(workspace.store / kind),
        fix=f"name one of: {known}",
    )


def _finish(
    workspace: Workspace,
    draft: Draft,
    kind: str,
    inputs: Sequence[Input],
    parameters: Mapping[str, Any],
    started: str,
) -> Manifest:
    manifest = Manifest(
        kind=kind,
        id=draft.id,
        inputs=tuple(inputs),
        parameters=dict(parameters),
        started=started,
        finished=_now(),
        counts=dict(draft.counts),
        files=list_files(draft.folder),
        seeds=dict(draft.seeds),
        versions=library_versions(),
        git_commit=git_commit(workspace.root),
        timed=(f"{kind}.json", *draft.timed),
    )
    write_json(draft.folder / MANIFEST_NAME, manifest.to_json())
    return manifest


def _move_into_place(partial: Path, final: Path) -> None:
    """Rename the finished folder; an older one steps aside first, since a rename cannot replace."""
    if final.exists():
        aside = final.with_name(f".{final.name}.replaced-{os.getpid()}")
        final.rename(aside)
        partial.rename(final)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        partial.rename(final)
    sync_folder(final.parent)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
