"""Checks in several processes: killed, interrupted, and left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROW = {"messages": [{"role": "user", "content": "When do you open?"},
                    {"role": "assistant", "content": "At nine o'clock. " * 20}]}  # fmt: skip


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An audit whose worker processes are at work: pieces are small and there are many."""
    source = tmp_path / "data.jsonl"
    source.write_text("".join(json.dumps({**ROW, "id": n}) + "\n" for n in range(60_000)))
    script = (
        "from tunewise.curate.reading import pieces\n"
        "from tunewise.cli.main import main\n"
        "if __name__ == '__main__':\n"
        "    pieces._PIECE_ROWS = 200\n"
        f"    main(['audit', {str(source)!r}, '--workspace', {str(tmp_path)!r},"
        " '--processes', '2', '--checks', 'text/repetition,privacy', '--events'])\n"
    )
    (tmp_path / "script.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    # Pieces are handed out no faster than workers take them, so these are at work by now.
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["done"] > 0 and len(workers(process)) == 2:
            break
    else:
        pytest.fail(f"the audit ended by itself: {process.communicate()[1]}")
    yield process
    process.kill()
    process.communicate()


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def left_after(process: subprocess.Popen[str], end: Callable[[], object]) -> list[psutil.Process]:
    """End the audit, and return those of its workers that outlive it."""
    children = workers(process)
    end()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=60)
    return alive


def test_a_killed_worker_is_told(audit: subprocess.Popen[str], tmp_path: Path) -> None:
    assert not left_after(audit, lambda: workers(audit)[0].kill())
    assert audit.returncode == 4
    assert not list(tmp_path.glob(".tunewise/audit/*/audit.json"))


def test_an_interrupt_ends_everything(audit: subprocess.Popen[str], tmp_path: Path) -> None:
    assert not left_after(audit, lambda: os.killpg(audit.pid, signal.SIGINT))
    assert audit.returncode == 130
    assert not list(tmp_path.glob(".tunewise/audit/*.partial"))


def test_workers_do_not_outlive_a_killed_parent(audit: subprocess.Popen[str]) -> None:
    assert not left_after(audit, audit.kill)
