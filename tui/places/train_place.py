"""Place 5, Train: a form with estimate and preflight, the run in progress, and the newest run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from ...workspace.jobs import cancel_job, kill_job
from ..jobs.view import JobView
from ..keys import named
from ..messages import RunCommand
from ..screens.dialogs import Choice, Choose
from ..snapshot import Document, Snapshot
from ..texts.marks import BAD, plain, styled
from ..texts.run import (
    answers_text,
    dry_text,
    facts_text,
    live_text,
    sampled_text,
    supervision_text,
)
from ..texts.run_curves import LossLog, curve_text, measured_log, read_log
from ..widgets.fields import FormField
from .form_place import FormPlace

_HEIGHT, _NARROWEST = 12, 24
_BESIDE_CHART = 15
_FACTS_WIDTH = 42
_STOP = (
    Choice("enter", "step", "stop after the step in progress; a checkpoint is written"),
    Choice("k", "now", "kill it now; the steps since its last checkpoint are lost"),
)


class TrainPlace(FormPlace):
    """A run as it goes on, the newest one as it was written, and the form for another."""

    step = "train"
    preview_title = "What would be done"
    help_text: ClassVar[str] = (
        "The run in progress with its losses, speed, general probe and answers;\n"
        "else the newest one: its losses, its best checkpoint, and what it learned from.\n"
        "f       the form: model, method and numbers, with estimate and preflight beside it\n"
        "ctrl+s  in the form: start the run\n"
        "c       have the run write a checkpoint now, and go on\n"
        "space   freeze the view of a run      l  logarithmic losses\n"
        "x       stop the run, after its step or now; the same command goes on from there"
    )
    fields = (
        FormField("split", "", "a split by id, path or latest", usual="latest"),
        FormField("model", "--model", "the base model: a folder or a name", "train.model"),
        FormField(
            "method", "--method", "what is tuned", "train.method",
            choices=("lora", "full"),
        ),
        FormField("rank", "--rank", "LoRA rank", "train.rank"),
        FormField(
            "learning rate", "--learning-rate", "the highest, after the warm-up",
            "train.learning_rate", "by method",
        ),
        FormField("epochs", "--epochs", "passes over the training rows", "train.epochs"),
        FormField("batch size", "--batch-size", "rows a step", "train.batch_size"),
        FormField(
            "replay", "--replay", "a file of general rows to mix in, against forgetting",
            "train.replay", "none",
        ),
        FormField(
            "probe", "--probe", "a file of general rows to measure, never to learn",
            "train.probe", "none",
        ),
        FormField(
            "stop if", "--stop-if", "a forgetting budget: general_loss_increase > 0.05",
            "train.stop_if", "never",
        ),
        FormField("seed", "--seed", "of order, dropout and adapter", "train.seed"),
        FormField("recipe", "--recipe", "a TOML file with any other key of [train]", usual="none"),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("space", "freeze", "Freeze", show=False),
        Binding("l", "log_scale", "Log scale", show=False),
        Binding("c", "checkpoint", "Checkpoint"),
        Binding("x", "stop", "Stop run"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Start without a run."""
        super().__init__(id=id)
        self._log_scale = False
        self._frozen = False
        self._losses = LossLog()
        self._live: JobView | None = None
        self._document: Document | None = None

    def compose_result(self) -> ComposeResult:
        """Yield the panels."""
        with VerticalScroll(classes="panels"):
            with Container(id="train-live"):
                yield Static(id="train-live-curve", classes="panel")
                yield Static(id="train-live-facts", classes="panel")
            yield Static(id="train-live-answers", classes="panel")
            yield Static(id="train-facts", classes="panel")
            yield Static(id="train-curve", classes="panel")
            yield Static(id="train-answers", classes="panel")
            yield Static(id="train-supervision", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        for name, title in (
            ("live-curve", "Loss"),
            ("live-facts", "Running"),
            ("live-answers", "Answers to the same prompts"),
            ("facts", "Run"),
            ("curve", "Loss"),
            ("answers", "Answers to the same prompts"),
            ("supervision", "Learned from what stands between the brackets"),
        ):
            self._panel(name).border_title = title
        self._show_live(None)
        super().on_mount()

    # What there is

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest run."""
        document = snapshot.train
        for name in ("curve", "supervision"):
            self._panel(name).display = document is not None
        if document is None:
            self._panel("answers").display = False
            text = styled("No run yet. ", "bold")
            step = "train latest --model MODEL" if snapshot.split else "split latest"
            where = "f opens the form, or run" if snapshot.split else "First run"
            self._panel("facts").update(text.append(f"{where}: tunewise {step}", style="dim"))
        elif self._document is None or document.artifact != self._document.artifact:
            facts = facts_text(document.content)
            self._panel("facts").update(
                facts.append("\n").append_text(plain(self.shown_path(document.folder), "dim"))
            )
            self._panel("supervision").update(supervision_text(document.content))
            self._read_log(document)
        self._document = document

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Follow the run in progress, by whichever command it was begun."""
        running = [job for job in jobs if job.running and (job.command == "train" or job.measured)]
        view = running[-1] if running else None
        if view is None:
            self._frozen = False
        if not self._frozen:
            appeared = (view is None) != (self._live is None)
            self._show_live(view)
            if appeared:
                self.refresh_bindings()

    def _show_live(self, view: JobView | None) -> None:
        self._live = view
        live = view is not None
        self.query_one("#train-live").display = live
        self._panel("live-answers").display = live and bool(view.sampled)
        if view is not None:
            self._draw_live(view)

    def _draw_live(self, view: JobView) -> None:
        width = self._chart_width(beside=self.app.size.width >= 120)
        losses = measured_log(view.measured)
        chart = curve_text(losses, width, _HEIGHT, log=self._log_scale)
        self._panel("live-curve").update(chart)
        self._panel("live-facts").update(live_text(view, frozen=self._frozen))
        if view.sampled:
            self._panel("live-answers").update(sampled_text(view.sampled))

    def _chart_width(self, *, beside: bool = False) -> int:
        room = self.size.width - _BESIDE_CHART - (_FACTS_WIDTH + 2 if beside else 2)
        return max(_NARROWEST, room)

    def on_resize(self) -> None:
        """Draw the charts to their new width."""
        if self._live is not None:
            self._draw_live(self._live)
        self._draw_log()

    @work(thread=True, exclusive=True, group="log")
    def _read_log(self, document: Document) -> None:
        losses, problem, answers = LossLog(), "", None
        try:
            losses = read_log(document.folder / "log.parquet")
            path = document.folder / "samples.parquet"
            if path.is_file():
                answers = answers_text(pl.read_parquet(path).sort("step").iter_rows(named=True))
        except (OSError, KeyError, pl.exceptions.PolarsError) as error:
            problem = f"cannot read the log: {error}"
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._show_log, losses, problem, answers)

    def _show_log(self, losses: LossLog, problem: str, answers: Text | None) -> None:
        self._losses = losses
        self._panel("answers").display = answers is not None
        if answers is not None:
            self._panel("answers").update(answers)
        if problem:
            self._panel("curve").update(plain(problem, BAD))
        else:
            self._draw_log()

    def _draw_log(self) -> None:
        if self._document is not None:
            width = self._chart_width()
            chart = curve_text(self._losses, width, _HEIGHT, log=self._log_scale)
            self._panel("curve").update(chart)

    def result_widget(self) -> Widget:
        """Return the scrolling panels."""
        return self.query_one(".panels")

    # What can be done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop and to freeze only where something runs."""
        return action not in ("stop", "checkpoint", "freeze") or self._live is not None

    def action_freeze(self) -> None:
        """Stop the view where it is, or let it go on; the run itself goes on."""
        self._frozen = not self._frozen
        self.show_jobs(self.app.jobs)  # type: ignore[attr-defined]
        if self._live is not None:
            self._draw_live(self._live)

    def action_log_scale(self) -> None:
        """Draw the losses on a logarithmic scale, or on the plain one again."""
        self._log_scale = not self._log_scale
        self.on_resize()

    def action_checkpoint(self) -> None:
        """Ask the run for a checkpoint after the step in progress."""
        self.post_message(RunCommand(["checkpoint"]))

    def action_stop(self) -> None:
        """Ask how the run should stop."""
        view = self._live
        if view is None:
            return

        def stop(answer: str | None) -> None:
            if answer == "step":
                cancel_job(view.job)
            elif answer == "now":
                kill_job(view.job)

        told = plain("The same command goes on from the last checkpoint.")
        self.app.push_screen(Choose("Stop this run?", told, _STOP), stop)

    def preview_arguments(self) -> list[str]:
        """Return the command that works the run out without training."""
        return [*self.command(), "--dry-run"]

    def preview_text(self, document: Mapping[str, Any]) -> Text:
        """Return what the run would do and take."""
        return dry_text(document)

    def _panel(self, name: str) -> Static:
        return self.query_one(f"#train-{name}", Static)
