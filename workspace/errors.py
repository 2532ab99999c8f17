"""Errors that say what happened, where, and what to do next; and the exit codes they end with."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends. The numbers are a contract with CI scripts."""

    PASSED = 0
    GATE_FAILED = 1
    USAGE = 2
    UNREADABLE_DATA = 3
    JOB_FAILED = 4
    UNDECIDED = 5
    INTERRUPTED = 130


class TunewiseError(Exception):
    r"""A failure that a person can act on.

    Args:
        what: what went wrong, in one sentence.
        where: the file, row, field or setting concerned; empty when there is none.
        fix: what the reader should do next; empty when nothing is known to help.

    Example:
        >>> str(UsageError("unknown split", where="--split", fix="use train, val or test"))
        'unknown split\n  where: --split\n  fix: use train, val or test'
    """

    exit_code: ExitCode = ExitCode.JOB_FAILED

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        """Keep the three parts apart, so that JSON and the app can show each in its place."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        """The three parts on lines of their own."""
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class UsageError(TunewiseError):
    """The command line or the settings are wrong."""

    exit_code = ExitCode.USAGE


class DataError(TunewiseError):
    """The data cannot be read at all."""

    exit_code = ExitCode.UNREADABLE_DATA


class JobError(TunewiseError):
    """A step failed while it ran."""

    exit_code = ExitCode.JOB_FAILED


class GateError(TunewiseError):
    """A guard or a gate refused: nothing is broken, but the caller asked to stop here."""

    exit_code = ExitCode.GATE_FAILED


class MissingExtraError(UsageError):
    """An optional dependency is not installed.

    Args:
        package: the import that failed.
        extra: the tunewise extra that brings it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        """Name the install command, so that the reader need not look it up."""
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            fix=f"pip install 'tunewise[{extra}]'",
        )
