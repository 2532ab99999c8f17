"""What a check is: a name, what it proposes, and a function from records to hits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import polars as pl

from .comparison_text import comparison_columns
from .finding import Fix, Severity, as_findings, empty_findings
from .lengths import Lengths, measure_lengths
from .records import TEXT_ROLE, Dataset, message_rows

if TYPE_CHECKING:
    from .contamination import BenchmarkItem

RAN, SKIPPED, FAILED = "ran", "skipped", "failed"


class CheckSkippedError(Exception):
    """Raised by a check that cannot apply here; its text says why."""


@dataclass(slots=True)
class CheckContext:
    """What checks work on; derived frames are computed once and shared.

    Attributes:
        dataset: the source as read.
        context_length: tokens the model can see.
        tokenizer: folder of the user's tokenizer; None where none was given.
        parameters: the user's settings for single checks: ``{"duplicates/near": {...}}``.
        benchmarks: the items that must not be among the data.
        reasons: what checks said about how they went, by check name.
    """

    dataset: Dataset
    context_length: int = 2048
    tokenizer: str | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    benchmarks: Sequence[BenchmarkItem] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    _messages: pl.DataFrame | None = None
    _answers: pl.DataFrame | None = None
    _comparison: pl.DataFrame | None = None
    _lengths: Lengths | None = None

    def __post_init__(self) -> None:
        """Put each column into one piece of memory.

        Sources are read in pieces, and polars 2.1 panics in ``pl.format`` over a column of several
        pieces of which a filter has left one empty. Checks that format what they have joined and
        filtered call ``rechunk`` for the same reason.
        """
        dataset = self.dataset
        self.dataset = replace(
            dataset, records=dataset.records.rechunk(), set_aside=dataset.set_aside.rechunk()
        )

    @property
    def records(self) -> pl.DataFrame:
        """The dataset's records."""
        return self.dataset.records

    @property
    def messages(self) -> pl.DataFrame:
        """The records' messages, one row each (see :func:`message_rows`)."""
        if self._messages is None:
            self._messages = message_rows(self.records).rechunk()
        return self._messages

    @property
    def answers(self) -> pl.DataFrame:
        """The messages that a model would learn to say.

        What the assistant says, except rejected answers and those with weight 0; of records of
        plain text, the text.
        """
        if self._answers is None:
            self._answers = self.messages.filter(
                pl.col("role").is_in(["assistant", TEXT_ROLE]),
                pl.col("part") != "rejected",
                pl.col("weight").fill_null(1) != 0,
                pl.col("content").is_not_null(),
            )
        return self._answers

    @property
    def comparison(self) -> pl.DataFrame:
        """What records are compared by (see :func:`comparison_columns`)."""
        if self._comparison is None:
            self._comparison = comparison_columns(self.records).rechunk()
        return self._comparison

    @property
    def lengths(self) -> Lengths:
        """The records' lengths, in tokens where a tokenizer was given, else in words."""
        if self._lengths is None:
            self._lengths = measure_lengths(self.records, self.messages, self.tokenizer)
        return self._lengths

    def parameter(self, check: Check, name: str) -> Any:
        """Return the user's value of a check's parameter, or its default."""
        given = self.parameters.get(check.name, {})
        return given.get(name, check.parameters[name].default)

    def explain(self, check: Check, reason: str) -> None:
        """Say how a check went about its work, where the reader must know that."""
        self.reasons[check.name] = reason


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or word that a check can be tuned with, its default, and why that default."""

    default: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional package, and the extra of tunewise that brings it."""

    package: str
    name: str

    @property
    def is_installed(self) -> bool:
        """Whether the package can be imported."""
        return find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class Check:
    """A check as data.

    Attributes:
        name: ``dimension/name``; stable.
        title: a few words for lists.
        severity: of its findings, unless settings say otherwise.
        fix: what it proposes.
        find: returns the hits (any columns of ``FINDING_SCHEMA``; see ``as_findings``); raises
            :class:`CheckSkippedError` where it does not apply.
        parameters: what can be tuned.
        extra: an optional package, without which the check is skipped.
    """

    name: str
    title: str
    severity: Severity
    fix: Fix
    find: Callable[[CheckContext, Check], pl.DataFrame]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    extra: Extra | None = None

    @property
    def dimension(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check ended.

    Attributes:
        check: which one.
        severity: of its findings, unless a finding has its own.
        status: ``ran``, ``skipped`` or ``failed``.
        reason: why it was skipped or failed, or how it ran where that is worth knowing.
        seconds: how long it took.
        findings: frame of ``FINDING_SCHEMA``.
    """

    check: Check
    severity: Severity
    status: str
    reason: str
    seconds: float
    findings: pl.DataFrame

    @property
    def rows(self) -> int:
        """Number of distinct rows with a finding."""
        return self.findings["row"].drop_nulls().n_unique()


def run_check(check: Check, context: CheckContext, severity: Severity | None = None) -> CheckResult:
    """Run a check; a failure inside it becomes a status, so that the others still run.

    Args:
        check: what to run.
        context: what to run it on.
        severity: the user's own severity for all of its findings; the check's by default.
    """
    used = severity or check.severity
    begin = time.perf_counter()
    status, reason, findings = RAN, "", empty_findings()
    try:
        if check.extra is not None and not check.extra.is_installed:
            raise CheckSkippedError(
                f"needs the package {check.extra.package}: "
                f"pip install 'tunewise[{check.extra.name}]'"
            )
        hits = check.find(context, check)
        if severity is not None and "severity" in hits.columns:
            hits = hits.drop("severity")
        findings = as_findings(hits, check=check.name, severity=used, fix=check.fix)
        reason = context.reasons.get(check.name, "")
    except CheckSkippedError as skipped:
        status, reason = SKIPPED, str(skipped)
    except (Exception, pl.exceptions.PanicException) as error:
        # The report names it; one broken check must not hide what the others found.
        status, reason = FAILED, f"{type(error).__name__}: {error}"
    return CheckResult(check, used, status, reason, time.perf_counter() - begin, findings)
