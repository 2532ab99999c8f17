"""Auditing with the benchmarks that the settings name: where items and data come together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..workspace.artifact import Artifact
from .session import Session

if TYPE_CHECKING:
    from .settings import Settings


def audit_source(
    session: Session, paths: Sequence[Path], settings: Settings, *, force: bool = False
) -> Artifact:
    """Audit data files; what `[audit] benchmarks` names must not be among them.

    Args:
        session: the call of the command.
        paths: the data files.
        settings: of all sections; a benchmark's relative path starts at the workspace.
        force: do it again even if it is done.

    Raises:
        UsageError: a benchmark is neither bundled nor a file, or see :func:`curate.audit.audit`.
        DataError: the data or a benchmark cannot be read.
    """
    from ..curate.auditing.audit import audit, usual_processes
    from ..evaluate.tasks.items import benchmark_items

    processes = settings.audit.processes or usual_processes(paths)
    return audit(
        session.workspace,
        paths,
        settings.audit.model_copy(update={"processes": processes}),
        settings.data,
        benchmarks=benchmark_items(settings.audit.benchmarks, session.workspace.root),
        force=force,
        emit=session.emit,
    )
