"""Place 4, Splits: the newest split with its certificate, its siblings, and a form for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from ..jobs.view import JobView
from ..keys import named
from ..snapshot import Document, Snapshot
from ..texts.marks import BAD, counted, plain, styled
from ..texts.split import certificate_text, labels_text, parts_text, preview_text, split_name
from ..widgets.fields import FormField
from .data_place import progress_text
from .form_place import FormPlace

_LEFT_OUT_SHOWN = 8
# A preview reads all rows: of many it is made only when asked for.
_PREVIEWED_ROWS = 200_000


class SplitsPlace(FormPlace):
    """The newest split as it was written, and the proof that nothing leaks."""

    step = "split"
    help_text: ClassVar[str] = (
        "The newest split: how many rows each part has, how evenly the labels fell,\n"
        "which rows are in no part, and the certificate from a search of the written files.\n"
        "f       the form: settings, with a preview of how the rows would fall\n"
        "ctrl+s  in the form: write the split\n"
        "n p     the next and the previous split, such as the folds"
    )
    fields = (
        FormField("data", "", "a clean dataset, by id or latest, or files", usual="latest"),
        FormField("ratios", "--ratios", "shares of train/val/test", "split.ratios"),
        FormField(
            "stratify", "--stratify", "columns whose shares stay equal, by commas",
            "split.stratify", "the label", many=True,
        ),
        FormField(
            "group", "--group", "columns whose equal values stay together, by commas",
            "split.group", "none", many=True,
        ),
        FormField("seed", "--seed", "another seed gives another split", "split.seed"),
        FormField(
            "threshold", "--threshold", "Jaccard from which rows stay together", "split.threshold"
        ),
        FormField(
            "by time", "--by-time", "a column with times: train is older than test",
            "split.by_time", "no",
        ),
        FormField(
            "folds", "--folds", "so many splits, each row tested in one of them", "split.folds",
            "no",
        ),
        FormField(
            "leave out", "--leave-out", "COLUMN=VALUE is the test; COLUMN: a split for each value",
            "split.leave_out", "no",
        ),
        FormField(
            "keep test", "--keep-test", "this file is the test; what leaks into it is left out",
            "split.keep_test", "no",
        ),
        FormField(
            "out of domain", "--out-of-domain", "COLUMN=VALUE is held out as a part of its own",
            "split.out_of_domain", "no", many=True,
        ),
        FormField(
            "against", "--against", "an earlier split whose rows keep their parts",
            "split.against", "no",
        ),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("n", "step(1)", "Next", show=False),
        Binding("p", "step(-1)", "Previous", show=False),
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Start with the newest split."""
        super().__init__(id=id)
        self._splits: tuple[Document, ...] = ()
        self._back = 0

    def compose_result(self) -> ComposeResult:
        """Yield the panels."""
        with VerticalScroll(classes="panels"):
            yield Static(id="split-running", classes="panel")
            yield Static(id="split-parts", classes="panel")
            yield Static(id="split-certificate", classes="panel")
            yield Static(id="split-left", classes="panel")
            yield Static(id="split-labels", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        for name, title in (
            ("running", "Running"),
            ("parts", "Parts"),
            ("certificate", "Certificate"),
            ("left", "In no part"),
            ("labels", "Labels, percent of each part"),
        ):
            self._panel(name).border_title = title
        self._panel("running").display = False
        super().on_mount()

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest split, or the one that was chosen among its siblings."""
        newest = self._splits[-1].artifact if self._splits else None
        self._splits = snapshot.splits
        if not self._splits or self._splits[-1].artifact != newest:
            self._back = 0
        self._draw()

    def _draw(self) -> None:
        back = min(self._back, len(self._splits) - 1)
        document = self._splits[-1 - back] if self._splits else None
        for name in ("certificate", "labels", "left"):
            self._panel(name).display = document is not None
        if document is None:
            empty = styled("No split yet. ", "bold")
            empty.append("f opens the form, or run: tunewise split latest", style="dim")
            self._panel("parts").update(empty)
            return
        content = document.content
        parts = parts_text(content)
        parts.append("\n").append_text(plain(self.shown_path(document.folder), "dim"))
        if len(self._splits) > 1:
            place = f"{split_name(content)}, {len(self._splits) - back} of {len(self._splits)}"
            parts.append("\n").append_text(plain(f"{place}; n p show the others", "dim"))
        self._panel("parts").update(parts)
        self._panel("certificate").update(certificate_text(content.get("certificate") or {}))
        self._panel("left").display = bool((content.get("left_out") or {}).get("rows"))
        if self._panel("left").display:
            self._read_left_out(document)
        labels = content.get("by_label") or []
        self._panel("labels").display = bool(labels)
        text = labels_text(labels)
        for column, shares in (content.get("by_column") or {}).items():
            text.append("\n\n").append_text(labels_text(shares, column))
        self._panel("labels").update(text)

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show the split in progress."""
        running = [job for job in jobs if job.command == "split" and job.running]
        self._panel("running").display = bool(running)
        if running:
            self._panel("running").update(progress_text(running[-1]))

    def result_widget(self) -> Widget:
        """Return the scrolling panels."""
        return self.query_one(".panels")

    def action_step(self, by: int) -> None:
        """Show the next or the previous split."""
        if self._splits:
            self._back = min(max(0, self._back - by), len(self._splits) - 1)
            self._draw()

    def preview_arguments(self) -> list[str]:
        """Return the command that tells how the rows would fall."""
        audit = self.app.snapshot.audit  # type: ignore[attr-defined]
        if audit is not None and audit.rows > _PREVIEWED_ROWS:
            return []
        return [*self.command(), "--preview"]

    def preview_text(self, document: Mapping[str, Any]) -> Text:
        """Return how the rows would fall."""
        return preview_text(document)

    def waiting_text(self) -> Text:
        """Say why there is no preview where there is none."""
        if self.preview_arguments():
            return super().waiting_text()
        return styled(
            f"With more than {counted(_PREVIEWED_ROWS, 'row')} a preview takes as long as the "
            "split. Run the command with --preview to have one.",
            "dim",
        )

    @work(thread=True, exclusive=True, group="left-out")
    def _read_left_out(self, document: Document) -> None:
        try:
            frame = pl.scan_parquet(document.folder / "left_out.parquet").head(_LEFT_OUT_SHOWN)
            text = left_out_text(frame.collect(), int(document.content["left_out"]["rows"]))
        except (OSError, pl.exceptions.PolarsError) as error:
            text = plain(f"cannot read the rows that were left out: {error}", BAD)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._panel("left").update, text)

    def _panel(self, name: str) -> Static:
        return self.query_one(f"#split-{name}", Static)


def left_out_text(frame: pl.DataFrame, rows: int) -> Text:
    """Return a few rows that are in no part, each with its reason.

    Args:
        frame: the first lines of ``left_out.parquet``.
        rows: how many there are in all.
    """
    text = Text()
    for item in frame.iter_rows(named=True):
        text.append(f"row {item['row']:,}  ", style="bold")
        text.append_text(plain(str(item.get("reason") or item.get("by") or ""))).append("\n")
    if rows > len(frame):
        text.append(f"and {rows - len(frame):,} more in left_out.parquet", style="dim")
    text.rstrip()
    return text
