"""What can be decided while reading and comparing: marks, accepted fixes, pairs, edited rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.worker import get_current_worker

from ..jobs.asking import Answer, ask
from ..jobs.fixes import accept_arguments, drop_arguments, ignore_arguments, pair_arguments
from ..keys import named
from ..places.deciding import DecidingPlace
from ..texts.marks import counted, marks

LEFT, RIGHT, BOTH, NEITHER = "left", "right", "both", "neither"


class RecordDecisions(DecidingPlace):
    """The decisions of the Records place; what is listed and read is the place's own."""

    BINDINGS: ClassVar[list[BindingType]] = named(
        Binding("space", "mark", "Mark", show=False),
        Binding("a", "accept", "Accept fix"),
        Binding("A", "accept_all", "Accept all", show=False),
        Binding("i", "ignore", "Ignore", show=False),
        Binding("left_square_bracket", "keep('left')", "Keep left"),
        Binding("right_square_bracket", "keep('right')", "Keep right"),
        Binding("b", "keep('both')", "Both"),
        Binding("x", "drop", "Drop"),
        Binding("w", "wrap", "Wrap", show=False),
        Binding("E", "edit_here", "Edit"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Start with nothing marked."""
        super().__init__(id=id)
        # Rows that are marked, and by position in the list what was chosen of a pair.
        self.marked: set[int] = set()
        self.choices: dict[int, str] = {}

    # What the place tells

    @property
    def check(self) -> str:
        """The check whose hits are listed; empty where all records are."""
        return ""

    def current_row(self) -> int | None:
        """Return the row under the cursor."""
        raise NotImplementedError

    def current_hit(self) -> Mapping[str, Any] | None:
        """Return the hit under the cursor, where hits are listed."""
        raise NotImplementedError

    def hit_at(self, position: int) -> Mapping[str, Any]:
        """Return a hit by its position in the list."""
        raise NotImplementedError

    def position(self) -> int:
        """Return the cursor's position in the list."""
        raise NotImplementedError

    def step(self, by: int) -> None:
        """Move the cursor."""
        raise NotImplementedError

    def show_signs(self) -> None:
        """Draw the signs of marks and choices again."""
        raise NotImplementedError

    def wrap(self) -> None:
        """Wrap long lines, or let them run on."""
        raise NotImplementedError

    # Marks and choices

    def sign(self, position: int, row: int | None) -> str:
        """Return the sign before a line of the list."""
        if position in self.choices:
            signs = {LEFT: "[", RIGHT: "]", BOTH: "b", NEITHER: "x"}
            return signs[self.choices[position]]
        return marks().marked if row in self.marked else ""

    def forget_marks(self) -> None:
        """Begin with nothing marked, because other rows are listed."""
        self.marked.clear()
        self.choices.clear()

    def decided(self) -> None:
        """Forget what is being done now."""
        self.forget_marks()
        self.show_signs()

    @property
    def unsaved(self) -> str:
        """What would be lost by leaving, in words; empty where nothing would."""
        return f"{counted(len(self.choices), 'choice')} between rows" if self.choices else ""

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away; then the next one."""
        row = self.current_row()
        if row is not None:
            self.marked ^= {row}
            self.show_signs()
            self.step(1)

    def action_keep(self, which: str) -> None:
        """Choose which row of a pair stays; ctrl+s does all that was chosen."""
        hit = self.current_hit()
        if hit is None or hit["row"] is None or hit["related_row"] is None:
            return
        if self.choices.get(self.position()) == which:
            del self.choices[self.position()]
        else:
            self.choices[self.position()] = which
        self.show_signs()
        self.step(1)

    def _rows(self) -> list[int]:
        """Return the marked rows, or the one under the cursor."""
        row = self.current_row()
        return sorted(self.marked) or ([] if row is None else [row])

    # Decisions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what has a sense for what is listed."""
        if action in ("accept", "accept_all", "ignore"):
            return bool(self.check)
        if action == "keep":
            hit = self.current_hit()
            return hit is not None and hit["related_row"] is not None
        return True

    def action_accept(self) -> None:
        """Show what the fix of this row's finding, or of the marked rows', would do; then ask."""
        self._accept(self._rows())

    def action_accept_all(self) -> None:
        """The same for all findings of the check."""
        self._accept([])

    def _accept(self, rows: list[int]) -> None:
        if (audit := self.decided_audit) is None:
            return
        which = f" for {counted(len(rows), 'row')}" if rows else ""
        question = f"Accept the fix of {self.check}{which}?"
        self.propose(question, accept_arguments(audit, self.check, rows))

    def action_ignore(self) -> None:
        """Ignore this row's finding, or the marked rows', with a reason."""
        if (audit := self.decided_audit) is not None:
            question = f"Why is {self.check} no fault here?"
            self.ask_reason(question, ignore_arguments(audit, self.check, self._rows()))

    def action_drop(self) -> None:
        """Choose that both rows of a pair go; else show what leaving rows out would do."""
        hit, audit = self.current_hit(), self.decided_audit
        if hit is not None and hit["related_row"] is not None and not self.marked:
            self.action_keep(NEITHER)
        elif audit is not None and (rows := self._rows()):
            question = f"Leave {counted(len(rows), 'row')} out by hand?"
            self.propose(question, drop_arguments(audit, rows))

    def write(self) -> bool:
        """Do what was chosen between rows; where nothing was, write the clean rows to a file."""
        audit = self.decided_audit
        if audit is None or not self.choices:
            return super().write()
        dropped: set[int] = set()
        kept: set[int] = set()
        for position, which in self.choices.items():
            hit = self.hit_at(position)
            left, right = hit["row"], hit["related_row"]
            dropped |= {left} if which in (RIGHT, NEITHER) else set()
            dropped |= {right} if which in (LEFT, NEITHER) else set()
            kept |= {left} if which == BOTH else set()
        question = f"Do what was chosen of {counted(len(self.choices), 'pair')}?"
        arguments = pair_arguments(audit, self.check, sorted(dropped), sorted(kept - dropped))
        self.propose(question, arguments)
        return True

    def action_wrap(self) -> None:
        """Wrap long lines, or let them run on."""
        self.wrap()

    # Editing

    def edit_command(self) -> list[str]:
        """Return the command that opens the row in the person's editor."""
        row, audit = self.current_row(), self.decided_audit
        return [] if row is None or audit is None else ["clean", audit.id, "--edit", str(row)]

    def action_edit_here(self) -> None:
        """Edit the row under the cursor here."""
        if arguments := self.edit_command():
            self.notify("reading the row as it stands", timeout=2, markup=False)
            self._find_row(arguments)

    @work(thread=True, exclusive=True, group="edit")
    def _find_row(self, arguments: list[str]) -> None:
        worker = get_current_worker()
        answer = ask(self.workspace, [*arguments, "--preview"], lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._edit, arguments, answer)

    def _edit(self, arguments: list[str], answer: Answer) -> None:
        if answer.problem:
            self.notify(answer.problem, title="No row to edit", severity="error", markup=False)
            return
        document = answer.document

        # Textual's editor takes its time to load, and hardly anybody needs it at once.
        from ..screens.edit import EditScreen, keep_edited

        def decide(text: str | None) -> None:
            if text is None:
                return
            try:
                path = keep_edited(self.workspace, int(document["row"]), text)
            except OSError as error:
                self.notify(f"cannot keep the row: {error}", severity="error", markup=False)
                return
            self.decide([*arguments, "--with", str(path), "--reason", "edited in the app"])

        self.app.push_screen(EditScreen(document), decide)
