from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tunewise.workspace.errors import JobError
from tunewise.workspace.events import Event, Note
from tunewise.workspace.lock import locked

HOLD = """
import sys
from pathlib import Path
from tunewise.workspace.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "x.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def test_a_held_lock_names_its_owner(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    events: list[Event] = []
    with (
        pytest.raises(JobError) as caught,
        locked(tmp_path / "x.lock", wait_seconds=0.05, emit=events.append),
    ):
        pytest.fail("two owners")
    assert str(holder.pid) in caught.value.what
    assert [str(holder.pid) in event.text for event in events if isinstance(event, Note)] == [True]


def test_a_killed_owner_frees_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with locked(tmp_path / "x.lock", wait_seconds=5):
        assert (tmp_path / "x.lock").exists()


def test_the_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "deep" / "x.lock", wait_seconds=0):
            pass
