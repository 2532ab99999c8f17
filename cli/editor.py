"""A text handed to the person's own editor, and taken back."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..workspace.errors import JobError, UsageError

_VARIABLES = ("VISUAL", "EDITOR")
_USUAL = "vi"


def edit_text(text: bytes, name: str) -> bytes:
    """Let the person change a text in their editor: `$VISUAL`, `$EDITOR` or vi.

    Nobody else can read the file while it is there; it is gone afterwards.

    Args:
        text: what the file holds at first.
        name: the file's name, whose ending tells editors how to show it.

    Returns:
        What the file holds when the editor ends.

    Raises:
        UsageError: there is no editor.
        JobError: the editor could not be started, or ended with an error.
    """
    command = _editor()
    with tempfile.TemporaryDirectory(prefix="tunewise-") as folder:
        path = Path(folder) / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
        try:
            with _leaving_ctrl_c():
                ended = subprocess.run([*command, str(path)], check=False)
            if ended.returncode:
                raise JobError(
                    f"the editor ended with status {ended.returncode}; nothing was decided",
                    where=shlex.join(command),
                )
            return path.read_bytes()
        except OSError as error:
            raise JobError(
                f"the editor cannot be used: {error.strerror or error}",
                where=shlex.join(command),
                fix="set VISUAL or EDITOR, or give the row with `--with FILE`",
            ) from error


@contextmanager
def _leaving_ctrl_c() -> Iterator[None]:
    """Leave Ctrl-C to the editor, to which it means something else."""
    # Not `SIG_IGN`, which the editor would inherit.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _editor() -> list[str]:
    for variable in _VARIABLES:
        try:
            command = shlex.split(os.environ.get(variable, ""))
        except ValueError as error:
            raise UsageError(
                f"{variable} is no command: {error}", where=os.environ[variable]
            ) from error
        if command:
            return command
    if sys.stdin.isatty() and shutil.which(_USUAL):
        return [_USUAL]
    raise UsageError(
        "there is no editor to open the row in",
        fix="set VISUAL or EDITOR, or give the row with `--with FILE`",
    )
