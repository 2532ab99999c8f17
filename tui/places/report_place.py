"""Place 7, Report: what the tuning taught, what it cost, and the answers that show it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.worker import get_current_worker

from ...evaluate.reporting.charts_text import LEFT, LINE, NARROWEST, POINT, RIGHT, forest_plot
from ...evaluate.reporting.summary import general_sentence, headline, overfitting_verdict
from ..keys import named
from ..messages import RunCommand
from ..records.item_rows import ORDERS, ItemRows, read_flips, read_item
from ..screens.answers import AnswersScreen
from ..screens.ranking import RankingScreen
from ..screens.review import ReviewScreen
from ..snapshot import Document, Snapshot
from ..texts.marks import BAD, VERDICT_STYLES, drawn, marks, plain, styled, verdict_label
from ..texts.run_curves import LossLog, curve_text, read_log
from ..widgets.listing import Rows
from ..widgets.pane import Line, Pane
from ..widgets.table import Table
from .place import FilterBar, Place

_LEAST, _WIDEST, _HEIGHT = 24, 90, 8


class ReportPlace(Place):
    """Verdicts, the changes with their intervals, and the items that were lost and gained."""

    can_filter = True
    can_sort = True
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("b", "review", "Blind review"),
        Binding("v", "rank", "Compare runs"),
        Binding("m", "export", "Export"),
    )
    help_text = (
        "What the tuned model learned, whether it only memorised, and what it forgot:\n"
        "the change of every task with its 95 % interval, and the items behind it.\n"
        "enter  both answers to an item      / only items with a text      o  sort\n"
        "b      review answers blind: base and tuned in random order, preferences counted\n"
        "v      this run beside the others of its base, best first\n"
        "m      write the report as HTML, Markdown and JSON (ctrl+s, too)"
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Start with the lost items."""
        super().__init__(id=id)
        self._document: Document | None = None
        self._order = ORDERS[0]
        self._text = ""
        self._losses: LossLog | None = None
        self._beside: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        """Yield models, verdicts, forest plot, the list of items and the filter field."""
        yield Line(id="report-models")
        yield Line(id="report-verdict")
        yield Pane(id="report-forest")
        yield Line(id="report-flips")
        yield Table(id="report-table")
        yield FilterBar()

    @property
    def table(self) -> Table:
        """The list of items."""
        return self.query_one("#report-table", Table)

    def main_widget(self) -> Widget:
        """Return the list of items."""
        return self.table

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest evaluation."""
        document = snapshot.evaluate
        if document is None:
            self._document = None
            self.query_one("#report-models", Line).say(_empty_text(snapshot))
            self.query_one("#report-verdict", Line).say(Text())
            self.query_one("#report-forest", Pane).show(Text(""))
            self.query_one("#report-flips", Line).say(Text())
            self.table.show(Rows((), ()))
        elif self._document is None or self._document.artifact != document.artifact:
            # Kept only once it has been drawn: a broken document raises here, and only here.
            self._document, self._losses, self._beside = None, None, ()
            verdict, plot = verdict_text(document.content), self._plot(document)
            self._document = document
            self.query_one("#report-models", Line).say(models_text(snapshot.models))
            self.query_one("#report-verdict", Line).say(verdict)
            self.query_one("#report-forest", Pane).show(plot)
            self._read_beside(document)
            self._load()

    def on_resize(self) -> None:
        """Draw the plot to the new width."""
        if self._document is not None:
            self.query_one("#report-forest", Pane).show(self._plot(self._document))

    def _plot(self, document: Document) -> Text:
        width = max(NARROWEST, self.size.width - 3)
        text = forest_text(document.content, width)
        text.append("\n\n").append_text(explanation_text(document.content))
        for line in self._beside:
            text.append("\n").append_text(plain(line, "" if line.startswith(" ") else "bold"))
        if self._losses is not None:
            text.append("\n\nlosses of the run\n", style="bold")
            chart = curve_text(self._losses, max(_LEAST, min(_WIDEST, width - 12)), _HEIGHT)
            text.append_text(chart)
        return text

    @work(thread=True, exclusive=True, group="beside")
    def _read_beside(self, document: Document) -> None:
        run = document.content.get("run")
        path = self.workspace.store / "train" / str(run) / "log.parquet"
        try:
            losses = read_log(path) if run and Path(str(run)).name == str(run) else None
        except (OSError, pl.exceptions.PolarsError):
            # The run has gone, or was made elsewhere; the verdicts stand without its curves.
            losses = None
        beside = beside_lines(document.content)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._show_beside, document, losses, beside)

    def _show_beside(
        self, document: Document, losses: LossLog | None, beside: Sequence[str]
    ) -> None:
        self._losses, self._beside = losses, beside
        if losses is not None or beside:
            self.query_one("#report-forest", Pane).show(self._plot(document))

    def apply_filter(self, text: str) -> None:
        """List only items that hold a text."""
        self._text = text
        self._load()

    def next_order(self) -> str:
        """Sort by the next key."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self._load()
        return self._order

    def command(self) -> list[str]:
        """Return the command that writes the report."""
        return ["report", *([self._document.artifact.id] if self._document else [])]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what needs an evaluation only where there is one."""
        return action not in ("review", "rank", "export") or self._document is not None

    def action_review(self) -> None:
        """Review answers blind."""
        if self._document is not None:
            self.app.push_screen(ReviewScreen(self._document))

    def action_rank(self) -> None:
        """Rank the runs of this base."""
        if self._document is not None:
            self.app.push_screen(RankingScreen(self._document))

    def action_export(self) -> None:
        """Write the report."""
        if self._document is not None:
            self.post_message(RunCommand(self.command()))

    def write(self) -> bool:
        """Write the report."""
        self.action_export()
        return self._document is not None

    def text_to_copy(self) -> str:
        """Return the whole judgement in a sentence."""
        return headline(self._document.content) if self._document else ""

    def _load(self) -> None:
        if self._document is not None:
            self._load_items(self._document, self._order, self._text)

    @work(thread=True, exclusive=True, group="items")
    def _load_items(self, document: Document, order: str, text: str) -> None:
        worker = get_current_worker()
        try:
            rows = read_flips(
                document.folder / "items.parquet", document.content["tasks"], order, text
            )
        except (OSError, pl.exceptions.PolarsError) as error:
            if not worker.is_cancelled:
                trouble = plain(f"cannot read the items: {error}", BAD)
                self.app.call_from_thread(self.query_one("#report-flips", Line).say, trouble)
            return
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_items, rows)

    def _show_items(self, rows: ItemRows) -> None:
        self.table.show(rows)
        summary = styled(rows.summary(), "bold")
        if self._text:
            summary.append("  with ", style="dim").append_text(plain(self._text, "bold"))
        summary.append(f"  {self._order}", style="dim")
        self.query_one("#report-flips", Line).say(summary)

    @on(Table.RowSelected, "#report-table")
    def _row_selected(self, event: Table.RowSelected) -> None:
        event.stop()
        listing = self.table.listing
        if isinstance(listing, ItemRows) and self._document is not None:
            chosen = listing.item(event.cursor_row)
            self._read_answers(self._document, chosen["task"], chosen["item"])

    @work(thread=True, exclusive=True, group="answers")
    def _read_answers(self, document: Document, task: str, item: str) -> None:
        try:
            found = read_item(document.folder / "items.parquet", task, item)
        except (OSError, pl.exceptions.PolarsError) as error:
            self.app.call_from_thread(
                self.notify, f"cannot read the item: {error}", severity="error", markup=False
            )
            return
        if found is not None and not get_current_worker().is_cancelled:
            self.app.call_from_thread(self.app.push_screen, AnswersScreen(found))


def models_text(names: Mapping[str, str]) -> Text:
    """Return the names of the models that are compared."""
    text = styled("base ", "dim").append_text(plain(names["base"], "bold"))
    text.append(f" {marks().arrow} tuned ", style="dim")
    return text.append_text(plain(names["tuned"], "bold"))


def verdict_text(content: Mapping[str, Any]) -> Text:
    """Return the verdicts in a line: general ability, domain, overfitting."""
    text = Text()
    for title, verdict in (
        ("general", content.get("overall")),
        ("domain", content.get("domain_gain")),
        ("overfitting", overfitting_verdict(content)),
    ):
        if verdict:
            text.append(f"{title} ", style="dim").append_text(verdict_label(str(verdict)))
            text.append("   ")
    return text


def interval_pattern() -> str:
    """Return a pattern that finds what a forest plot draws for a task, and nothing else."""
    left, line, point, right = (re.escape(drawn(sign)) for sign in (LEFT, LINE, POINT, RIGHT))
    return f"{left}{line}*{point}{line}*{right}?|{point}{line}*{right}"


def explanation_text(content: Mapping[str, Any]) -> Text:
    """Return what the verdicts rest on, in sentences."""
    text = plain(headline(content), "bold")
    text.append("\n").append_text(plain(general_sentence(content)))
    for signal in (content.get("overfitting") or {}).get("signals") or ():
        text.append("\n").append_text(verdict_label(str(signal["verdict"])))
        text.append_text(plain(f"  {signal['name']}: {signal['text']}", "dim"))
    text.no_wrap = False
    return text


def forest_text(content: Mapping[str, Any], width: int) -> Text:
    """Return the changes with their intervals as a plot, coloured by their verdicts.

    Args:
        content: ``evaluate.json``.
        width: cells to fill.
    """
    lines = []
    for line in forest_plot(content["tasks"], width=width):
        text = plain(drawn(line))
        text.truncate(width, overflow="ellipsis")
        verdict = next((word for word in VERDICT_STYLES if f" {word}" in line), None)
        if verdict is not None:
            style = VERDICT_STYLES[verdict]
            text.highlight_regex(interval_pattern(), style)
            text.highlight_words([verdict], style)
        lines.append(text)
    return Text("\n").join(lines)


def beside_lines(content: Mapping[str, Any]) -> list[str]:
    """Return what was measured beside the verdicts, line by line, titles without indentation."""
    # Both bring the statistics, a second, so this runs in a thread.
    from ...evaluate.reporting.course import course_lines
    from ...evaluate.reporting.observed import observation_lines

    try:
        blocks = [observation_lines(content), course_lines(content)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return ["", f"what was measured beside the verdicts is not understood: {error!r}"]
    shown: list[str] = []
    for block in blocks:
        lines = [line for line in block if line.strip()]
        shown += ["", *lines[:1], *(f"  {line.strip()}" for line in lines[1:])] if lines else []
    return shown


def _empty_text(snapshot: Snapshot) -> Text:
    text = styled("No evaluation yet. ", "bold")
    steps: Sequence[str] = ("evaluate",) if snapshot.train else ("train", "evaluate")
    command = " && ".join(f"tunewise {step}" for step in steps)
    return text.append(f"Run: {command}", style="dim")
