"""Memory that was freed, given back to the system between the checks of an audit."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back_freed_memory() -> None:
    """Return to the system what the C library keeps of freed arrays, where it can be told to.

    glibc holds on to freed blocks between others that are still in use. After a search for copies
    that is as much as was needed at its height, and the next check would come on top of it.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    """Return glibc's ``malloc_trim``; None elsewhere."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
