"""Help: the keys that work everywhere, and what can be done in the place behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..dressed_app import DressedApp
from ..keys import named
from ..texts.marks import plain
from ..widgets.pane import Pane

EVERYWHERE = (
    ("1 … 7", "go to a place; each keeps where you were"),
    ("enter  esc", "deeper, and back"),
    ("↑ ↓  j k", "move; g G first and last, ctrl+d ctrl+u by the page"),
    ("tab", "next pane; z shows one pane alone"),
    ("/", "filter; o sorts"),
    ("r", "audit again"),
    ("J", "jobs: what runs, how far it is, its log; x there stops one"),
    ("c  y", "copy the command that does the same; copy what is shown"),
    ("e", "what is in sight in $EDITOR: a row, or else the settings"),
    ("ctrl+s", "write what the place makes: clean rows, a split, a run, a report"),
    ("ctrl+p", "every command by name, and themes"),
    ("F1", "a tour of two minutes"),
    ("q", "quit; running jobs go on and are found again"),
)


class HelpScreen(ModalScreen[None]):
    """Shows the keys.

    Args:
        place: the place's name.
        text: what can be done there.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("escape,q,question_mark,enter", "app.pop_screen", "Back")
    )

    def __init__(self, place: str, text: str) -> None:
        """Keep the place's text."""
        super().__init__()
        self._place, self._text = place, text

    def compose(self) -> ComposeResult:
        """Yield the box."""
        with Vertical(classes="dialog"):
            yield Pane()

    def on_mount(self) -> None:
        """Show the text."""
        self.query_one(".dialog").border_title = Text(f"Help: {self._place}")
        self.query_one(".dialog").border_subtitle = Text("esc closes")
        changed = self.app.changed_keys if isinstance(self.app, DressedApp) else {}
        self.query_one(Pane).show(help_text(self._text, changed))
        self.query_one(Pane).focus()


def help_text(place_text: str, changed: Mapping[str, str]) -> Text:
    """Return a place's help with the keys that work everywhere.

    Args:
        place_text: of the place.
        changed: the keys that the person has changed, by the name of what they do.
    """
    text = Text(f"{place_text}\n\n")
    for keys, what in EVERYWHERE:
        text.append(f"{keys:<12}", style="bold").append(f"{what}\n")
    if changed:
        text.append("\nchanged by you under [app] keys\n", style="dim")
    for name, keys in changed.items():
        text.append_text(plain(f"{keys:<12}", "bold")).append_text(plain(name)).append("\n")
    return text
