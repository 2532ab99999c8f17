"""Place 6, Bench: what was measured for base and tuned model, what is under way, and a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from ...evaluate.reporting.wording import score_text
from ...workspace.events import TaskScored
from ..jobs.suites import Suite, suites, suites_argument
from ..jobs.view import JobView
from ..keys import named
from ..messages import GoTo
from ..snapshot import Snapshot
from ..texts.marks import GOOD, counted, drawn, duration, marks, plain, styled, verdict_label
from ..widgets.fields import FormField
from ..widgets.listing import Column, Rows
from ..widgets.pane import Line
from ..widgets.table import Table
from .data_place import progress_text
from .form_place import FormPlace

_COLUMNS = (
    Column("suite", 8),
    Column("task", 20),
    Column("items", 6, right=True),
    Column("base", 7, right=True),
    Column("tuned", 7, right=True),
    Column("verdict", 15),
    Column("metric", 40),
)
_SUITE_COLUMNS = (
    Column("", 1),
    Column("suite", 12),
    Column("items", 7, right=True),
    Column("", 40),
)
_TUNED = "tuned"


class SuiteTable(Table):
    """The suites; space marks one."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("space", "mark", "Mark"),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    )

    def action_mark(self) -> None:
        """Mark the suite under the cursor, or take its mark away."""
        self.action_select_cursor()


class BenchPlace(FormPlace):
    """The newest evaluation's tasks with both scores; the one in progress; what could be asked."""

    step = "evaluate"
    preview_title = "What would be measured"
    help_text: ClassVar[str] = (
        "What was measured: every task with the scores of base and tuned model;\n"
        "while an evaluation runs, the tasks that it is done with.\n"
        "enter   the report with intervals and items\n"
        "f       the form: choose suites (space marks one), lm-eval tasks or files\n"
        "ctrl+s  in the form: start the evaluation"
    )
    fields = (
        FormField("run", "", "a training run by id, path or latest", usual="latest"),
        FormField(
            "others", "", "lm-eval's tasks, or files of JSONL or YAML, by commas", usual="none"
        ),
        FormField(
            "limit", "--limit", "only the first so many items of each task", "evaluate.limit", "all"
        ),
        FormField(
            "prompted base",
            "--prompted-base",
            "the base behind so many training rows, as the bar to beat",
            "evaluate.prompted_base",
            "0",
        ),
        FormField(
            "checkpoints", "--checkpoints", "over the run's checkpoints, too: where it forgot",
            choices=("no", "yes"), switch=True,
        ),
    )  # fmt: skip
    _options = (fields[0], FormField("suites", "--suite", "", "evaluate.suites"), *fields[2:])

    def __init__(self, *, id: str | None = None) -> None:
        """Start with nothing marked: the settings' suites are asked."""
        super().__init__(id=id)
        self._suites: list[Suite] = []
        self._chosen: set[str] = set()

    def compose_result(self) -> ComposeResult:
        """Yield heading, what runs, and the table."""
        yield Static(id="bench-running", classes="panel")
        yield Line(id="bench-heading")
        yield Table(id="bench-table")

    def compose_below_form(self) -> ComposeResult:
        """Yield the suites to choose from."""
        yield SuiteTable(id="bench-suites")

    def on_mount(self) -> None:
        """Hide what is not running; list the suites."""
        running = self.query_one("#bench-running")
        running.border_title, running.display = "Running", False
        self._suites = suites()
        self._list_suites()
        super().on_mount()

    @property
    def table(self) -> Table:
        """The list of tasks."""
        return self.query_one("#bench-table", Table)

    def result_widget(self) -> Widget:
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
            where = "f opens the form, or run" if snapshot.train else "First run"
            heading.say(empty.append(f"{where}: tunewise {step}", style="dim"))
            return
        tasks = document.content["tasks"]
        items = sum(int(task["n"]) for task in tasks)
        text = styled(f"{counted(len(tasks), 'task')}, {counted(items, 'item')}", "bold")
        if (seconds := document.content.get("seconds")) is not None:
            text.append(f"  in {duration(seconds)}", style="dim")
        heading.say(text)
        self.table.show(Rows(_COLUMNS, [_cells(task) for task in tasks]))

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show the evaluation in progress, with what is known by now."""
        running = [job for job in jobs if job.running and (job.command == "evaluate" or job.scored)]
        panel = self.query_one("#bench-running", Static)
        panel.display = bool(running)
        if running:
            panel.update(progress_text(running[-1]).append_text(partial_text(running[-1].scored)))

    @on(Table.RowSelected, "#bench-table")
    def _task_selected(self, event: Table.RowSelected) -> None:
        event.stop()
        self.post_message(GoTo("report"))

    # The form

    def command(self) -> list[str]:
        """Return the command that measures on what was chosen."""
        words = super().command()
        return words if len(words) > 1 else [*words, "latest"]

    @property
    def options(self) -> tuple[FormField, ...]:
        """The options that the form and the marks stand for."""
        return self._options

    def form_values(self) -> dict[str, str]:
        """Return what was filled in and marked."""
        values = self.form.values()
        asked = suites_argument(self._chosen, values.pop("others"), self._suites)
        return {"suites": asked, **values}

    @on(Table.RowSelected, "#bench-suites")
    def _suite_selected(self, event: Table.RowSelected) -> None:
        event.stop()
        name = self._suites[event.cursor_row].name
        self._chosen ^= {name}
        self._list_suites()
        self.changed()

    def _list_suites(self) -> None:
        table = self.query_one("#bench-suites", Table)
        cells = [
            [
                styled(marks().marked if suite.name in self._chosen else " ", GOOD),
                plain(suite.name, "bold"),
                plain("" if suite.items is None else f"{suite.items:,}", "dim"),
                plain(suite.what, "dim"),
            ]
            for suite in self._suites
        ]
        table.show(Rows(_SUITE_COLUMNS, cells), cursor=max(0, table.cursor_row))

    def preview_now(self) -> Text:
        """Return what would be measured."""
        values = self.form_values()
        text = Text("the domain's test split, always\n")
        for suite in self._suites:
            if suite.name in self._chosen:
                text.append_text(plain(f"{suite.name}: {suite.what}")).append("\n")
        if others := self.form.values()["others"].strip():
            text.append_text(plain(others)).append("\n")
        if not values["suites"]:
            text.append("nothing is marked: the suites of the settings are asked\n", "dim")
        if limit := values.get("limit"):
            text.append_text(plain(f"only the first {limit} items of each task")).append("\n")
        return text.append("\nEvery item is asked of base and tuned model alike.", style="dim")


def partial_text(scored: tuple[TaskScored, ...]) -> Text:
    """Return the tasks that an evaluation is done with, for both models.

    Args:
        scored: as they were told.
    """
    by_task: dict[str, dict[str, TaskScored]] = {}
    for one in scored:
        model = _TUNED if one.model == _TUNED else "base"
        by_task.setdefault(one.task, {})[model] = one
    text = Text()
    for task, found in by_task.items():
        text.append("\n  ")
        name = plain(task, "bold")
        name.truncate(23, overflow="ellipsis")
        name.pad_right(24 - name.cell_len)
        text.append_text(name)
        for model in ("base", _TUNED):
            one = found.get(model)
            shown = f"{one.score:.3f}" if one else marks().ellipsis
            text.append(f" {model} ", style="dim").append(f"{shown:>6}")
        one = next(iter(found.values()))
        text.append_text(plain(f"  {one.items:,} items, {one.metric}", "dim"))
    return text


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
