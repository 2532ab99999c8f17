"""`tunewise open`: the terminal app."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..workspace.artifact import Workspace
from ..workspace.errors import UsageError
from .session import Session, command

PLACES = ("data", "findings", "records", "splits", "train", "bench", "report")


@command(
    "open",
    examples="  tunewise open\n  tunewise open findings\n  tunewise open data support.jsonl\n",
)
@click.argument("place", type=click.Choice(PLACES), default="data")
@click.argument("data", required=False, type=click.Path(path_type=Path, exists=True))
def open_app(session: Session, place: str = "data", data: Path | None = None) -> None:
    """Open the terminal app at PLACE, on DATA if given."""
    session.display.close()
    raise SystemExit(launch(session.workspace, place, data))


def launch(workspace: Workspace, place: str, data: Path | None = None) -> int:
    """Run the app until it is left; returns its exit code.

    Raises:
        UsageError: there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the app needs a terminal",
            fix="use the commands instead: tunewise --help; each takes --json",
        )
    from ..tui.app import run

    return run(workspace, data, place)
