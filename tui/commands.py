"""What the command palette offers: every place, every source, and what the keys do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.actions import parse
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from .keys import names_of
from .places.all_places import PLACES
from .texts.marks import plain

if TYPE_CHECKING:
    from .app import TunewiseApp

Command = tuple[str, IgnoreReturnCallbackType, str]


class TunewiseCommands(Provider):
    """Places, sources and actions by name."""

    async def discover(self) -> Hits:
        """Yield everything, before anything is typed."""
        for name, callback, what in self._commands():
            yield DiscoveryHit(plain(name), callback, text=name, help=what)

    async def search(self, query: str) -> Hits:
        """Yield what fits the typed letters."""
        matcher = self.matcher(query)
        for name, callback, what in self._commands():
            shown = plain(name).plain
            score = matcher.match(shown)
            if score > 0:
                yield Hit(score, Text(shown), callback, text=shown, help=what)

    def _commands(self) -> Iterator[Command]:
        app: TunewiseApp = self.app  # type: ignore[assignment]
        for number, name in enumerate(PLACES, start=1):
            callback = partial(app.action_place, name)
            yield f"Go to {name.capitalize()}", callback, f"key {number}"
        yield from self._of_place(app)
        for name, action, what in (
            ("Audit again", app.action_audit, "run all checks on this dataset (r)"),
            ("Jobs", app.action_jobs, "what runs, and logs (J)"),
            ("Copy the command", app.action_copy_command, "the command line that does this (c)"),
            ("Open a dataset", app.action_open_dataset, "choose a file"),
            ("Help", app.action_help, "keys of this place (?)"),
            ("Filter", app.action_filter, "list only what holds a text (/)"),
            ("Sort", app.action_sort, "by the next key (o)"),
            ("Zoom", app.action_zoom, "one pane alone, or all again (z)"),
            ("Copy what is shown", app.action_copy_text, "as text or JSON (y)"),
            ("Write", app.action_write, "what this place makes (ctrl+s)"),
            ("Open in the editor", app.action_edit, "the row in sight, or the settings (e)"),
            ("Tour", app.action_tour, "two minutes through the places (F1)"),
        ):
            yield name, action, what
        for source in app.snapshot.sources:
            yield f"Show {source}", partial(app.show_source, source), "its newest audit"

    def _of_place(self, app: TunewiseApp) -> Iterator[Command]:
        """Yield what can be done in the place that is shown now."""
        place = app.current_place
        if place is None:
            return
        for name, binding in names_of([type(place)]).items():
            action = binding.action
            if action.startswith("app.") or not hasattr(place, f"action_{action.split('(')[0]}"):
                continue
            method, arguments = action.partition("(")[0], parse(action)[2]
            if place.check_action(method, arguments) is not True:
                continue
            title = f"{place.name_in_rail}: {binding.description.lower()}"
            callback = partial(getattr(place, f"action_{method}"), *arguments)
            yield title, callback, f"key {binding.key}, named {name}"
