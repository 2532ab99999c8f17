"""What the seven places have in common."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from ...workspace.artifact import Workspace
from ..jobs.view import JobView
from ..messages import GoTo
from ..snapshot import Snapshot


class Place(Vertical):
    """One of the seven places; it lives on while another is shown, and so keeps its state.

    Attributes:
        can_filter: whether ``/`` filters here.
        can_sort: whether ``o`` sorts here.
        help_text: what can be done here, for the help screen.
    """

    can_filter: ClassVar[bool] = False
    can_sort: ClassVar[bool] = False
    help_text: ClassVar[str] = ""

    @property
    def name_in_rail(self) -> str:
        """What a person calls it."""
        return (self.id or "").capitalize()

    def on_mount(self) -> None:
        """Follow what the app knows, from now on."""
        self.watch(self.app, "snapshot", self._show_or_tell)
        self.watch(self.app, "jobs", self.show_jobs)

    def _show_or_tell(self, snapshot: Snapshot) -> None:
        """Show what the workspace holds; a document that breaks its contract is told, no crash."""
        try:
            self.show(snapshot)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.notify(
                f"cannot show {self.name_in_rail}: {type(error).__name__}: {error}",
                severity="error",
                markup=False,
            )

    @property
    def workspace(self) -> Workspace:
        """The workspace that the app shows."""
        return self.app.workspace  # type: ignore[attr-defined]

    def shown_path(self, folder: Path) -> str:
        """Return a folder of the workspace as seen from the workspace."""
        root = self.workspace.root
        return str(folder.relative_to(root) if folder.is_relative_to(root) else folder)

    def show(self, snapshot: Snapshot) -> None:
        """Show what the workspace holds; called again whenever that changes."""

    def show_jobs(self, jobs: tuple[JobView, ...]) -> None:
        """Show what runs; called again whenever that changes."""

    def open(self, request: GoTo) -> None:
        """Come here with a wish, such as one check's hits."""

    def main_widget(self) -> Widget:
        """Return what takes the keys when the place is entered."""
        return self

    def command(self) -> list[str]:
        """Return the arguments of the tunewise command that shows or does the same."""
        return []

    def edit_command(self) -> list[str]:
        """Return the command that opens what is in sight in the editor; empty where none does."""
        return []

    @property
    def unsaved(self) -> str:
        """What would be lost by quitting, in words; empty where nothing would."""
        return ""

    def write(self) -> bool:
        """Write what this place makes (``ctrl+s``); return False where it makes nothing."""
        return False

    def text_to_copy(self) -> str:
        """Return what ``y`` copies; empty where there is nothing."""
        return ""

    def apply_filter(self, text: str) -> None:
        """List only what holds this text; all for the empty text."""

    def next_order(self) -> str:
        """Sort by the next key and return its name."""
        return ""

    def go_back(self) -> bool:
        """Undo one step deeper; return False where there is none left."""
        return self.clear_filter()

    def reset(self) -> bool:
        """Show everything again; return False where everything is shown already."""
        return False

    def filter_bar(self) -> FilterBar | None:
        """Return the place's filter field, if it has one."""
        return next(iter(self.query(FilterBar)), None)

    def start_filter(self) -> None:
        """Open the filter field."""
        bar = self.filter_bar()
        if bar is not None:
            bar.display = True
            bar.field.focus()

    def clear_filter(self) -> bool:
        """Close the filter field and list everything again; False where there was no filter."""
        bar = self.filter_bar()
        if bar is None or not bar.display:
            return False
        bar.display = False
        if bar.field.value:
            bar.field.value = ""
            self.apply_filter("")
        self.main_widget().focus()
        return True

    @on(Input.Submitted, "FilterBar Input")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        bar = self.filter_bar()
        if bar is not None and not event.value:
            bar.display = False
        self.apply_filter(event.value)
        self.main_widget().focus()


class FilterBar(Vertical):
    """A line to type a filter into; it stays in sight while the filter holds."""

    def compose(self) -> ComposeResult:
        """Yield the field."""
        yield Input(placeholder="filter: type and press enter; esc shows all", compact=True)

    def on_mount(self) -> None:
        """Stay out of sight until asked for."""
        self.display = False

    @property
    def field(self) -> Input:
        """The text field."""
        return self.query_one(Input)
