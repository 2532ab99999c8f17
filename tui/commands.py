"""What the command palette offers: every place, every source, and what the keys do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from .marks import plain

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
        for number, (name, place) in enumerate(app.places().items(), start=1):
            callback = partial(app.action_place, name)
            yield f"Go to {place.name_in_rail}", callback, f"key {number}"
        for name, action, what in (
            ("Audit again", app.action_audit, "run all checks on this dataset (r)"),
            ("Jobs", app.action_jobs, "what runs, and logs (J)"),
            ("Copy the command", app.action_copy_command, "the command line that does this (c)"),
            ("Open a dataset", app.action_open_dataset, "choose a file"),
            ("Help", app.action_help, "keys of this place (?)"),
        ):
            yield name, action, what
        for source in app.snapshot.sources:
            yield f"Show {source}", partial(app.show_source, source), "its newest audit"
