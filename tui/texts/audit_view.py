"""An audit as far as it is shown: its document turned into plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.finding import Severity
from ...workspace.artifact import Artifact


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """How a check of an audit ended."""

    check: str
    status: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings of one check and severity."""

    check: str
    severity: Severity
    rows: int
    share: float
    fix: str
    title: str


@dataclass(frozen=True, slots=True)
class Share:
    """A value and the share of the records that have it."""

    value: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the records are, in ``unit``; ``counts`` are the histogram's, from short to long."""

    unit: str
    counts: tuple[int, ...]
    first: int
    last: int
    middle: float
    longest: int
    context: int | None
    over_context: int


@dataclass(frozen=True, slots=True)
class AuditView:
    """What an audit found.

    Attributes:
        artifact: the audit on disk.
        paths: the source's files.
        sha256: fingerprint of the source.
        kind: the records' kind, such as ``chat``.
        rows: rows in the source.
        records: rows that were understood.
        set_aside: rows that were not.
        bytes: size of the source on disk; None where a file has gone.
        clean_share: share of the records free of open high and medium findings.
        fixed_share: the same if all proposed fixes were accepted.
        dimensions: the clean share per dimension; None where no check of it ran.
        checks: every check with how it ended.
        groups: the findings by check, gravest first.
        lengths: the records' lengths, if measured.
        roles_ok: share of the records whose roles come in a sound order.
        labels: the labels, most frequent first.
    """

    artifact: Artifact
    paths: tuple[str, ...]
    sha256: str
    kind: str
    rows: int
    records: int
    set_aside: int
    bytes: int | None
    clean_share: float | None
    fixed_share: float | None
    dimensions: tuple[Share, ...]
    checks: tuple[CheckStatus, ...]
    groups: tuple[FindingGroup, ...]
    lengths: Lengths | None
    roles_ok: float | None
    labels: tuple[Share, ...]

    @property
    def id(self) -> str:
        """The audit's id."""
        return self.artifact.id

    @property
    def records_path(self) -> Path:
        """The file of the records."""
        return self.artifact.folder / "records.parquet"

    @property
    def findings_path(self) -> Path:
        """The file of the hits."""
        return self.artifact.folder / "findings.parquet"

    @property
    def name(self) -> str:
        """The source's name for headings."""
        if not self.paths:
            return "?"
        first = Path(self.paths[0]).name
        return first if len(self.paths) == 1 else f"{first} + {len(self.paths) - 1}"

    def is_of(self, source: Path) -> bool:
        """Tell whether a file is (part of) what was audited."""
        return str(source.resolve()) in {str(Path(path).resolve()) for path in self.paths}


def parse_audit(artifact: Artifact, document: Mapping[str, Any]) -> AuditView:
    """Turn ``audit.json`` into an :class:`AuditView`.

    Raises:
        KeyError: the document lacks what it must have.
        TypeError: a value is of the wrong kind.
        ValueError: a severity or a number is none.
    """
    dataset = document["dataset"]
    quality = document["quality"]
    profile = document.get("profile") or {}
    paths = tuple(str(path) for path in dataset["paths"])
    return AuditView(
        artifact=artifact,
        paths=paths,
        sha256=str(dataset["sha256"]),
        kind=str(dataset["kind"]),
        rows=int(dataset["rows"]),
        records=int(dataset["records"]),
        set_aside=int(dataset["set_aside"]),
        bytes=_bytes_on_disk(paths),
        clean_share=quality.get("overall"),
        fixed_share=quality.get("if_fixed"),
        dimensions=tuple(Share(str(k), v) for k, v in (quality.get("by_dimension") or {}).items()),
        checks=tuple(_parse_check(item) for item in document["checks"]),
        groups=tuple(_parse_group(item) for item in document["findings"]),
        lengths=_parse_lengths(profile.get("length")),
        roles_ok=profile.get("roles_ok"),
        labels=tuple(
            Share(str(item["value"]), float(item["share"])) for item in profile.get("labels") or ()
        ),
    )


def _parse_check(item: Mapping[str, Any]) -> CheckStatus:
    return CheckStatus(
        check=str(item["check"]),
        status=str(item["status"]),
        reason=str(item.get("reason") or ""),
        rows=int(item.get("rows") or 0),
    )


def _parse_group(item: Mapping[str, Any]) -> FindingGroup:
    return FindingGroup(
        check=str(item["check"]),
        severity=Severity(item["severity"]),
        rows=int(item["rows"]),
        share=float(item.get("share") or 0.0),
        fix=str(item.get("fix") or "none"),
        title=str(item.get("title") or ""),
    )


def _parse_lengths(length: Mapping[str, Any] | None) -> Lengths | None:
    if not length or not length.get("histogram"):
        return None
    pieces = length["histogram"]
    context = length.get("context")
    return Lengths(
        unit=str(length["unit"]),
        counts=tuple(int(piece["records"]) for piece in pieces),
        first=int(pieces[0]["from"]),
        last=int(pieces[-1]["to"]),
        middle=float(length.get("p50") or 0),
        longest=int(length.get("max") or 0),
        context=int(context) if context is not None else None,
        over_context=int(length.get("over_context") or 0),
    )


def _bytes_on_disk(paths: tuple[str, ...]) -> int | None:
    try:
        return sum(Path(path).stat().st_size for path in paths)
    except OSError:
        return None
