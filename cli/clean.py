"""`tunewise clean`: accept fixes, look before it happens, take them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ..workspace.artifact import LATEST, Artifact, list_artifacts, resolve_artifact
from ..workspace.events import Note
from ..workspace.safe_text import safe_text
from .benchmarks import audit_source
from .format import count, percent, table
from .session import Session, command
from .sources import data_paths, names_data

if TYPE_CHECKING:
    from ..curate.journal import Decision
    from .settings import Settings

_EXAMPLES_SHOWN = 5
_EXAMPLE_WIDTH = 100


@command(
    "clean",
    examples="""\
  tunewise clean support.jsonl --accept duplicates/exact --accept privacy --preview
  tunewise clean support.jsonl --accept duplicates/exact --accept privacy
  tunewise clean latest --undo
  tunewise clean latest --ignore text/html --reason "our answers are HTML"
""",
)
@click.argument("data", default=LATEST)
@click.option("--accept", multiple=True, metavar="CHECK",
              help="Accept the fixes of a check, of a dimension, or of `all`.")  # fmt: skip
@click.option("--ignore", "dismissed", multiple=True, metavar="CHECK",
              help="Set a check's findings aside as no fault.")  # fmt: skip
@click.option("--row", "rows", type=int, multiple=True, help="Only findings about this row.")
@click.option("--action", type=click.Choice(["drop", "mask", "repair"]),
              help="Do this instead of the proposed fix.")  # fmt: skip
@click.option("--reason", default="", help="Why, for the journal.")
@click.option(
    "--preview", "only_preview", is_flag=True, help="Show what would happen; write nothing."
)
@click.option("--undo", "take_back", is_flag=True, help="Take the last decision back.")
@click.option("--redo", "bring_back", is_flag=True, help="Bring back what was undone last.")
@click.option(
    "--yes", is_flag=True, default=None, help="Also where much of a label or source would go."
)
def clean(
    session: Session,
    data: str,
    accept: tuple[str, ...],
    dismissed: tuple[str, ...],
    rows: tuple[int, ...],
    action: str | None,
    reason: str,
    only_preview: bool,
    take_back: bool,
    bring_back: bool,
    yes: bool | None,
) -> None:
    """Write the clean rows of DATA: a source file, an audit (path or id), or `latest`.

    Decisions go into a journal that only grows; clean rows are a replay of source and journal,
    and the source itself never changes. Without --accept the decisions made so far are replayed.
    """
    from ..curate import decide
    from ..curate.clean import clean as write_clean
    from ..curate.preview import guard

    if (take_back or bring_back) and (
        accept or dismissed or only_preview or take_back is bring_back
    ):
        raise click.UsageError("--undo and --redo stand alone")
    settings = session.settings({"clean": {"accept": accept or None, "yes": yes}})
    audited = find_audit(session, data, settings)
    workspace, chosen = session.workspace, list(rows) or None
    if take_back or bring_back:
        change = decide.undo if take_back else decide.redo
        decision = change(workspace, audited, reason=reason)
        verb = "took back" if take_back else "brought back"
        session.emit(Note(text=f"{verb}: {_sentence(decision)}"))
    else:
        wanted = accept or (() if dismissed else settings.clean.accept)
        would_hold = decide.with_accepted(workspace, audited, wanted, rows=chosen, action=action)
        if only_preview:
            _finish_preview(session, audited, would_hold, settings)
        if wanted and not settings.clean.yes:
            # Before anything is written down: a refused decision must not stay in the journal.
            from ..curate.clean import preview

            guard(preview(audited, would_hold, settings.clean))
        decide.accept(workspace, audited, wanted, rows=chosen, action=action, reason=reason)
        decide.dismiss(workspace, audited, dismissed, rows=chosen, reason=reason)
    artifact = write_clean(
        workspace, audited, settings.clean, force=session.force, emit=session.emit
    )
    document = session.document(artifact)
    session.finish(document, lambda: summary(document))


def find_audit(session: Session, data: str, settings: Settings) -> Artifact:
    """Return the audit that DATA names; a source file is audited first, unless it was already."""
    named = names_data(data)
    nothing_yet = data == LATEST and not list_artifacts(session.workspace, "audit")
    if not named and not nothing_yet:
        return resolve_artifact(session.workspace, "audit", data)
    return audit_source(session, data_paths((data,) if named else (), session, settings), settings)


def _finish_preview(
    session: Session, audited: Artifact, decisions: Sequence[Decision], settings: Settings
) -> NoReturn:
    from ..curate.clean import preview

    document = {
        "command": "clean",
        "preview": True,
        "audit": audited.id,
        **preview(audited, decisions, settings.clean).to_json(),
    }
    session.finish(document, lambda: "\n".join(["nothing was written", *_lines(document)]))


def _sentence(decision: Decision) -> str:
    where = f" on {count(len(decision.rows), 'row')}" if decision.rows is not None else ""
    return f"{decision.action} {decision.check}{where}"


def summary(document: Mapping[str, Any]) -> str:
    """Return the cleaning as text for a terminal."""
    return "\n".join(
        [
            *_lines(document),
            "",
            f"clean {document['id']}: {document['artifact']}",
            "next: tunewise split latest",
        ]
    )


def _lines(document: Mapping[str, Any]) -> list[str]:
    counts, quality = document["counts"], document["quality"]
    lines = [
        f"{count(counts['input'], 'row')} = {counts['kept']:,} kept "
        f"+ {counts['removed']:,} removed + {counts['set_aside']:,} set aside; "
        f"{counts['changed']:,} changed",
        f"clean share {percent(quality['before'])} → {percent(quality['after'])}",
    ]
    if document["by_check"]:
        lines += ["", *table(
            ["check", "action", "rows"],
            [[item["check"], item["action"], f"{item['rows']:,}"] for item in document["by_check"]],
            right=(2,),
        )]  # fmt: skip
    for column in ("label", "source"):
        touched = [part for part in document[f"by_{column}"] if part["removed"]]
        if touched:
            lines += ["", *table(
                [column, "removed", "of", "share"],
                [[part["value"], f"{part['removed']:,}", f"{part['records']:,}",
                  percent(part["share"])] for part in touched[:10]],
                right=(1, 2, 3),
            )]  # fmt: skip
    if document["examples"]:
        lines += ["", "the most doubtful first:"]
        lines += [_example(example) for example in document["examples"][:_EXAMPLES_SHOWN]]
    lines += [f"needs --yes: {safe_text(text)}" for text in document["refusals"]]
    return lines


def _example(example: Mapping[str, Any]) -> str:
    text = safe_text(example.get("text") or "")[:_EXAMPLE_WIDTH]
    return f"  row {example['row']:,}  {example['check']}  {example['action']}: {text}"
