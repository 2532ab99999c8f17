"""Reviewing answers blind: which of two is better, without knowing whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import ModalScreen

from ...evaluate.review import (
    BASE,
    TIE,
    TUNED,
    Preference,
    Tally,
    first_shown,
    items_to_review,
    keep_preference,
    read_preferences,
    review_path,
    tally,
)
from ...workspace.errors import TunewiseError
from ..keys import named
from ..records.item_rows import read_item
from ..snapshot import Document
from ..texts.marks import BAD, counted, percent, plain, styled
from ..texts.reading import marked_text
from ..widgets.footer import Footer
from ..widgets.pane import Line, Pane


class ReviewScreen(ModalScreen[None]):
    """Shows pairs of answers, base's and tuned's in random order, and keeps the preferences.

    Args:
        document: the evaluation.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("1", "prefer(0)", "Left is better"),
        Binding("2", "prefer(1)", "Right is better"),
        Binding("0,equals_sign", "neither", "Neither"),
        Binding("s,n", "skip", "Skip"),
        Binding("escape,q", "end", "End"),
    )

    def __init__(self, document: Document) -> None:
        """Keep the evaluation."""
        super().__init__()
        self._items = document.folder / "items.parquet"
        self._evaluation = document.artifact.id
        self._path: Path | None = None
        self._waiting: list[tuple[str, str]] = []
        self._shown: Mapping[str, Any] | None = None
        self._order = (BASE, TUNED)

    def compose(self) -> ComposeResult:
        """Yield the state, the prompt, and both answers."""
        with Vertical(id="answers"):
            yield Line(id="review-state")
            yield Pane(id="answers-prompt", classes="panel")
            with Container(id="answers-both"):
                yield Pane(id="answers-base", classes="panel")
                yield Pane(id="answers-tuned", classes="panel")
        yield Footer()

    def on_mount(self) -> None:
        """Find the pairs that were not reviewed yet."""
        self._path = review_path(self.app.workspace, self._evaluation)  # type: ignore[attr-defined]
        self.query_one("#answers-prompt").border_title = "Prompt"
        self.query_one("#answers-base").border_title = "1"
        self.query_one("#answers-tuned").border_title = "2"
        self._find()

    @work(thread=True, exclusive=True, group="review")
    def _find(self) -> None:
        assert self._path is not None
        done = read_preferences(self._path)
        problem = ""
        waiting: list[tuple[str, str]] = []
        try:
            found = items_to_review(self._items, self._evaluation)
            waiting = [pair for pair in found.iter_rows() if pair not in done]
        except (OSError, pl.exceptions.PolarsError) as error:
            problem = f"cannot read the items: {error}"
        self.app.call_from_thread(self._begin, waiting, tally(done.values()), problem)

    def _begin(self, waiting: list[tuple[str, str]], counted_so_far: Tally, problem: str) -> None:
        self._waiting = waiting
        self._tell(counted_so_far)
        if problem:
            self._state(plain(problem, BAD))
        self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._shown = None
            self._fill("prompt", styled("No more pairs: esc ends the review.", "bold"))
            for side in ("base", "tuned"):
                self._fill(side, Text(""))
            return
        self._read(*self._waiting[0])

    @work(thread=True, exclusive=True, group="review")
    def _read(self, task: str, item: str) -> None:
        try:
            found = read_item(self._items, task, item)
        except (OSError, pl.exceptions.PolarsError) as error:
            self.app.call_from_thread(self._state, plain(f"cannot read the item: {error}", BAD))
            return
        if found is not None:
            self.app.call_from_thread(self._show, found)

    def _show(self, item: Mapping[str, Any]) -> None:
        self._shown = item
        first = first_shown(self._evaluation, str(item["task"]), str(item["item"]))
        self._order = (first, TUNED if first == BASE else BASE)
        self._fill("prompt", marked_text(str(item["prompt"] or ""), ()))
        for side, model in zip(("base", "tuned"), self._order, strict=True):
            text = marked_text(str(item[f"{model}_output"]), ())
            self._fill(side, text if text.plain else styled("(nothing)", "dim italic"))

    def _fill(self, name: str, text: Text) -> None:
        self.query_one(f"#answers-{name}", Pane).show(text)

    def action_prefer(self, place: int) -> None:
        """Keep that the answer at this place is better."""
        self._keep(self._order[place])

    def action_neither(self) -> None:
        """Keep that neither is better."""
        self._keep(TIE)

    def action_end(self) -> None:
        """Close, and tell what was preferred: only now, so that nobody learns whose is whose."""
        if self._path is not None:
            found = tally(read_preferences(self._path).values())
            self.notify(result_text(found).plain, title="Blind review", timeout=10, markup=False)
        self.dismiss(None)

    def action_skip(self) -> None:
        """Come back to this pair later."""
        if self._waiting:
            self._waiting.append(self._waiting.pop(0))
            self._next()

    def _keep(self, preferred: str) -> None:
        if self._shown is None or self._path is None or not self._waiting:
            return
        task, item = self._waiting[0]
        try:
            keep_preference(self._path, Preference(task, item, preferred, self._order[0]))
        except TunewiseError as error:
            self._state(plain(f"{error.what}. {error.fix}", BAD))
            return
        self._waiting.pop(0)
        self._tell(tally(read_preferences(self._path).values()))
        self._next()

    def _tell(self, found: Tally) -> None:
        self._state(tally_text(found, len(self._waiting)))

    def _state(self, text: Text) -> None:
        self.query_one("#review-state", Line).say(text)


def tally_text(found: Tally, waiting: int) -> Text:
    """Return how far a review is.

    Args:
        found: the preferences so far.
        waiting: pairs that are left.
    """
    given = found.base + found.tuned + found.ties
    return styled(f"{counted(given, 'pair')} reviewed, {waiting:,} left", "bold")


def result_text(found: Tally) -> Text:
    """Return whose answers were preferred, with the interval of the tuned model's share."""
    text = Text(f"tuned {found.tuned:,}, base {found.base:,}, neither {found.ties:,}")
    if found.share is not None and found.interval is not None:
        low, high = found.interval
        text.append(f": tuned preferred in {percent(found.share)} of the decided pairs")
        text.append(f" (95 %: {percent(low)} to {percent(high)}), {found.verdict}")
    return text
