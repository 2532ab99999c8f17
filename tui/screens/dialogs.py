"""Questions: yes or no, one of several, and a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ..keys import named
from ..widgets.pane import Pane


class Confirm(ModalScreen[bool]):
    """Shows what would happen and asks whether it should.

    Args:
        title: the question.
        text: what would happen; already made safe.
        yes: what enter does, in a word or two.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("enter,y", "answer(True)", "Yes"),
        Binding("escape,n,q", "answer(False)", "No"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    )

    def __init__(self, title: str, text: Text, yes: str = "yes") -> None:
        """Keep the question."""
        super().__init__()
        self._title, self._text, self._yes = title, text, yes

    def compose(self) -> ComposeResult:
        """Yield the box."""
        with Vertical(classes="dialog"):
            yield Pane()
            answer = Text.assemble(("enter", "bold"), f" {self._yes}   ", ("esc", "bold"), " no")
            yield Static(answer, classes="dialog-keys")

    def on_mount(self) -> None:
        """Show the text."""
        self.query_one(".dialog").border_title = Text(self._title)
        pane = self.query_one(Pane)
        pane.can_focus = False
        pane.show(self._text)

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)

    def action_scroll(self, lines: int) -> None:
        """Scroll a long text."""
        self.query_one(Pane).scroll_relative(y=lines, animate=False)


class Ask(ModalScreen[str | None]):
    """Asks for a line of text; None where the person thinks better of it.

    Args:
        title: the question.
        placeholder: what is expected.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(Binding("escape", "cancel", "Cancel"))

    def __init__(self, title: str, placeholder: str) -> None:
        """Keep the question."""
        super().__init__()
        self._title, self._placeholder = title, placeholder

    def compose(self) -> ComposeResult:
        """Yield the box."""
        with Vertical(classes="dialog"):
            yield Input(placeholder=self._placeholder, compact=True)
            answer = Text.assemble(("enter", "bold"), " go on   ", ("esc", "bold"), " cancel")
            yield Static(answer, classes="dialog-keys")

    def on_mount(self) -> None:
        """Show the question."""
        self.query_one(".dialog").border_title = Text(self._title)
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers: the key that gives it, its name, and what it means."""

    key: str
    name: str
    what: str


class Choose(ModalScreen[str | None]):
    """Shows a few answers, each with its key; None where the person thinks better of it.

    Args:
        title: the question.
        text: what it is about; already made safe.
        choices: the answers.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(Binding("escape,q", "dismiss(None)", "Cancel"))

    def __init__(self, title: str, text: Text, choices: Sequence[Choice]) -> None:
        """Keep the question."""
        super().__init__()
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        """Yield the box."""
        with Vertical(classes="dialog"):
            yield Static(self._text, markup=False)
            answers = Text()
            for choice in self._choices:
                answers.append(f"\n{choice.key:<7}", style="bold").append(choice.what)
            yield Static(answers.append("\nesc    ", style="bold").append("leave it"))

    def on_mount(self) -> None:
        """Show the question."""
        self.query_one(".dialog").border_title = Text(self._title)

    def on_key(self, event: events.Key) -> None:
        """Give the answer whose key was pressed."""
        for choice in self._choices:
            if event.key == choice.key or event.character == choice.key:
                event.stop()
                self.dismiss(choice.name)
                return
