"""An audit read back: what later steps need of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.artifact import Artifact
from ..workspace.files import read_json
from .piece_files import read_in_pieces
from .records import Detection


@dataclass(frozen=True, slots=True)
class Audited:
    """The findings of an audit and the source they are about; its records lie on the disk.

    Attributes:
        artifact: the audit.
        dataset: what ``audit.json`` says about the source: paths, format, kind, sha256.
        detection: how the source was understood.
        set_aside: frame of ``SET_ASIDE_SCHEMA`` without the rows' bytes.
        findings: frame of ``FINDING_SCHEMA``.
        near_pairs: frame of ``NEAR_PAIR_SCHEMA``.
        checks: names of the audit's checks.
    """

    artifact: Artifact
    dataset: Mapping[str, Any]
    detection: Detection
    set_aside: pl.DataFrame
    findings: pl.DataFrame
    near_pairs: pl.DataFrame
    checks: tuple[str, ...]

    @property
    def source_sha256(self) -> str:
        """Fingerprint of the source's bytes."""
        return self.dataset["sha256"]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The source's files."""
        return tuple(Path(path) for path in self.dataset["paths"])

    def scan_records(self) -> pl.LazyFrame:
        """Return the records; take only the rows and columns that are needed."""
        return pl.scan_parquet(self.artifact.folder / "records.parquet")

    def record_pieces(self) -> Iterator[pl.DataFrame]:
        """Yield the records, some thousand at a time."""
        return read_in_pieces(self.artifact.folder / "records.parquet")


def read_audited(audit: Artifact) -> Audited:
    """Read an audit's findings and facts."""
    document = read_json(audit.folder / "audit.json")
    dataset = document["dataset"]
    return Audited(
        artifact=audit,
        dataset=dataset,
        detection=Detection(**dataset["detection"]),
        set_aside=pl.scan_parquet(audit.folder / "set_aside.parquet").drop("raw").collect(),
        findings=pl.read_parquet(audit.folder / "findings.parquet"),
        near_pairs=pl.read_parquet(audit.folder / "near_pairs.parquet"),
        checks=tuple(check["check"] for check in document["checks"]),
    )
