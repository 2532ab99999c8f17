"""The header line and the rail of places."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widgets import Static

from ..jobs.view import JobView
from ..texts.audit_view import AuditView
from ..texts.marks import GOOD, SKY, counted, duration, marks, percent, plain, size, styled
from .pane import Line


def header_text(audit: AuditView | None, jobs: tuple[JobView, ...], width: int) -> Text:
    """Return the header: dataset, rows, size, kind, clean share, and the running job.

    Args:
        audit: the audit that is shown.
        jobs: all jobs; those that run are told.
        width: cells of the line. What is least needed goes first where there is no room.
    """
    left = [styled(" tunewise", "bold")]
    if audit is None:
        left.append(styled("no audit yet", "dim"))
    else:
        left[0].append(f" {marks().into} ", style="dim").append_text(plain(audit.name, "bold"))
        left[0].truncate(max(24, width // 2), overflow="ellipsis")
        left.append(Text(counted(audit.rows, "row")))
        left.append(plain(audit.kind, "dim"))
        if audit.bytes is not None:
            left.append(styled(size(audit.bytes), "dim"))
    right = []
    if audit is not None and audit.clean_share is not None:
        right.append(styled(f"clean {percent(audit.clean_share)}", "bold"))
    running = [job for job in jobs if job.running]
    if running:
        right.append(job_text(running[-1], others=len(running) - 1))
    while len(left) > 1 and _width(left) + _width(right) + 2 > width:
        left.pop()
    line = Text("  ").join(left)
    tail = Text("   ").join(right)
    gap = max(1, width - line.cell_len - tail.cell_len - 1)
    line.append(" " * gap).append_text(tail)
    line.truncate(width)
    return line


def job_text(job: JobView, others: int = 0) -> Text:
    """Return a running job in a few words: command, share done, remaining time."""
    text = plain(f"{marks().running} {job.command}", SKY)
    if job.share is not None:
        text.append(f" {percent(job.share)}")
        if job.pace.seconds_left is not None:
            text.append(f" ETA {duration(job.pace.seconds_left)}")
    elif job.latest is not None:
        text.append(f" {job.latest.done:,} ").append_text(plain(job.latest.unit))
    if others:
        text.append(f" +{others}")
    return text


def _width(parts: list[Text]) -> int:
    return sum(part.cell_len + 3 for part in parts)


class Header(Line):
    """The top line."""

    _audit: AuditView | None = None
    _jobs: tuple[JobView, ...] = ()

    def show(self, audit: AuditView | None, jobs: tuple[JobView, ...]) -> None:
        """Draw the line anew."""
        self._audit, self._jobs = audit, jobs
        self.say(header_text(audit, jobs, self.size.width))

    def on_resize(self) -> None:
        """Draw the line to its new width."""
        self.say(header_text(self._audit, self._jobs, self.size.width))


class Rail(Container):
    """The places: a column at the left, or a row of tabs where the terminal is narrow."""

    class Chosen(Message):
        """A place was clicked."""

        def __init__(self, place: str) -> None:
            """Keep the place's name."""
            super().__init__()
            self.place = place

    def __init__(self, places: dict[str, str]) -> None:
        """Take the places' names and titles in the order of their numbers."""
        super().__init__()
        self._places = places
        self._counts: dict[str, str] = {}
        self._current = ""

    def compose(self) -> ComposeResult:
        """Yield one line or tab for each place."""
        for name in self._places:
            yield _RailItem(name)

    def show(self, current: str, counts: dict[str, str]) -> None:
        """Mark the current place and put a number or a sign beside others."""
        self._current, self._counts = current, counts
        for number, item in enumerate(self.query(_RailItem), start=1):
            here = item.place == current
            text = styled(marks().current if here else " ", GOOD if here else "")
            text.append(str(number), style="dim")
            text.append(f" {self._places[item.place]}", style="bold" if here else "")
            if count := counts.get(item.place):
                text.append(f" {count}", style="dim")
            item.say(text, here=here)


class _RailItem(Static):
    """One place in the rail."""

    def __init__(self, place: str) -> None:
        super().__init__(markup=False, classes=f"-place-{place}")
        self.place = place
        self._text = Text()

    def say(self, text: Text, *, here: bool) -> None:
        """Show a text; only one of another length moves the items beside it."""
        if text != self._text:
            self.update(text, layout=text.cell_len != self._text.cell_len)
            self._text = text
            self.set_class(here, "-current")

    def on_click(self) -> None:
        self.post_message(Rail.Chosen(self.place))
