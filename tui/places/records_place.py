"""Place 3, Records: reading, searching, and comparing pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher
from textual.worker import get_current_worker

from ..keys import named
from ..messages import GoTo
from ..records.decisions import RecordDecisions
from ..records.file import ORDERS, ROW
from ..records.hit_rows import HitRows
from ..records.views import READ_ERRORS, Query, Reading, make_listing, make_reading, trouble
from ..snapshot import Snapshot
from ..texts.audit_view import AuditView
from ..texts.marks import counted, marks, plain, styled
from ..widgets.comparing import Comparing
from ..widgets.listing import Column, RecordPages, Rows
from ..widgets.pane import Line, Pane, first_mark
from ..widgets.table import Table
from .place import FilterBar


class RecordsPlace(RecordDecisions):
    """A list of records or hits, and the one under the cursor to read or to compare."""

    can_filter = True
    can_sort = True
    help_text = (
        "Reads records as they were understood, with the evidence of findings marked in place.\n"
        "enter  into the text        esc  back to the list      n p  next, previous\n"
        "/      only records with a text      o  sort by row, length or label\n"
        "From Findings, enter lists one check's hits; pairs are compared word by word:\n"
        "[-only in the one-]  {+only in the other+}.\n"
        "space  mark rows            a A  accept the fix: of these rows, of the whole check\n"
        "i      ignore, with a reason     u ctrl+r  undo, redo\n"
        "[ ] b x  of a pair: keep the left, the right, both, or neither; x: leave the row out\n"
        "ctrl+s do what was chosen, or write the clean rows to a file\n"
        "e E    edit the row, in your editor or here      w  wrap long lines"
    )
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("n", "step(1)", "Next"),
        Binding("p", "step(-1)", "Previous"),
    )
    # Keys come faster than a disk answers: read only where the cursor rests.
    read_after_seconds: ClassVar[float] = 0.03

    def __init__(self, *, id: str | None = None) -> None:
        """Start with all records."""
        super().__init__(id=id)
        self._audit: AuditView | None = None
        self._query = Query()
        self._pages_wanted: set[int] = set()
        self._timer: Timer | None = None
        self._record: Mapping[str, Any] | None = None
        self._assignments: Path | None = None
        self._offered = (False, False)

    def compose(self) -> ComposeResult:
        """Yield heading, list, the panes to read and to compare, and the filter field."""
        yield Line(id="records-heading")
        with Container(id="records-body"):
            yield Table(id="records-table")
            with ContentSwitcher(initial="reading", id="records-panes"):
                yield Pane(id="reading", classes="panel")
                yield Comparing(id="comparing")
        yield FilterBar()

    def show(self, snapshot: Snapshot) -> None:
        """List the records of the shown audit."""
        self._assignments = snapshot.assignments
        if snapshot.audit is None:
            self._audit = None
            self.table.show(Rows((Column("", 1),), ()))
            self._tell(
                styled("No audit yet. ", "bold").append(
                    "Press 1 and choose a dataset, or run: tunewise audit DATA", style="dim"
                )
            )
        elif self._audit is None or self._audit.artifact != snapshot.audit.artifact:
            self._audit = snapshot.audit
            self._load()

    def open(self, request: GoTo) -> None:
        """List one check's hits, or put the cursor on a row."""
        if request.check or request.row is not None:
            self._clear_filter_field()
            self._query = Query(
                check=request.check or "", severity=request.severity, row=request.row
            )
            self._load()

    def main_widget(self) -> Widget:
        """Return the list."""
        return self.table

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one("#records-table", Table)

    def apply_filter(self, text: str) -> None:
        """List only records that hold a text."""
        self._query = replace(self._query, check="", text=text)
        self._load()

    def next_order(self) -> str:
        """Sort by the next key."""
        order = ORDERS[(ORDERS.index(self._query.order) + 1) % len(ORDERS)]
        self._query = replace(self._query, check="", order=order)
        self._load()
        return order

    def go_back(self) -> bool:
        """Leave the text for the list, then the filter."""
        if self.query_one("#records-panes").has_focus_within:
            self.table.focus()
            return True
        return super().go_back()

    def reset(self) -> bool:
        """List all records again."""
        if not self._query.check:
            return False
        self._query = Query()
        self._load()
        return True

    def command(self) -> list[str]:
        """Return the command that lists the same hits, or those of the record in sight."""
        audit = [self._audit.id] if self._audit else []
        if self._query.check:
            severity = ["--severity", self._query.severity] if self._query.severity else []
            return ["findings", *audit, "--check", self._query.check, *severity, "--limit", "0"]
        if self._record is not None:
            return ["findings", *audit, "--row", str(self._record["row"])]
        return ["findings", *audit]

    def text_to_copy(self) -> str:
        """Return the record in sight as JSON."""
        if self._record is None:
            return ""
        return json.dumps(dict(self._record), ensure_ascii=False, default=str)

    def action_step(self, by: int) -> None:
        """Move to the next or the previous row from wherever the focus is."""
        self.step(by)

    # What decisions need to know

    @property
    def check(self) -> str:
        """The check whose hits are listed; empty where all records are."""
        return self._query.check

    def position(self) -> int:
        """Return the cursor's position in the list."""
        return self.table.cursor_row

    def current_hit(self) -> Mapping[str, Any] | None:
        """Return the hit under the cursor, where hits are listed."""
        listing, position = self.table.listing, self.position()
        is_hit = isinstance(listing, HitRows) and 0 <= position < len(listing)
        return listing.hit(position) if is_hit else None  # type: ignore[union-attr]

    def hit_at(self, position: int) -> Mapping[str, Any]:
        """Return a hit by its position in the list."""
        listing = self.table.listing
        assert isinstance(listing, HitRows)
        return listing.hit(position)

    def current_row(self) -> int | None:
        """Return the row under the cursor."""
        hit = self.current_hit()
        if hit is not None:
            return hit["row"]
        listing, position = self.table.listing, self.position()
        known = isinstance(listing, RecordPages) and 0 <= position < len(listing)
        return listing.row_at(position) if known else None  # type: ignore[union-attr]

    def step(self, by: int) -> None:
        """Move the cursor."""
        self.table.move_cursor(row=self.table.cursor_row + by)

    def show_signs(self) -> None:
        """Draw the list again."""
        self.table.redraw()
        self._show_heading()

    def wrap(self) -> None:
        """Wrap long lines, or let them run on."""
        for pane in self.query("#records-panes Pane").results(Pane):
            pane.toggle_wrap()

    # What is listed

    def _load(self) -> None:
        if self._audit is not None:
            self._pages_wanted.clear()
            self.query_one("#records-heading", Line).say(
                styled(f"reading {marks().ellipsis}", "dim")
            )
            self._load_listing(self._audit, self._query)

    @work(thread=True, exclusive=True, group="listing")
    def _load_listing(self, audit: AuditView, query: Query) -> None:
        worker = get_current_worker()
        try:
            listing, cursor = make_listing(
                self.workspace, audit, query, lambda: worker.is_cancelled
            )
        except READ_ERRORS as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self._tell, trouble(error))
            return
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_listing, listing, cursor)

    def _show_listing(self, listing: HitRows | RecordPages, cursor: int) -> None:
        self.forget_marks()
        listing.sign = self.sign
        if isinstance(listing, RecordPages):
            listing.request = self._want_page
        self._show_pane("reading")
        self.table.show(listing, cursor=cursor)
        if not len(listing):
            self._record = None
            self.query_one("#reading", Pane).show(Text(""))
        self._show_heading()

    def _want_page(self, page: int) -> None:
        if page not in self._pages_wanted:
            self._pages_wanted.add(page)
            self._load_page(self.table.listing, page)

    @work(thread=True, group="pages")
    def _load_page(self, listing: RecordPages, page: int) -> None:
        try:
            listing.load(page)
        except READ_ERRORS as error:
            self.app.call_from_thread(self._tell, trouble(error))
            return
        self.app.call_from_thread(self._page_loaded, listing, page)

    def _page_loaded(self, listing: RecordPages, page: int) -> None:
        if self.table.listing is listing:
            self._pages_wanted.discard(page)
            self.table.redraw()
            self._read_soon()

    def _show_heading(self) -> None:
        listing, query = self.table.listing, self._query
        text = Text()
        if self.choices:
            text.append(f"{self.unsaved}: ctrl+s does them  ", style="bold")
        if self.marked:
            text.append(f"{len(self.marked):,} marked  ", style="bold")
        if isinstance(listing, HitRows):
            text.append_text(plain(query.check, "bold")).append("  ")
            if len(listing):
                text.append_text(plain(listing.heading(self.table.cursor_row))).append("  ")
            text.append(listing.summary(), style="dim")
        else:
            text.append(counted(len(listing), "record"), style="bold")
            if query.text:
                text.append(" with ", style="dim").append_text(plain(query.text, "bold"))
            if query.order != ROW:
                text.append(f", {query.order} first" if query.order != "label" else ", by label")
            if not len(listing):
                text.append("  esc shows all", style="dim")
        self.query_one("#records-heading", Line).say(text)

    def _tell(self, text: Text) -> None:
        self.query_one("#records-heading", Line).say(text)

    def _clear_filter_field(self) -> None:
        bar = self.query_one(FilterBar)
        bar.field.value, bar.display = "", False

    # What is read

    @on(Table.RowHighlighted, "#records-table")
    def _row_highlighted(self, event: Table.RowHighlighted) -> None:
        event.stop()
        self._show_heading()
        self._read_soon()
        self._offer()

    def _offer(self) -> None:
        """Name other keys at the foot where others have a sense now; to draw it anew is costly."""
        offered = (bool(self.check), bool(self.check_action("keep", ())))
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    @on(Table.RowSelected, "#records-table")
    def _row_selected(self, event: Table.RowSelected) -> None:
        event.stop()
        panes = self.query_one("#records-panes", ContentSwitcher)
        self.query_one("#compare-left" if panes.current == "comparing" else "#reading").focus()

    def _read_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.read_after_seconds, self._read_now)

    def _read_now(self) -> None:
        listing, position = self.table.listing, self.table.cursor_row
        if self._audit is None or not 0 <= position < len(listing):
            return
        if isinstance(listing, HitRows):
            self._read(self._audit, listing.hit(position)["row"], listing.hit(position))
        elif isinstance(listing, RecordPages):
            row = listing.row_at(position)
            if row is not None:
                self._read(self._audit, row, None)

    @work(thread=True, exclusive=True, group="reading")
    def _read(self, audit: AuditView, row: int | None, hit: Mapping[str, Any] | None) -> None:
        worker = get_current_worker()
        assignments, sought = self._assignments, self._query.text
        try:
            reading = make_reading(audit, row, hit, assignments)
            if sought:
                reading.text.highlight_words([sought], "reverse", case_sensitive=False)
        except READ_ERRORS as error:
            reading = Reading(trouble(error))
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_reading, reading)

    def _show_reading(self, reading: Reading) -> None:
        self._record = reading.record
        if reading.comparison is not None:
            self._show_pane("comparing")
            self.query_one(Comparing).show(reading.comparison)
        else:
            self._show_pane("reading")
            pane = self.query_one("#reading", Pane)
            pane.show(reading.text, at=first_mark(reading.text))

    def _show_pane(self, name: str) -> None:
        self.query_one("#records-panes", ContentSwitcher).current = name
        self.set_class(name == "comparing", "-comparing")
