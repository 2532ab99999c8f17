"""Running checks: piece by piece, in several processes where that pays, then over the whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ...workspace.errors import JobError
from ..check import (
    Check,
    CheckContext,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    RowCheck,
    Summaries,
    Summary,
)
from ..finding import Severity, as_findings, empty_findings
from ..outcome import FAILED, RAN, SKIPPED
from .kept_findings import KeptFindings

AnyCheck = RowCheck | DatasetCheck

_SECONDS_DEAF_TO_SIGNALS = 0.2


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check ended.

    Attributes:
        check: which one.
        severity: of its findings, unless a finding has its own.
        status: ``ran``, ``skipped`` or ``failed``.
        reason: why it was skipped or failed, or how it ran where that is worth knowing.
        seconds: how long it took.
        place: of the check among those of the audit.
        count: number of findings.
        rows: number of distinct rows with a finding.
        kept: where its findings are, among those of others.
    """

    check: Check
    severity: Severity
    status: str
    reason: str
    seconds: float
    place: int
    count: int
    rows: int
    kept: KeptFindings

    @property
    def findings(self) -> pl.DataFrame:
        """The findings, frame of ``FINDING_SCHEMA``; none of a check that failed."""
        return self.kept.of(self.place) if self.status == RAN else empty_findings()


@dataclass(slots=True)
class CheckRun:
    """A check at work: what it found so far, and how it goes.

    A failure inside a check becomes its status, so that the others still run.

    Attributes:
        check: which one.
        place: of the check among those of the audit.
        own_severity: the user's own severity for all of its findings; the check's by default.
        count: findings so far.
        rows: distinct rows with a finding; a check has findings about a row from one look only.
        seconds: spent on it so far.
        ran: whether it applied to any piece.
        skipped: why it did not apply.
        failed: what went wrong.
    """

    check: AnyCheck
    place: int = 0
    own_severity: Severity | None = None
    count: int = 0
    rows: int = 0
    seconds: float = 0.0
    ran: bool = False
    skipped: str = ""
    failed: str = ""

    def on_piece(
        self, piece: int, context: CheckContext, summaries: Summaries
    ) -> pl.DataFrame | None:
        """Look at a piece of the data.

        Args:
            piece: its number.
            context: the piece.
            summaries: takes up what a dataset check needs to know of it.

        Returns:
            What was found there, frame of ``FINDING_SCHEMA``; None where the check does not look
            at pieces, does not apply, or failed.
        """
        return self._watch(lambda: self._look_at_piece(piece, context, summaries))

    def on_whole(self, context: DatasetContext) -> pl.DataFrame | None:
        """Look at the whole, where the check needs it; returns what was found there."""
        check = self.check
        if not isinstance(check, DatasetCheck) or self.skipped:
            return None
        return self._watch(lambda: self._take(check.find(context, check)))

    def merge(self, other: CheckRun) -> None:
        """Go on from what the same check found in later pieces."""
        self.count += other.count
        self.rows += other.rows
        self.seconds += other.seconds
        self.ran |= other.ran
        self.skipped = self.skipped or other.skipped
        self.failed = self.failed or other.failed

    def result(self, reasons: Mapping[str, str], kept: KeptFindings) -> CheckResult:
        """Return how it ended.

        Args:
            reasons: what checks said about how they went.
            kept: the findings of all checks.
        """
        if self.failed:
            status, reason = FAILED, self.failed
        elif not self.ran:
            status, reason = SKIPPED, self.skipped
        else:
            status, reason = RAN, reasons.get(self.check.name, "")
        return CheckResult(
            check=self.check,
            severity=self.own_severity or self.check.severity,
            status=status,
            reason=reason,
            seconds=self.seconds,
            place=self.place,
            count=self.count if status == RAN else 0,
            rows=self.rows if status == RAN else 0,
            kept=kept,
        )

    def _look_at_piece(
        self, piece: int, context: CheckContext, summaries: Summaries
    ) -> pl.DataFrame | None:
        extra = self.check.extra
        if extra is not None and not extra.is_installed:
            raise CheckSkippedError(
                f"needs the package {extra.package}: pip install 'tunewise[{extra.name}]'"
            )
        if isinstance(self.check, RowCheck):
            return self._take(self.check.find(context, self.check))
        for summary in self.check.summaries:
            if not summaries.knows(summary, piece):
                summaries.keep(summary, piece, summary(context))
        return None

    def _take(self, hits: pl.DataFrame) -> pl.DataFrame:
        if self.own_severity is not None and "severity" in hits.columns:
            hits = hits.drop("severity")
        severity = self.own_severity or self.check.severity
        found = as_findings(hits, check=self.check.name, severity=severity, fix=self.check.fix)
        self.count += found.height
        self.rows += found["row"].drop_nulls().n_unique()
        self.ran = True
        return found

    def _watch(self, look: Callable[[], pl.DataFrame | None]) -> pl.DataFrame | None:
        if self.failed:
            return None
        begin = time.perf_counter()
        try:
            return look()
        except CheckSkippedError as skipped:
            self.skipped = self.skipped or str(skipped)
        except (Exception, pl.exceptions.PanicException) as error:
            # The report names it; one broken check must not hide what the others found.
            self.failed = f"{type(error).__name__}: {error}"
        finally:
            self.seconds += time.perf_counter() - begin
        return None


def run_check(
    check: AnyCheck, context: CheckContext, severity: Severity | None = None
) -> CheckResult:
    """Run a check on data that are in memory as one piece.

    Args:
        check: what to run.
        context: what to run it on.
        severity: the user's own severity for all of its findings; the check's by default.
    """
    looked = Look([check], {check.name: severity} if severity else {}, (), None).at_piece(
        0, context
    )
    whole = context.as_whole(looked.summaries)
    return looked.finish(looked.runs[0], whole)


@dataclass(slots=True)
class Looked:
    """What came of looking at one piece, or at several.

    Attributes:
        runs: the checks.
        summaries: what dataset checks and the caller need to know of the pieces.
        findings: of all checks.
        reasons: what checks said about how they went, by name; the first word counts.
    """

    runs: list[CheckRun]
    summaries: Summaries
    findings: KeptFindings
    reasons: dict[str, str] = field(default_factory=dict)

    def merge(self, other: Looked) -> None:
        """Go on from what came of the piece after these."""
        for run, later in zip(self.runs, other.runs, strict=True):
            run.merge(later)
        self.summaries.merge(other.summaries)
        self.findings.merge(other.findings)
        self.reasons = other.reasons | self.reasons

    def finish(self, run: CheckRun, whole: DatasetContext) -> CheckResult:
        """Let one of the checks look at the whole; return how it ended."""
        found = run.on_whole(whole)
        if found is not None:
            self.findings.keep_whole(run.place, found)
        return run.result(whole.reasons, self.findings)


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be found out about every piece.

    Attributes:
        checks: the checks to run.
        severities: the user's own severities, by check name.
        summaries: wanted besides those of the checks.
        folder: where summaries and findings are kept; None: in memory.
    """

    checks: Sequence[AnyCheck]
    severities: Mapping[str, str]
    summaries: Sequence[Summary]
    folder: Path | None

    def begin(self) -> Looked:
        """Return what is known before the first piece."""
        runs = [
            CheckRun(check, place, self._own_severity(check))
            for place, check in enumerate(self.checks)
        ]
        return Looked(runs, Summaries(self.folder), KeptFindings(self.folder))

    def at_piece(self, piece: int, context: CheckContext) -> Looked:
        """Look at one piece of the data."""
        looked = self.begin()
        found = {
            run.place: hits
            for run in looked.runs
            if (hits := run.on_piece(piece, context, looked.summaries)) is not None
        }
        looked.findings.keep_piece(piece, found)
        for summary in self.summaries:
            if not looked.summaries.knows(summary, piece):
                looked.summaries.keep(summary, piece, summary(context))
        looked.reasons = dict(context.reasons)
        return looked

    def _own_severity(self, check: AnyCheck) -> Severity | None:
        own = self.severities.get(check.name)
        return Severity(own) if own else None


def look_at_pieces(look: Look, pieces: Iterable[CheckContext], processes: int) -> Looked:
    """Look at all pieces; the outcome does not depend on the number of processes.

    Args:
        look: what is to be found out.
        pieces: drawn one by one, no more than are worked on.
        processes: how many work on pieces; with one, this process does it itself.

    Raises:
        JobError: a process was killed, as when memory runs out.
    """
    looked = look.begin()
    if processes == 1:
        for number, context in enumerate(pieces):
            looked.merge(look.at_piece(number, context))
        return looked
    with _workers(processes) as executor:
        waiting: deque[Future[Looked]] = deque()
        try:
            for number, context in enumerate(pieces):
                waiting.append(executor.submit(look.at_piece, number, context))
                if len(waiting) > processes:
                    looked.merge(_outcome(waiting.popleft()))
            while waiting:
                looked.merge(_outcome(waiting.popleft()))
        except BrokenProcessPool as error:
            raise JobError(
                "a process that ran checks was killed, as happens when memory runs out",
                where="audit",
                fix="run it again with fewer processes: --processes 1",
            ) from error
    return looked


def _outcome(future: Future[Looked]) -> Looked:
    """Wait for the outcome, but wake up now and then: polars' signal handler lets waits go on."""
    while not wait([future], timeout=_SECONDS_DEAF_TO_SIGNALS).done:
        pass
    return future.result()


@contextmanager
def _workers(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes, and stop them at once when something goes wrong."""
    # A process that was forked off inherits locks that polars' threads may hold.
    spawning = multiprocessing.get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // processes)
    executor = ProcessPoolExecutor(processes, spawning, _begin_worker)
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = before or str(threads)
    try:
        yield executor
        executor.shutdown()
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]


def _begin_worker() -> None:
    # Ctrl-C reaches the whole group; the parent alone decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Leave nothing behind when the parent is killed: nobody would take what comes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
