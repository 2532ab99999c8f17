"""The jobs of the workspace, what each is doing, and its log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import ModalScreen

from ...workspace.jobs import DONE, FAILED, KILLED, RUNNING, Job, cancel_job
from ..jobs.view import JobView
from ..keys import named
from ..texts.marks import BAD, GOOD, SKY, WARNING, duration, marks, percent, plain, styled
from ..widgets.footer import Footer
from ..widgets.listing import Column, Rows
from ..widgets.pane import Line, Pane
from ..widgets.table import Table
from .dialogs import Confirm

_LOG_BYTES = 64_000
_COLUMNS = (
    Column("", 9),
    Column("command", 44),
    Column("progress", 10, right=True),
    Column("started", 8),
    Column("", 60),
)
_STYLES = {RUNNING: SKY, DONE: GOOD, FAILED: BAD, KILLED: WARNING}


class JobsScreen(ModalScreen[None]):
    """Lists jobs, the newest first; the log of the one under the cursor is beside it."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("escape,q,J", "app.pop_screen", "Back"),
        Binding("x", "cancel", "Cancel job"),
    )

    def __init__(self) -> None:
        """Start without jobs."""
        super().__init__()
        self._jobs: list[JobView] = []

    def compose(self) -> ComposeResult:
        """Yield the list and the log."""
        with Vertical(id="jobs"):
            yield Line(styled("Jobs", "bold"))
            with Container(id="jobs-body"):
                yield Table(id="jobs-table")
                yield Pane(id="jobs-log", classes="panel")
        yield Footer()

    def on_mount(self) -> None:
        """Follow the jobs."""
        self.query_one("#jobs-log").border_title = "Log"
        self.watch(self.app, "jobs", self._show)
        self.query_one(Table).focus()

    def action_cancel(self) -> None:
        """Ask whether the job under the cursor should stop."""
        view = self._current()
        if view is None or not view.running:
            return
        question = plain(f"tunewise {command_text(view.job)}", "bold").append(
            "\n\nWhat is finished stays. Of the step in progress nothing does, but the log and "
            "the state of a training."
        )
        self.app.push_screen(
            Confirm("Stop this job?", question, "stop it"),
            lambda answer: cancel_job(view.job) if answer else None,
        )

    def _show(self, jobs: tuple[JobView, ...]) -> None:
        before = self._current()
        self._jobs = list(reversed(jobs))
        table = self.query_one(Table)
        cursor = next(
            (i for i, view in enumerate(self._jobs) if before and view.job.id == before.job.id), 0
        )
        table.show(Rows(_COLUMNS, [_cells(view) for view in self._jobs]), cursor=cursor)
        if not self._jobs:
            self.query_one("#jobs-log", Pane).show(styled("No job has run here yet.", "dim"))

    @on(Table.RowHighlighted)
    def _row_highlighted(self) -> None:
        view = self._current()
        if view is not None:
            self.query_one("#jobs-log", Pane).show(log_text(view))

    def _current(self) -> JobView | None:
        position = self.query_one(Table).cursor_row
        return self._jobs[position] if 0 <= position < len(self._jobs) else None


def command_text(job: Job) -> str:
    """Return a job's command as a person would type it, files by their names."""
    words = job.arguments
    if "--events" in words:
        words = words[: words.index("--events")]
    return " ".join(Path(word).name if word.startswith("/") else word for word in words)


def _cells(view: JobView) -> list[Text]:
    progress = percent(view.share) if view.running and view.share is not None else ""
    if view.running and view.pace.seconds_left is not None:
        progress += f" {duration(view.pace.seconds_left)}"
    told = view.failed.what if view.failed else (view.latest.task if view.latest else "")
    return [
        plain("stopped", WARNING)
        if view.stopped
        else plain(view.status, _STYLES.get(view.status, "")),
        plain(command_text(view.job)),
        plain(progress),
        plain(time.strftime("%H:%M:%S", time.localtime(view.job.started)), "dim"),
        plain(told, "dim"),
    ]


def log_text(view: JobView) -> Text:
    """Return what a job told, how it failed, and the end of its log."""
    text = Text()
    if view.failed is not None:
        text.append(f"{marks().bad} ", style=BAD).append_text(plain(view.failed.what, BAD))
        for title, value in (("where", view.failed.where), ("fix", view.failed.fix)):
            if value:
                text.append(f"\n{title}: ", style="dim").append_text(plain(value))
        text.append("\n\n")
    for note in view.notes:
        style = WARNING if note.level == "warning" else ""
        text.append_text(plain(note.text, style)).append("\n")
    for line in _log_tail(view.job).splitlines():
        text.append_text(plain(line, "dim")).append("\n")
    return text if text.plain else styled("Nothing was told.", "dim")


def _log_tail(job: Job) -> str:
    try:
        with job.log_path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _LOG_BYTES))
            return stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
