"""Place 2, Findings: what is wrong, gravest first, with a sample of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.worker import get_current_worker

from ...curate.cleaning.journal import IGNORE, Decision
from ...curate.finding import SEVERITY_ORDER, Fix
from ..jobs.fixes import accept_arguments, decision_about, ignore_arguments
from ..keys import named
from ..messages import GoTo
from ..snapshot import Snapshot
from ..texts.audit_view import AuditView, FindingGroup
from ..texts.evidence import Sample, evidence_text, read_samples
from ..texts.marks import (
    GOOD,
    counted,
    marks,
    percent,
    plain,
    severity_label,
    styled,
)
from ..widgets.listing import Column, Rows
from ..widgets.pane import Line, Pane
from ..widgets.table import Table
from .data_place import checks_text
from .deciding import DecidingPlace
from .place import FilterBar

_ORDERS = ("gravest first", "most rows first", "by name")
_EVIDENCE_BESIDE, _ROOM_FOR_TITLES = 120, 150


class FindingsPlace(DecidingPlace):
    """The findings by check, and for the one under the cursor what it means and what shows it."""

    can_filter = True
    can_sort = True
    help_text = (
        "What is wrong with the data, gravest first.\n"
        "enter  the rows with this finding\n"
        "s      only one severity, then the next\n"
        "a      accept the fix: shows first what it would do\n"
        "u      undo the last decision, ctrl+r brings it back\n"
        "i      ignore, with a reason\n"
        "o      sort by severity, rows or name\n"
        "ctrl+s write the clean rows to a file"
    )
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("a", "accept", "Accept fix"),
        Binding("A", "accept", "Accept all", show=False),
        Binding("i", "ignore", "Ignore"),
        Binding("s", "severity", "Severity"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Start with all severities."""
        super().__init__(id=id)
        self._audit: AuditView | None = None
        self._decisions: tuple[Decision, ...] = ()
        self._cleaned_share: float | None = None
        self._groups: list[FindingGroup] = []
        self._severity = ""
        self._text = ""
        self._order = _ORDERS[0]
        self._titles_shown = False

    def compose(self) -> ComposeResult:
        """Yield heading, list, evidence and the filter field."""
        yield Line(id="findings-heading")
        with Container(id="findings-body"):
            yield Table(id="findings-table")
            yield Pane(id="evidence", classes="panel")
        yield FilterBar()

    def on_mount(self) -> None:
        """Name the pane."""
        self.query_one("#evidence").border_title = "Evidence"
        super().on_mount()

    @property
    def table(self) -> Table:
        """The list."""
        return self.query_one("#findings-table", Table)

    def show(self, snapshot: Snapshot) -> None:
        """List the findings of the shown audit."""
        self._audit = snapshot.audit
        self._decisions = snapshot.decisions
        quality = snapshot.clean.content.get("quality", {}) if snapshot.clean else {}
        self._cleaned_share = quality.get("after")
        self._fill()

    def main_widget(self) -> Widget:
        """Return the list."""
        return self.table

    def put_cursor_on(self, check: str) -> bool:
        """Put the cursor on a check; return False where it is not listed."""
        position = next((i for i, group in enumerate(self._groups) if group.check == check), None)
        if position is not None:
            self.table.move_cursor(row=position)
        return position is not None

    def open(self, request: GoTo) -> None:
        """Come here with the cursor on a check."""
        if request.check:
            self.put_cursor_on(request.check)

    def apply_filter(self, text: str) -> None:
        """List only checks whose name or title holds a text."""
        self._text = text.casefold()
        self._fill()

    def next_order(self) -> str:
        """Sort by the next key."""
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._fill()
        return self._order

    def go_back(self) -> bool:
        """Leave the evidence for the list, then the filters."""
        if self.query_one("#evidence").has_focus:
            self.table.focus()
            return True
        return super().go_back()

    def reset(self) -> bool:
        """Show all severities again."""
        if not self._severity:
            return False
        self._severity = ""
        self._fill()
        return True

    def command(self) -> list[str]:
        """Return the command that lists the same findings."""
        group = self._group()
        audit = [self._audit.id] if self._audit else []
        return ["findings", *audit, *(["--check", group.check] if group else [])]

    def text_to_copy(self) -> str:
        """Return the check's name."""
        group = self._group()
        return group.check if group else ""

    def action_severity(self) -> None:
        """Show only one severity; then the next; then all again."""
        choices = ["", *(str(severity) for severity in SEVERITY_ORDER)]
        self._severity = choices[(choices.index(self._severity) + 1) % len(choices)]
        self._fill()

    def action_accept(self) -> None:
        """Show what the fix of this check would do, then ask."""
        group = self._group()
        if group is None or self._audit is None:
            return
        if group.fix in (Fix.REVIEW, Fix.NONE):
            self.notify(
                f"{group.check} has no fix that can be applied by itself; enter shows its rows",
                severity="warning",
                markup=False,
            )
            return
        self.propose(
            f"Accept the fix of {group.check}?", accept_arguments(self._audit, group.check)
        )

    def action_ignore(self) -> None:
        """Ignore this check's findings, with a reason."""
        group, audit = self._group(), self._audit
        if group is not None and audit is not None:
            self.ask_reason(
                f"Why is {group.check} no fault here?", ignore_arguments(audit, group.check)
            )

    def on_resize(self) -> None:
        """Show the titles where there is room for them."""
        if len(self.table.listing.columns) and self._has_room() != self._titles_shown:
            self._fill()

    def _has_room(self) -> bool:
        """Tell whether titles fit beside the list: where the evidence is below, or far right."""
        width = self.app.size.width
        return width < _EVIDENCE_BESIDE or width >= _ROOM_FOR_TITLES

    def _group(self) -> FindingGroup | None:
        position = self.table.cursor_row
        return self._groups[position] if 0 <= position < len(self._groups) else None

    def _fill(self) -> None:
        before = self._group()
        self._titles_shown = self._has_room()
        groups = self._audit.groups if self._audit else ()
        self._groups = [
            group
            for group in groups
            if self._severity in ("", group.severity)
            and self._text in f"{group.check} {group.title}".casefold()
        ]
        if self._order == _ORDERS[1]:
            self._groups.sort(key=lambda group: -group.rows)
        elif self._order == _ORDERS[2]:
            self._groups.sort(key=lambda group: group.check)
        cursor = next((i for i, group in enumerate(self._groups) if group == before), 0)
        columns = _columns(self._groups, titles=self._titles_shown)
        cells = [
            _cells(group, decision_about(group, self._decisions))[: len(columns)]
            for group in self._groups
        ]
        self.table.show(Rows(columns, cells), cursor=cursor)
        self.query_one("#findings-heading", Line).say(self._heading())
        if not self._groups:
            self.query_one("#evidence", Pane).show(self._empty_text())

    def _heading(self) -> Text:
        if self._audit is None:
            return styled("No audit yet", "bold")
        text = styled(counted(len(self._groups), "finding"), "bold")
        if self._severity:
            text.append(" of severity ").append_text(severity_label(self._severity))
        if self._text:
            text.append(" with ", style="dim").append_text(plain(self._text, "bold"))
        text.append(f"   clean {percent(self._audit.clean_share)}", style="dim")
        if self._audit.fixed_share is not None:
            text.append(
                f" {marks().arrow} {percent(self._audit.fixed_share)} if all are fixed", "dim"
            )
        if self._decisions:
            text.append(f"   {counted(len(self._decisions), 'decision')} made", "dim")
            if self._cleaned_share is not None:
                text.append(f", clean {percent(self._cleaned_share)} now", GOOD)
        return text

    def _empty_text(self) -> Text:
        if self._audit is None:
            return styled("Press 1 and choose a dataset,\nor run: tunewise audit DATA", "dim")
        if self._severity or self._text:
            return styled("Nothing fits this filter; esc shows all.", "dim")
        return styled("No findings.\n", "bold").append_text(checks_text(self._audit))

    @on(Table.RowHighlighted, "#findings-table")
    def _row_highlighted(self, event: Table.RowHighlighted) -> None:
        event.stop()
        group = self._group()
        if group is not None and self._audit is not None:
            self._show_evidence(group, [], "")
            self._find_evidence(self._audit, group)

    @on(Table.RowSelected, "#findings-table")
    def _row_selected(self, event: Table.RowSelected) -> None:
        event.stop()
        group = self._group()
        if group is not None:
            self.post_message(GoTo("records", check=group.check, severity=group.severity))

    @work(thread=True, exclusive=True, group="evidence")
    def _find_evidence(self, audit: AuditView, group: FindingGroup) -> None:
        samples: list[Sample] = []
        problem = ""
        try:
            samples = read_samples(audit, group)
        except (OSError, pl.exceptions.PolarsError) as error:
            problem = f"cannot read the evidence: {error}"
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._show_evidence, group, samples, problem)

    def _show_evidence(self, group: FindingGroup, samples: list[Sample], problem: str) -> None:
        self.query_one("#evidence", Pane).show(evidence_text(group, samples, problem))


def _columns(groups: Sequence[FindingGroup], *, titles: bool) -> list[Column]:
    most = max((group.rows for group in groups), default=0)
    listed = [
        Column("", 6),
        Column("finding", 24),
        Column("rows", max(4, len(f"{most:,}")), right=True),
        Column("share", 7, right=True),
        Column("fix", 8),
    ]
    return [*listed, Column("", 60)] if titles else listed


def _cells(group: FindingGroup, decision: str) -> list[Text]:
    fix = plain(group.fix if group.fix != Fix.NONE else marks().dash, "dim")
    if decision == IGNORE:
        fix = plain("ignored", "dim italic")
    elif decision:
        fix = plain(f"{marks().good} {decision}", GOOD)
    return [
        severity_label(group.severity, short=True),
        plain(group.check),
        plain(f"{group.rows:,}"),
        plain(percent(group.share, 1), "dim"),
        fix,
        plain(group.title, "dim"),
    ]
