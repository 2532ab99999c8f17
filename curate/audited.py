"""An audit read back: what later steps need of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.artifact import Artifact
from ..workspace.files import read_json
from .check import Check
from .checks.duplicates import CHECKS as DUPLICATE_CHECKS
from .checks.duplicates import NEAR
from .plan import NearSettings
from .records import Detection


@dataclass(frozen=True, slots=True)
class Audited:
    """The records and findings of an audit, and the source they are about.

    Attributes:
        artifact: the audit.
        dataset: what ``audit.json`` says about the source: paths, format, kind, sha256.
        detection: how the source was understood.
        records: frame of ``RECORD_SCHEMA``.
        set_aside: frame of ``SET_ASIDE_SCHEMA``.
        findings: frame of ``FINDING_SCHEMA``.
        checks: names of the audit's checks.
        near: how near-duplicates were searched.
    """

    artifact: Artifact
    dataset: Mapping[str, Any]
    detection: Detection
    records: pl.DataFrame
    set_aside: pl.DataFrame
    findings: pl.DataFrame
    checks: tuple[str, ...]
    near: NearSettings

    @property
    def source_sha256(self) -> str:
        """Fingerprint of the source's bytes."""
        return self.dataset["sha256"]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The source's files."""
        return tuple(Path(path) for path in self.dataset["paths"])


def read_audited(audit: Artifact) -> Audited:
    """Read an audit's records, findings and facts."""
    document = read_json(audit.folder / "audit.json")
    dataset = document["dataset"]
    return Audited(
        artifact=audit,
        dataset=dataset,
        detection=Detection(**dataset["detection"]),
        records=pl.read_parquet(audit.folder / "records.parquet"),
        set_aside=pl.read_parquet(audit.folder / "set_aside.parquet"),
        findings=pl.read_parquet(audit.folder / "findings.parquet"),
        checks=tuple(check["check"] for check in document["checks"]),
        near=_near_settings(audit),
    )


def _near_settings(audit: Artifact) -> NearSettings:
    check: Check = next(check for check in DUPLICATE_CHECKS if check.name == NEAR)
    given = (audit.manifest.parameters.get("parameters") or {}).get(NEAR, {})
    values = {name: given.get(name, known.default) for name, known in check.parameters.items()}
    return NearSettings(**values)
