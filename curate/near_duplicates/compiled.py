"""Functions compiled to machine code at their first call, and kept on the disk for the next run.

Importing numba takes a third of a second: the modules of compiled functions are themselves
imported inside functions, only where there is enough work. Compiled code is out of date when any
constant or function that went into it changed, which numba notices in the same module only.
Therefore compiled functions live in modules named ``*_kernels.py``, take constants and functions
from each other alone, and the folder of their machine code is named after what is in all of them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_PREFIX = "tunewise-kernels"


def compiled(function: Kernel) -> Kernel:
    """Compile a function over numbers and numpy arrays with numba; it runs without the GIL."""
    of_others: str = getattr(config, "CACHE_DIR")  # noqa: B009
    setattr(config, "CACHE_DIR", str(_folder(of_others)))  # noqa: B010
    try:
        return cast(Kernel, numba.njit(cache=True, nogil=True)(function))
    finally:
        setattr(config, "CACHE_DIR", of_others)  # noqa: B010


@cache
def _folder(chosen: str) -> Path:
    """Return the first folder that can be written.

    Args:
        chosen: the user's own choice (``NUMBA_CACHE_DIR``), or nothing.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].glob("*/*_kernels.py")):
        digest.update(path.read_bytes())
    name = f"{_PREFIX}-{digest.hexdigest()[:16]}"
    for parent in _parents(chosen):
        try:
            (parent / name).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=parent / name).close()
        except OSError:
            continue
        return parent / name
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-"))


def _parents(chosen: str) -> Iterator[Path]:
    if chosen:
        yield Path(chosen)
    yield Path(__file__).parent / "__pycache__"
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
