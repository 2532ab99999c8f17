"""A place with two faces: what a command has made, and the form that starts the command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher
from textual.worker import get_current_worker

from ..jobs.asking import Answer, ask, effective_settings
from ..keys import named
from ..messages import RunCommand
from ..texts.marks import BAD, marks, plain, styled
from ..widgets.fields import FormField, command_arguments
from ..widgets.form import Form
from ..widgets.pane import Line, Pane
from .place import Place


class FormPlace(Place):
    """Shows a result; ``f`` shows the form, with a preview beside it of what it would do.

    Attributes:
        step: the command that the form stands for.
        fields: what the form asks for.
        preview_title: what stands above the preview.
    """

    step: ClassVar[str] = ""
    fields: ClassVar[tuple[FormField, ...]] = ()
    preview_title: ClassVar[str] = "Preview"
    # A person is still typing: ask only once the keys rest.
    ask_after_seconds: ClassVar[float] = 0.7

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("f", "form", "Form"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Start with the result in sight."""
        super().__init__(id=id)
        self._timer: Timer | None = None
        self._asked: list[str] = []
        self._has_defaults = False

    def compose(self) -> ComposeResult:
        """Yield both faces; one of them shows."""
        with ContentSwitcher(initial=f"{self.id}-result"):
            with Vertical(id=f"{self.id}-result", classes="result"):
                yield from self.compose_result()
            with Container(id=f"{self.id}-form", classes="form-face"):
                with Vertical(classes="form-side panel"):
                    yield Form(self.fields)
                    yield from self.compose_below_form()
                    with Vertical(classes="form-foot"):
                        yield Line(classes="form-command")
                        yield Line(classes="form-keys")
                yield Pane(classes="form-preview panel")

    def compose_result(self) -> ComposeResult:
        """Yield what shows the result."""
        yield Container()

    def compose_below_form(self) -> ComposeResult:
        """Yield more to choose from, below the form."""
        yield from ()

    def on_mount(self) -> None:
        """Name the panes."""
        self.query_one(".form-side").border_title = plain(f"tunewise {self.step}")
        self.query_one(".form-preview").border_title = self.preview_title
        keys = Text.assemble(("ctrl+s", "bold"), " starts it   ", ("esc", "bold"), " back")
        self.query_one(".form-keys", Line).say(keys)
        super().on_mount()

    # The two faces

    @property
    def form(self) -> Form:
        """The form."""
        return self.query_one(Form)

    @property
    def shows_form(self) -> bool:
        """Whether the form is in sight."""
        return self.query_one(ContentSwitcher).current == f"{self.id}-form"

    def action_form(self) -> None:
        """Show the form."""
        self.query_one(ContentSwitcher).current = f"{self.id}-form"
        self.form.focus_first()
        self.changed()
        if not self._has_defaults:
            self._has_defaults = True
            self._find_defaults()

    def show_result(self) -> None:
        """Show what was made."""
        self.query_one(ContentSwitcher).current = f"{self.id}-result"
        self.main_widget().focus()

    def result_widget(self) -> Widget:
        """Return what takes the keys while the result is shown."""
        return self.query_one(".result")

    def main_widget(self) -> Widget:
        """Return the result, or the first field of the form."""
        return self.form.query("Input").first() if self.shows_form else self.result_widget()

    def go_back(self) -> bool:
        """Leave the form."""
        if self.shows_form:
            self.show_result()
            return True
        return super().go_back()

    def command(self) -> list[str]:
        """Return the command that the form stands for."""
        return command_arguments(self.step, self.options, self.form_values())

    @property
    def options(self) -> tuple[FormField, ...]:
        """The options that the form stands for."""
        return self.fields

    def form_values(self) -> dict[str, str]:
        """Return what was filled in and chosen, by label."""
        return self.form.values()

    def write(self) -> bool:
        """Start the command, once the form has been in sight."""
        if not self.shows_form:
            self.action_form()
            return True
        self.post_message(RunCommand(self.command()))
        self.show_result()
        return True

    # The preview

    def preview_arguments(self) -> list[str]:
        """Return the command that tells what would be done; empty where none does."""
        return []

    def preview_text(self, document: Mapping[str, Any]) -> Text:
        """Return what would be done, for a person."""
        return Text()

    def preview_now(self) -> Text | None:
        """Return what would be done where that is known at once, without a command."""
        return None

    def waiting_text(self) -> Text:
        """Return what stands in the preview until there is one."""
        return styled(f"working it out {marks().ellipsis}", "dim")

    @on(Form.Submitted)
    def _form_submitted(self, event: Form.Submitted) -> None:
        event.stop()
        self.write()

    @on(Form.Changed)
    def _form_changed(self, event: Form.Changed) -> None:
        event.stop()
        self.changed()

    def changed(self) -> None:
        """Show the command, and soon what it would do."""
        line = shlex.join(["tunewise", *self.command()])
        self.query_one(".form-command", Line).say(plain(line, "dim"))
        if not self.shows_form:
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.ask_after_seconds, self._ask_now)

    def _ask_now(self) -> None:
        if (text := self.preview_now()) is not None:
            self._tell_preview(text)
            return
        arguments = self.preview_arguments()
        if not self.shows_form or arguments == self._asked:
            return
        self._asked = arguments
        self._tell_preview(self.waiting_text())
        if arguments:
            self._ask(arguments)

    @work(thread=True, exclusive=True, group="ask")
    def _ask(self, arguments: Sequence[str]) -> None:
        worker = get_current_worker()
        answer = ask(self.workspace, arguments, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_answer, answer)

    def _show_answer(self, answer: Answer) -> None:
        if answer.problem:
            text = styled(f"{marks().bad} ", BAD)
            lines = answer.problem.splitlines()
            text.append_text(Text("\n").join(plain(line, BAD if not n else "")
                                             for n, line in enumerate(lines)))  # fmt: skip
            text.no_wrap = False
            self._tell_preview(text)
            return
        try:
            self._tell_preview(self.preview_text(answer.document))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._tell_preview(plain(f"the preview is not understood: {error!r}", BAD))

    def _tell_preview(self, text: Text) -> None:
        self.query_one(".form-preview", Pane).show(text)

    @work(thread=True, exclusive=True, group="defaults")
    def _find_defaults(self) -> None:
        found = effective_settings(self.workspace)
        if found and not get_current_worker().is_cancelled:
            self.app.call_from_thread(self.form.show_defaults, found)
