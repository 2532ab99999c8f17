"""The audit: read a source piece by piece, run the checks, grade what they found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.artifact import Artifact, Draft, Workspace, produce
from ...workspace.errors import DataError
from ...workspace.events import CheckDone, Emit, Note, counting, ignore
from ...workspace.files import sha256_of_json, sha256_of_model, write_json
from ...workspace.manifest import Input
from ..check import MODEL, CheckContext, DatasetContext
from ..checks.registry import choose_checks, known_checks, reject_unknown
from ..contamination import BenchmarkItem
from ..finding import FINDING_SCHEMA, SEVERITY_ORDER
from ..near_duplicates.ray_runner import ray_cluster
from ..outcome import FAILED, RAN
from ..piece_files import writing_pieces
from ..reading.dataset_info import find_description
from ..reading.read import Source, open_source, read_pieces, understood_examples
from ..reading.source_files import find_files, sha256_of_source
from ..records import RECORD_SCHEMA, SET_ASIDE_SCHEMA, Dataset
from ..schemas.user_schema import schema_fingerprint
from ..settings import AuditSettings, DataSettings
from ..shapes.catalogue import shape_of
from ..tokens.tokenizer import tokenizer_fingerprint
from .audit_document import PROFILE_SUMMARIES, describe_audit
from .benchmark_search import BENCHMARK, benchmark_contamination, write_contamination
from .checking import AnyCheck, CheckResult, Look, Looked, look_at_pieces
from .copies import NEAR, NEAR_PAIR_SCHEMA, near_copies, near_settings
from .earlier import EARLIER, EarlierAudit, earlier_audit, named_audits
from .freed_memory import give_back_freed_memory

_PIECES_NAME = ".pieces"
_EXAMPLES = 3
# A process takes seconds to start; what one reads in that time is not worth it.
_BYTES_FOR_PROCESSES = 64 << 20


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
        paths: files, folders, globs and entries of a ``dataset_info.json``: the source.
        settings: which checks, and how.
        data: how the rows are to be understood; detected by default.
        benchmarks: items that must not be among the data; `settings.benchmarks` only names
            whence the caller has them.
        force: do it again even if it is done.
        emit: told about progress, and about each check as it ends.

    Returns:
        An artifact of kind ``audit`` with ``audit.json``, ``records.parquet``,
        ``set_aside.parquet``, ``findings.parquet`` and ``near_pairs.parquet``; where benchmarks
        were searched for, ``contamination.parquet`` (every item and its status) and
        ``contamination_hits.parquet``.

    Raises:
        UsageError: an unknown check, parameter or shape, no tokenizer where one was named, a
            schema that cannot be read, an earlier audit that is not there or of the same data, or
            no Ray cluster where one was named.
        DataError: the source cannot be read, or holds no row that can be understood.
    """
    data = data or DataSettings()
    known = known_checks(settings.rules)
    checks = choose_checks(settings.checks, settings.skip, known)
    reject_unknown(settings.parameters, settings.severity, known)
    files = find_files(paths)
    description = None if data.shape or data.mapping else find_description(paths, files)
    inputs = inputs_of(files, checks, settings, benchmarks)
    against = named_audits(workspace, settings.against, inputs[0])
    inputs += [earlier.as_input("against") for earlier in against]

    def build(draft: Draft) -> None:
        opened = open_source(
            paths, shape=data.shape, mapping=data.mapping or None, encoding=data.encoding
        )
        emit(Note(text=f"read as {opened.detection.shape}: {opened.detection.reason}"))
        earlier = _with_indexes(workspace, against, checks, settings, emit)
        work = _Audit(draft.folder, opened, checks, settings, benchmarks, earlier, emit)
        # Connected at once, so that an address which does not answer is told before the work.
        with ray_cluster(settings.ray) if settings.ray else nullcontext():
            work.run(draft, inputs[0])

    return produce(
        workspace,
        "audit",
        build,
        inputs=inputs,
        parameters=_parameters(checks, settings, data)
        | ({"description": asdict(description)} if description else {}),
        force=force,
        emit=emit,
    )


def inputs_of(
    files: Sequence[Path],
    checks: Sequence[AnyCheck],
    settings: AuditSettings,
    benchmarks: Sequence[BenchmarkItem],
) -> list[Input]:
    """Return what an audit is made from: first the source, then whatever else was named.

    Args:
        files: of the source.
        checks: that are run; the models that the settings name for them are inputs.
        settings: name the tokenizer and the schema, and whence the benchmarks come.
        benchmarks: items that must not be among the data.

    Raises:
        UsageError: no tokenizer is where one was named, or a schema cannot be read.
        DataError: a file cannot be read.
    """
    source = Input(
        "source", sha256_of_source(files), path="\n".join(str(file.resolve()) for file in files)
    )
    inputs = [source]
    if settings.tokenizer is not None:
        fingerprint = tokenizer_fingerprint(settings.tokenizer)
        inputs.append(Input("tokenizer", fingerprint, path=str(settings.tokenizer)))
    if settings.schema is not None:
        fingerprint = schema_fingerprint(settings.schema)
        inputs.append(Input("schema", fingerprint, path=settings.schema))
    for check in checks:
        model = settings.parameters.get(check.name, {}).get(MODEL)
        if isinstance(model, str) and (folder := Path(model).expanduser()).is_dir():
            inputs.append(Input(f"{check.name} {MODEL}", sha256_of_model(folder), path=model))
    if benchmarks:
        content = sha256_of_json([asdict(item) for item in benchmarks])
        inputs.append(Input("benchmarks", content, path="\n".join(settings.benchmarks)))
    return inputs


def _with_indexes(
    workspace: Workspace,
    against: Sequence[Artifact],
    checks: Sequence[AnyCheck],
    settings: AuditSettings,
    emit: Emit,
) -> tuple[EarlierAudit, ...]:
    """Return earlier audits with the indexes that the check of earlier data needs, if it is run."""
    if EARLIER not in {check.name for check in checks}:
        return ()
    similar = near_settings(settings.parameters)
    return tuple(earlier_audit(workspace, audit, **similar, emit=emit) for audit in against)


def usual_processes(paths: Sequence[str | Path]) -> int:
    """Return how many processes an audit of these files should use on this machine.

    They are started anew, which a script that is not guarded by ``__main__`` does not survive;
    so the command line asks for them, while :func:`audit` by itself uses one.
    """
    size = sum(file.stat().st_size for file in find_files(paths))
    return (os.cpu_count() or 1) if size >= _BYTES_FOR_PROCESSES else 1


@dataclass(slots=True)
class _Audit:
    """An audit at work.

    Attributes:
        folder: of the artifact that is being written.
        source: what is read.
        checks: what is run.
        settings: how.
        benchmarks: items that must not be among the data.
        earlier: audits of earlier data.
        emit: told about progress.
    """

    folder: Path
    source: Source
    checks: Sequence[AnyCheck]
    settings: AuditSettings
    benchmarks: Sequence[BenchmarkItem]
    earlier: Sequence[EarlierAudit]
    emit: Emit
    rows: int = 0
    records: int = 0
    starts: list[int] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def run(self, draft: Draft, given: Input) -> None:
        """Read, check, and write everything; ``given`` is the source as it was at the start."""
        pieces = self.folder / _PIECES_NAME
        pieces.mkdir()
        look = Look(self.checks, self.settings.severity, PROFILE_SUMMARIES, pieces)
        with (
            writing_pieces(self._file("records"), RECORD_SCHEMA) as write_records,
            writing_pieces(self._file("set_aside"), SET_ASIDE_SCHEMA) as write_set_aside,
        ):

            def contexts() -> Iterator[CheckContext]:
                for piece in read_pieces(self.source, self.emit):
                    write_records(piece.records)
                    write_set_aside(piece.set_aside)
                    self.starts.append(self.rows)
                    self.rows += piece.rows
                    self.records += piece.records.height
                    self.examples += understood_examples(piece, _EXAMPLES - len(self.examples))
                    yield self._context(piece)

            looked = look_at_pieces(look, contexts(), self.settings.processes or 1)
        if sha256_of_source(self.source.paths) != given.sha256:
            raise DataError("the source changed while it was read", where=given.path,
                            fix="run the audit again when nothing writes to it")  # fmt: skip
        whole = self._whole(looked)
        results = self._finish_checks(looked, whole)
        self._write(draft, given, whole, looked, results)
        shutil.rmtree(pieces)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _context(self, piece: Dataset) -> CheckContext:
        return CheckContext(
            piece,
            context_length=self.settings.context_length,
            tokenizer=self.settings.tokenizer,
            schema=self.settings.schema,
            parameters=self.settings.parameters,
            benchmarks=self.benchmarks,
            earlier=self.earlier,
            ray=self.settings.ray,
        )

    def _whole(self, looked: Looked) -> DatasetContext:
        return DatasetContext(
            context_length=self.settings.context_length,
            tokenizer=self.settings.tokenizer,
            schema=self.settings.schema,
            parameters=self.settings.parameters,
            benchmarks=self.benchmarks,
            earlier=self.earlier,
            ray=self.settings.ray,
            reasons=looked.reasons,
            records=pl.scan_parquet(self._file("records")),
            summaries=looked.summaries,
            rows=self.rows,
            height=self.records,
        )

    def _finish_checks(self, looked: Looked, whole: DatasetContext) -> list[CheckResult]:
        """Look at the whole; each check tells how it ended."""
        results: list[CheckResult] = []
        with counting(self.emit, "checking", total=len(self.checks), unit="checks") as counter:
            for run in looked.runs:
                result = looked.finish(run, whole)
                give_back_freed_memory()
                results.append(result)
                self._tell(result)
                counter.advance()
        return results

    def _tell(self, result: CheckResult) -> None:
        self.emit(
            CheckDone(
                check=result.check.name,
                status=result.status,
                severity=result.severity.value,
                findings=result.count,
                rows=result.rows,
                reason=result.reason,
            )
        )
        if result.status == FAILED:
            self.emit(Note(text=f"{result.check.name} failed: {result.reason}", level="warning"))

    def _write(
        self,
        draft: Draft,
        given: Input,
        whole: DatasetContext,
        looked: Looked,
        results: Sequence[CheckResult],
    ) -> None:
        ran = [result.place for result in results if result.status == RAN]
        with writing_pieces(self._file("findings"), FINDING_SCHEMA) as write_findings:
            for some in looked.findings.by_row(self.starts, ran):
                write_findings(some)
        near = any(result.check.name == NEAR and result.status == RAN for result in results)
        pairs = whole.shared(near_copies).pairs() if near else pl.DataFrame(schema=NEAR_PAIR_SCHEMA)
        pairs.write_parquet(self._file("near_pairs"))
        set_aside = self.rows - self.records
        dataset = {
            "paths": [str(path.resolve()) for path in self.source.paths],
            "format": self.source.format,
            "kind": shape_of(self.source.detection.shape).kind,
            "rows": self.rows,
            "records": self.records,
            "set_aside": set_aside,
            "sha256": given.sha256,
            "detection": asdict(self.source.detection),
            "notes": list(self.source.notes),
            "examples": self.examples,
            "against": [
                {"audit": one.id, "artifact": str(one.audit), "name": one.name, "rows": one.rows}
                for one in self.earlier
            ],
        }
        findings = pl.scan_parquet(self._file("findings"))
        document = describe_audit(dataset, whole, results, findings)
        if self.benchmarks and any(
            result.check.name == BENCHMARK and result.status != FAILED for result in results
        ):
            found = whole.shared(benchmark_contamination)
            document["contamination"] = write_contamination(found, self.folder)
        write_json(self.folder / "audit.json", document)
        counts = findings.group_by("severity").agg(pl.len()).collect()
        by_severity = dict(counts.iter_rows())
        draft.counts |= {
            "rows": self.rows,
            "records": self.records,
            "set_aside": set_aside,
            **{f"findings_{severity}": by_severity.get(severity, 0) for severity in SEVERITY_ORDER},
        }


def _parameters(
    checks: Sequence[AnyCheck], settings: AuditSettings, data: DataSettings
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
        "rules": [rule.model_dump() for rule in settings.rules],
        "context_length": settings.context_length,
        "shape": data.shape,
        "mapping": dict(data.mapping),
        "encoding": data.encoding,
    }
