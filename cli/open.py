"""`tunewise open`: the terminal app; without a terminal, or with --plain, the same as text."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ..workspace.app_settings import AppSettings
from ..workspace.artifact import SETTINGS_NAME, Workspace, list_artifacts
from ..workspace.errors import DataError, ExitCode, UsageError
from ..workspace.files import read_json
from .format import printable
from .session import Session, command

PLACES = ("data", "findings", "records", "splits", "train", "bench", "report")


@command(
    "open",
    examples="""\
  tunewise open
  tunewise open findings
  tunewise open data support.jsonl
  tunewise open report --plain        words and numbers, for a screen reader or a log
""",
)
@click.argument("place", type=click.Choice(PLACES), default="data")
@click.argument("data", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--plain", is_flag=True, help="Print what the place shows as text, without drawings.")
def open_app(
    session: Session, place: str = "data", data: Path | None = None, plain: bool = False
) -> None:
    """Open the terminal app at PLACE, on DATA if given.

    Without a terminal it prints a summary and ends with the code of the gates in the settings
    (`[audit] fail_on`, `[report] fail_on`).
    """
    session.display.close()
    if plain or not has_terminal():
        click.echo(printable(text_of(session.workspace, place, data, whole=plain)))
        raise SystemExit(int(ExitCode.PASSED if plain else gates(session)))
    raise SystemExit(launch(session.workspace, place, data, settings=app_settings(session)))


def app_settings(session: Session) -> AppSettings | None:
    """Return `[app]` of the settings; None where nobody has set anything.

    To read settings brings those of every step with it, a tenth of a second that the app would
    open later.
    """
    from ..workspace.config import user_settings_path

    places = (
        session.workspace.root / SETTINGS_NAME,
        session.workspace.root / "pyproject.toml",
        user_settings_path(os.environ),
    )
    told = any(name.startswith("TUNEWISE_APP_") for name in os.environ)
    if session.config is None and not told and not any(path.exists() for path in places):
        return None
    return session.settings().app


def has_terminal() -> bool:
    """Tell whether the app can be drawn: on a terminal, or for a browser by textual-serve."""
    return bool(os.environ.get("TEXTUAL_DRIVER")) or (sys.stdin.isatty() and sys.stdout.isatty())


def launch(
    workspace: Workspace,
    place: str,
    data: Path | None = None,
    *,
    settings: AppSettings | None = None,
    tour: bool = False,
) -> int:
    """Run the app until it is left; returns its exit code.

    Raises:
        UsageError: there is no terminal.
    """
    if not has_terminal():
        raise UsageError(
            "the app needs a terminal",
            fix="use the commands instead: tunewise --help; each takes --json",
        )
    from ..tui.app import run

    return run(workspace, data, place, settings=settings, tour=tour)


def text_of(workspace: Workspace, place: str, data: Path | None, *, whole: bool) -> str:
    """Return what a place shows as text, or only the summary of the workspace.

    Raises:
        DataError: an artifact cannot be read.
    """
    from ..tui.texts.plain import READ_ERRORS, plain_place, summary

    try:
        return plain_place(workspace, place, data) if whole else summary(workspace, data)
    except READ_ERRORS as error:
        raise DataError(
            f"cannot read what there is to show: {error}",
            where=str(workspace.store),
            fix="do the step again with --force",
        ) from error


def gates(session: Session) -> ExitCode:
    """Return the code of the first gate that does not pass: of the audit, then of the report."""
    settings = session.settings()
    if audits := list_artifacts(session.workspace, "audit"):
        from ..curate.auditing.audit_document import gate

        document = read_json(audits[-1].folder / "audit.json")
        code = gate(document, settings.audit.fail_on)
        if code is not ExitCode.PASSED:
            return code
    if evaluations := list_artifacts(session.workspace, "evaluate"):
        import polars as pl

        from ..evaluate.reporting.gate import gate as report_gate
        from ..evaluate.verdicts.recorded_scores import with_margins

        evaluation = evaluations[-1]
        document = with_margins(
            read_json(evaluation.folder / "evaluate.json"),
            pl.scan_parquet(evaluation.folder / "items.parquet"),
            evaluation.manifest.parameters,
            settings.report,
            where=str(evaluation.folder),
        )
        return report_gate(document, settings.report.fail_on, settings.report.undecided)
    return ExitCode.PASSED
