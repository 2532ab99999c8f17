"""Place 5, Train: the newest run's facts and loss curves, and the one in progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from .curves import Curve, draw_curves
from .data_place import progress_text
from .job_view import JobView
from .marks import BAD, ORANGE, SKY, WARNING, duration, marks, plain, styled
from .place import Place
from .snapshot import Document, Snapshot

_WIDTH, _HEIGHT = 64, 12
_PARTS_OF_A_RUN = 10
_EXAMPLES_SHOWN = 3
_EXAMPLE_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class LossLog:
    """A run's losses by step; those of single batches jump, so they are a mean of ``window``."""

    train: tuple[tuple[float, float], ...]
    val: tuple[tuple[float, float], ...]
    window: int


class TrainPlace(Place):
    """The newest training run as it was written."""

    name_in_rail = "Train"
    help_text: ClassVar[str] = (
        "The newest training run: its losses, its best checkpoint, and what it learned from.\n"
        "Start one with: tunewise train latest --model MODEL"
    )

    def compose(self) -> ComposeResult:
        """Yield the panels."""
        with VerticalScroll(classes="panels"):
            yield Static(id="train-running", classes="panel")
            yield Static(id="train-facts", classes="panel")
            yield Static(id="train-curve", classes="panel")
            yield Static(id="train-supervision", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        for name, title in (
            ("running", "Running"),
            ("facts", "Run"),
            ("curve", "Loss"),
            ("supervision", "Learned from what stands between the brackets"),
        ):
            self._panel(name).border_title = title
        self._panel("running").display = False
        super().on_mount()

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest run."""
        document = snapshot.train
        for name in ("curve", "supervision"):
            self._panel(name).display = document is not None
        if document is None:
            text = styled("No run yet. ", "bold")
            step = "train latest --model MODEL" if snapshot.split else "split latest"
            self._panel("facts").update(text.append(f"Run: tunewise {step}", style="dim"))
            return
        facts = facts_text(document.content)
        self._panel("facts").update(
            facts.append("\n").append_text(plain(self.shown_path(document.folder), "dim"))
        )
        self._panel("supervision").update(supervision_text(document.content))
        self._read_log(document)

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show the run in progress."""
        running = [job for job in jobs if job.command == "train" and job.running]
        self._panel("running").display = bool(running)
        if running:
            self._panel("running").update(progress_text(running[-1]))

    def main_widget(self) -> Widget:
        """Return the scrolling panels."""
        return self.query_one(VerticalScroll)

    def command(self) -> list[str]:
        """Return the command that starts a run."""
        return ["train", "latest"]

    @work(thread=True, exclusive=True, group="log")
    def _read_log(self, document: Document) -> None:
        try:
            text = curve_text(read_log(document.folder / "log.parquet"))
        except (OSError, pl.exceptions.PolarsError) as error:
            text = plain(f"cannot read the log: {error}", BAD)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._panel("curve").update, text)

    def _panel(self, name: str) -> Static:
        return self.query_one(f"#train-{name}", Static)


def read_log(path: Path) -> LossLog:
    """Read a run's losses; steps where one was not measured are left out of it."""
    frame = pl.read_parquet(path, columns=["step", "train_loss", "val_loss"]).fill_nan(None)
    train = frame.select("step", loss="train_loss").drop_nulls()
    window = max(1, len(train) // _PARTS_OF_A_RUN)
    smooth = train.with_columns(pl.col("loss").rolling_mean(window, min_samples=1))
    val = frame.select("step", loss="val_loss").drop_nulls()
    return LossLog(tuple(smooth.iter_rows()), tuple(val.iter_rows()), window)


def curve_text(log: LossLog) -> Text:
    """Return both losses as a chart, or say that none was measured."""
    name = "train" if log.window == 1 else f"train, mean of {log.window} steps"
    curves = [Curve(name, log.train, SKY), Curve("val", log.val, ORANGE, dashed=True)]
    shown: Sequence[Curve] = [curve for curve in curves if curve.points]
    if not shown:
        return styled("no loss was measured", "dim")
    return draw_curves(shown, _WIDTH, _HEIGHT)


def facts_text(content: Mapping[str, Any]) -> Text:
    """Return a run's numbers: steps, tokens, time, best and final losses."""
    text = Text()
    for key in ("model", "method"):
        if content.get(key):
            text.append(f"{key} ", style="dim").append_text(
                plain(Path(str(content[key])).name, "bold")
            ).append("  ")
    numbers = [
        f"{content[key]:,} {title}"
        for key, title in (
            ("steps", "steps"),
            ("tokens", "tokens"),
            ("supervised_tokens", "of them learned from"),
        )
        if content.get(key) is not None
    ]
    if text.plain:
        text.append("\n")
    text.append(", ".join(numbers))
    if content.get("seconds") is not None:
        text.append(f", in {duration(content['seconds'])}")
    best, final = content.get("best") or {}, content.get("final") or {}
    if best.get("val_loss") is not None:
        text.append(f"\nbest val loss {best['val_loss']:.3f} at step {best.get('step')}", "bold")
    elif best:
        text.append("\nno validation", "bold")
    if final.get("train_loss") is not None:
        text.append(f"\nfinal train loss {final['train_loss']:.3f}")
        if final.get("val_loss") is not None:
            text.append(f", val loss {final['val_loss']:.3f}")
    return text


def supervision_text(content: Mapping[str, Any]) -> Text:
    """Return what the run learned from: rows by fate, warnings, and a few rows as rendered."""
    text = Text()
    for part, rows in (content.get("rows") or {}).items():
        text.append_text(plain(part, "bold")).append(f"  {rows['used']:,} of {rows['rows']:,} rows")
        text.append(f", {rows['refused']:,} refused, {rows['truncated']:,} cut off\n", "dim")
    for warning in content.get("warnings") or ():
        text.append_text(plain(f"{marks().severity[1]} {warning}", WARNING)).append("\n")
    for example in (content.get("examples") or ())[:_EXAMPLES_SHOWN]:
        text.append("\n").append_text(plain(str(example)[:_EXAMPLE_CHARACTERS])).append("\n")
    text.rstrip()
    return text if text.plain else styled("this run did not say", "dim")
