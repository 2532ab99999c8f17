"""Several processes of one command on this machine, the first of which speaks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from ...workspace.errors import ExitCode, JobError

_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_TO_END = 30
# Nothing is left to do for the others once the first has ended.
_SECONDS_TO_FOLLOW = 5


def launch(arguments: Sequence[str], processes: int, threads: int) -> int:
    """Run `tunewise` so many times at once, as torchrun does, and wait for the first.

    Args:
        arguments: of the command.
        processes: how many.
        threads: processor threads of each.

    Returns:
        The exit code of the first process, as shells tell it where a signal ended it.

    Raises:
        JobError: another process failed, which ends them all.
    """
    shared = {
        **os.environ,
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": str(threads),
    }
    command = [sys.executable, "-m", "tunewise.cli", *arguments]
    members: list[subprocess.Popen[bytes]] = []
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        _leaving_signals_to(members) as asked,
    ):
        try:
            for rank in range(processes):
                members.append(
                    subprocess.Popen(
                        command,
                        env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL if rank else None,
                        stderr=said if rank else None,
                    )
                )
            code = _wait(members, said, asked)
            return code if code >= 0 else 128 - code
        finally:
            for rank, member in enumerate(members):
                _end(member, _SECONDS_TO_FOLLOW if rank else _SECONDS_TO_END)


@contextmanager
def _leaving_signals_to(members: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Let the first process answer to signals; yields those that came.

    Ctrl-C reaches every process of a terminal by itself, SIGTERM only the one that it is sent to.
    They are caught and not ignored: ignoring would be inherited by the processes.
    """
    asked: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if number == signal.SIGTERM and members:
            with suppress(OSError):
                members[0].terminate()

    previous = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait(members: Sequence[subprocess.Popen[bytes]], said: IO[str], asked: Sequence[int]) -> int:
    """Wait for the first process, or for the failure of another."""
    leader, *others = members
    while True:
        try:
            return leader.wait(_SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            failed = [rank for rank, member in enumerate(others, start=1) if member.poll()]
        if not failed:
            continue
        if asked:
            # Ctrl-C came before they had met, and reached them all: the first one is ending, too.
            with suppress(subprocess.TimeoutExpired):
                return leader.wait(_SECONDS_TO_FOLLOW)
            _end(leader)
            return int(ExitCode.INTERRUPTED)
        said.seek(0)
        lines = said.read().strip().splitlines()
        raise JobError(
            f"process {failed[0]} of {len(members)} failed: {lines[-1] if lines else ''}",
            where="--processes",
            fix="run once without --processes to see what is wrong",
        )


def _end(member: subprocess.Popen[bytes], seconds: float = _SECONDS_TO_END) -> None:
    """End a process that is still there: kindly, then not."""
    if member.poll() is not None:
        return
    member.terminate()
    try:
        member.wait(seconds)
    except subprocess.TimeoutExpired:
        member.kill()
        member.wait()


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
