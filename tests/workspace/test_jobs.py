from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tunewise.workspace import jobs
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import Finished, Note, Progress, to_json_line
from tunewise.workspace.jobs import Job, job_status, list_jobs, read_events, start_job


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def run_instead(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let jobs run a script in place of a tunewise command."""
    monkeypatch.setattr(
        jobs, "command_line", lambda arguments: [sys.executable, "-c", script, *arguments]
    )


def wait_for(job: Job) -> None:
    try:
        psutil.Process(job.process).wait(timeout=30)
    except psutil.NoSuchProcess:
        return


def test_a_job_leaves_events_and_log_that_others_can_read(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = to_json_line(Finished(artifact="/a", exit_code=0))
    run_instead(
        monkeypatch,
        f"import sys; print({event!r}); print('stray'); print(sys.argv, file=sys.stderr)",
    )
    job = start_job(workspace, ["audit", "data.jsonl"])
    wait_for(job)
    assert list_jobs(workspace) == [job]
    events, offset = read_events(job)
    assert [type(item) for item in events] == [Finished]
    assert read_events(job, offset) == ([], offset)
    assert job_status(job) == jobs.DONE
    assert "--events" in job.log_path.read_text()
    assert str(workspace.root) in job.log_path.read_text()


def test_a_killed_job_is_told_from_a_failed_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = '{"event": "failed", "what": "no such file"}'
    run_instead(monkeypatch, f"print({failed!r})")
    job = start_job(workspace, ["audit"])
    wait_for(job)
    assert job_status(job) == jobs.FAILED
    run_instead(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    job = start_job(workspace, ["audit"])
    wait_for(job)
    assert job_status(job) == jobs.KILLED


def test_cancelling_interrupts_and_killing_ends(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import sys\n"
        'print(\'{"event": "note", "text": "ready"}\', flush=True)\n'
        "try:\n"
        "    import threading; threading.Event().wait()\n"
        "except KeyboardInterrupt:\n"
        '    print(\'{"event": "failed", "what": "interrupted", "exit_code": 130}\')\n'
    )
    run_instead(monkeypatch, script)
    for stop, status in ((jobs.cancel_job, jobs.FAILED), (jobs.kill_job, jobs.KILLED)):
        job = start_job(workspace, ["train"])
        deadline = time.monotonic() + 30
        while not read_events(job)[0] and time.monotonic() < deadline:
            assert job_status(job) == jobs.RUNNING
        stop(job)
        wait_for(job)
        assert job_status(job) == status


def test_a_half_written_line_is_left_for_later(workspace: Workspace) -> None:
    folder = workspace.store / "jobs" / "x"
    folder.mkdir(parents=True)
    job = Job("x", str(folder), ("audit",), 0, 0.0, 0.0)
    assert read_events(job) == ([], 0)
    first = to_json_line(Progress(task="reading", done=1, total=2)).encode()
    second = to_json_line(Note(text="naïve")).encode()
    job.events_path.write_bytes(first + b"\n" + second[:-3])
    events, offset = read_events(job)
    assert len(events) == 1
    job.events_path.write_bytes(first + b"\n" + second + b"\n")
    events, _ = read_events(job, offset)
    assert [event.text for event in events if isinstance(event, Note)] == ["naïve"]


def test_a_process_number_used_again_is_not_the_job(workspace: Workspace) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        created = psutil.Process(child.pid).create_time()
        folder = workspace.store / "jobs" / "x"
        folder.mkdir(parents=True)
        assert job_status(Job("x", str(folder), (), child.pid, created, 0.0)) == jobs.RUNNING
        other = Job("x", str(folder), (), child.pid, created - 100, 0.0)
        assert job_status(other) == jobs.KILLED
    finally:
        child.kill()
        child.wait()


ANNOUNCING = """
import sys, time
from pathlib import Path
from tunewise.workspace.artifact import Workspace
from tunewise.workspace.events import Failed, Note
from tunewise.workspace.jobs import announce_job
told = announce_job(Workspace(Path(sys.argv[1])), ["train", "latest"])
told.write(Note(text="ready"))
assert announce_job(Workspace(Path(sys.argv[1])), ["train"]) is None
try:
    input()
except KeyboardInterrupt:
    told.write(Failed(what="interrupted", exit_code=130))
"""


@pytest.fixture
def announced(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    """A command in somebody's terminal, in the process group of others."""
    monkeypatch.delenv("TUNEWISE_JOB", raising=False)
    child = subprocess.Popen(
        [sys.executable, "-c", ANNOUNCING, str(workspace.root)], stdin=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not (found := list_jobs(workspace)) and time.monotonic() < deadline:
        assert child.poll() is None
    while not read_events(found[0])[0] and time.monotonic() < deadline:
        assert child.poll() is None
    yield found[0]
    child.kill()
    child.wait()


def test_a_command_in_a_terminal_is_seen_and_can_be_stopped(announced: Job) -> None:
    assert announced.arguments == ("train", "latest")
    assert job_status(announced) == jobs.RUNNING
    jobs.cancel_job(announced)
    wait_for(announced)
    assert job_status(announced) == jobs.FAILED


def test_of_ended_announcements_the_newest_are_kept(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_is_alive", lambda job: False)
    for _ in range(25):
        monkeypatch.delenv("TUNEWISE_JOB", raising=False)
        assert jobs.announce_job(workspace, ["audit"]) is not None
    assert len(list_jobs(workspace)) == 21


def test_where_nothing_can_be_written_nothing_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNEWISE_JOB", raising=False)
    (tmp_path / ".tunewise").write_text("a file")
    assert jobs.announce_job(Workspace(tmp_path), ["audit"]) is None
