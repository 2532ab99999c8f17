"""Place 1, Data: how good the dataset is, at a glance; or what to open, where there is none yet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from ...curate.finding import SEVERITY_ORDER
from ...curate.outcome import FAILED, RAN, SKIPPED
from ..jobs.view import JobView
from ..keys import named
from ..messages import GoTo
from ..snapshot import Snapshot
from ..texts.audit_view import AuditView
from ..texts.marks import (
    BAD,
    GOOD,
    SEVERITY_STYLES,
    SKY,
    WARNING,
    counted,
    duration,
    marks,
    percent,
    plain,
    severity_label,
    severity_sign,
    styled,
)
from ..widgets.charts import bar, columns
from ..widgets.chrome import job_text
from .home import Home
from .place import Place

_BAR, _NAME = 14, 14
_LABELS_SHOWN = 6
_GROUPS_SHOWN = 8
_LATEST_CHECKS = 5


class DataPlace(Place):
    """Quality by dimension, lengths, labels, and the gravest findings of the newest audit."""

    help_text = (
        "How good the dataset is: the share of records free of high and medium findings,\n"
        "in all and for each dimension, how long the records are, and what was checked."
    )
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("enter", "findings", "Findings"),
        Binding("r", "app.audit", "Audit again"),
        Binding("m", "map", "Map fields"),
    )

    def compose(self) -> ComposeResult:
        """Yield the first-run view and the overview; one of them shows."""
        yield Static(id="progress", classes="panel")
        with ContentSwitcher(initial="home"):
            yield Home(id="home")
            with VerticalScroll(id="overview"):
                with Container(id="panels"):
                    yield Static(id="quality", classes="panel")
                    yield Static(id="lengths", classes="panel")
                    yield Static(id="content", classes="panel")
                yield Static(id="gravest", classes="panel")
                # Where the terminal is narrow, this one stands in for the panel above.
                yield Static(id="content-below", classes="panel")
                yield Static(id="checks", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        for name, title in (
            ("progress", "Running"),
            ("quality", "Quality"),
            ("lengths", "Lengths"),
            ("content", "Content"),
            ("content-below", "Content"),
            ("gravest", "Findings"),
            ("checks", "Checks"),
        ):
            self.query_one(f"#{name}").border_title = title
        self.query_one("#progress").display = False
        super().on_mount()

    def show(self, snapshot: Snapshot) -> None:
        """Show the audit, or what could be opened."""
        audit = snapshot.audit
        switcher = self.query_one(ContentSwitcher)
        had_focus = self.has_focus_within
        switcher.current = "home" if audit is None else "overview"
        self.query_one(Home).show(snapshot)
        if audit is not None:
            self._show_audit(audit)
        if had_focus:
            self.main_widget().focus()
        self.refresh_bindings()

    def _show_audit(self, audit: AuditView) -> None:
        texts = {
            "quality": quality_text(audit),
            "lengths": lengths_text(audit),
            "content": content_text(audit),
        }
        self._panel("content-below").update(texts["content"].copy())
        # Panels that stand beside each other end on the same line.
        most = max(text.plain.count("\n") for text in texts.values())
        for name, text in texts.items():
            text.append("\n" * (most - text.plain.count("\n")))
            self._panel(name).update(text)
        self._panel("gravest").update(gravest_text(audit))
        self._panel("checks").update(checks_text(audit))

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show a running audit with its rate and the checks that have ended."""
        audits = [job for job in jobs if job.command == "audit" and job.running]
        panel = self._panel("progress")
        panel.display = bool(audits)
        if audits:
            panel.update(progress_text(audits[-1]))

    def main_widget(self) -> Widget:
        """Return the first-run view's field or the overview."""
        if self.query_one(ContentSwitcher).current == "home":
            return self.query_one(Home).main_widget()
        return self.query_one("#overview")

    def command(self) -> list[str]:
        """Return the audit that would be run."""
        audit = self.app.snapshot.audit  # type: ignore[attr-defined]
        return ["audit", *audit.paths] if audit else []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what needs an audit only where there is one."""
        return (
            action not in ("findings", "app.audit", "map")
            or self.query_one(ContentSwitcher).current == "overview"
        )

    def action_findings(self) -> None:
        """Go deeper, to the findings."""
        self.post_message(GoTo("findings"))

    def action_map(self) -> None:
        """Say how the rows of the shown file are to be read, then audit it like that."""
        audit = self.app.snapshot.audit  # type: ignore[attr-defined]
        if audit is None or not audit.paths:
            return
        self.choose_another()
        home = self.query_one(Home)
        home.choose(Path(audit.paths[0]))
        home.action_map()

    def choose_another(self) -> None:
        """Show the files that could be opened, though there is an audit."""
        self.query_one(ContentSwitcher).current = "home"
        self.main_widget().focus()
        self.refresh_bindings()

    def reset(self) -> bool:
        """Come back from the files to the audit."""
        shown = self.query_one(ContentSwitcher)
        if shown.current != "home" or self.app.snapshot.audit is None:  # type: ignore[attr-defined]
            return False
        shown.current = "overview"
        self.main_widget().focus()
        self.refresh_bindings()
        return True

    def _panel(self, name: str) -> Static:
        return self.query_one(f"#{name}", Static)


def quality_text(audit: AuditView) -> Text:
    """Return the clean share and a bar for each dimension."""
    text = Text()
    text.append(f"Clean {percent(audit.clean_share)}", style="bold")
    if audit.fixed_share is not None:
        text.append(f"   {percent(audit.fixed_share)} if all is fixed", style="dim")
    for dimension in audit.dimensions:
        text.append("\n").append_text(_padded(dimension.value, _NAME))
        if dimension.share is None:
            text.append("not checked", style="dim")
            continue
        text.append(bar(dimension.share, _BAR), style=_share_style(dimension.share))
        text.append(f" {percent(dimension.share):>5}")
    return text


def lengths_text(audit: AuditView) -> Text:
    """Return the histogram of lengths and how many records are over the context."""
    lengths = audit.lengths
    if lengths is None:
        return styled("lengths were not measured", "dim")
    text = styled(f"{lengths.unit} a record\n", "bold")
    drawn = columns(lengths.counts, width=26, height=4)
    for line in drawn:
        text.append(line + "\n", style=SKY)
    width = max(len(drawn[0]), 20)
    scale = f"{lengths.first:,}".ljust(width // 2 - 4) + f"p50 {lengths.middle:,.0f}"
    text.append(scale.ljust(width - len(f"{lengths.last:,}")) + f"{lengths.last:,}\n", style="dim")
    if lengths.context:
        over = counted(lengths.over_context, "record")
        text.append(f"{over} over {lengths.context:,}", WARNING if lengths.over_context else "dim")
    return text


def content_text(audit: AuditView) -> Text:
    """Return roles, labels, rows set aside and the checks that ran."""
    lines = []
    if audit.roles_ok is not None:
        sign, style = (marks().good, GOOD) if audit.roles_ok == 1 else (marks().bad, BAD)
        lines.append(Text.assemble((sign, style), f" roles ok {percent(audit.roles_ok, digits=1)}"))
    if audit.set_aside:
        lines.append(styled(f"{marks().bad} {counted(audit.set_aside, 'row')} set aside", BAD))
    else:
        lines.append(Text.assemble((marks().good, GOOD), " every row was understood"))
    for label in audit.labels[:_LABELS_SHOWN]:
        line = _padded(label.value, _NAME - 2)
        line.append(bar(label.share, 8), style=SKY).append(f" {percent(label.share):>5}")
        lines.append(line)
    if len(audit.labels) > _LABELS_SHOWN:
        lines.append(styled(f"and {len(audit.labels) - _LABELS_SHOWN:,} more labels", "dim"))
    return Text("\n").join(lines)


def checks_text(audit: AuditView) -> Text:
    """Return how many checks ran, and which did not and why."""
    number = Counter(check.status for check in audit.checks)
    text = Text(f"{counted(number[RAN], 'check')} ran")
    for status, style in ((SKIPPED, "dim"), (FAILED, BAD)):
        if number[status]:
            text.append(f", {number[status]} {status}", style=style)
    for check in audit.checks:
        if check.status != RAN:
            style = BAD if check.status == FAILED else "dim"
            text.append("\n").append_text(
                plain(f"  {check.status} {check.check}: {check.reason}", style)
            )
    return text


def gravest_text(audit: AuditView) -> Text:
    """Return the counts by severity and the gravest findings."""
    if not audit.groups:
        return styled("No findings.", GOOD)
    number = Counter(group.severity for group in audit.groups)
    text = Text("  ").join(
        Text(f"{severity_sign(severity)} {number[severity]} {severity}", SEVERITY_STYLES[severity])
        for severity in SEVERITY_ORDER
    )
    text.append("\n")
    for group in audit.groups[:_GROUPS_SHOWN]:
        text.append("\n").append_text(_cell(severity_label(group.severity), 10))
        text.append_text(_padded(group.check, 28))
        text.append(f"{group.rows:>9,} {percent(group.share, 1):>7}  ")
        text.append_text(plain(group.title, "dim"))
    if len(audit.groups) > _GROUPS_SHOWN:
        text.append(f"\n{marks().ellipsis} {len(audit.groups) - _GROUPS_SHOWN} more", style="dim")
    return text


def progress_text(job: JobView) -> Text:
    """Return a running job: bar, rows done, rate, remaining time, and what it has found."""
    text = job_text(job)
    if job.latest is not None:
        latest, pace = job.latest, job.pace
        text.append("\n").append(bar(job.share, 30), style=SKY).append(" ")
        text.append_text(plain(latest.task))
        total = f" of {latest.total:,}" if latest.total else ""
        text.append(f"  {latest.done:,}{total} ").append_text(plain(latest.unit))
        if pace.rate:
            text.append(f"  {pace.rate:,.0f}/s  ETA {duration(pace.seconds_left)}", style="dim")
    for check in job.checks[-_LATEST_CHECKS:]:
        found = counted(check.rows, "row") if check.status == RAN else check.status
        text.append("\n  ").append_text(_padded(check.check, 28))
        text.append_text(plain(found, "dim"))
    if len(job.checks) > _LATEST_CHECKS:
        text.append(f"\n  {len(job.checks)} checks have ended", style="dim")
    return text


def _share_style(share: float) -> str:
    if share >= 0.95:
        return GOOD
    return WARNING if share >= 0.7 else BAD


def _padded(value: str, width: int) -> Text:
    return _cell(plain(value), width)


def _cell(text: Text, width: int) -> Text:
    text.truncate(width - 1, overflow="ellipsis")
    text.pad_right(width - text.cell_len)
    return text
