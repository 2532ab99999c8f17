"""The audit: read a source, run the checks, grade what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.artifact import Artifact, Draft, Workspace, produce
from ..workspace.errors import DataError, ExitCode
from ..workspace.events import CheckDone, Emit, Note, counting, ignore
from ..workspace.files import sha256_of_files, sha256_of_json, write_json
from ..workspace.manifest import Input
from .check import FAILED, RAN, Check, CheckContext, CheckResult, run_check
from .checks.registry import choose_checks, reject_unknown
from .contamination import BenchmarkItem
from .finding import FINDING_SCHEMA, SEVERITY_ORDER, Fix, Severity, empty_findings
from .profile import counting_summary, profile_dataset, profile_summary
from .quality import measure_quality
from .read import read_dataset
from .records import Dataset
from .settings import AuditSettings, DataSettings
from .source_files import find_files
from .tokenizer import tokenizer_fingerprint

_ROLE_CHECKS = ("schema/role-order", "schema/no-assistant")
NEVER = "never"


def audit(
    workspace: Workspace,
    paths: Sequence[str | Path],
    settings: AuditSettings,
    data: DataSettings | None = None,
    *,
    benchmarks: Sequence[BenchmarkItem] = (),
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Read a source, run every chosen check and write what was found.

    Args:
        workspace: where to write.
        paths: files, folders and globs that make up the source.
        settings: which checks, and how.
        data: how the rows are to be understood; detected by default.
        benchmarks: items that must not be among the data; `settings.benchmarks` only names
            whence the caller has them.
        force: do it again even if it is done.
        emit: told about progress, and about each check as it ends.

    Returns:
        An artifact of kind ``audit`` with ``audit.json``, ``records.parquet``,
        ``set_aside.parquet`` and ``findings.parquet``.

    Raises:
        UsageError: an unknown check, parameter or shape, or no tokenizer where one was named.
        DataError: the source cannot be read, or holds no row that can be understood.
    """
    data = data or DataSettings()
    checks = choose_checks(settings.checks, settings.skip)
    reject_unknown(settings.parameters, settings.severity)
    files = find_files(paths)
    source = Input(
        "source", sha256_of_files(files), path="\n".join(str(file.resolve()) for file in files)
    )
    inputs = [source]
    if settings.tokenizer is not None:
        fingerprint = tokenizer_fingerprint(settings.tokenizer)
        inputs.append(Input("tokenizer", fingerprint, path=str(settings.tokenizer)))
    if benchmarks:
        content = sha256_of_json([asdict(item) for item in benchmarks])
        inputs.append(Input("benchmarks", content, path="\n".join(settings.benchmarks)))

    def build(draft: Draft) -> None:
        dataset = read_dataset(files, shape=data.shape, mapping=data.mapping or None, emit=emit)
        if dataset.sha256 != source.sha256:
            raise DataError("the source changed while it was read", where=source.path,
                            fix="run the audit again when nothing writes to it")  # fmt: skip
        emit(Note(text=f"read as {dataset.detection.shape}: {dataset.detection.reason}"))
        context = CheckContext(
            dataset,
            context_length=settings.context_length,
            tokenizer=settings.tokenizer,
            parameters=settings.parameters,
            benchmarks=benchmarks,
        )
        results = run_checks(checks, context, settings.severity, emit)
        _write(draft, context, results)

    return produce(
        workspace,
        "audit",
        build,
        inputs=inputs,
        parameters=_parameters(checks, settings, data),
        force=force,
        emit=emit,
    )


def run_checks(
    checks: Sequence[Check],
    context: CheckContext,
    severities: Mapping[str, str],
    emit: Emit = ignore,
) -> list[CheckResult]:
    """Run checks one after the other; each tells how it ended.

    Args:
        checks: what to run.
        context: what to run them on.
        severities: the user's own severities, by check name.
        emit: told about each check.
    """
    results: list[CheckResult] = []
    with counting(emit, "checking", total=len(checks), unit="checks") as counter:
        for check in checks:
            own = severities.get(check.name)
            result = run_check(check, context, Severity(own) if own else None)
            results.append(result)
            emit(
                CheckDone(
                    check=check.name,
                    status=result.status,
                    severity=result.severity.value,
                    findings=result.findings.height,
                    rows=result.rows,
                    reason=result.reason,
                )
            )
            if result.status == FAILED:
                emit(Note(text=f"{check.name} failed: {result.reason}", level="warning"))
            counter.advance()
    return results


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


def _parameters(
    checks: Sequence[Check], settings: AuditSettings, data: DataSettings
) -> dict[str, Any]:
    """What decides the result, besides the source and the tokenizer."""
    names = {check.name for check in checks}
    return {
        "checks": sorted(names),
        "missing_packages": sorted(
            check.extra.package
            for check in checks
            if check.extra is not None and not check.extra.is_installed
        ),
        "severity": {name: value for name, value in settings.severity.items() if name in names},
        "parameters": {
            name: dict(values) for name, values in settings.parameters.items() if name in names
        },
        "context_length": settings.context_length,
        "shape": data.shape,
        "mapping": dict(data.mapping),
    }


def _write(draft: Draft, context: CheckContext, results: Sequence[CheckResult]) -> None:
    dataset = context.dataset
    findings = _in_order(pl.concat([empty_findings(), *(result.findings for result in results)]))
    findings.write_parquet(draft.folder / "findings.parquet")
    dataset.records.write_parquet(draft.folder / "records.parquet")
    dataset.set_aside.write_parquet(draft.folder / "set_aside.parquet")
    write_json(draft.folder / "audit.json", _document(context, results, findings))
    by_severity = dict(findings["severity"].value_counts().iter_rows())
    draft.counts |= {
        "rows": dataset.rows,
        "records": dataset.records.height,
        "set_aside": dataset.set_aside.height,
        **{f"findings_{severity}": by_severity.get(severity, 0) for severity in SEVERITY_ORDER},
    }


def _in_order(findings: pl.DataFrame) -> pl.DataFrame:
    """Sort by row, then as the checks come; findings about the whole dataset come first."""
    return findings.sort("row", maintain_order=True).select(*FINDING_SCHEMA)


def _document(
    context: CheckContext, results: Sequence[CheckResult], findings: pl.DataFrame
) -> dict[str, Any]:
    dataset = context.dataset
    dimensions: dict[str, bool] = {}
    for result in results:
        name = result.check.dimension
        dimensions[name] = dimensions.get(name, False) or result.status == RAN
    quality = measure_quality(dataset.records["row"], findings, dimensions.items())
    return {
        "dataset": _describe_dataset(dataset),
        "quality": asdict(quality),
        "checks": [_describe_result(result) for result in results],
        "findings": _grouped(results, findings, dataset.rows),
        "profile": profile_dataset(
            profile_summary(context),
            counting_summary(context),
            context.context_length,
            _wrong_roles(results),
        ),
    }


def _describe_dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "paths": [str(path.resolve()) for path in dataset.paths],
        "format": dataset.format,
        "kind": dataset.kind,
        "rows": dataset.rows,
        "records": dataset.records.height,
        "set_aside": dataset.set_aside.height,
        "sha256": dataset.sha256,
        "detection": asdict(dataset.detection),
    }


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
        "findings": result.findings.height,
        "rows": result.rows,
    }


def _grouped(
    results: Sequence[CheckResult], findings: pl.DataFrame, rows: int
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
