"""Two records beside each other, or one above the other, with their word differences."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container

from ..widgets.pane import Pane, first_mark


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two texts to compare, ready to be shown."""

    left_title: str
    left: Text
    right_title: str
    right: Text


class Comparing(Container):
    """Two boxes; the app's width decides how they stand."""

    def compose(self) -> ComposeResult:
        """Yield the boxes."""
        yield Pane(id="compare-left", classes="panel")
        yield Pane(id="compare-right", classes="panel")

    def show(self, comparison: Comparison) -> None:
        """Show two texts, each with its first difference in sight."""
        for name, title, text in (
            ("left", comparison.left_title, comparison.left),
            ("right", comparison.right_title, comparison.right),
        ):
            pane = self.query_one(f"#compare-{name}", Pane)
            pane.border_title = Text(title)
            pane.show(text, at=first_mark(text))
