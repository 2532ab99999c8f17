"""Programs that take the terminal for a while, such as the person's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def editor_of(path: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the command that opens a file in `$VISUAL`, `$EDITOR` or vi.

    Example:
        >>> editor_of(Path("a b.toml"), {"EDITOR": "nano -w"})
        ['nano', '-w', 'a b.toml']
    """
    for variable in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(variable, ""))
        except ValueError:
            continue
        if words:
            return [*words, str(path)]
    return ["vi", str(path)]


def run_in_terminal(command: Sequence[str]) -> int:
    """Run a program in the terminal that the app has left, and return its status.

    Where it fails, what it said stays in sight until a key is pressed.
    """
    try:
        status = subprocess.run(command, check=False).returncode
    except OSError as error:
        print(f"cannot run {shlex.join(command)}: {error.strerror or error}")
        status = 127
    if status:
        try:
            input("enter goes back to tunewise ")
        except (EOFError, KeyboardInterrupt):
            return status
    return status
