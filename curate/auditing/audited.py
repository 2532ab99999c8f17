"""An audit read back: what later steps need of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.artifact import Artifact
from ...workspace.files import read_json
from ..piece_files import read_in_pieces
from ..records import MESSAGE_PARTS, Detection


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

    def count_records(self) -> int:
        """Return the number of records."""
        return self.scan_records().select(pl.len()).collect().item()

    def count_rows(self) -> int:
        """Return the number of rows of the source."""
        return self.count_records() + self.set_aside.height

    def records_at(self, rows: Iterable[int]) -> pl.DataFrame:
        """Return single records, in their order; rows that are no records are not among them."""
        wanted = pl.Series("row", sorted(set(rows)), dtype=pl.Int64)
        return self.scan_records().filter(pl.col("row").is_in(wanted.implode())).collect()

    def text_lengths(self, rows: pl.Series) -> pl.DataFrame:
        """Return ``row`` and ``characters`` of single records: how much all their messages say."""
        if rows.is_empty():
            return pl.DataFrame(schema={"row": pl.Int64, "characters": pl.Int64})
        said = [
            pl.col(part)
            .list.eval(pl.element().struct.field("content").str.len_chars().cast(pl.Int64))
            .list.sum()
            .fill_null(0)
            for part in MESSAGE_PARTS
        ]
        concerned = self.scan_records().filter(pl.col("row").is_in(rows.implode()))
        return concerned.select("row", characters=pl.sum_horizontal(said)).collect()

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
