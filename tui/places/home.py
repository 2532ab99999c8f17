"""The first-run view: files to open, a path field, and three rows as they are understood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from ...workspace.artifact import Workspace
from ..keys import named
from ..messages import RunCommand
from ..recent import bundled_sample, data_files, recent_files, recent_path, remember_file
from ..records.preview import SourcePreview, preview_source
from ..screens.map import Mapping, MapScreen
from ..snapshot import Snapshot
from ..texts.marks import BAD, GOOD, SKY, marks, plain, size, styled
from ..widgets.listing import Column, Rows
from ..widgets.table import Table

_COLUMNS = (Column("", 8), Column("file", 34), Column("size", 8, right=True), Column("in", 200))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that could be opened, and why it is offered."""

    path: Path
    why: str


def candidates(workspace: Workspace) -> list[Candidate]:
    """Return what could be opened: files opened lately, files here, and the bundled sample."""
    found = [Candidate(path, "recent") for path in recent_files(recent_path())]
    found += [Candidate(path.resolve(), "here") for path in data_files(workspace.root)]
    if bundled_sample().is_file():
        found.append(Candidate(bundled_sample(), "sample"))
    unique: dict[Path, Candidate] = {}
    for candidate in found:
        unique.setdefault(candidate.path, candidate)
    return list(unique.values())


class PathSuggester(Suggester):
    """Completes a path as it is typed."""

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first file or folder that begins like this."""
        if not value:
            return None
        typed = Path(value).expanduser()
        folder, beginning = (typed, "") if value.endswith("/") else (typed.parent, typed.name)
        try:
            names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        except OSError:
            return None
        match = next((name for name in names if name.startswith(beginning)), None)
        return None if match is None else value[: len(value) - len(beginning)] + match


class Home(Vertical):
    """Choose a file, see how its rows are understood, and begin the audit."""

    BINDINGS: ClassVar[list[BindingType]] = named(Binding("m", "map", "Map fields"))

    def __init__(self, *, id: str | None = None) -> None:
        """Start without a chosen file."""
        super().__init__(id=id)
        self._candidates: list[Candidate] = []
        self._chosen: Path | None = None
        self._mapping = Mapping()

    def compose(self) -> ComposeResult:
        """Yield the list of files, the path field, and the preview."""
        yield Static(id="home-welcome")
        yield Table(id="home-files")
        yield Input(
            placeholder="or type a path", id="home-path", suggester=PathSuggester(), compact=True
        )
        with Vertical(id="home-preview", classes="panel"):
            yield Static(id="home-understood")

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one("#home-preview").border_title = "As understood"
        self.query_one("#home-understood", Static).update(
            styled("Choose a file to see how its first rows are understood.", "dim")
        )
        self._fill()

    def show(self, snapshot: Snapshot) -> None:
        """Say what there is to see, or why there is nothing."""
        welcome = styled("Open a dataset", "bold")
        welcome.append(" to see what is wrong with it.   ", style="dim")
        welcome.append("F1", style="bold").append(" a tour of two minutes", style="dim")
        for problem in snapshot.problems:
            welcome.append("\n").append_text(plain(problem, BAD))
        self.query_one("#home-welcome", Static).update(welcome)

    def main_widget(self) -> Widget:
        """Return the list of files, or the path field where it is empty."""
        return self.query_one(Table if self._candidates else Input)

    def choose(self, path: Path) -> None:
        """Look at a file and show how its rows would be read."""
        path = path.expanduser()
        if path != self._chosen:
            self._mapping = Mapping()
        self._chosen = path
        understood = self.query_one("#home-understood", Static)
        if not path.exists():
            self._chosen = None
            understood.update(styled("there is no such file: ", BAD).append_text(plain(path, BAD)))
            return
        understood.update(plain(f"reading the first rows of {path.name} {marks().ellipsis}", "dim"))
        self._look_at(path)

    def begin_audit(self) -> None:
        """Start the audit of the chosen file."""
        if self._chosen is not None:
            remember_file(recent_path(), self._chosen)
            words = ["audit", str(self._chosen.resolve()), *self._mapping.options]
            self.post_message(RunCommand(words))

    def action_map(self) -> None:
        """Say how the chosen file's rows are to be read."""
        path = self._chosen
        if path is None:
            self.notify("choose a file first", timeout=2, markup=False)
            return

        def take(mapping: Mapping | None) -> None:
            if mapping is not None:
                self._mapping = mapping
                self._look_at(path)

        self.app.push_screen(MapScreen(path, self._mapping), take)

    @on(Table.RowSelected, "#home-files")
    def _file_selected(self, event: Table.RowSelected) -> None:
        event.stop()
        path = self._candidates[event.cursor_row].path
        if path == self._chosen:
            self.begin_audit()
        else:
            self.choose(path)

    @on(Input.Submitted, "#home-path")
    def _path_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        path = Path(event.value).expanduser()
        if event.value and path == self._chosen:
            self.begin_audit()
        elif event.value:
            self.choose(path)

    @work(thread=True, exclusive=True, group="preview")
    def _look_at(self, path: Path) -> None:
        said = self._mapping
        preview = preview_source(path, said.shape or None, said.parts or None)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._show_preview, preview)

    def _show_preview(self, preview: SourcePreview) -> None:
        if preview.problem:
            self._chosen = None
        self.query_one("#home-understood", Static).update(preview_text(preview))

    def _fill(self) -> None:
        workspace: Workspace = self.app.workspace  # type: ignore[attr-defined]
        self._candidates = candidates(workspace)
        table = self.query_one(Table)
        table.display = bool(self._candidates)
        table.show(Rows(_COLUMNS, [_cells(candidate) for candidate in self._candidates]))


def _cells(candidate: Candidate) -> list[Text]:
    try:
        number = size(candidate.path.stat().st_size)
    except OSError:
        number = "?"
    return [
        plain(candidate.why, SKY),
        plain(candidate.path.name, "bold"),
        plain(number, "dim"),
        plain(candidate.path.parent, "dim"),
    ]


def preview_text(preview: SourcePreview, *, ask: bool = True) -> Text:
    """Return a preview as text: how the file is read, three rows, and the next key.

    Args:
        preview: how the file is understood.
        ask: tell the keys that go on from here.
    """
    if preview.problem:
        return styled(f"{marks().bad} ", BAD).append_text(plain(preview.problem, BAD))
    text = Text.assemble((f"{marks().good} ", GOOD)).append_text(plain(preview.understood, "bold"))
    if preview.reason:
        text.append("\n").append_text(plain(preview.reason, "dim"))
    for row in preview.rows:
        text.append(f"\n\nrow {row.row}", style="bold")
        if row.problem:
            text.append("  set aside: ", style=BAD).append_text(plain(row.problem, BAD))
        if row.label:
            text.append("  label ", style="dim").append_text(plain(row.label))
        for role, content in row.messages:
            text.append("\n  ").append_text(plain(f"{role}: ", SKY)).append_text(plain(content))
    if ask:
        text.append("\n\nenter", style="bold").append(" audits it   ", style="dim")
        text.append("m", style="bold").append(" maps its fields", style="dim")
    return text
