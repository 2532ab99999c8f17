"""`tunewise doctor`: is this environment fit, and if not, what to do."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from ..workspace.errors import ExitCode
from ..workspace.manifest import installed_version
from .format import table
from .session import Session, command

_LIBRARIES = (
    "polars",
    "pandera",
    "datasketch",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "evaluate",
    "datasets",
    "lm_eval",
    "textual",
)
_OWN_ROOMS_NAMED_LIKE_LIBRARIES = ("evaluate", "datasets")
_FREE_BYTES_WANTED = 2 << 30


@command("doctor", examples="  tunewise doctor\n  tunewise doctor --json\n")
def doctor(session: Session) -> None:
    """Look at Python, libraries, hardware, disk and the bundled files; exit 1 on a problem."""
    facts = [*_library_facts(), *_hardware_facts(), *_workspace_facts(session.workspace.root)]
    healthy = all(fact["ok"] for fact in facts)
    session.finish(
        {"command": "doctor", "healthy": healthy, "facts": facts},
        lambda: "\n".join(
            table(
                ["", "what", "found", "advice"],
                [
                    ["ok" if fact["ok"] else "PROBLEM", fact["name"], fact["value"], fact["advice"]]
                    for fact in facts
                ],
            )
        ),
        ExitCode.PASSED if healthy else ExitCode.GATE_FAILED,
    )


def _fact(name: str, value: str, *, ok: bool = True, advice: str = "") -> dict[str, Any]:
    return {"name": name, "value": value, "ok": ok, "advice": advice if not ok else ""}


def _library_facts() -> list[dict[str, Any]]:
    facts = [
        _fact(
            "python",
            platform.python_version(),
            ok=sys.version_info >= (3, 11),
            advice="tunewise needs Python 3.11 or newer",
        )
    ]
    for name in _LIBRARIES:
        version = installed_version(name)
        facts.append(
            _fact(name, version, ok=version != "unknown", advice="pip install --upgrade tunewise")
        )
    for name in _OWN_ROOMS_NAMED_LIKE_LIBRARIES:
        spec = importlib.util.find_spec(name)
        place = spec.origin if spec and spec.origin else "a folder without __init__.py"
        facts.append(
            _fact(
                f"import {name}",
                place,
                ok=bool(spec and spec.origin),
                advice=f"a folder named {name!r} hides the library; start elsewhere",
            )
        )
    return facts


def _hardware_facts() -> list[dict[str, Any]]:
    import psutil
    import torch

    memory = psutil.virtual_memory()
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none (CPU is used)"
    return [
        _fact("processor", f"{psutil.cpu_count()} cores"),
        _fact("memory", f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"),
        _fact("gpu", gpu),
    ]


def _workspace_facts(root: Path) -> list[dict[str, Any]]:
    free = shutil.disk_usage(root).free
    bundled = Path(__file__).resolve().parents[1] / "datasets" / "base" / "model.safetensors"
    return [
        _fact(
            "workspace",
            str(root),
            ok=os.access(root, os.W_OK),
            advice="the folder cannot be written; choose another by --workspace",
        ),
        _fact(
            "disk",
            f"{free / 2**30:.1f} GiB free",
            ok=free >= _FREE_BYTES_WANTED,
            advice="free some space: checkpoints and copies of the data need it",
        ),
        _fact(
            "bundled model",
            "present" if bundled.is_file() else "missing",
            ok=bundled.is_file(),
            advice="reinstall tunewise; the demo needs it",
        ),
    ]
