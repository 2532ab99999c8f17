"""The libraries' own talk, kept off a terminal that belongs to our progress."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from ...workspace.events import Emit, Event


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bars and hints of lm-eval and transformers off the terminal.

    Some bars cannot be switched off, and all write to stderr. Errors still raise.
    """
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def heard(emit: Emit) -> Emit:
    """Return an ``emit`` that is heard inside :func:`quiet` too; call it outside."""
    stream = sys.stderr

    def tell(event: Event) -> None:
        with redirect_stderr(stream):
            emit(event)

    return tell
