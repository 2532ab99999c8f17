"""Decisions in a place: a preview first, then the question, then the command; undo and redo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.worker import get_current_worker

from ...workspace.safe_text import safe_text
from ..jobs.fixes import (
    FixPreview,
    preview_decision,
    redo_arguments,
    undo_arguments,
    write_arguments,
)
from ..keys import named
from ..messages import RunCommand
from ..screens.dialogs import Ask, Confirm
from ..texts.audit_view import AuditView
from .place import Place


class DecidingPlace(Place):
    """A place in which findings are decided about; what is decided is a ``tunewise clean``."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("u", "undo", "Undo"),
        Binding("ctrl+r", "redo", "Redo", show=False),
    )

    @property
    def decided_audit(self) -> AuditView | None:
        """The audit whose findings are decided about."""
        return self.app.snapshot.audit  # type: ignore[attr-defined]

    def propose(self, question: str, arguments: Sequence[str]) -> None:
        """Show what a decision would do, then ask whether it should be made.

        Args:
            question: what is asked.
            arguments: of the command that makes the decision.
        """
        self.notify("looking what that would change", timeout=3, markup=False)
        self._preview(question, [*arguments])

    @work(thread=True, exclusive=True, group="preview")
    def _preview(self, question: str, arguments: list[str]) -> None:
        worker = get_current_worker()
        preview = preview_decision(self.workspace, arguments, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._ask_about, question, arguments, preview)

    def _ask_about(self, question: str, arguments: list[str], preview: FixPreview) -> None:
        if preview.problem:
            self.notify(
                safe_text(preview.problem, keep_line_breaks=True),
                title="No preview",
                severity="error",
                markup=False,
            )
            return
        beyond = bool(preview.refusals)
        confirmed = [*arguments, "--yes"] if beyond else arguments
        self.app.push_screen(
            Confirm(question, preview.text(), "accept nevertheless" if beyond else "accept"),
            lambda answer: self.decide(confirmed) if answer else None,
        )

    def ask_reason(self, question: str, arguments: Sequence[str]) -> None:
        """Ask for a reason, then make the decision with it."""

        def decide(reason: str | None) -> None:
            if reason:
                self.decide([*arguments, "--reason", reason])

        self.app.push_screen(Ask(question, "reason"), decide)

    def decide(self, arguments: Sequence[str]) -> None:
        """Start the command that makes a decision."""
        self.decided()
        self.post_message(RunCommand([*arguments]))

    def decided(self) -> None:
        """Forget what was marked for the decision that is made now."""

    def action_undo(self) -> None:
        """Undo the last decision about this source."""
        if (audit := self.decided_audit) is not None:
            self.post_message(RunCommand(undo_arguments(audit)))

    def action_redo(self) -> None:
        """Bring the decision undone last back."""
        if (audit := self.decided_audit) is not None:
            self.post_message(RunCommand(redo_arguments(audit)))

    def write(self) -> bool:
        """Write the clean data to a file of the person's choice."""
        audit = self.decided_audit
        if audit is None:
            return False

        def write(path: str | None) -> None:
            if path:
                self.post_message(RunCommand(write_arguments(audit, path)))

        question = "Write the clean rows where?"
        self.app.push_screen(Ask(question, "clean.jsonl, .csv, .parquet, .jsonl.gz ..."), write)
        return True
