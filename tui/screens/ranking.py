"""The evaluated runs of one base, ranked: which is best, and which cannot be told apart."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.worker import get_current_worker

from ...workspace.artifact import Workspace, list_artifacts
from ...workspace.files import read_json
from ..jobs.asking import Answer, ask
from ..keys import named
from ..snapshot import Document
from ..texts.marks import BAD, marks, plain, styled
from ..widgets.footer import Footer
from ..widgets.pane import Line, Pane

_MOST_RUNS = 8
# Runs can only be ranked where the same was asked of the same base.
_SAME = ("model_sha256", "base_adapter", "split", "suites", "limit")


class RankingScreen(ModalScreen[None]):
    """Shows what ``tunewise report --compare`` says of a workspace's runs.

    Args:
        document: an evaluation; those that asked the same of the same base stand beside it.
    """

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("escape,q", "app.pop_screen", "Back"),
        Binding("c", "copy_command", "Copy command"),
    )

    def __init__(self, document: Document) -> None:
        """Keep the evaluation."""
        super().__init__()
        self._document = document
        self._command: list[str] = []

    def compose(self) -> ComposeResult:
        """Yield the command and its answer."""
        with Vertical(id="ranking"):
            yield Line(id="ranking-command")
            yield Pane(id="ranking-text", classes="panel -nowrap")
        yield Footer()

    def on_mount(self) -> None:
        """Ask for the ranking."""
        self.query_one("#ranking-text").border_title = "Runs, best first"
        self._say(styled(f"comparing {marks().ellipsis}", "dim"))
        self.query_one(Pane).focus()
        self._rank()

    @work(thread=True, exclusive=True, group="ranking")
    def _rank(self) -> None:
        workspace: Workspace = self.app.workspace  # type: ignore[attr-defined]
        rivals = rivals_of(workspace, self._document)
        if len(rivals) < 2:
            self.app.call_from_thread(self._say, styled(_ALONE, "dim"))
            return
        self._command = ["report", "--compare", *rivals]
        line = shlex.join(["tunewise", *self._command])
        self.app.call_from_thread(self.query_one(Line).say, plain(line, "dim"))
        worker = get_current_worker()
        answer = ask(workspace, self._command, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._say, ranking_text(answer))

    def _say(self, text: Text) -> None:
        self.query_one(Pane).show(text)

    def action_copy_command(self) -> None:
        """Copy the command that says the same."""
        if self._command:
            self.app.copy_to_clipboard(shlex.join(["tunewise", *self._command]))
            self.notify("the command is copied", timeout=2, markup=False)


_ALONE = (
    "No other evaluation here asked the same of the same base.\n\n"
    "Train with other settings (5, f), evaluate that run on the same suites (6, f),\n"
    "and both are ranked here, with paired tests of every two."
)


def rivals_of(workspace: Workspace, document: Document) -> list[str]:
    """Return the newest evaluation of each run that can be ranked with one, that one among them.

    Args:
        workspace: where evaluations are looked for.
        document: the evaluation.
    """
    asked = [document.content.get(key) for key in _SAME]
    newest: dict[str, str] = {}
    for artifact in list_artifacts(workspace, "evaluate"):
        try:
            content: Mapping[str, Any] = read_json(artifact.folder / "evaluate.json")
            if [content.get(key) for key in _SAME] == asked:
                newest.pop(tuned := str(content.get("adapter") or content.get("full_model")), None)
                newest[tuned] = artifact.id
        except (OSError, ValueError, AttributeError):
            # Written or removed at this moment, or damaged: the other ones can still be ranked.
            continue
    return list(newest.values())[-_MOST_RUNS:]


def ranking_text(answer: Answer) -> Text:
    """Return the command's answer as it prints it in a terminal, or why there is none."""
    if answer.problem:
        return plain(answer.problem, BAD)
    # Statistics of every kind come with it.
    from ...evaluate.reporting.rivals_pages import rivals_text

    try:
        return Text("\n").join(plain(line) for line in rivals_text(answer.document).splitlines())
    except (KeyError, TypeError, ValueError) as error:
        return plain(f"the answer is not understood: {error!r}", BAD)
