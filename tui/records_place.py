"""Place 3, Records: reading, searching, and comparing pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import polars as pl
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher
from textual.worker import get_current_worker

from ..workspace.safe_text import safe_text
from .audit_view import AuditView
from .comparing import Comparing, Comparison
from .differences import mark_differences
from .hit_rows import HitRows
from .listing import Column, RecordPages, Rows
from .marks import BAD, counted, marks, plain, styled
from .messages import GoTo
from .pane import Line, Pane, first_mark
from .place import FilterBar, Place
from .reading import record_as_plain_text, record_text, set_aside_text
from .record_file import (
    LONGEST,
    ORDERS,
    ROW,
    SHORTEST,
    arrange,
    count_records,
    hits_of_row,
    position_of_row,
    read_hits,
    read_record,
    read_set_aside,
)
from .snapshot import Snapshot
from .table import Table

READ_ERRORS = (OSError, pl.exceptions.PolarsError)


@dataclass(frozen=True, slots=True)
class Query:
    """What is listed: one check's hits, or all records that hold a text, in some order."""

    check: str = ""
    severity: str = ""
    text: str = ""
    order: str = ROW
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A record that was read, as text or beside its pair."""

    text: Text
    record: Mapping[str, Any] | None = None
    comparison: Comparison | None = None


class RecordsPlace(Place):
    """A list of records or hits, and the one under the cursor to read or to compare."""

    name_in_rail = "Records"
    can_filter = True
    can_sort = True
    help_text = (
        "Reads records as they were understood, with the evidence of findings marked in place.\n"
        "enter  into the text        esc  back to the list      n p  next, previous\n"
        "/      only records with a text      o  sort by row, length or label\n"
        "From Findings, enter lists one check's hits; pairs are compared word by word:\n"
        "[-only in the one-]  {+only in the other+}."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", "Next"),
        Binding("p", "step(-1)", "Previous"),
    ]
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
        self.table.move_cursor(row=self.table.cursor_row + by)

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
            listing, cursor = _make_listing(audit, query)
        except READ_ERRORS as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self._tell, _trouble(error))
            return
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_listing, listing, cursor)

    def _show_listing(self, listing: HitRows | RecordPages, cursor: int) -> None:
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
            self.app.call_from_thread(self._tell, _trouble(error))
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
        try:
            reading = _make_reading(audit, row, hit)
        except READ_ERRORS as error:
            reading = Reading(_trouble(error))
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


def _make_listing(audit: AuditView, query: Query) -> tuple[HitRows | RecordPages, int]:
    """Read what a query lists, with the page that shows first, and where the cursor belongs."""
    if query.check:
        return HitRows(query.check, read_hits(audit.findings_path, query.check, query.severity)), 0
    rows = arrange(audit.records_path, query.order, query.text)
    number = count_records(audit.records_path) if rows is None else len(rows)
    names = ["row", "text"]
    if audit.labels:
        names.insert(1, "label")
    if query.order in (LONGEST, SHORTEST):
        names.insert(1, "characters")
    pages = RecordPages(audit.records_path, number, rows, names, last_row=audit.rows)
    cursor = 0
    if query.row is not None and rows is None:
        cursor = position_of_row(audit.records_path, query.row)
    if number:
        pages.load(pages.page_of(cursor))
    return pages, cursor


def _make_reading(audit: AuditView, row: int | None, hit: Mapping[str, Any] | None) -> Reading:
    """Read a record; beside its pair where the hit names one."""
    if row is None:
        message = (hit or {}).get("message") or ""
        return Reading(styled("about the whole dataset\n\n", "bold").append_text(plain(message)))
    record = read_record(audit.records_path, row)
    hits = hits_of_row(audit.findings_path, row)
    if record is None:
        item = read_set_aside(audit.artifact.folder / "set_aside.parquet", row)
        if item is None:
            return Reading(styled(f"row {row:,} is not in this audit", BAD))
        return Reading(set_aside_text(item, hits))
    if hit is not None and hit["related_row"] is not None:
        other = read_record(audit.records_path, hit["related_row"])
        if other is not None:
            return Reading(Text(), record, _compare_records(record, other, hit, _title(other)))
    if hit is not None and (other := _earlier_record(audit, hit)) is not None:
        title = f"earlier {safe_text(hit['related'])}"
        return Reading(Text(), record, _compare_records(record, other, hit, title))
    return Reading(record_text(record, hits), record)


def _earlier_record(audit: AuditView, hit: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record of an earlier audit that a hit names, if it names one."""
    # The search among texts takes a while to import.
    from ..curate.auditing.earlier import EARLIER, earlier_records

    if hit["check"] != EARLIER:
        return None
    return earlier_records(audit.artifact.folder, [hit["related"]]).get(hit["related"])


def _compare_records(
    record: Mapping[str, Any], other: Mapping[str, Any], hit: Mapping[str, Any], title: str
) -> Comparison:
    left, right = mark_differences(record_as_plain_text(record), record_as_plain_text(other))
    # A dropped row is the copy; what it is a copy of stays.
    kept = f"  {marks().keep} keep" if hit["fix"] == "drop" else ""
    return Comparison(_title(record), left, title + kept, right)


def _title(record: Mapping[str, Any]) -> str:
    label = f"  label {safe_text(record['label'])}" if record["label"] else ""
    return f"row {record['row']:,}{label}"


def _trouble(error: Exception) -> Text:
    return styled(f"{marks().bad} ", BAD).append_text(
        plain(f"cannot read the audit's files; press r to audit again. {error}", BAD)
    )
