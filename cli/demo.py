"""`tunewise demo`: the whole loop, offline, on the bundled sample."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from ..workspace.artifact import SETTINGS_NAME, Workspace
from ..workspace.errors import JobError, UsageError
from ..workspace.files import writing_whole
from .run import finish_loop, run_loop
from .session import Session, command

BUNDLED = Path(__file__).resolve().parents[1] / "datasets"
DEMO_SETTINGS = BUNDLED / "demo.toml"
DEMO_FILES = ("sample.jsonl", "replay.jsonl")
MARKER = "# Written by `tunewise demo`"


@command(
    "demo",
    examples="""\
  tunewise demo                 in ./tunewise-demo
  tunewise demo /tmp/try        somewhere else
  tunewise demo --open          then look at it in the app
""",
)
@click.argument("folder", default="tunewise-demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--open", "open_after", is_flag=True, help="Open the app on the result.")
def demo(session: Session, folder: Path, open_after: bool) -> None:
    """Run audit → clean → split → train → evaluate → report in FOLDER on the bundled sample.

    Offline; a few minutes on two cores. The folder holds a copy of the sample and a
    tunewise.toml to change; running it again redoes only what a change touches.
    """
    prepare(folder)
    session.workspace = Workspace(folder.resolve())
    settings = session.settings()
    results = run_loop(session, settings)
    if open_after:
        session.display.close()
        from .open import launch

        raise SystemExit(launch(session.workspace, "report", settings=settings.app))
    finish_loop(session, settings, results)


def prepare(folder: Path) -> None:
    """Copy the sample and its settings into a folder, unless the demo lies there already.

    Raises:
        UsageError: the folder holds something else.
        JobError: the bundled files are missing.
    """
    settings_path = folder / SETTINGS_NAME
    if settings_path.is_file() and settings_path.read_text("utf-8").startswith(MARKER):
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            "the folder is not empty and holds no demo",
            where=str(folder),
            fix="name an empty or a new folder: tunewise demo FOLDER",
        )
    if not DEMO_SETTINGS.is_file():
        raise JobError(
            "the bundled sample is missing", where=str(BUNDLED), fix="reinstall tunewise"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in DEMO_FILES:
        shutil.copyfile(BUNDLED / name, folder / name)
    model = (BUNDLED / "base").as_posix()
    text = DEMO_SETTINGS.read_text("utf-8").replace("{bundled_model}", model)
    with writing_whole(settings_path) as stream:
        stream.write(f"{MARKER}; yours to change.\n{text}")
