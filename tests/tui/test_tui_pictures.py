"""Pictures of the places at both sizes; `pytest --snapshot-update` accepts what changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

SIZES = {"wide": (120, 36), "narrow": (80, 24)}
VIEWS = {
    "data": ("data", (), ("99 % if all is fixed",)),
    "findings": ("findings", ("j", "j"), ("near-duplicates", "row 11")),
    "reading": ("records", ("j", "j", "j"), ("row 3", "We will.")),
    "comparing": ("findings", ("j", "j", "enter"), ("[-do-]", "{+can+}")),
    "report": ("report", (), ("lost 21",)),
}


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("view", list(VIEWS))
def test_picture(
    snap_compare: Callable, make_app: Callable, see: Callable, view: str, size: str
) -> None:
    place, keys, signs = VIEWS[view]

    async def drive(pilot: Pilot) -> None:
        await see(pilot, "tunewise")
        for key in keys:
            await pilot.press(key)
        await see(pilot, *signs)
        await see(pilot)

    run: Callable[[Pilot], Awaitable[None]] = drive
    assert snap_compare(make_app(place), terminal_size=SIZES[size], run_before=run)
