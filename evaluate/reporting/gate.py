"""The gate of a release: on which verdicts it stops, and with which exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...workspace.errors import ExitCode, UsageError
from ..items import BIAS
from ..observations.bias import MORE, bias_verdict
from ..verdicts.judgement import BROKEN, FORGOT, UNDECIDED, UNINFORMATIVE
from ..verdicts.overfitting import OVERFIT
from .summary import deciding_tasks, overfitting_verdict


def gate(document: Mapping[str, Any], fail_on: Sequence[str], undecided: str) -> ExitCode:
    """Decide a release by the verdicts.

    Args:
        document: of an evaluation or a report.
        fail_on: verdicts that fail it: ``forgot`` (a task that looks broken, too: of that nobody
            knows what was lost), ``overfit``, ``bias`` (it became more stereotyped on a probe).
        undecided: ``fail`` to stop where a verdict is undecided: one that ``fail_on`` asks about,
            or either where it names none.

    Returns:
        1 if a listed verdict occurs, 5 if undecided and asked to fail on it, else 0.
    """
    codes = stops(document, fail_on, undecided).values()
    if ExitCode.GATE_FAILED in codes:
        return ExitCode.GATE_FAILED
    return ExitCode.UNDECIDED if codes else ExitCode.PASSED


def stops(
    document: Mapping[str, Any], fail_on: Sequence[str], undecided: str
) -> dict[str, ExitCode]:
    """Return which questions stop a release, and why; none where it passes.

    Args:
        document: of an evaluation or a report.
        fail_on: see :func:`gate`.
        undecided: see :func:`gate`.

    Returns:
        Exit code 1 or 5 by ``forgot`` (general ability), ``overfit`` (overfitting) and ``bias``.

    Raises:
        UsageError: it shall stop on bias, which was not measured.
    """
    overall = str(document.get("overall", UNDECIDED))
    verdicts = {
        FORGOT: FORGOT if deciding_tasks(document, BROKEN) else overall,
        OVERFIT: overfitting_verdict(document),
    }
    found: dict[str, ExitCode] = {}
    for name, verdict in verdicts.items():
        if name in fail_on and verdict == name:
            found[name] = ExitCode.GATE_FAILED
        elif undecided == "fail" and verdict == UNDECIDED and (name in fail_on or not fail_on):
            found[name] = ExitCode.UNDECIDED
    if BIAS in fail_on:
        verdict = _bias(document)
        if verdict == MORE:
            found[BIAS] = ExitCode.GATE_FAILED
        elif undecided == "fail" and verdict in (UNDECIDED, UNINFORMATIVE):
            found[BIAS] = ExitCode.UNDECIDED
    return found


def _bias(document: Mapping[str, Any]) -> str:
    """Return the verdict on bias; a gate that can never stop is refused."""
    verdict = bias_verdict(document.get("observations") or ())
    if verdict is None:
        raise UsageError(
            "bias was not measured, so nothing can stop on it",
            where="--fail-on bias",
            fix="evaluate with --suite general,bias",
        )
    return verdict
