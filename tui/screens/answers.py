"""Both models' answers to one item, beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import ModalScreen

from ..keys import named
from ..texts.marks import BAD, GOOD, marks, plain, styled
from ..texts.reading import marked_text
from ..widgets.footer import Footer
from ..widgets.pane import Pane


class AnswersScreen(ModalScreen[None]):
    """Shows an item: its prompt, what was expected, and what base and tuned answered.

    Args:
        item: a row of ``items.parquet``.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("escape,q,enter", "app.pop_screen", "Back")
    )

    def __init__(self, item: Mapping[str, Any]) -> None:
        """Keep the item."""
        super().__init__()
        self._item = item

    def compose(self) -> ComposeResult:
        """Yield prompt and answers."""
        with Vertical(id="answers"):
            yield Pane(id="answers-prompt", classes="panel")
            with Container(id="answers-both"):
                yield Pane(id="answers-base", classes="panel")
                yield Pane(id="answers-tuned", classes="panel")
        yield Footer()

    def on_mount(self) -> None:
        """Fill the panes."""
        item = self._item
        prompt = marked_text(str(item["prompt"] or ""), ())
        if item["expected"] is not None:
            prompt.append("\n\nexpected  ", style="dim")
            prompt.append_text(marked_text(str(item["expected"]), ()))
        self._fill("prompt", plain(f"{item['task']} {marks().into} {item['item']}"), prompt)
        for name in ("base", "tuned"):
            output, score = item[f"{name}_output"], item[f"{name}_score"]
            if output is None:
                told = styled("No answer was asked for; the loss was measured.", "dim italic")
                self._fill(name, _number(name, score), told)
            else:
                self._fill(name, _title(name, score), marked_text(str(output), ()))
        self.query_one("#answers-base").focus()

    def _fill(self, name: str, title: Text, text: Text) -> None:
        pane = self.query_one(f"#answers-{name}", Pane)
        pane.border_title = title
        pane.show(text if text.plain else styled("(nothing)", "dim italic"))


def _title(name: str, score: float | None) -> Text:
    if score == 1:
        return styled(f"{name} {marks().good} right", GOOD)
    if score == 0:
        return styled(f"{name} {marks().bad} wrong", BAD)
    return _number(name, score)


def _number(name: str, score: float | None) -> Text:
    return Text(f"{name} {score:.3f}" if score is not None else name)
