"""`tunewise report`: the forgetting report, and the gate of a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import (
    LATEST,
    Artifact,
    Workspace,
    list_artifacts,
    resolve_artifact,
)
from ..workspace.errors import UsageError
from .session import Session, command

if TYPE_CHECKING:
    pass

FORMATS = ("html", "md", "json")


@command(
    "report",
    examples="""\
  tunewise report
  tunewise report latest --format md > comment.md
  tunewise report --fail-on forgot,overfit --undecided fail    # in CI
""",
)
@click.argument("run", default=LATEST)
@click.option(
    "--format",
    "shape",
    type=click.Choice(FORMATS),
    help="Print this on stdout; html prints its path.",
)
@click.option("--fail-on", help="Exit 1 on these verdicts: forgot, overfit; by commas.")
@click.option("--undecided", type=click.Choice(["pass", "fail"]), help="Exit 5 when undecided.")
def report(
    session: Session, run: str, shape: str | None, fail_on: str | None, undecided: str | None
) -> None:
    """Write the report on RUN: a tuning run or an evaluation (a path, an id, or `latest`)."""
    verdicts = (
        tuple(part.strip() for part in fail_on.split(",") if part.strip()) if fail_on else None
    )
    settings = session.settings({"report": {"fail_on": verdicts, "undecided": undecided}})
    from ..evaluate.report import gate
    from ..evaluate.report import report as write_report

    artifact = write_report(
        session.workspace,
        find_evaluation(session.workspace, run),
        settings.report,
        force=session.force,
        emit=session.emit,
    )
    document = session.document(artifact)
    code = gate(document, settings.report.fail_on, settings.report.undecided)
    session.finish(document, lambda: _shown(artifact, document, shape), code)


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
    if shape in ("md", "json"):
        return (artifact.folder / f"report.{shape}").read_text(encoding="utf-8").rstrip("\n")
    page = str(artifact.folder / "report.html")
    return page if shape == "html" else summary(document)


def summary(document: Mapping[str, Any]) -> str:
    """Return the verdict and where the report lies, for a terminal."""
    from .evaluate import summary as judgement

    head = judgement(document).split("\n\nevaluation ")[0]
    folder = Path(document["artifact"])
    return f"{head}\n\nreport {document['id']}: {folder / 'report.html'}"
