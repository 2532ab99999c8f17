"""Asking a command for its JSON document: previews, estimates, settings; nothing is changed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ...workspace.artifact import Workspace
from ...workspace.jobs import command_line

_MOST_SECONDS = 1800
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed for ``--json``, or why there is no answer.

    Attributes:
        document: the command's document; empty where it failed.
        problem: why, in words for a person; empty where it did not fail.
    """

    document: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def ask(
    workspace: Workspace, arguments: Sequence[str], cancelled: Callable[[], bool] = lambda: False
) -> Answer:
    """Run a command with ``--json`` and wait for it, so not on the event loop.

    Args:
        workspace: where it runs.
        arguments: the command and its arguments.
        cancelled: looked at while it runs; once it says so the command is ended.
    """
    full = [*arguments, "--json", "--workspace", str(workspace.root)]
    try:
        child = subprocess.Popen(
            command_line(full),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=workspace.root,
        )
    except OSError as error:
        return Answer(problem=f"cannot run tunewise {arguments[0]}: {error}")
    waited = 0.0
    while True:
        try:
            output, told = child.communicate(timeout=_LOOK_EVERY)
            break
        except subprocess.TimeoutExpired:
            waited += _LOOK_EVERY
            if cancelled() or waited > _MOST_SECONDS:
                child.terminate()
                with suppress(subprocess.TimeoutExpired):
                    child.communicate(timeout=5)
                child.kill()
                return Answer(problem="it took too long" if waited > _MOST_SECONDS else "cancelled")
    return _read(output, told.decode("utf-8", errors="replace"), child.returncode)


def _read(output: bytes, told: str, code: int) -> Answer:
    try:
        document = json.loads(output)
    except ValueError:
        last = next((line for line in reversed(told.splitlines()) if line.strip()), "")
        return Answer(problem=last or f"the command ended with {code}")
    if "error" in document:
        parts = (document["error"].get(name) for name in ("what", "where", "fix"))
        return Answer(problem="\n".join(str(part) for part in parts if part))
    return Answer(document)


def effective_settings(workspace: Workspace) -> dict[str, Any]:
    """Return every setting that holds in a workspace, by ``section.key``; none where it cannot."""
    listed = ask(workspace, ["config", "show"]).document.get("settings") or ()
    return {str(item["key"]): item["value"] for item in listed}
