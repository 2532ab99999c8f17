"""The terminal app: seven places over a workspace's artifacts; work runs in child processes."""

from __future__ import annotations

import gc
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Container
from textual.reactive import reactive
from textual.screen import Screen

from ..workspace.app_settings import AppSettings
from ..workspace.artifact import SETTINGS_NAME, Workspace
from ..workspace.jobs import command_line, start_job
from ..workspace.safe_text import safe_text
from .commands import TunewiseCommands
from .dressed_app import DressedApp
from .jobs.in_terminal import editor_of, run_in_terminal
from .jobs.news import ended_jobs
from .jobs.view import JobBoard, JobView
from .keys import named
from .messages import GoTo, RunCommand
from .own_state import TOUR_SEEN, remember, state_path
from .places.all_places import PLACES, Places, place_class
from .places.home import Home
from .places.place import Place
from .screens.dialogs import Confirm
from .screens.help import HelpScreen
from .screens.jobs import JobsScreen
from .screens.tour import TourGuide
from .snapshot import Snapshot, signature, take_snapshot
from .widgets.chrome import Header, Rail
from .widgets.footer import Footer
from .widgets.pane import Pane
from .widgets.table import Table


def _with_keys() -> Iterator[type]:
    """Yield what has keys that a person may change."""
    yield from (place_class(name) for name in PLACES)
    yield from (Home, JobsScreen, Pane, Table)


class MainScreen(Screen[None]):
    """The screen of the places; its footer begins with the keys that work everywhere."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys that do something now, those of the app first."""
        bindings = super().active_bindings
        return dict(sorted(bindings.items(), key=lambda item: item[1].node is not self.app))


class TunewiseApp(DressedApp):
    """Shows a workspace and starts commands in it.

    Args:
        workspace: what is shown.
        source: the dataset to show; the one audited last where it is None.
        place: where to begin.
        poll_seconds: how often the workspace is looked at.
        settings: how it looks, and other keys.
        tour: begin with the tour.
        ahead: make the other places once the first one is shown, so that going there takes no
            longer the first time.
    """

    CSS_PATH = "tunewise.tcss"
    TITLE = "tunewise"
    COMMANDS: ClassVar = App.COMMANDS | {TunewiseCommands}
    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-narrow"), (100, "-wide"), (120, "-very-wide")]
    VERTICAL_BREAKPOINTS: ClassVar = [(0, "-short"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("question_mark", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("slash", "filter", "Filter"),
        Binding("o", "sort", "Sort"),
        Binding("r", "audit", "Audit again", show=False),
        Binding("J", "jobs", "Jobs", show=False),
        Binding("c", "copy_command", "Copy command", show=False),
        Binding("y", "copy_text", "Copy", show=False),
        Binding("ctrl+s", "write", "Write", show=False),
        Binding("z", "zoom", "Zoom", show=False),
        Binding("e", "edit", "Edit in $EDITOR", show=False),
        Binding("escape", "back", "Back", show=False),
        Binding("f1", "tour", "Tour", show=False),
        Binding("ctrl+n", "tour_step(1)", "Tour: on", show=False),
        Binding("ctrl+b", "tour_step(-1)", "Tour: back", show=False),
        *(
            Binding(str(number), f"place('{name}')", name.capitalize(), show=False)
            for number, name in enumerate(PLACES, start=1)
        ),
    )

    snapshot: reactive[Snapshot] = reactive(Snapshot, init=False)
    jobs: reactive[tuple[JobView, ...]] = reactive((), init=False)

    def __init__(
        self,
        workspace: Workspace,
        source: Path | None = None,
        place: str = "data",
        *,
        poll_seconds: float = 0.5,
        settings: AppSettings | None = None,
        tour: bool = False,
        ahead: bool = False,
    ) -> None:
        """Take the workspace; nothing is read before the app runs."""
        super().__init__(settings)
        self._makes_ahead = ahead
        self._begins_with_tour = tour
        self.workspace = workspace
        self._source = source
        self._first_place = place
        self._poll_seconds = poll_seconds
        self._board = JobBoard(workspace)
        self._signature: tuple[tuple[str, int], ...] = ()
        self._trail: list[str] = []
        self._looking = False
        self._told_trouble = ""
        self._has_frame = False

    def get_default_screen(self) -> Screen:
        """Return the screen of the places."""
        return MainScreen(id="_default")

    def compose(self) -> ComposeResult:
        """Yield header, rail, the current place and footer; places come when first visited."""
        yield Header(id="header")
        with Container(id="body"):
            yield Rail({name: name.capitalize() for name in PLACES})
            yield Places()
        yield TourGuide()
        yield Footer()

    async def on_mount(self) -> None:
        """Read the workspace once, enter the first place, and keep looking."""
        self._has_frame = True
        self.dress(_with_keys)
        self._signature = signature(self.workspace)
        try:
            self.snapshot = take_snapshot(self.workspace, self._source)
        except (OSError, ValueError, TypeError, KeyError) as error:
            self._could_not_look(error)
            self._signature = ()
        self.jobs = self._board.look()
        await self._enter(self._first_place)
        if self._source is not None and self.snapshot.audit is None:
            self.query_one(Home).choose(self._source)
        self.set_interval(self._poll_seconds, self._look)
        if self._begins_with_tour:
            self.call_after_refresh(self.action_tour)
        if self._makes_ahead:
            self._make_ahead()

    # What the workspace holds

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self._look_in_thread(self._signature, self._source)

    @work(thread=True, group="look")
    def _look_in_thread(self, known: tuple[tuple[str, int], ...], source: Path | None) -> None:
        try:
            jobs = self._board.look()
            seen = signature(self.workspace)
            snapshot = take_snapshot(self.workspace, source) if seen != known else None
        except (OSError, ValueError, TypeError, KeyError) as error:
            # Replaced or removed at this very moment, or not readable: the next look may see it.
            self.call_from_thread(self._could_not_look, error)
            return
        self.call_from_thread(self._looked, jobs, seen, snapshot)

    def _could_not_look(self, error: Exception) -> None:
        self._looking = False
        told = safe_text(f"cannot read the workspace: {error}")
        if told != self._told_trouble:
            self._told_trouble = told
            self.notify(told, severity="error", markup=False)

    def _looked(
        self,
        jobs: tuple[JobView, ...],
        seen: tuple[tuple[str, int], ...],
        snapshot: Snapshot | None,
    ) -> None:
        self._looking, self._told_trouble = False, ""
        for news in ended_jobs(self.jobs, jobs):
            self.notify(news.text, title=news.title, severity=news.severity, markup=False)
        if jobs != self.jobs:
            self.jobs = jobs
        if snapshot is not None:
            self._signature = seen
            self.snapshot = snapshot

    def watch_snapshot(self) -> None:
        """Draw header and rail again."""
        self._draw_chrome()
        self.refresh_bindings()
        for guide in self.screen_stack[0].query(TourGuide) if self.screen_stack else ():
            if guide.display:
                guide.show(self.snapshot)

    def watch_jobs(self) -> None:
        """Draw the header again."""
        self._draw_chrome()

    def _draw_chrome(self) -> None:
        if not self._has_frame:
            return
        audit = self.snapshot.audit
        base = self.screen_stack[0]
        base.query_one(Header).show(audit, self.jobs)
        counts = {"findings": f"{len(audit.groups)}" if audit and audit.groups else ""}
        base.query_one(Rail).show(self.current_place_name, counts)

    # Moving between places

    @property
    def _places(self) -> Places:
        return self.screen_stack[0].query_one(Places)

    @property
    def current_place_name(self) -> str:
        """Name of the place that is shown."""
        return self._places.current or ""

    @property
    def current_place(self) -> Place | None:
        """The place that is shown."""
        return self._places.place

    async def _enter(self, name: str, request: GoTo | None = None) -> None:
        place = await self._places.enter(name)
        if request is not None:
            place.open(request)
        place.main_widget().focus()
        self._draw_chrome()
        self.call_after_refresh(self.screen_stack[0].refresh_bindings)

    @work(group="ahead")
    async def _make_ahead(self) -> None:
        await self._places.make_ahead()
        # What is there now stays: looked through by each full collection, it takes 0.1 s a time.
        gc.collect()
        gc.freeze()
        # What is drawn makes thousands of short-lived objects at every key, hardly any in cycles.
        gc.set_threshold(50_000, 20, 50)

    async def action_place(self, name: str) -> None:
        """Go to a place by its number."""
        self._trail.clear()
        await self._enter(name)

    @on(Rail.Chosen)
    async def _place_chosen(self, event: Rail.Chosen) -> None:
        await self.action_place(event.place)

    async def on_go_to(self, message: GoTo) -> None:
        """Go deeper; ``esc`` comes back."""
        self._trail.append(self.current_place_name)
        await self._enter(message.place, message)

    async def action_back(self) -> None:
        """Come back one step: within the place, then along the way that led here."""
        place = self.current_place
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif place is not None and place.go_back():
            return
        elif self._trail:
            await self._enter(self._trail.pop())
        elif place is not None:
            place.reset()

    # Keys that every place understands in its own way

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer filter, sort and audit only where they do something."""
        if action == "audit":
            return self.snapshot.audit is not None
        if action not in ("filter", "sort") or not self._has_frame:
            return True
        place = self.current_place
        return place is not None and (place.can_filter if action == "filter" else place.can_sort)

    def action_filter(self) -> None:
        """Open the place's filter field."""
        if place := self.current_place:
            place.start_filter()

    def action_sort(self) -> None:
        """Sort the place's list by its next key."""
        if (place := self.current_place) and (order := place.next_order()):
            self.notify(f"sorted: {order}", timeout=2, markup=False)

    def action_write(self) -> None:
        """Write what the place makes."""
        place = self.current_place
        if place is not None and not place.write():
            self.notify("there is nothing to write here", timeout=2, markup=False)

    def action_zoom(self) -> None:
        """Show the pane in focus alone, or all panes again."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def action_copy_command(self) -> None:
        """Copy the command line that shows or does what the place does."""
        arguments = self.current_place.command() if self.current_place else []
        if arguments:
            self._copy(shlex.join(["tunewise", *arguments]))

    def action_copy_text(self) -> None:
        """Copy what the place shows."""
        if text := self.current_place.text_to_copy() if self.current_place else "":
            self._copy(text)

    def _copy(self, text: str) -> None:
        self.copy_to_clipboard(text)
        shown = safe_text(text)
        self.notify(
            shown if len(shown) <= 200 else f"{shown[:200]}...", title="Copied", markup=False
        )

    async def action_tour(self) -> None:
        """Begin the tour, or end it."""
        guide = self.screen_stack[0].query_one(TourGuide)
        remember(state_path(), {TOUR_SEEN: True})
        if guide.display:
            guide.end()
            return
        guide.begin()
        await self._take_step(guide)

    async def action_tour_step(self, by: int) -> None:
        """Go to the tour's next step, or to the one before."""
        guide = self.screen_stack[0].query_one(TourGuide)
        if not guide.display:
            return
        if guide.move(by):
            await self._take_step(guide)
        elif by > 0:
            guide.end()

    async def _take_step(self, guide: TourGuide) -> None:
        guide.show(self.snapshot)
        await self._enter(guide.step.place, guide.step.request if guide.step.check else None)

    def action_help(self) -> None:
        """Show the keys."""
        if place := self.current_place:
            self.push_screen(HelpScreen(place.name_in_rail, place.help_text))

    def action_jobs(self) -> None:
        """Show the jobs."""
        self.push_screen(JobsScreen())

    def action_edit(self) -> None:
        """Open the row in sight in the person's editor; where there is none, the settings."""
        place = self.current_place
        arguments = place.edit_command() if place else []
        command = command_line([*arguments, "--workspace", str(self.workspace.root)])
        try:
            with self.suspend():
                status = run_in_terminal(
                    command if arguments else editor_of(self.workspace.root / SETTINGS_NAME)
                )
        except SuspendNotSupported:
            self.notify("there is no terminal for an editor here; E edits a row in the app")
            return
        if status:
            self.notify(f"the editor ended with {status}", severity="warning", markup=False)
        self.refresh()
        self._look()

    async def action_quit(self) -> None:
        """Quit at once, unless something would be lost; jobs go on by themselves."""
        unsaved = [place.unsaved for place in self.screen_stack[0].query(Place) if place.unsaved]
        if unsaved:
            lost = Text(f"{', '.join(unsaved)} would be lost; ctrl+s does them.")
            self.push_screen(
                Confirm("Quit nevertheless?", lost, "quit"),
                lambda answer: self._leave() if answer else None,
            )
            return
        self._leave()

    def _leave(self) -> None:
        running = [view.command for view in self.jobs if view.running]
        message = None
        if running:
            message = Text(f"{', '.join(running)} goes on; tunewise finds it again when opened.")
        self.exit(0, message=message)

    # Commands as child processes

    def action_audit(self) -> None:
        """Audit the shown dataset again."""
        if self.snapshot.audit is not None:
            self._run(["audit", *self.snapshot.audit.paths, "--force"])

    async def action_open_dataset(self) -> None:
        """Show the files that could be opened."""
        from .places.data_place import DataPlace

        await self.action_place("data")
        self.query_one(DataPlace).choose_another()

    def show_source(self, source: str | None) -> None:
        """Show the newest audit of a source."""
        self._source = Path(source) if source is not None else None
        self._signature = ()
        self._look()

    @on(RunCommand)
    def _command_wanted(self, message: RunCommand) -> None:
        self._run(message.arguments)

    def _run(self, arguments: list[str]) -> None:
        try:
            start_job(self.workspace, arguments)
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            told = safe_text(f"{error.strerror or error}{where}")
            title = f"{arguments[0]} cannot be started"
            self.notify(told, title=title, severity="error", markup=False)
            return
        self.notify(f"{arguments[0]} has begun; J shows it", timeout=3, markup=False)
        self._look()


def run(
    workspace: Workspace,
    source: Path | None = None,
    place: str = "data",
    *,
    settings: AppSettings | None = None,
    tour: bool = False,
) -> int:
    """Open the app and return when the person quits.

    Args:
        workspace: what to show, and where commands run.
        source: a dataset; where it has not been audited yet, its first rows are shown.
        place: one of :data:`PLACES`.
        settings: how it looks, and other keys.
        tour: begin with the tour.

    Returns:
        The exit code.
    """
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if settings is not None and settings.ascii:
        os.environ["TUNEWISE_ASCII"] = "1"
    app = TunewiseApp(workspace, source, place, settings=settings, tour=tour, ahead=True)
    return app.run() or app.return_code or 0
