"""The document of a self-test: recall and precision of every check, with examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.safe_text import safe_text
from ..measures.shares import Share
from ..outcome import FAILED, RAN
from .plantings.planting import Planting, TrialKind
from .plantings.registry import ALL_PLANTINGS, ALL_TRIALS, NOT_PLANTED
from .score import FalseAlarm, Outcome

TESTED, NOT_TESTED, NOT_APPLICABLE = "tested", "not tested", "not applicable"
NEARLY_ALL, MOST = 0.98, 0.90
"""Targets of recall and of precision: for what is exact, and for what is a matter of degree."""

_EXACT = (
    "duplicates/exact",
    "duplicates/normalised",
    "duplicates/near",
    "privacy/email",
    "privacy/credit-card",
    "privacy/iban",
    "privacy/ip-address",
    "text/control-characters",
    "text/placeholder",
)
_EXAMPLES = 3
_SHOWN = 160


@dataclass(slots=True)
class CheckRecord:
    """How a check fared.

    Attributes:
        check: its name.
        status: ``ran``, ``skipped`` or ``failed``; empty before it is known.
        reason: why it was skipped or failed.
        alike: look-alikes that it saw.
    """

    check: str
    status: str = ""
    reason: str = ""
    alike: int = 0


def target(check: str) -> float:
    """Return the share that a check's recall and precision ought to reach."""
    return NEARLY_ALL if check in _EXACT or check.startswith("schema/") else MOST


def describe_selftest(
    dataset: Mapping[str, Any],
    settings: Mapping[str, Any],
    records: Mapping[str, CheckRecord],
    outcomes: Sequence[Outcome],
    false_alarms: Sequence[FalseAlarm],
    planted: Mapping[str, int],
    impossible: Sequence[Planting | TrialKind],
) -> dict[str, Any]:
    """Describe a self-test in plain values.

    Args:
        dataset: what was planted into.
        settings: how much.
        records: how each check fared.
        outcomes: of every defect.
        false_alarms: of every check.
        planted: kinds that were planted, with how many.
        impossible: kinds for which no row had what they need.
    """
    by_check = _grouped(outcomes)
    alarms = _grouped(false_alarms)
    checks = [
        _describe_check(
            record, by_check[name], alarms[name], planted,
            [kind for kind in impossible if name in _finds(kind)],
        )
        for name, record in records.items()
    ]  # fmt: skip
    return {
        "dataset": dict(dataset),
        "settings": dict(settings),
        "checks": checks,
        "under_target": [item["check"] for item in checks if item["met"] is False],
        "not_tried": {item["check"]: item["reason"] for item in checks if item["met"] is None},
    }


def _describe_check(
    record: CheckRecord,
    outcomes: Sequence[Outcome],
    alarms: Sequence[FalseAlarm],
    planted: Mapping[str, int],
    impossible: Sequence[Planting | TrialKind],
) -> dict[str, Any]:
    found = sum(outcome.found for outcome in outcomes)
    status, reason = _status(record, bool(outcomes), impossible)
    recall = _share(found, len(outcomes))
    precision = _share(found, found + len(alarms))
    wanted = target(record.check)
    values = [share["value"] for share in (recall, precision) if share is not None]
    missed = [outcome for outcome in outcomes if not outcome.found]
    return {
        "check": record.check,
        "status": status,
        "reason": reason,
        "planted": len(outcomes),
        "found": found,
        "recall": recall,
        "false": len(alarms),
        "alike": record.alike,
        "alike_reported": len({(a.round, a.row) for a in alarms if _is_alike(a, record.check)}),
        "precision": precision,
        "target": wanted,
        "met": min(values) >= wanted if status == TESTED else None,
        "kinds": _describe_kinds(record.check, outcomes, alarms, planted),
        "misses": [_describe_miss(outcome) for outcome in _some_of_each_kind(missed)],
        "false_alarms": [_describe_alarm(alarm) for alarm in _some_of_each_kind(alarms)],
    }


def _status(
    record: CheckRecord, is_measured: bool, impossible: Sequence[Planting | TrialKind]
) -> tuple[str, str]:
    if record.status == FAILED:
        return FAILED, record.reason
    if is_measured:
        return TESTED, ""
    if record.status != RAN:
        return record.status, record.reason
    if impossible:
        needs = "; ".join(dict.fromkeys(kind.needs for kind in impossible))
        return NOT_APPLICABLE, f"no row has what a planting needs: {needs}"
    fitting = [kind for kind in (*ALL_PLANTINGS, *ALL_TRIALS) if record.check in _finds(kind)]
    if fitting:
        kinds = sorted({kind for item in fitting for kind in item.kinds})
        return NOT_APPLICABLE, f"planted into rows of {' or '.join(kinds)} only"
    return NOT_TESTED, NOT_PLANTED.get(record.check, "there is no planting for it")


def _finds(kind: Planting | TrialKind) -> tuple[str, ...]:
    return kind.finds if isinstance(kind, Planting) else (kind.check,)


def _is_alike(alarm: FalseAlarm, check: str) -> bool:
    kind = alarm.kind
    return isinstance(kind, TrialKind) or (kind is not None and check in kind.resembles)


def _share(count: int, total: int) -> dict[str, Any] | None:
    if not total:
        return None
    share = Share(count, total)
    return {"value": share.value, "interval": list(share.interval)}


def _describe_kinds(
    check: str,
    outcomes: Sequence[Outcome],
    alarms: Sequence[FalseAlarm],
    planted: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Tell how often each kind of defect was found, and each look-alike was reported."""
    count = Counter(outcome.kind.name for outcome in outcomes)
    found = Counter(outcome.kind.name for outcome in outcomes if outcome.found)
    titles = {outcome.kind.name: outcome.kind.title for outcome in outcomes}
    described: list[dict[str, Any]] = [
        {"kind": name, "title": titles[name], "planted": count[name], "found": found[name]}
        for name in count
    ]
    reported = Counter(alarm.kind.name for alarm in alarms if alarm.kind is not None)
    return described + [
        {"kind": item.name, "title": item.title, "alike": planted[item.name],
         "reported": reported[item.name]}
        for item in ALL_PLANTINGS
        if check in item.resembles and planted.get(item.name)
    ]  # fmt: skip


def _some_of_each_kind(items: Sequence[Any]) -> list[Any]:
    """Return a few examples of every kind of planting."""
    seen: Counter[str | None] = Counter()
    chosen = []
    for item in items:
        name = item.kind.name if item.kind is not None else None
        seen[name] += 1
        if seen[name] <= _EXAMPLES:
            chosen.append(item)
    return chosen


def _describe_miss(outcome: Outcome) -> dict[str, Any]:
    return {
        "round": outcome.round,
        "row": outcome.row,
        "kind": outcome.kind.name,
        "field": outcome.field,
        "text": _shown(outcome.text),
    }


def _describe_alarm(alarm: FalseAlarm) -> dict[str, Any]:
    return {
        "round": alarm.round,
        "row": alarm.row,
        "kind": alarm.kind.name if alarm.kind is not None else None,
        "field": alarm.field,
        "message": _shown(alarm.message),
        "text": _shown(alarm.text),
    }


def _shown(text: str) -> str:
    return safe_text(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def write_tables(
    folder: Path, outcomes: Sequence[Outcome], false_alarms: Sequence[FalseAlarm]
) -> None:
    """Write every outcome and every false alarm as tables."""
    pl.DataFrame(
        [
            (o.check, o.round, o.row, o.kind.name, o.field, o.text, o.found) for o in outcomes
        ],
        schema={"check": pl.String, "round": pl.Int64, "row": pl.Int64, "kind": pl.String,
                "field": pl.String, "text": pl.String, "found": pl.Boolean},
        orient="row",
    ).write_parquet(folder / "outcomes.parquet")  # fmt: skip
    pl.DataFrame(
        [
            (a.check, a.round, a.row, a.kind.name if a.kind else None, a.field, a.start, a.end,
             a.message, a.text)
            for a in false_alarms
        ],
        schema={"check": pl.String, "round": pl.Int64, "row": pl.Int64, "kind": pl.String,
                "field": pl.String, "start": pl.Int64, "end": pl.Int64, "message": pl.String,
                "text": pl.String},
        orient="row",
    ).write_parquet(folder / "false_alarms.parquet")  # fmt: skip


def _grouped(items: Sequence[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        grouped[item.check].append(item)
    return grouped
