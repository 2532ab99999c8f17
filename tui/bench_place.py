"""Place 6, Bench: what was measured for base and tuned model, task by task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.widget import Widget

from ..evaluate.wording import score_text
from .chrome import job_text
from .job_view import JobView
from .listing import Column, Rows
from .marks import counted, drawn, marks, plain, styled, verdict_label
from .messages import GoTo
from .pane import Line
from .place import Place
from .snapshot import Snapshot
from .table import Table

_COLUMNS = (
    Column("suite", 8),
    Column("task", 20),
    Column("items", 6, right=True),
    Column("base", 7, right=True),
    Column("tuned", 7, right=True),
    Column("verdict", 15),
    Column("metric", 40),
)


class BenchPlace(Place):
    """The newest evaluation's tasks with both scores."""

    name_in_rail = "Bench"
    help_text: ClassVar[str] = (
        "What was measured: every task with the scores of base and tuned model.\n"
        "enter  the report with intervals and items\n"
        "Measure with: tunewise evaluate latest --suite general"
    )

    def compose(self) -> ComposeResult:
        """Yield heading and table."""
        yield Line(id="bench-heading")
        yield Line(id="bench-running")
        yield Table(id="bench-table")

    def on_mount(self) -> None:
        """Hide what is not running."""
        self.query_one("#bench-running").display = False
        super().on_mount()

    @property
    def table(self) -> Table:
        """The list of tasks."""
        return self.query_one("#bench-table", Table)

    def main_widget(self) -> Widget:
        """Return the list of tasks."""
        return self.table

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest evaluation."""
        heading = self.query_one("#bench-heading", Line)
        document = snapshot.evaluate
        self.table.display = document is not None
        if document is None:
            step = "evaluate latest" if snapshot.train else "train latest --model MODEL"
            empty = styled("No evaluation yet. ", "bold")
            heading.say(empty.append(f"Run: tunewise {step}", style="dim"))
            return
        tasks = document.content["tasks"]
        items = sum(int(task["n"]) for task in tasks)
        heading.say(styled(f"{counted(len(tasks), 'task')}, {counted(items, 'item')}", "bold"))
        self.table.show(Rows(_COLUMNS, [_cells(task) for task in tasks]))

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show the evaluation in progress."""
        running = [job for job in jobs if job.command == "evaluate" and job.running]
        line = self.query_one("#bench-running", Line)
        line.display = bool(running)
        if running:
            line.say(job_text(running[-1]))

    def command(self) -> list[str]:
        """Return the command that evaluates."""
        return ["evaluate", "latest"]

    def on_data_table_row_selected(self) -> None:
        """Go deeper, to the report."""
        self.post_message(GoTo("report"))


def _cells(task: Mapping[str, Any]) -> list[Text]:
    return [
        plain(task.get("group") or "", "dim"),
        plain(task["task"], "bold"),
        plain(f"{task['n']:,}", "dim"),
        _score(task, "base"),
        _score(task, "tuned"),
        verdict_label(str(task.get("verdict") or marks().dash)),
        plain(task.get("metric") or "", "dim"),
    ]


def _score(task: Mapping[str, Any], model: str) -> Text:
    return plain(drawn(score_text(str(task.get("kind")), task.get(model))))
