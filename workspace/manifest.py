"""What an artifact is made of: inputs, parameters, versions, counts and files."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from .files import read_json, sha256_of_file, sha256_of_json

MANIFEST_NAME = "manifest.json"
MANIFEST_SCHEMA_VERSION = 1
_ID_LENGTH = 12
_LIBRARIES = (
    "tunewise",
    "polars",
    "pandera",
    "datasketch",
    "torch",
    "transformers",
    "peft",
    "evaluate",
    "lm_eval",
)


@dataclass(frozen=True, slots=True)
class Input:
    """Something an artifact was made from.

    Attributes:
        name: its part in the step, such as ``source`` or ``split``.
        sha256: fingerprint of its content; this alone takes part in the artifact's id.
        path: where it lay; empty where it was no file.
        artifact: the id of the artifact it is, if it is one.
    """

    name: str
    sha256: str
    path: str = ""
    artifact: str = ""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of an artifact, relative to its folder."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The lineage of an artifact, as kept in its ``manifest.json``. Times are ISO 8601, UTC.

    ``timed`` names the files that also tell how long something took, which no later step depends
    on: doing the same work again must not change what is made from it.
    """

    kind: str
    id: str
    inputs: tuple[Input, ...]
    parameters: Mapping[str, Any]
    started: str
    finished: str
    counts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[FileEntry, ...] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    timed: tuple[str, ...] = ()
    schema_version: int = MANIFEST_SCHEMA_VERSION

    @property
    def sha256(self) -> str:
        """Fingerprint of what a later step depends on: what it was made from, and its files."""
        files = [[entry.path, entry.sha256] for entry in self.files if entry.path not in self.timed]
        return sha256_of_json([self.id, files])

    def input(self, name: str) -> Input | None:
        """Return the input of that name, if there is one."""
        return next((item for item in self.inputs if item.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as plain JSON values."""
        return asdict(self)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact's folder."""
    document = read_json(folder / MANIFEST_NAME)
    document["inputs"] = tuple(Input(**item) for item in document["inputs"])
    document["files"] = tuple(FileEntry(**item) for item in document["files"])
    document["timed"] = tuple(document.get("timed", ()))
    return Manifest(**document)


def artifact_id(kind: str, inputs: Sequence[Input], parameters: Mapping[str, Any]) -> str:
    """Derive an artifact's id from what it is made of, so that equal work has an equal id.

    The version of tunewise takes part: a new release may do the work better.
    """
    fingerprint = sha256_of_json(
        {
            "kind": kind,
            "tunewise": installed_version("tunewise"),
            "inputs": sorted([item.name, item.sha256] for item in inputs),
            "parameters": parameters,
        }
    )
    return fingerprint[:_ID_LENGTH]


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution, or ``unknown``."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape results."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        version = installed_version(name)
        if version != "unknown":
            versions[name] = version
    return versions


def git_commit(folder: Path) -> str | None:
    """Return the commit that a folder's git checkout stands at; None outside a checkout."""
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def list_files(folder: Path) -> tuple[FileEntry, ...]:
    """List every file below a folder except its manifest, sorted by path."""
    entries = [
        FileEntry(
            path=path.relative_to(folder).as_posix(),
            sha256=sha256_of_file(path),
            bytes=path.stat().st_size,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST_NAME
    ]
    return tuple(entries)
