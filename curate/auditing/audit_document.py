"""What an audit says about itself: ``audit.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from ...workspace.errors import ExitCode
from ..check import DatasetContext
from ..finding import SEVERITY_ORDER, Fix, Severity
from ..outcome import FAILED, RAN
from .checking import CheckResult
from .profile import counting_summary, profile_dataset, profile_summary
from .quality import measure_quality

NEVER = "never"
PROFILE_SUMMARIES = (profile_summary, counting_summary)
"""What the document needs to know of every piece."""

_ROLE_CHECKS = ("schema/role-order", "schema/no-assistant")


def describe_audit(
    dataset: Mapping[str, Any],
    context: DatasetContext,
    results: Sequence[CheckResult],
    findings: pl.LazyFrame,
) -> dict[str, Any]:
    """Return the document of an audit.

    Args:
        dataset: the facts about the source.
        context: the whole dataset, with the summaries of :data:`PROFILE_SUMMARIES`.
        results: how each check ended.
        findings: of all checks, frame of ``FINDING_SCHEMA``.
    """
    dimensions: dict[str, bool] = {}
    for result in results:
        name = result.check.dimension
        dimensions[name] = dimensions.get(name, False) or result.status == RAN
    profiled = context.summary(profile_summary)
    quality = measure_quality(profiled["row"], findings, dimensions.items())
    return {
        "dataset": dict(dataset),
        "quality": asdict(quality),
        "checks": [_describe_result(result) for result in results],
        "findings": _grouped(results, findings, context.rows),
        "profile": profile_dataset(
            profiled,
            context.summary(counting_summary),
            context.context_length,
            _wrong_roles(results),
        ),
    }


def gate(document: Mapping[str, Any], fail_on: str) -> ExitCode:
    """Tell whether an audit passes.

    Args:
        document: the audit's.
        fail_on: the least severity that fails it; ``never`` for none. A check that failed has
            decided nothing, so it fails the gate too.
    """
    if fail_on == NEVER:
        return ExitCode.PASSED
    failing = SEVERITY_ORDER[: SEVERITY_ORDER.index(Severity(fail_on)) + 1]
    found = any(item["severity"] in failing for item in document["findings"])
    undecided = any(item["status"] == FAILED for item in document["checks"])
    return ExitCode.GATE_FAILED if found or undecided else ExitCode.PASSED


def _describe_result(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.check.name,
        "dimension": result.check.dimension,
        "title": result.check.title,
        "status": result.status,
        "reason": result.reason,
        "severity": result.severity.value,
        "fix": result.check.fix.value,
        "seconds": round(result.seconds, 4),
        "findings": result.count,
        "rows": result.rows,
    }


def _grouped(
    results: Sequence[CheckResult], findings: pl.LazyFrame, rows: int
) -> list[dict[str, Any]]:
    """One line for each check and severity that has findings, gravest first, then most rows."""
    titles = {result.check.name: result.check.title for result in results}
    groups = (
        findings.group_by("check", "severity")
        .agg(
            findings=pl.len(),
            rows=pl.col("row").drop_nulls().n_unique(),
            fix=pl.col("fix").filter(pl.col("fix") != Fix.NONE).mode().sort().first(),
        )
        .with_columns(pl.col("fix").fill_null(Fix.NONE.value))
        .sort("rows", "check", descending=[True, False])
        .collect()
    )
    lines = [
        {**group, "share": group["rows"] / rows, "title": titles[group["check"]]}
        for group in groups.iter_rows(named=True)
    ]
    return sorted(lines, key=lambda line: SEVERITY_ORDER.index(Severity(line["severity"])))


def _wrong_roles(results: Sequence[CheckResult]) -> pl.Series | None:
    ran = [result.findings["row"] for result in results
           if result.check.name in _ROLE_CHECKS and result.status == RAN]  # fmt: skip
    return pl.concat(ran) if ran else None
