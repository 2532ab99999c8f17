"""`tunewise review`: answers of base and tuned side by side, blind; preferences are counted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ..workspace.artifact import LATEST
from ..workspace.errors import UsageError
from ..workspace.safe_text import safe_text
from .format import count, percent
from .report import find_evaluation
from .session import Session, command

if TYPE_CHECKING:
    from ..evaluate.review import Tally
    from ..workspace.artifact import Artifact

_ANSWERS = {"1": 0, "2": 1}


@command(
    "review",
    examples="""\
  tunewise review                     on a terminal: asks, blind, until you end it
  tunewise review latest --json       what was preferred so far
  tunewise review latest --items 20
""",
)
@click.argument("run", default=LATEST)
@click.option("--items", type=click.IntRange(min=1), help="Ask about so many pairs at most.")
def review(session: Session, run: str, items: int | None) -> None:
    """Compare the answers of RUN (a tuning run or an evaluation) with the base's, blind.

    Both answers to an item are shown in random order, without names. Preferences are kept in the
    workspace; the share of the tuned model is told with its 95 % interval. Without a terminal, or
    with --json, only what was preferred so far is told.
    """
    evaluation = find_evaluation(session.workspace, run)
    if not session.as_json and not session.as_events and sys.stdin.isatty():
        _ask(session, evaluation, items)
    document = _document(session, evaluation)
    session.finish(document, lambda: summary(document))


def _document(session: Session, evaluation: Artifact) -> dict[str, Any]:
    from ..evaluate.review import (
        ITEMS_NAME,
        items_to_review,
        read_preferences,
        review_path,
        tally,
    )

    path = review_path(session.workspace, evaluation.id)
    preferences = read_preferences(path)
    counted = tally(preferences.values())
    waiting = items_to_review(evaluation.folder / ITEMS_NAME, evaluation.id).height
    return {
        "command": session.command,
        "evaluation": evaluation.id,
        "reviewed": len(preferences),
        "items": waiting,
        **_counted(counted),
        "file": str(path),
    }


def _counted(counted: Tally) -> dict[str, Any]:
    return {
        "base": counted.base,
        "tuned": counted.tuned,
        "ties": counted.ties,
        "share": counted.share,
        "interval": counted.interval,
        "verdict": counted.verdict,
    }


def summary(document: Mapping[str, Any]) -> str:
    """Return what was preferred, for a person."""
    if not document["reviewed"]:
        return f"nothing was reviewed yet; {count(document['items'], 'pair')} can be"
    lines = [
        f"{count(document['reviewed'], 'pair')} of {document['items']:,} reviewed: tuned "
        f"{document['tuned']:,}, base {document['base']:,}, neither {document['ties']:,}"
    ]
    if document["share"] is not None:
        low, high = document["interval"]
        lines.append(
            f"the tuned model was preferred in {percent(document['share'])} of the pairs with a "
            f"preference (95 %: {percent(low)} to {percent(high)}): {document['verdict']}"
        )
    return "\n".join(lines)


def _ask(session: Session, evaluation: Artifact, most: int | None) -> None:
    """Show pairs until the person ends it."""
    import polars as pl

    from ..evaluate.review import (
        BASE,
        ITEMS_NAME,
        TIE,
        TUNED,
        Preference,
        first_shown,
        items_to_review,
        keep_preference,
        read_preferences,
        review_path,
    )

    session.display.close()
    items = evaluation.folder / ITEMS_NAME
    path = review_path(session.workspace, evaluation.id)
    done = read_preferences(path)
    pairs = [pair for pair in items_to_review(items, evaluation.id).iter_rows() if pair not in done]
    if not pairs and not done:
        raise UsageError("no item has two different answers", where=f"evaluation {evaluation.id}")
    for number, (task, item) in enumerate(pairs[:most], start=1):
        of_item = (pl.col("task") == task) & (pl.col("item").cast(pl.String) == item)
        found = pl.scan_parquet(items).filter(of_item).head(1).collect().row(0, named=True)
        first = first_shown(evaluation.id, task, item)
        order = (first, TUNED if first == BASE else BASE)
        click.echo(f"\n--- {number} of {len(pairs)}: {safe_text(task)}")
        click.echo(safe_text(str(found["prompt"] or ""), keep_line_breaks=True))
        for place, model in enumerate(order, start=1):
            answer = safe_text(str(found[f"{model}_output"]), keep_line_breaks=True)
            click.echo(f"\n[{place}] {answer}")
        try:
            answer = click.prompt(
                "\nwhich is better? 1, 2, 0 for neither, s to skip, q to end",
                type=click.Choice(["1", "2", "0", "s", "q"]),
                show_choices=False,
            )
        except click.Abort:
            return
        if answer == "q":
            return
        if answer != "s":
            preferred = TIE if answer == "0" else order[_ANSWERS[answer]]
            keep_preference(path, Preference(task, item, preferred, first))
