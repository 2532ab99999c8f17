"""A form of one-line fields that is filled in by keys alone; the mouse works, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from ..keys import named
from ..texts.marks import plain
from .fields import FormField
from .pane import Line


class Form(Vertical):
    """Asks for a command's options.

    Args:
        fields: what is asked for; their labels are unique.
    """

    class Changed(Message):
        """Something was filled in."""

    class Submitted(Message):
        """Enter was pressed in the last field."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    )

    def __init__(self, fields: Sequence[FormField], *, id: str | None = None) -> None:
        """Keep the fields."""
        super().__init__(id=id, classes="form")
        self.fields = tuple(fields)

    def compose(self) -> ComposeResult:
        """Yield a line for each field, and one that explains the field in hand."""
        # No VerticalScroll: its own arrow keys would scroll instead of moving between fields.
        with Vertical(classes="form-fields"):
            for field in self.fields:
                with Horizontal(classes="form-row"):
                    yield Static(plain(field.label), classes="form-label")
                    choices = SuggestFromList(field.choices, case_sensitive=False)
                    yield Input(
                        compact=True,
                        name=field.label,
                        suggester=choices if field.choices else None,
                        placeholder=field.usual,
                        select_on_focus=False,
                    )
        yield Line(classes="form-what")

    def on_mount(self) -> None:
        """Let cursors stand still: a blinking one is drawn twice a second."""
        for line in self.query(Input):
            line.cursor_blink = False

    def show_defaults(self, settings: Mapping[str, Any]) -> None:
        """Show in every empty field what holds where nothing is filled in."""
        for field, line in zip(self.fields, self.query(Input), strict=True):
            line.placeholder = plain(field.shown_default(settings)).plain

    def values(self) -> dict[str, str]:
        """Return what was filled in, by label."""
        return {line.name or "": line.value for line in self.query(Input)}

    def fill(self, label: str, value: str) -> None:
        """Fill in a field."""
        for line in self.query(Input):
            if line.name == label:
                line.value = value

    def focus_first(self) -> None:
        """Go to the first field."""
        self.query(Input).first().focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        lines = list(self.query(Input))
        if event.input is lines[-1]:
            self.post_message(self.Submitted())
        else:
            self.app.action_focus_next()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Explain the field in hand."""
        name = getattr(event.widget, "name", None)
        for field in self.fields:
            if field.label == name:
                choices = f" ({', '.join(field.choices)})" if field.choices else ""
                option = f"{field.option}: " if field.option else ""
                self.query_one(".form-what", Line).say(plain(f"{option}{field.what}{choices}"))
