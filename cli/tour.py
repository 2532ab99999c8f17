"""`tunewise tour`: two minutes through the app, on the bundled sample."""

from __future__ import annotations

from pathlib import Path

import click

from ..workspace.artifact import Workspace
from .demo import prepare
from .open import app_settings, launch
from .session import Session, command


@command(
    "tour",
    examples="""\
  tunewise tour                 in ./tunewise-demo, where `tunewise demo` works, too
  tunewise tour /tmp/try        somewhere else
""",
)
@click.argument("folder", default="tunewise-demo", type=click.Path(path_type=Path, file_okay=False))
def tour(session: Session, folder: Path) -> None:
    """Open the app in FOLDER, on a copy of the bundled sample, and lead through its places.

    What `tunewise demo FOLDER` has made there is shown; without it the tour begins with the audit
    of the sample, a few seconds.
    """
    prepare(folder)
    session.display.close()
    workspace = Workspace(folder.resolve())
    raise SystemExit(launch(workspace, "data", settings=app_settings(session), tour=True))
