"""What is said when a job has ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...workspace.jobs import DONE
from ...workspace.safe_text import safe_text
from .view import JobView


@dataclass(frozen=True, slots=True)
class News:
    """A title, a text, and how grave it is."""

    title: str
    text: str
    severity: Literal["information", "error"] = "information"


def ended_jobs(before: Sequence[JobView], now: Sequence[JobView]) -> Iterator[News]:
    """Yield what to say of the jobs that ran before and do not run now."""
    ran = {view.job.id for view in before if view.running}
    for view in now:
        if not view.running and view.job.id in ran:
            yield _news(view)


def _news(view: JobView) -> News:
    if view.status == DONE:
        made = view.finished.artifact if view.finished else ""
        return News(f"{view.command} is done", safe_text(made))
    if view.stopped:
        return News(
            f"{view.command} was stopped", safe_text(view.failed.what if view.failed else "")
        )
    reason = view.failed.what if view.failed else "it was ended from outside"
    fix = f"\n{view.failed.fix}" if view.failed and view.failed.fix else ""
    told = safe_text(f"{reason}{fix}\nJ opens its log", keep_line_breaks=True)
    return News(f"{view.command} {view.status}", told, "error")
