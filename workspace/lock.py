"""One writer at a time, by a lock that the system releases when its owner dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import JobError
from .events import Emit, Note, ignore


@contextmanager
def locked(path: Path, *, wait_seconds: float = -1, emit: Emit = ignore) -> Iterator[None]:
    """Hold a lock file for the length of a block.

    The lock is the kernel's (``flock`` or its Windows kin), so a killed owner frees it; the file
    itself may stay behind and means nothing. The owner's process number is kept beside it only
    to tell a waiting person who is in the way.

    Args:
        path: the lock file; its folder is created.
        wait_seconds: how long to wait for another owner; negative waits without end.
        emit: told once when somebody else holds the lock.

    Raises:
        JobError: another process still holds the lock after ``wait_seconds``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    owner_file = path.with_name(path.name + ".owner")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        owner = _read_owner(owner_file)
        emit(Note(text=f"waiting for {owner}, which writes the same thing", level="info"))
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as error:
            raise JobError(
                f"{owner} is still writing here",
                where=str(path),
                fix="wait for it to end, or stop it and try again",
            ) from error
    try:
        with suppress(OSError):
            owner_file.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        owner_file.unlink(missing_ok=True)
        lock.release()


def is_held(path: Path) -> bool:
    """Tell whether some process holds a lock file at this moment.

    Args:
        path: the lock file.
    """
    if not path.is_file():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _read_owner(owner_file: Path) -> str:
    try:
        return f"process {int(owner_file.read_text(encoding='utf-8'))}"
    except (OSError, ValueError):
        return "another process"
