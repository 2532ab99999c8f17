"""What a report tells beside the verdicts: every observation with its interval, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...workspace.safe_text import name_of
from ..observations.labels import confusion_table
from ..observations.observation import NO_CHANGE
from ..verdicts.judgement import UNDECIDED, UNINFORMATIVE
from .wording import MINUS, NOT_TOLD, glyph, interval_text, signed

NOTHING = "Nothing was measured beside the tasks."
_TOPICS = ("prompted base", "bias", "labels", "answers", "refusals", "divergence", "calibration")
_SHARE = "share"
_UNITS = {_SHARE: " %", "nats": " nats"}
_MOST_ROWS = 200
_MOST_LINES = 20
_SILENT = (NO_CHANGE, UNDECIDED, UNINFORMATIVE)
_SIDES = ("base", "tuned")


def observation_rows(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return all observations as texts, by topic.

    Args:
        document: of an evaluation or a report.

    Returns:
        ``topic``, ``name``, ``n``, ``base``, ``plain`` (the base's value where ``base`` is that
        of the prompted base), ``tuned``, ``change`` (with its 95 % interval),
        ``verdict``, ``text``, ``detail`` (empty, or a word where it is a part of another).
    """
    found = list(document.get("observations") or ())
    found.sort(key=lambda one: _place(str(one["topic"])))
    return [_row(one) for one in found[:_MOST_ROWS]]


def observation_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the observations for a terminal, one line each; what shows nothing is only counted."""
    rows = observation_rows(document)
    if not rows:
        return []
    shown = [row for row in rows if not (row["detail"] and row["verdict"] in _SILENT)]
    shown = shown[:_MOST_LINES]
    width = max((len(row["name"]) for row in shown), default=0)
    lines = ["beside the verdicts, with 95 % intervals (they decide nothing)"]
    for row in shown:
        alone = row["base"] == NOT_TOLD
        values = row["tuned"] if alone else f"{base_text(row)} → {row['tuned']}"
        verdict = f"{glyph(row['verdict'])} {row['verdict']}" if row["verdict"] else ""
        lines.append(f"{row['name'].ljust(width)}  {values}  {row['change']}  {verdict}".rstrip())
    if left := len(rows) - len(shown):
        lines.append(f"{left} more: see `Also measured` of the report")
    return [*lines, ""]


def confusion_tables(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each model took for what, as squares of counts: ``model, names, rows``."""
    domain = document.get("domain") or {}
    tables = []
    for side in _SIDES:
        pairs = (domain.get(side) or {}).get("confusion")
        if pairs:
            names, counts = confusion_table(pairs)
            shown = [name_of(name) for name in names]
            rows = [
                {"label": label, "counts": row, "place": place}
                for place, (label, row) in enumerate(zip(shown, counts, strict=True))
                if sum(row)
            ]
            tables.append({"model": side, "names": shown, "rows": rows})
    return tables


def _place(topic: str) -> int:
    return _TOPICS.index(topic) if topic in _TOPICS else len(_TOPICS)


def _row(one: Mapping[str, Any]) -> dict[str, str]:
    unit, bar = str(one["unit"]), one.get("prompted_base")
    base = _value(unit, one["base"])
    return {
        "topic": str(one["topic"]),
        "name": f"{one['topic']}: {name_of(one['name'])}",
        "n": f"{one['n']:,}",
        "base": base if bar is None else f"{_value(unit, bar)} prompted",
        "plain": "" if bar is None else f"{base} plain",
        "tuned": _value(unit, one["tuned"]),
        "change": _change(unit, one),
        "verdict": str(one["verdict"]),
        "text": str(one["text"]),
        "detail": "detail" if one.get("detail") else "",
    }


def base_text(row: Mapping[str, str]) -> str:
    """Write the base's value, and beside the prompted base's that of the base as it is."""
    return f"{row['base']} ({row['plain']})" if row["plain"] else row["base"]


def _value(unit: str, value: float | None) -> str:
    if value is None:
        return NOT_TOLD
    return _plain(unit, value) + _UNITS.get(unit, "")


def _plain(unit: str, value: float) -> str:
    text = f"{100 * value:.1f}" if unit == _SHARE else f"{value:.3f}"
    return text.replace("-", MINUS)


def _change(unit: str, one: Mapping[str, Any]) -> str:
    """Write the change; of what the base has no value of, only the interval of the value."""
    delta, ci = one["delta"], one["ci"]
    if delta is None:
        return NOT_TOLD
    if one["base"] is None:
        return NOT_TOLD if ci is None else f"[{_plain(unit, ci[0])}, {_plain(unit, ci[1])}]"
    scale, digits = (100.0, 1) if unit == _SHARE else (1.0, 3)
    text = signed(scale * delta, digits)
    return text if ci is None else f"{text} {interval_text((ci[0], ci[1]), scale, digits)}"
