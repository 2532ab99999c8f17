"""Two records beside each other, or one above the other, with their word differences."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container

from ..texts.differences import Comparison
from .pane import Pane, first_mark


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
