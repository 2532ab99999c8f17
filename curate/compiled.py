"""Functions compiled to machine code at their first call, and kept on the disk for the next run.

Importing numba takes a third of a second: modules that import this one are themselves imported
inside functions, only where there is enough work.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a function over numbers and numpy arrays with numba; it runs without the GIL.

    The machine code is kept beside the module or in the user's cache folder, as numba does it;
    where neither can be written, in a folder of the user's among the system's temporary files.
    """
    compile_and_keep = numba.njit(cache=True, nogil=True)
    try:
        return cast(Kernel, compile_and_keep(function))
    except RuntimeError:  # numba: "cannot cache function ...: no locator available for file"
        setattr(config, "CACHE_DIR", str(_own_temporary_folder()))  # noqa: B010
        return cast(Kernel, compile_and_keep(function))


def _own_temporary_folder() -> Path:
    """Return a temporary folder that nobody else can write, since code is loaded from it."""
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir()) / f"tunewise-compiled-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        ours = user is None or (status.st_uid == user and status.st_mode & 0o022 == 0)
        if ours and folder.is_dir() and not folder.is_symlink():
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="tunewise-compiled-"))
