"""What `split.json` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..settings import SplitSettings
from .balance import ColumnBalance, balance, component_facts, ratios, reasons
from .certificate import Certificate
from .intake import Intake, Taken
from .parts import ALL_PARTS, LEFT_OUT, PARTS
from .plan import Plan


def split_document(
    intake: Intake,
    taken: Taken,
    plan: Plan,
    counts: Mapping[str, int],
    settings: SplitSettings,
    certificate: Certificate | None,
) -> dict[str, Any]:
    """Return the document of a split; docs/splits.md explains the keys.

    A split that is only looked at beforehand has no certificate, and no files.
    """
    detection = intake.source.detection
    reached, columns = ratios(plan), balance(plan)
    notes = [*intake.notes, *plan.notes, *plan.ties.notes, *reasons(plan, reached, columns)]
    return {
        "counts": {
            name: counts.get(name, 0) for name in ALL_PARTS if name in PARTS or name in counts
        },
        "ratios": reached,
        "stratification": _stratification(plan, columns),
        "certificate": certificate.to_json() if certificate is not None else None,
        "shape": detection.shape,
        "mapping": detection.mapping,
        "detection": asdict(detection),
        "kind": intake.source.kind,
        "seed": settings.seed,
        "groups": list(settings.group),
        "set_aside": taken.set_aside.height,
        "test_set_aside": taken.test_set_aside if intake.kept_test is not None else 0,
        LEFT_OUT: _left_out(plan),
        "components": component_facts(plan),
        "by_label": columns[0].rows() if columns else [],
        "by_column": {column.column: column.rows() for column in columns[1:]},
        **plan.facts,
        "notes": notes,
    }


def _stratification(plan: Plan, columns: list[ColumnBalance]) -> dict[str, Any]:
    named = ", ".join(column.column for column in columns)
    return {
        "column": named if columns and plan.balanced else None,
        "max_drift": max((column.max_drift for column in columns), default=None),
        "columns": [
            {
                "column": column.column,
                "values": column.values,
                "max_drift": column.max_drift,
                "part": column.part,
                "value": column.value,
            }
            for column in columns
        ],
    }


def _left_out(plan: Plan) -> dict[str, Any]:
    by = plan.left_out["by"].value_counts(sort=True)
    return {
        "rows": plan.left_out.height,
        "by": dict(by.iter_rows()),
        "file": f"{LEFT_OUT}.jsonl" if plan.left_out.height else None,
    }
