"""`tunewise clean`: accept fixes, look before it happens, change by hand, take it back, verify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..workspace.artifact import LATEST, Artifact, list_artifacts, resolve_artifact
from ..workspace.errors import ExitCode
from ..workspace.events import Note
from ..workspace.safe_text import safe_text
from .benchmarks import audit_source
from .clean_text import journal_text, preview_text, sentence, summary, verification_text
from .session import Session, command
from .sources import data_paths, names_data

if TYPE_CHECKING:
    from ..curate.auditing.audited import Audited
    from ..curate.cleaning.journal import Decision
    from .settings import Settings

__all__ = ["clean", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    accept: tuple[str, ...]
    ignore: tuple[str, ...]
    rows: tuple[int, ...]
    action: str | None
    keep: str | None
    edit: int | None
    replacement: str | None
    relabel: str | None
    drop: tuple[int, ...]
    reason: str
    preview: bool
    undo: bool
    undo_decision: str | None
    redo: bool
    list_only: bool
    verify: bool

    @property
    def alone(self) -> list[str]:
        """The options that stand alone, of those that were given."""
        given = {
            "--undo": self.undo,
            "--undo-decision": self.undo_decision is not None,
            "--redo": self.redo,
            "--list": self.list_only,
            "--verify": self.verify,
        }
        return [name for name, is_given in given.items() if is_given]

    @property
    def decides(self) -> bool:
        """Tell whether a new decision is asked for."""
        by_hand = self.edit is not None or self.relabel is not None or bool(self.drop)
        return bool(self.accept or self.ignore or by_hand)

    def refuse_nonsense(self) -> None:
        """Refuse options that do not go together.

        Raises:
            UsageError: of click.
        """
        alone = self.alone
        if alone and (len(alone) > 1 or self.decides or self.preview):
            raise click.UsageError(f"{alone[0]} stands alone")
        if self.replacement is not None and self.edit is None:
            raise click.UsageError("--with goes with --edit")
        if self.edit is not None and (self.accept or self.ignore or self.relabel or self.drop):
            raise click.UsageError("--edit stands alone, but for --with and --reason")
        if self.keep is not None and not self.accept:
            raise click.UsageError("--keep goes with --accept duplicates/…")
        if self.relabel is not None and not self.rows:
            raise click.UsageError("--relabel goes with --row")


@command(
    "clean",
    examples="""\
  tunewise clean support.jsonl --accept duplicates/exact --accept privacy --preview
  tunewise clean support.jsonl --accept duplicates/exact --accept privacy
  tunewise clean latest --accept duplicates/near --keep best
  tunewise clean latest --ignore text/html --reason "our answers are HTML"
  tunewise clean latest --edit 17                     # in $EDITOR
  tunewise clean latest --relabel refund --row 3 --row 8
  tunewise clean latest --drop 88120 --reason "the copy with the wrong order number"
  tunewise clean latest --list
  tunewise clean latest --undo
  tunewise clean latest --output clean.jsonl.gz
  tunewise clean latest --verify
""",
)
@click.argument("data", default=LATEST)
@click.option("--accept", multiple=True, metavar="CHECK",
              help="Accept the fixes of a check, of a dimension, or of `all`.")  # fmt: skip
@click.option("--ignore", multiple=True, metavar="CHECK",
              help="Set a check's findings aside as no fault.")  # fmt: skip
@click.option("--row", "rows", type=click.IntRange(min=0), multiple=True, metavar="ROW",
              help="Only findings about this row; the row to relabel.")  # fmt: skip
@click.option("--action", type=click.Choice(["drop", "mask", "repair"]),
              help="Do this instead of the proposed fix.")  # fmt: skip
@click.option("--keep", type=click.Choice(["longest", "best", "first"]),
              help="Which of several copies stays; best: fewest open findings.")  # fmt: skip
@click.option("--edit", type=click.IntRange(min=0), metavar="ROW",
              help="Change a row by hand, in $VISUAL or $EDITOR.")  # fmt: skip
@click.option("--with", "replacement", metavar="FILE",
              help="The edited row as JSON, instead of the editor; `-` is stdin.")  # fmt: skip
@click.option("--relabel", metavar="LABEL", help="Give the rows named by --row this label.")
@click.option("--drop", type=click.IntRange(min=0), multiple=True, metavar="ROW",
              help="Leave this row out, whatever was found about it.")  # fmt: skip
@click.option("--reason", default="", help="Why, for the journal.")
@click.option(
    "--preview", is_flag=True, help="Show what would happen, or the row to edit; write nothing."
)
@click.option("--undo", is_flag=True, help="Take the last decision back.")
@click.option("--undo-decision", metavar="ID", help="Take this decision back (see --list).")
@click.option("--redo", is_flag=True, help="Bring back what was undone last.")
@click.option("--list", "list_only", is_flag=True, help="Show the journal of decisions.")
@click.option("--verify", is_flag=True,
              help="Make it all again from the source and compare; exit 1 if unequal.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the clean rows there, too, in the format of its ending.")  # fmt: skip
@click.option("--max-removed-share", type=click.FloatRange(0, 1), metavar="SHARE",
              help="How much of a label or source may go without --yes.")  # fmt: skip
@click.option(
    "--yes", is_flag=True, default=None, help="Also where much of a label or source would go."
)
def clean(
    session: Session,
    data: str,
    output: Path | None,
    max_removed_share: float | None,
    yes: bool | None,
    **options: Any,
) -> None:
    """Write the clean rows of DATA: a source file, an audit (path or id), or `latest`.

    Decisions go into a journal that only grows; clean rows are a replay of source and journal,
    and the source itself never changes. Without --accept the decisions made so far are replayed.
    """
    from ..curate.auditing.audited import read_audited
    from ..curate.cleaning.clean import clean as write_clean
    from ..curate.cleaning.row_files import check_output, write_row_file

    asked = _Asked(**options)
    asked.refuse_nonsense()
    flags = {"accept": asked.accept or None, "yes": yes, "max_removed_share": max_removed_share}
    settings = session.settings({"clean": flags})
    audit = find_audit(session, data, settings)
    if asked.list_only:
        _finish_list(session, audit)
    if asked.verify:
        _finish_verify(session, audit)
    audited = read_audited(audit)
    if output is not None:
        check_output(output, audited.paths, replace=session.force)
    _decide(session, audit, audited, asked, settings)
    artifact = write_clean(
        session.workspace, audit, settings.clean, force=session.force, emit=session.emit
    )
    document = session.document(artifact)
    if output is not None:
        write_row_file(output, artifact.folder / "clean.jsonl", session.emit)
        document["output"] = str(output.resolve())
    session.finish(document, lambda: summary(document))


def find_audit(session: Session, data: str, settings: Settings) -> Artifact:
    """Return the audit that DATA names; a source file is audited first, unless it was already."""
    named = names_data(data)
    nothing_yet = data == LATEST and not list_artifacts(session.workspace, "audit")
    if not named and not nothing_yet:
        return resolve_artifact(session.workspace, "audit", data)
    return audit_source(session, data_paths((data,) if named else (), session, settings), settings)


def _decide(
    session: Session, audit: Artifact, audited: Audited, asked: _Asked, settings: Settings
) -> None:
    """Make the decisions that are asked for, or take back; a preview ends the command here."""
    from ..curate.cleaning import decide
    from ..curate.cleaning.clean import approval

    approve = approval(audited, settings.clean)
    workspace = session.workspace
    if asked.undo or asked.undo_decision is not None or asked.redo:
        if asked.redo:
            verb = "brought back"
            changed = decide.redo(workspace, audit, reason=asked.reason, approve=approve)
        else:
            verb = "took back"
            changed = decide.undo(
                workspace,
                audit,
                decision=asked.undo_decision,
                reason=asked.reason,
                approve=approve,
            )
        session.emit(Note(text=f"{verb}: {sentence(changed)}"))
        return
    if asked.edit is not None:
        wanted = _edited(session, audit, audited, asked)
    else:
        wanted = _wanted(session, audit, audited, asked, settings)
    if asked.preview:
        _finish_preview(session, audit, decide.would_hold(workspace, audit, wanted), settings)
    if wanted:
        # The guard is asked first: a refused decision must not stay in the journal.
        decide.decide(workspace, audit, wanted, approve)


def _wanted(
    session: Session, audit: Artifact, audited: Audited, asked: _Asked, settings: Settings
) -> list[Decision]:
    """Return the decisions that are asked for; those of the settings where none is."""
    from ..curate.cleaning.decide import acceptance, dismissal
    from ..curate.cleaning.edit_row import dropping, is_known_label, relabelling

    rows = list(asked.rows) or None
    reason = asked.reason
    # With --relabel, --row names the rows that get the label.
    of_findings = None if asked.relabel is not None else rows
    checks = settings.clean.accept if not asked.decides else asked.accept
    wanted = acceptance(
        audit, checks, rows=of_findings, action=asked.action, keep=asked.keep, reason=reason
    )
    wanted += dismissal(audit, asked.ignore, rows=of_findings, reason=reason)
    if asked.drop:
        wanted += dropping(audited, asked.drop, reason=reason)
    if asked.relabel is not None:
        wanted += relabelling(audited, asked.rows, asked.relabel, reason=reason)
        if not is_known_label(audited, asked.relabel):
            text = f"no other row has the label {safe_text(asked.relabel)!r}"
            session.emit(Note(text=text, level="warning"))
    return wanted


def _edited(session: Session, audit: Artifact, audited: Audited, asked: _Asked) -> list[Decision]:
    """Let a person edit a row; the command ends here where nothing was changed."""
    from ..curate.cleaning.decide import audit_journal
    from ..curate.cleaning.edit_row import row_to_edit
    from ..curate.cleaning.journal import effective_decisions
    from .edit_row import edit_as_told, edit_in_editor, read_replacement, row_as_text

    assert asked.edit is not None
    held = effective_decisions(audit_journal(session.workspace, audit).entries)
    current = row_to_edit(audited, held, asked.edit)
    if current.goes:
        text = f"row {current.row} is removed, edited or not: {current.goes}"
        session.emit(Note(text=text, level="warning"))
    if asked.replacement is None and asked.preview:
        shown = row_as_text(current.value).decode("utf-8")
        document = {"command": session.command, "preview": True, "audit": audit.id,
                    "row": current.row, "goes": current.goes, "text": shown}  # fmt: skip
        session.finish(document, lambda: shown)
    if asked.replacement is None:
        # Bars that go on being drawn would spoil the editor's screen.
        session.display.close()
        wanted = edit_in_editor(audited, current, asked.reason)
    else:
        text = read_replacement(asked.replacement)
        wanted = edit_as_told(audited, current, text, asked.reason)
    if not wanted:
        document = {"command": session.command, "audit": audit.id, "edited": False}
        session.finish(document, lambda: f"row {current.row} was left as it is")
    return wanted


def _finish_preview(
    session: Session, audit: Artifact, decisions: Sequence[Decision], settings: Settings
) -> NoReturn:
    from ..curate.cleaning.clean import preview

    document = {
        "command": session.command,
        "preview": True,
        "audit": audit.id,
        **preview(audit, decisions, settings.clean).to_json(),
    }
    session.finish(document, lambda: preview_text(document))


def _finish_list(session: Session, audit: Artifact) -> NoReturn:
    from ..curate.cleaning.decide import audit_journal

    journal = audit_journal(session.workspace, audit)
    document = {"command": session.command, "audit": audit.id, **journal.to_json()}
    session.finish(document, lambda: journal_text(journal, document))


def _finish_verify(session: Session, audit: Artifact) -> NoReturn:
    from ..curate.cleaning.verify import verify

    done = verify(session.workspace, audit, emit=session.emit)
    document = {"command": session.command, "verify": True, **done.to_json()}
    code = ExitCode.GATE_FAILED if done.differences else ExitCode.PASSED
    session.finish(document, lambda: verification_text(document), code)
