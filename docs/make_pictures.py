"""Make the pictures of the app from a finished workspace: ``python docs/make_pictures.py DIR``.

DIR is what ``tunewise demo DIR`` leaves behind. The real app is driven by keys, as a person would
drive it, and saved as SVG beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from tunewise.tui.app import TunewiseApp
from tunewise.tui.places.findings_place import FindingsPlace
from tunewise.workspace.artifact import Workspace

SIZE = (120, 34)
TARGET = Path(__file__).resolve().parent / "pictures"
_LOOKS = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """A view of the app.

    Attributes:
        name: of the file.
        place: where the app is opened.
        check: a finding to put the cursor on, if the workspace has it.
        keys: what is pressed then.
        signs: texts that must be in sight before the picture is taken.
    """

    name: str
    place: str
    check: str = ""
    keys: Sequence[str] = ()
    signs: Sequence[str] = ()


PICTURES = (
    Picture("data", "data", signs=("Quality", "Findings")),
    Picture("findings", "findings", check="duplicates/near", signs=("duplicates/near", "Fix")),
    Picture(
        "evidence", "findings", check="privacy/email", keys=("enter",), signs=("hit 1/", "user")
    ),
    Picture(
        "comparing",
        "findings",
        check="duplicates/near",
        keys=("enter", "n"),
        signs=("cluster 2", "keep"),
    ),
    Picture("splits", "splits", signs=("Certificate",)),
    Picture("form", "splits", keys=("f",), signs=("ctrl+s starts it", "largest drift")),
    Picture("train", "train", signs=("best val loss", "val   ")),
    Picture("bench", "bench", keys=("f",), signs=("bundled tasks", "Every item")),
    Picture("report", "report", signs=("overfitting", "lost")),
)


async def take(workspace: Workspace, picture: Picture) -> Path:
    """Open the app, drive it to a view, and save it.

    Raises:
        RuntimeError: the view never came into sight, for want of an artifact.
    """
    app = TunewiseApp(workspace, place=picture.place, poll_seconds=3600)
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda: app.current_place is not None)
        if picture.check:
            await _until(pilot, lambda: app.query_one(FindingsPlace).put_cursor_on(picture.check))
        for key in picture.keys:
            await pilot.press(key)
        await _until(pilot, lambda: all(sign in shown_text(app) for sign in picture.signs))
        path = Path(app.save_screenshot(f"{picture.name}.svg", path=str(TARGET)))
    # The file ends like any other text file.
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n", encoding="utf-8")
    return path


def shown_text(app: App) -> str:
    """Return what the app shows."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


async def _until(pilot: Pilot, done: Callable[[], bool]) -> None:
    for _ in range(_LOOKS):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
        if done():
            return
    raise RuntimeError(f"never came into sight; the app shows:\n{shown_text(pilot.app)}")


def main() -> None:
    """Make all pictures, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a finished workspace")
    parser.add_argument("names", nargs="*", help="only these pictures")
    arguments = parser.parse_args()
    TARGET.mkdir(exist_ok=True)
    os.environ.pop("NO_COLOR", None)
    workspace = Workspace(arguments.folder.resolve())
    for picture in PICTURES:
        if not arguments.names or picture.name in arguments.names:
            print(asyncio.run(take(workspace, picture)))


if __name__ == "__main__":
    main()
