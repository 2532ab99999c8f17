"""Audits of a self-test: of the rows as they are, and of those with something planted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from ...workspace.artifact import Workspace
from ...workspace.files import read_json
from ..auditing.audit import audit
from ..contamination import BenchmarkItem
from ..settings import AuditSettings, DataSettings
from ..shapes.rows import Layout, Record
from .rounds import line_bytes
from .score import by_check_and_row

_ROUNDS = "rounds"
_WORK = ".work"
# The sound rows are audited so many times again, each time without another share of them.
_PARTS = 4

LEAST_SPOTLESS = 0.5
"""Where so many rows have no finding at all, only these take up plantings, or lend their texts."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found, what it read, and how its checks ended."""

    findings: pl.DataFrame
    records: pl.DataFrame
    checks: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Auditor:
    """Writes rows to a file and audits it, as a user would.

    Attributes:
        folder: of the artifact that is being written.
        settings: of the audits.
        data: how rows are to be understood.
        benchmarks: items that must not be among the data.
    """

    folder: Path
    settings: AuditSettings
    data: DataSettings
    benchmarks: Sequence[BenchmarkItem]

    def look(self, name: str, lines: Iterable[bytes], checks: Sequence[str]) -> Audited:
        """Write rows, audit them, and keep what the audit found."""
        path = self.folder / _ROUNDS / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        made = audit(
            Workspace(self.folder / _WORK),
            [path],
            self.settings.model_copy(update={"checks": tuple(checks)}),
            self.data,
            benchmarks=self.benchmarks,
        )
        audited = Audited(
            findings=pl.read_parquet(made.folder / "findings.parquet"),
            records=pl.read_parquet(made.folder / "records.parquet"),
            checks=read_json(made.folder / "audit.json")["checks"],
        )
        shutil.rmtree(made.folder)
        return audited

    def tidy_up(self) -> None:
        """Remove what the audits left besides the rows."""
        shutil.rmtree(self.folder / _WORK)


def known_findings(
    auditor: Auditor,
    lines: Sequence[bytes],
    checks: Sequence[str],
    before: pl.DataFrame,
    seed: int,
) -> set[tuple[str, int]]:
    """Return check and row of whatever is found where nothing is planted.

    Of two rows that are alike either may be told, and a row near a threshold is on this side of it
    in one sample and on that in another. So parts of the rows are audited, too: what is found
    there is no doing of the plantings.

    Args:
        auditor: looks at the rows.
        lines: the sound rows.
        checks: names of the checks that are tested.
        before: what was found in all of the rows together.
        seed: decides which rows are left out together.
    """
    known = _places(before)
    draw = Random(seed)
    left_out = [draw.randrange(_PARTS) for _ in lines]
    for part in range(_PARTS):
        rows = [row for row, number in enumerate(left_out) if number != part]
        if rows:
            seen = auditor.look(f"part-{part + 1}", [lines[row] for row in rows], checks)
            known |= {(check, rows[row]) for check, row in _places(seen.findings)}
    return known


def _places(findings: pl.DataFrame) -> set[tuple[str, int]]:
    """Return check and row of findings, and of the other halves of pairs."""
    pairs = findings.drop_nulls(["row", "related_row"])
    return {*by_check_and_row(findings), *pairs.select("check", "related_row").iter_rows()}


def sound_records(
    records: tuple[Record, ...], layout: Layout, auditor: Auditor, checks: Sequence[str]
) -> tuple[Record, ...]:
    """Leave out the records whose texts bring defects of their own, if enough others are left."""
    seen = auditor.look("spare", [line_bytes(record, layout) for record in records], checks)
    with_findings = set(seen.findings["row"].drop_nulls())
    sound = tuple(record for row, record in enumerate(records) if row not in with_findings)
    return sound if len(sound) >= len(records) * LEAST_SPOTLESS else records
