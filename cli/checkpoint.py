"""`tunewise checkpoint`: a checkpoint of the trainings in progress, now."""

from __future__ import annotations

from ..workspace.errors import UsageError
from .session import Session, command


@command(
    "checkpoint",
    examples="""\
  tunewise checkpoint                   before the machine is needed for something else
  tunewise checkpoint --workspace ~/support
""",
)
def checkpoint(session: Session) -> None:
    """Ask the trainings that run in this workspace to write a checkpoint after the step at hand.

    They go on. Killed later, the same command begins from there; without being asked a run writes
    one at every validation, or every `checkpoint_every` steps.
    """
    from ..train.loop.checkpoints import ask_for_checkpoints

    asked = ask_for_checkpoints(session.workspace)
    if not asked:
        raise UsageError(
            "no training is under way here",
            where=str(session.workspace.root),
            fix="name its folder with --workspace",
        )
    document = {"command": "checkpoint", "runs": asked}
    session.finish(document, lambda: "\n".join(f"asked run {run}" for run in asked))
