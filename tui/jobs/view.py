"""Jobs as they are shown: events folded into a state, read from the workspace in small steps."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ...workspace.artifact import Workspace
from ...workspace.errors import ExitCode
from ...workspace.events import (
    CheckDone,
    Event,
    Failed,
    Finished,
    Measured,
    Note,
    Pace,
    Progress,
    Sampled,
    TaskScored,
    pace,
)
from ...workspace.jobs import DONE, FAILED, RUNNING, Job, job_status, list_jobs, read_events

_KEPT_NOTES = 50
_KEPT_STEPS = 4000
_KEPT_ANSWERS = 200
# A rate from the first moments would promise too much.
_SECONDS_FOR_A_PACE = 1.0


@dataclass(frozen=True, slots=True)
class JobView:
    """A job's state after the events so far.

    Attributes:
        job: the job itself.
        status: ``running``, ``done``, ``failed`` or ``killed``.
        first: the first report of the task in hand, from which the pace is reckoned.
        latest: its latest report.
        checks: the audit's checks that have ended, in that order.
        measured: the steps of a training, with their numbers; of very many, every other one.
        sampled: the answers to a training's fixed prompts.
        scored: the tasks that an evaluation is done with, of base or tuned model.
        notes: what the job had to say.
        failed: why it failed, if it did.
        finished: how it ended, if it ended well.
    """

    job: Job
    status: str = RUNNING
    first: Progress | None = None
    latest: Progress | None = None
    checks: tuple[CheckDone, ...] = ()
    measured: tuple[Measured, ...] = ()
    sampled: tuple[Sampled, ...] = ()
    scored: tuple[TaskScored, ...] = ()
    notes: tuple[Note, ...] = ()
    failed: Failed | None = None
    finished: Finished | None = None

    @property
    def command(self) -> str:
        """The tunewise command that runs."""
        return self.job.arguments[0] if self.job.arguments else "?"

    @property
    def running(self) -> bool:
        """Whether the child is alive."""
        return self.status == RUNNING

    @property
    def stopped(self) -> bool:
        """Whether a person ended it."""
        return self.failed is not None and self.failed.exit_code == ExitCode.INTERRUPTED

    @property
    def share(self) -> float | None:
        """How much of the task in hand is done, 0 to 1; None where its total is unknown."""
        if self.latest is None or not self.latest.total:
            return None
        return min(1.0, self.latest.done / self.latest.total)

    @property
    def pace(self) -> Pace:
        """Rate and remaining time of the task in hand."""
        if self.first is None or self.latest is None:
            return Pace(None, None)
        if self.latest.time - self.first.time < _SECONDS_FOR_A_PACE:
            return Pace(None, None)
        return pace(self.first, self.latest)


def advance(view: JobView, events: Iterable[Event]) -> JobView:
    """Fold events into a job's state."""
    measured: list[Measured] = []
    for event in events:
        if isinstance(event, Measured):
            measured.append(event)
            continue
        if isinstance(event, Progress):
            same = view.latest is not None and view.latest.task == event.task
            view = replace(view, first=view.first if same else event, latest=event)
        elif isinstance(event, CheckDone):
            view = replace(view, checks=(*view.checks, event))
        elif isinstance(event, Sampled):
            view = replace(view, sampled=(*view.sampled, event)[-_KEPT_ANSWERS:])
        elif isinstance(event, TaskScored):
            view = replace(view, scored=(*view.scored, event))
        elif isinstance(event, Note):
            view = replace(view, notes=(*view.notes, event)[-_KEPT_NOTES:])
        elif isinstance(event, Finished):
            view = replace(view, finished=event)
        elif isinstance(event, Failed):
            view = replace(view, failed=event)
    if measured:
        view = replace(view, measured=_thinned((*view.measured, *measured)))
    return view


def _thinned(steps: tuple[Measured, ...]) -> tuple[Measured, ...]:
    """Leave out every other ordinary step where there are too many; validations all stay."""
    if len(steps) <= _KEPT_STEPS:
        return steps
    last = len(steps) - 1
    return tuple(
        step
        for number, step in enumerate(steps)
        if number % 2 == 0 or number == last or "train_eval_loss" in step.values
    )


@dataclass(slots=True)
class JobBoard:
    """Follows the jobs of a workspace; each look reads only what came since the last one."""

    workspace: Workspace
    _views: dict[str, JobView] = field(default_factory=dict)
    _offsets: dict[str, int] = field(default_factory=dict)
    _listed: int = -1

    def look(self) -> tuple[JobView, ...]:
        """Return all jobs as they stand, oldest first."""
        self._find_new()
        for identity, view in self._views.items():
            if view.running:
                self._views[identity] = self._follow(view)
        return tuple(self._views.values())

    def _find_new(self) -> None:
        folder = self.workspace.store / "jobs"
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            return
        # A job's folder appears before its job.json: look again for a while after a change.
        if changed == self._listed and time.time_ns() - changed > 5_000_000_000:
            return
        self._listed = changed
        for job in list_jobs(self.workspace):
            self._views.setdefault(job.id, JobView(job))

    def _follow(self, view: JobView) -> JobView:
        # The status first: events written before the end are then surely read.
        status = job_status(view.job)
        events, offset = read_events(view.job, self._offsets.get(view.job.id, 0))
        self._offsets[view.job.id] = offset
        view = advance(view, events)
        if status != RUNNING and view.finished is not None:
            status = DONE
        elif status != RUNNING and view.failed is not None:
            status = FAILED
        return replace(view, status=status) if status != view.status else view
