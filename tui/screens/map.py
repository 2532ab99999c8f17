"""How a file's rows are to be read, where detection is wrong: shape and fields, with three rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import get_current_worker

from ..keys import named
from ..records.preview import SourcePreview, preview_source
from ..texts.marks import BAD, plain
from ..widgets.fields import FormField
from ..widgets.form import Form
from ..widgets.pane import Pane

_FIELDS = (
    FormField("shape", "--shape", "the rows' shape, such as chat, sharegpt, alpaca", usual="found"),
    FormField(
        "fields", "--map", "PART=FIELD by commas, such as role=from,content=value", usual="found"
    ),
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """How rows are to be read: a shape's name and ``PART=FIELD`` by commas; empty: as detected."""

    shape: str = ""
    fields: str = ""

    @property
    def parts(self) -> dict[str, str]:
        """The fields by the parts that they play.

        Raises:
            ValueError: something is no ``PART=FIELD``.
        """
        found: dict[str, str] = {}
        for pair in self.fields.split(","):
            if pair.strip():
                part, sign, name = pair.partition("=")
                if not sign:
                    raise ValueError(f"{pair.strip()!r} is no PART=FIELD")
                found[part.strip()] = name.strip()
        return found

    @property
    def options(self) -> list[str]:
        """The options of the command that reads rows like this."""
        shape = ["--shape", self.shape] if self.shape else []
        return [*shape, *(["--map", self.fields] if self.fields else [])]


class MapScreen(ModalScreen[Mapping | None]):
    """Asks for shape and fields, and shows three rows read by them.

    Args:
        path: the file.
        mapping: what was said before.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("ctrl+s", "take", "Take"), Binding("escape", "dismiss(None)", "Cancel")
    )

    def __init__(self, path: Path, mapping: Mapping) -> None:
        """Keep the file."""
        super().__init__()
        self._path, self._mapping = path, mapping

    def compose(self) -> ComposeResult:
        """Yield form and preview."""
        with Vertical(classes="dialog", id="map"):
            yield Form(_FIELDS)
            yield Pane()
            keys = Text.assemble(("ctrl+s", "bold"), " takes it   ", ("esc", "bold"), " leaves it")
            yield Static(keys, classes="dialog-keys")

    def on_mount(self) -> None:
        """Show what was said before."""
        self.query_one(".dialog").border_title = Text("How the rows are read")
        form = self.query_one(Form)
        form.fill("shape", self._mapping.shape)
        form.fill("fields", self._mapping.fields)
        form.focus_first()
        self._look()

    def _said(self) -> Mapping:
        values = self.query_one(Form).values()
        return Mapping(values["shape"].strip(), values["fields"].strip())

    @on(Form.Changed)
    def _look(self) -> None:
        self._look_at(self._said())

    @on(Form.Submitted)
    def action_take(self) -> None:
        """Close with what was said."""
        try:
            _ = self._said().parts
        except ValueError as error:
            self.query_one(Pane).show(plain(error, BAD))
            return
        self.dismiss(self._said())

    @work(thread=True, exclusive=True, group="map")
    def _look_at(self, mapping: Mapping) -> None:
        try:
            preview = preview_source(self._path, mapping.shape or None, mapping.parts or None)
        except ValueError as error:
            preview = SourcePreview(problem=str(error))
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._show, preview)

    def _show(self, preview: SourcePreview) -> None:
        from ..places.home import preview_text

        self.query_one(Pane).show(preview_text(preview, ask=False))
