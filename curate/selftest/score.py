"""What an audit found of what was planted, and what it found besides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..evidence import excerpt, field_text
from .plantings.planting import Planting, TrialKind
from .rounds import Placed, Round

_SHOWN = 160

RowFindings = Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]
"""Findings by check and row."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a check found a defect.

    Attributes:
        check: which one.
        round: number of the round, or of the trial.
        row: of the round; None for a trial.
        kind: what was planted.
        field: the text that holds it.
        text: what it is.
        found: whether the check found it.
    """

    check: str
    round: int
    row: int | None
    kind: Planting | TrialKind
    field: str | None
    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A finding about a row, or a dataset, that has nothing of the kind.

    Attributes:
        check: which check.
        round: number of the round, or of the trial.
        row: of the round; None for a finding about the whole dataset.
        kind: what was planted in that row; None where nothing was.
        field: the text that the finding is about.
        start: where it begins.
        end: where it ends.
        message: of the finding.
        text: the characters that it is about, with those around them.
    """

    check: str
    round: int
    row: int | None
    kind: Planting | TrialKind | None
    field: str | None
    start: int | None
    end: int | None
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class RoundScore:
    """What came of a round.

    Attributes:
        outcomes: one for every defect and check that must find it.
        false_alarms: one for every check and row.
        alike: how many look-alikes each check saw, by check.
    """

    outcomes: list[Outcome]
    false_alarms: list[FalseAlarm]
    alike: dict[str, int]


def by_check_and_row(findings: pl.DataFrame) -> RowFindings:
    """Group findings about rows; those about a dataset as a whole are left out."""
    grouped: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for finding in findings.drop_nulls("row").iter_rows(named=True):
        grouped[finding["check"], finding["row"]].append(finding)
    return grouped


def score_round(
    number: int,
    planted: Round,
    findings: pl.DataFrame,
    records: pl.DataFrame,
    before: set[tuple[str, int]],
    checks: Iterable[str],
) -> RoundScore:
    """Compare an audit of a round with what was planted.

    A defect is found where the check has a finding about one of its rows and, where both name
    characters of a text, about some of the same. What a check says of other rows counts as false,
    unless it said so of the same row before anything was planted.

    Args:
        number: of the round.
        planted: the round.
        findings: of its audit.
        records: that the audit read.
        before: check and row of the ground for everything that was found there.
        checks: the checks that ran.
    """
    ran = set(checks)
    found = by_check_and_row(findings)
    excused = {(check, planted.places[row]) for check, row in before}
    hosts = {place: row for row, place in enumerate(planted.places)}
    # A copy has what its original had.
    excused |= {
        (check, copy)
        for item in planted.placed
        for copy in item.rows[1:]
        for check in ran
        if (check, hosts[item.rows[0]]) in before
    }
    outcomes: list[Outcome] = []
    alike: dict[str, int] = defaultdict(int)
    true: set[tuple[str, int]] = set()
    for item in planted.placed:
        for check in item.planting.finds:
            if check in ran:
                hits = _rows_that_prove(check, item, found)
                true |= {(check, row) for row in hits}
                outcomes.append(_outcome(check, number, item, bool(hits), planted.lines))
        for check in item.planting.resembles:
            if check in ran:
                alike[check] += 1
        excused |= {
            (check, row)
            for check, row in found
            if row in item.rows and _is_allowed(check, item.planting)
        }
    kinds = {row: item.planting for item in planted.placed for row in item.rows}
    false = [pair for pair in found if pair not in true and pair not in excused]
    shown = _texts(records, {row for _, row in false})
    alarms = [
        _false_alarm(
            check, number, row, kinds.get(row), hits[0],
            _said(shown.get(row), hits[0]) or planted.lines[row].decode(),
        )
        for (check, row), hits in found.items()
        if (check, row) in false
    ]  # fmt: skip
    return RoundScore(outcomes, alarms, dict(alike))


def _rows_that_prove(check: str, item: Placed, found: RowFindings) -> set[int]:
    return {
        row
        for row in item.rows
        if any(_speaks_of(finding, item) for finding in found.get((check, row), ()))
    }


def _speaks_of(finding: Mapping[str, Any], item: Placed) -> bool:
    """Whether a finding about a row is about what was planted there."""
    planted = item.planted
    if planted.start is None or planted.end is None or finding["start"] is None:
        return True
    return (
        finding["field"] == planted.field
        and finding["start"] < planted.end
        and planted.start < finding["end"]
    )


def _is_allowed(check: str, planting: Planting) -> bool:
    return check in planting.allows or check.partition("/")[0] in planting.allows


def _texts(records: pl.DataFrame, rows: set[int]) -> dict[int, dict[str, Any]]:
    """Return the records of some rows."""
    wanted = pl.Series(sorted(rows), dtype=pl.Int64)
    concerned = records.filter(pl.col("row").is_in(wanted.implode()))
    return {record["row"]: record for record in concerned.iter_rows(named=True)}


def _said(record: Mapping[str, Any] | None, finding: Mapping[str, Any]) -> str:
    """Return what a finding is about, marked in what stands around it; empty where unknown."""
    text = None if record is None else field_text(record, finding["field"])
    if text is None:
        return ""
    shown = excerpt(text, finding["start"], finding["end"], width=_SHOWN)
    return f"{shown.before}⟦{shown.hit}⟧{shown.after}"


def _outcome(
    check: str, number: int, item: Placed, is_found: bool, lines: Sequence[bytes]
) -> Outcome:
    planted, row = item.planted, item.rows[-1]
    text = planted.value or lines[row].decode(errors="replace")
    return Outcome(check, number, row, item.planting, planted.field, text, is_found)


def _false_alarm(
    check: str,
    number: int,
    row: int | None,
    kind: Planting | TrialKind | None,
    finding: Mapping[str, Any],
    text: str,
) -> FalseAlarm:
    return FalseAlarm(
        check=check,
        round=number,
        row=row,
        kind=kind,
        field=finding["field"],
        start=finding["start"],
        end=finding["end"],
        message=finding["message"] or "",
        text=text,
    )


def score_trial(
    number: int,
    kind: TrialKind,
    named: tuple[str, ...] | None,
    findings: pl.DataFrame,
    before: set[str],
) -> tuple[list[Outcome], list[FalseAlarm]]:
    """Compare an audit of a whole dataset with how it was made.

    Args:
        number: of the trial.
        kind: of the trial.
        named: words that a finding must have, alternatives parted by ``|``; None where the
            dataset is sound.
        findings: of the trial's check.
        before: what the check named in the ground as it was.
    """
    whole = list(findings.iter_rows(named=True))
    if named is None:
        return [], [
            _false_alarm(kind.check, number, None, kind, finding, finding["related"] or "")
            for finding in whole
            if finding["related"] not in before
        ]
    found = any(
        all(_names(f"{finding['related']} {finding['message']}", word) for word in named)
        for finding in whole
    )
    return [Outcome(kind.check, number, None, kind, None, " × ".join(named), found)], []


def _names(said: str, words: str) -> bool:
    return any(word in said for word in words.split("|"))
