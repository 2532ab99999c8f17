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
    FAILED,
    RAN,
    SKIPPED,
    CheckContext,
    CheckResult,
    CheckSkippedError,
    DatasetCheck,
    DatasetContext,
    RowCheck,
    Summaries,
    Summary,
)
from ..finding import Severity, as_findings, empty_findings

AnyCheck = RowCheck | DatasetCheck

_SECONDS_DEAF_TO_SIGNALS = 0.2


@dataclass(slots=True)
class CheckRun:
    """A check at work: what it found so far, and how it goes.

    A failure inside a check becomes its status, so that the others still run.

    Attributes:
        check: which one.
        own_severity: the user's own severity for all of its findings; the check's by default.
        findings: by piece; those about the whole come last.
        seconds: spent on it so far.
        ran: whether it applied to any piece.
        skipped: why it did not apply.
        failed: what went wrong.
    """

    check: AnyCheck
    own_severity: Severity | None = None
    findings: list[pl.DataFrame] = field(default_factory=list)
    seconds: float = 0.0
    ran: bool = False
    skipped: str = ""
    failed: str = ""

    def on_piece(self, piece: int, context: CheckContext, summaries: Summaries) -> None:
        """Look at a piece of the data.

        Args:
            piece: its number.
            context: the piece.
            summaries: takes up what a dataset check needs to know of it.
        """
        self._watch(lambda: self._look_at_piece(piece, context, summaries))

    def on_whole(self, context: DatasetContext) -> None:
        """Look at the whole, where the check needs it."""
        check = self.check
        if isinstance(check, DatasetCheck) and not self.skipped:
            self._watch(lambda: self._take(check.find(context, check)))

    def merge(self, other: CheckRun) -> None:
        """Go on from what the same check found in later pieces."""
        self.findings += other.findings
        self.seconds += other.seconds
        self.ran |= other.ran
        self.skipped = self.skipped or other.skipped
        self.failed = self.failed or other.failed

    def result(self, reasons: Mapping[str, str]) -> CheckResult:
        """Return how it ended.

        Args:
            reasons: what checks said about how they went.
        """
        found = [empty_findings()]
        if self.failed:
            status, reason = FAILED, self.failed
        elif not self.ran:
            status, reason = SKIPPED, self.skipped
        else:
            status, reason = RAN, reasons.get(self.check.name, "")
            found += self.findings
        return CheckResult(
            check=self.check,
            severity=self.own_severity or self.check.severity,
            status=status,
            reason=reason,
            seconds=self.seconds,
            findings=pl.concat(found, rechunk=True),
        )

    def _look_at_piece(self, piece: int, context: CheckContext, summaries: Summaries) -> None:
        extra = self.check.extra
        if extra is not None and not extra.is_installed:
            raise CheckSkippedError(
                f"needs the package {extra.package}: pip install 'tunewise[{extra.name}]'"
            )
        if isinstance(self.check, RowCheck):
            self._take(self.check.find(context, self.check))
            return
        for summary in self.check.summaries:
            if not summaries.knows(summary, piece):
                summaries.keep(summary, piece, summary(context))

    def _take(self, hits: pl.DataFrame) -> None:
        if self.own_severity is not None and "severity" in hits.columns:
            hits = hits.drop("severity")
        severity = self.own_severity or self.check.severity
        self.findings.append(
            as_findings(hits, check=self.check.name, severity=severity, fix=self.check.fix)
        )
        self.ran = True

    def _watch(self, look: Callable[[], None]) -> None:
        if self.failed:
            return
        begin = time.perf_counter()
        try:
            look()
        except CheckSkippedError as skipped:
            self.skipped = self.skipped or str(skipped)
        except (Exception, pl.exceptions.PanicException) as error:
            # The report names it; one broken check must not hide what the others found.
            self.failed = f"{type(error).__name__}: {error}"
        self.seconds += time.perf_counter() - begin


def run_check(
    check: AnyCheck, context: CheckContext, severity: Severity | None = None
) -> CheckResult:
    """Run a check on data that are in memory as one piece.

    Args:
        check: what to run.
        context: what to run it on.
        severity: the user's own severity for all of its findings; the check's by default.
    """
    summaries = Summaries()
    run = CheckRun(check, severity)
    run.on_piece(0, context, summaries)
    run.on_whole(context.as_whole(summaries))
    return run.result(context.reasons)


@dataclass(slots=True)
class Looked:
    """What came of looking at one piece, or at several.

    Attributes:
        runs: the checks.
        summaries: what dataset checks and the caller need to know of the pieces.
        reasons: what checks said about how they went, by name; the first word counts.
    """

    runs: list[CheckRun]
    summaries: Summaries
    reasons: dict[str, str] = field(default_factory=dict)

    def merge(self, other: Looked) -> None:
        """Go on from what came of the piece after these."""
        for run, later in zip(self.runs, other.runs, strict=True):
            run.merge(later)
        self.summaries.merge(other.summaries)
        self.reasons = other.reasons | self.reasons


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be found out about every piece.

    Attributes:
        checks: the checks to run.
        severities: the user's own severities, by check name.
        summaries: wanted besides those of the checks.
        folder: where summaries are kept.
    """

    checks: Sequence[AnyCheck]
    severities: Mapping[str, str]
    summaries: Sequence[Summary]
    folder: Path

    def begin(self) -> Looked:
        """Return what is known before the first piece."""
        runs = [CheckRun(check, self._own_severity(check)) for check in self.checks]
        return Looked(runs, Summaries(self.folder))

    def at_piece(self, piece: int, context: CheckContext) -> Looked:
        """Look at one piece of the data."""
        looked = self.begin()
        for run in looked.runs:
            run.on_piece(piece, context, looked.summaries)
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
