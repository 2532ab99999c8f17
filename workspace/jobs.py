"""Jobs: tunewise commands run as child processes that outlive the screen that began them.

A job is a folder ``.tunewise/jobs/<id>/`` with ``job.json``, ``events.jsonl`` (what the child
printed for ``--events``) and ``log.txt`` (its stderr). Whoever opens the workspace later reads
the same folder, so a training goes on, and is found again, after the app was closed.

A long command that a person started in a terminal announces itself as a job, without a log of its
own: so the app shows it, too, as it goes on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psutil

from .artifact import Workspace
from .events import Event, Failed, Finished, from_json_line, to_json_line
from .files import read_json, write_json

RUNNING, DONE, FAILED, KILLED = "running", "done", "failed", "killed"

# Set in the processes of a job, which is announced already.
_IN_JOB = "TUNEWISE_JOB"
# Of jobs that announced themselves and have ended, so many are kept.
_ANNOUNCED, _ANNOUNCED_KEPT = "-announced", 20


@dataclass(frozen=True, slots=True)
class Job:
    """A command that was started; ``created`` tells its process from a later one of that number."""

    id: str
    folder: str
    arguments: tuple[str, ...]
    process: int
    created: float
    started: float

    @property
    def events_path(self) -> Path:
        """Where the child's JSON lines are."""
        return Path(self.folder) / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """Where the child's stderr is."""
        return Path(self.folder) / "log.txt"


def command_line(arguments: Sequence[str]) -> list[str]:
    """Return the argument list that runs tunewise with this very Python."""
    return [sys.executable, "-m", "tunewise.cli", *arguments]


def start_job(workspace: Workspace, arguments: Sequence[str]) -> Job:
    """Start a tunewise command in a session of its own and return at once.

    Args:
        workspace: passed on as ``--workspace``.
        arguments: the command and its arguments, without ``--events`` and ``--workspace``.
    """
    folder = _new_folder(workspace, arguments[0])
    full = [*arguments, "--events", "--workspace", str(workspace.root)]
    with (
        (folder / "events.jsonl").open("wb") as events,
        (folder / "log.txt").open("wb") as log,
    ):
        child = subprocess.Popen(
            command_line(full),
            stdin=subprocess.DEVNULL,
            stdout=events,
            stderr=log,
            start_new_session=True,
            cwd=workspace.root,
            env={**os.environ, _IN_JOB: folder.name},
        )
    return _noted(folder, full, child.pid)


@dataclass(frozen=True, slots=True)
class Announcement:
    """This very process as a job, so that others see what it is doing."""

    job: Job
    _events: IO[str]

    def write(self, event: Event) -> None:
        """Tell an event; where the disk does not take it, the work goes on untold."""
        with suppress(OSError, ValueError):
            self._events.write(to_json_line(event) + "\n")
            self._events.flush()


def announce_job(workspace: Workspace, arguments: Sequence[str]) -> Announcement | None:
    """Make this process known as a job, unless it belongs to one or the disk does not take it.

    Args:
        workspace: where the job is listed.
        arguments: of the tunewise command that this process is, its name first.
    """
    if os.environ.get(_IN_JOB) or not arguments:
        return None
    with suppress(OSError):
        _forget_old(workspace)
        folder = _new_folder(workspace, arguments[0], _ANNOUNCED)
        events = (folder / "events.jsonl").open("w", encoding="utf-8")
        job = _noted(folder, arguments, os.getpid())
        os.environ[_IN_JOB] = folder.name
        return Announcement(job, events)
    return None


def _new_folder(workspace: Workspace, command: str, mark: str = "") -> Path:
    identity = f"{time.strftime('%Y%m%d-%H%M%S')}-{command}-{os.urandom(2).hex()}{mark}"
    folder = workspace.store / "jobs" / identity
    folder.mkdir(parents=True)
    return folder


def _noted(folder: Path, arguments: Sequence[str], process: int) -> Job:
    created = 0.0
    with suppress(psutil.Error):
        created = psutil.Process(process).create_time()
    job = Job(folder.name, str(folder), tuple(arguments), process, created, time.time())
    write_json(folder / "job.json", asdict(job))
    return job


def _forget_old(workspace: Workspace) -> None:
    announced = [job for job in list_jobs(workspace) if job.id.endswith(_ANNOUNCED)]
    for job in announced[:-_ANNOUNCED_KEPT]:
        if not _is_alive(job):
            shutil.rmtree(job.folder, ignore_errors=True)


def list_jobs(workspace: Workspace) -> list[Job]:
    """Return all jobs of a workspace, oldest first."""
    jobs: list[Job] = []
    for path in sorted((workspace.store / "jobs").glob("*/job.json")):
        with suppress(OSError, ValueError, TypeError):
            document = read_json(path)
            document["arguments"] = tuple(document["arguments"])
            jobs.append(Job(**document))
    return jobs


def read_events(job: Job, offset: int = 0) -> tuple[list[Event], int]:
    """Read the events that came after a byte offset.

    Returns:
        The events and the offset to go on from. A line still being written is left for later.
    """
    try:
        with job.events_path.open("rb") as stream:
            stream.seek(offset)
            block = stream.read()
    except FileNotFoundError:
        return [], offset
    end = block.rfind(b"\n") + 1
    lines = block[:end].decode("utf-8", errors="replace").splitlines()
    events = [event for line in lines if (event := from_json_line(line)) is not None]
    return events, offset + end


def job_status(job: Job) -> str:
    """Tell whether a job is running, done, failed (it said so) or killed (it could not)."""
    if _is_alive(job):
        return RUNNING
    events, _ = read_events(job)
    last = next((event for event in reversed(events) if isinstance(event, Finished | Failed)), None)
    if isinstance(last, Finished):
        return DONE
    return FAILED if isinstance(last, Failed) else KILLED


def cancel_job(job: Job) -> None:
    """Ask a job to stop, as Ctrl-C would; it decides what to keep."""
    _signal(job, signal.SIGINT)


def kill_job(job: Job) -> None:
    """End a job at once, for one that did not heed :func:`cancel_job`."""
    _signal(job, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def _is_alive(job: Job) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(job.process)
        if process.status() == psutil.STATUS_ZOMBIE:
            # Ours to reap if we started it; harmless if another app did.
            with suppress(ChildProcessError, OSError):
                os.waitpid(job.process, os.WNOHANG)
            return False
        return abs(process.create_time() - job.created) < 1.0
    return False


def _signal(job: Job, number: int) -> None:
    if not _is_alive(job):
        return
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix" and os.getpgid(job.process) == job.process:
            os.killpg(job.process, number)
        else:
            os.kill(job.process, number)
