"""Several processes of one command on this machine, the first of which speaks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO

from ...workspace.errors import JobError

_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_TO_END = 30


def launch(arguments: Sequence[str], processes: int, threads: int) -> int:
    """Run `tunewise` so many times at once, as torchrun does, and wait for the first.

    Args:
        arguments: of the command.
        processes: how many.
        threads: processor threads of each.

    Returns:
        The exit code of the first process.

    Raises:
        JobError: another process failed, which ends them all.
    """
    shared = {
        **os.environ,
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "OMP_NUM_THREADS": str(threads),
    }
    command = [sys.executable, "-m", "tunewise.cli", *arguments]
    # Ctrl-C reaches the processes themselves; this one waits for what comes of it.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        members = [
            subprocess.Popen(
                command,
                env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if rank else None,
                stderr=said if rank else None,
            )
            for rank in range(processes)
        ]
        try:
            return _wait(members, said)
        finally:
            signal.signal(signal.SIGINT, previous)
            for member in members:
                _end(member)


def _wait(members: Sequence[subprocess.Popen[bytes]], said: IO[str]) -> int:
    """Wait for the first process, or for the failure of another."""
    leader, *others = members
    while True:
        try:
            return leader.wait(_SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            failed = [rank for rank, member in enumerate(others, start=1) if member.poll()]
        if failed:
            said.seek(0)
            lines = said.read().strip().splitlines()
            raise JobError(
                f"process {failed[0]} of {len(members)} failed: {lines[-1] if lines else ''}",
                where="--processes",
                fix="run once without --processes to see what is wrong",
            )


def _end(member: subprocess.Popen[bytes]) -> None:
    """End a process that is still there: kindly, then not."""
    if member.poll() is not None:
        return
    member.terminate()
    try:
        member.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        member.kill()
        member.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
