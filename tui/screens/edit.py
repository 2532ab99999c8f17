"""A row as JSON to edit in place; what is saved goes through `tunewise clean --edit ROW --with`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from ...curate.formats.json_values import NotJsonError, parse_json
from ...workspace.artifact import Workspace
from ..keys import named
from ..texts.marks import BAD, WARNING, plain, styled
from ..widgets.pane import Line
from .dialogs import Confirm


class EditScreen(ModalScreen[str | None]):
    """Edits a row's JSON; None where the person thinks better of it.

    Args:
        document: what ``tunewise clean --edit ROW --preview`` tells: ``row``, ``text`` (in which
            whatever cannot be seen is escaped) and ``goes`` (why the row is removed).
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("ctrl+s", "save", "Save"),
        Binding("escape", "leave", "Leave"),
    )

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Keep the row."""
        super().__init__()
        self._document = document

    def compose(self) -> ComposeResult:
        """Yield the text, what is wrong with it, and the keys."""
        with Vertical(id="edit"):
            yield Line(id="edit-told")
            yield TextArea(str(self._document["text"]), show_line_numbers=True, id="edit-text")
            keys = Text.assemble(("ctrl+s", "bold"), " saves   ", ("esc", "bold"), " leaves")
            yield Static(keys, classes="dialog-keys")

    def on_mount(self) -> None:
        """Say which row it is."""
        text = styled(f"row {self._document['row']:,}", "bold")
        if goes := self._document.get("goes"):
            text.append_text(plain(f"  is removed, edited or not: {goes}", WARNING))
        self._tell(text)
        self.query_one(TextArea).focus()

    def _tell(self, text: Text) -> None:
        self.query_one("#edit-told", Line).say(text)

    @property
    def _changed(self) -> bool:
        return self.query_one(TextArea).text != self._document["text"]

    def action_save(self) -> None:
        """Close with the text, if it is a JSON object."""
        text = self.query_one(TextArea).text
        try:
            value = parse_json(text.encode("utf-8", errors="replace"))
        except NotJsonError as error:
            self._tell(plain(f"not JSON: {error}", BAD))
            return
        if not isinstance(value, dict):
            self._tell(plain("a row is a JSON object: keep the braces around it", BAD))
            return
        self.dismiss(text if self._changed else None)

    def action_leave(self) -> None:
        """Close; ask first where something would be lost."""
        if not self._changed:
            self.dismiss(None)
            return
        question = Confirm("Leave without saving?", Text("What was changed is lost."), "leave")
        self.app.push_screen(question, self._leave)

    def _leave(self, answer: bool | None) -> None:
        if answer:
            self.dismiss(None)


def keep_edited(workspace: Workspace, row: int, text: str) -> Path:
    """Write an edited row where the command reads it; nobody else can read it.

    Raises:
        OSError: it cannot be written.
    """
    folder = workspace.store / "edits"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"row-{row}.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(text.encode("utf-8", errors="replace"))
    return path
