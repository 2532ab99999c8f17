"""`tunewise report`: the forgetting report, and the gate of a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..workspace.artifact import (
    LATEST,
    Artifact,
    Workspace,
    list_artifacts,
    resolve_artifact,
)
from ..workspace.errors import ExitCode, UsageError
from ..workspace.files import writing_whole
from .session import Session, command

if TYPE_CHECKING:
    from ..evaluate.settings import ReportSettings

FORMATS = ("html", "md", "json", "junit")
# What a file's name says about its format.
_SUFFIXES = {".html": "html", ".htm": "html", ".md": "md", ".json": "json", ".xml": "junit"}


@command(
    "report",
    examples="""\
  tunewise report
  tunewise report latest --format md > comment.md
  tunewise report --fail-on forgot,overfit --undecided fail    # in CI
  tunewise report --compare RUN RUN RUN --format md              which run is best, and which tie
  tunewise report --sequence RUN1 RUN2 RUN3                      trained one after the other
  tunewise report --margin 0.01 --task-margin arithmetic=0.05 --fail-on forgot
  tunewise report --fail-on forgot --format junit --output forgetting.xml
""",
)
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option(
    "--compare", is_flag=True, help="Rank several evaluated runs of one base, on the same items."
)
@click.option(
    "--sequence",
    is_flag=True,
    help="RUNs tuned one from the other, in this order: what each learned, and what the later "
    "ones made of it.",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(FORMATS),
    help="Print this on stdout; html prints its path.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it into this file; .html, .md, .json and .xml (JUnit) say the format.",
)
@click.option("--fail-on", help="Exit 1 on these verdicts: forgot, overfit, bias; by commas.")
@click.option(
    "--margin",
    type=float,
    help="Judge again: a loss of less than this is accepted. 0.02 is two points, or 2 % of a loss.",
)
@click.option(
    "--task-margin",
    "task_margins",
    multiple=True,
    metavar="TASK=MARGIN",
    help="The same for one task; several times for several.",
)
@click.option("--undecided", type=click.Choice(["pass", "fail"]), help="Exit 5 when undecided.")
def report(
    session: Session,
    runs: tuple[str, ...],
    compare: bool,
    sequence: bool,
    shape: str | None,
    output: Path | None,
    fail_on: str | None,
    margin: float | None,
    task_margins: tuple[str, ...],
    undecided: str | None,
) -> None:
    """Write the report on RUN: a tuning run or an evaluation (a path, an id, or `latest`).

    With --compare, rank several: by the gate, then by what they gained in the domain, with paired
    tests of every two runs. Then --fail-on ends with 1 only if no run passes. With --sequence,
    show every model on every domain, with backward transfer and forgetting.
    """
    verdicts = (
        tuple(part.strip() for part in fail_on.split(",") if part.strip()) if fail_on else None
    )
    flags = {"fail_on": verdicts, "undecided": undecided, "margin": margin}
    if task_margins:
        flags["margins"] = dict(_task_margin(text) for text in task_margins)
    settings = session.settings({"report": flags})
    if sequence:
        if compare:
            raise UsageError("--compare and --sequence are two reports", fix="take one of them")
        _sequence(session, runs, shape, output, settings.report)
    if compare:
        _compare(session, runs, shape, output, settings.report)
    if len(runs) > 1:
        raise UsageError(
            "a report is about one run", where=" ".join(runs), fix="add --compare to rank several"
        )
    from ..evaluate.reporting.gate import gate
    from ..evaluate.reporting.report import report as write_report

    artifact = write_report(
        session.workspace,
        find_evaluation(session.workspace, runs[0] if runs else LATEST),
        settings.report,
        force=session.force,
        emit=session.emit,
    )
    document = session.document(artifact)
    code = gate(document, settings.report.fail_on, settings.report.undecided)
    if output is not None:
        _write(output, _text(artifact, document, _shape_of(output, shape, settings.report)))
        session.finish(document, lambda: str(output), code)
    session.finish(document, lambda: _shown(artifact, document, shape), code)


def _compare(
    session: Session,
    runs: tuple[str, ...],
    shape: str | None,
    output: Path | None,
    settings: ReportSettings,
) -> NoReturn:
    from ..evaluate.reporting.rivals import compare_runs
    from ..evaluate.reporting.rivals_pages import rivals_text

    shape = _shape_of_several(output, shape, settings)
    artifact = compare_runs(
        session.workspace,
        [find_evaluation(session.workspace, run) for run in runs],
        settings,
        force=session.force,
        emit=session.emit,
    )
    code = ExitCode(session.document(artifact)["gate"]["exit_code"])
    _finish_several(session, artifact, output, shape, rivals_text, code)


def _sequence(
    session: Session,
    runs: tuple[str, ...],
    shape: str | None,
    output: Path | None,
    settings: ReportSettings,
) -> NoReturn:
    from ..evaluate.reporting.sequence import compare_sequence
    from ..evaluate.reporting.sequence_pages import sequence_text

    shape = _shape_of_several(output, shape, settings)
    artifact = compare_sequence(
        session.workspace,
        [resolve_artifact(session.workspace, "train", run) for run in runs],
        settings,
        force=session.force,
        emit=session.emit,
    )
    _finish_several(session, artifact, output, shape, sequence_text, ExitCode.PASSED)


def _shape_of_several(
    output: Path | None, shape: str | None, settings: ReportSettings
) -> str | None:
    """Return the format of a report on several runs; None prints it."""
    shape = _shape_of(output, shape, settings) if output else shape
    if shape == "junit":
        raise UsageError(
            "a comparison is no list of tests",
            where="--format junit",
            fix="use html, md or json; JUnit is made of one run",
        )
    return shape


def _finish_several(
    session: Session,
    artifact: Artifact,
    output: Path | None,
    shape: str | None,
    as_text: Callable[[Mapping[str, Any]], str],
    code: ExitCode,
) -> NoReturn:
    """Write or print a report on several runs and end."""
    document = session.document(artifact)
    if output is not None:
        _write(output, _text(artifact, document, str(shape)))
        session.finish(document, lambda: str(output), code)
    if shape is not None:
        session.finish(document, lambda: _shown(artifact, document, shape), code)
    page = artifact.folder / f"{artifact.kind}.html"
    session.finish(
        document, lambda: f"{as_text(document)}\n\n{artifact.kind} {artifact.id}: {page}", code
    )


def _shape_of(output: Path, shape: str | None, settings: ReportSettings) -> str:
    """Return the format of a file: the one that was asked for, or the one its name says."""
    return shape or _SUFFIXES.get(output.suffix.lower()) or settings.format


def _task_margin(text: str) -> tuple[str, float]:
    """Read TASK=MARGIN; a task's name may hold the sign itself."""
    name, sign, number = text.rpartition("=")
    try:
        if sign and name:
            return name, float(number)
    except ValueError:
        pass
    raise UsageError(
        f"{text!r} is no margin of a task",
        where="--task-margin",
        fix="write TASK=MARGIN, such as grammar=0.01 for one point",
    )


def find_evaluation(workspace: Workspace, reference: str) -> Artifact:
    """Return the evaluation that a reference names itself, or the newest one of that run."""
    if reference == LATEST:
        return resolve_artifact(workspace, "evaluate", LATEST)
    try:
        return resolve_artifact(workspace, "evaluate", reference)
    except UsageError:
        run = resolve_artifact(workspace, "train", reference)
    for evaluation in reversed(list_artifacts(workspace, "evaluate")):
        made_from = evaluation.manifest.input("run")
        if made_from is not None and made_from.artifact == run.id:
            return evaluation
    raise UsageError(
        f"run {run.id} has not been evaluated", fix=f"run `tunewise evaluate {run.id}` first"
    )


def _shown(artifact: Artifact, document: Mapping[str, Any], shape: str | None) -> str:
    if shape is None:
        return summary(document)
    if shape == "html":
        return str(artifact.folder / f"{artifact.kind}.html")
    return _text(artifact, document, shape).rstrip("\n")


def _text(artifact: Artifact, document: Mapping[str, Any], shape: str) -> str:
    """Return the report in a format; JUnit is made of the document, the others lie there."""
    if shape == "junit":
        from ..evaluate.reporting.junit import junit_report

        return junit_report(document)
    return (artifact.folder / f"{artifact.kind}.{shape}").read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    try:
        with writing_whole(path) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {error.strerror or error}",
            where=str(path),
            fix="name a file in a folder that exists and can be written",
        ) from error


def summary(document: Mapping[str, Any]) -> str:
    """Return the verdict and where the report lies, for a terminal."""
    from .evaluate import summary as judgement

    head = judgement(document).split("\n\nevaluation ")[0]
    folder = Path(document["artifact"])
    return f"{head}\n\nreport {document['id']}: {folder / 'report.html'}"
