"""`tunewise evaluate`: base against tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..workspace.artifact import LATEST, resolve_artifact
from .format import count, plot_width
from .session import Session, command


@command(
    "evaluate",
    examples="""\
  tunewise evaluate latest
  tunewise evaluate latest --suite general,my_items.jsonl
  tunewise evaluate latest --suite hellaswag,piqa --limit 500
""",
)
@click.argument("run", default=LATEST)
@click.option(
    "--suite", help="Bundled suites, lm-eval tasks, or paths of JSONL or YAML; by commas."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N items of each task.")
def evaluate(session: Session, run: str, suite: str | None, limit: int | None) -> None:
    """Score base and tuned of RUN (a path, an id, or `latest`) on the same items, and judge.

    The domain's items come from the split's test part; general ability from the suites.
    """
    suites = tuple(part.strip() for part in suite.split(",") if part.strip()) if suite else None
    settings = session.settings({"evaluate": {"suites": suites, "limit": limit}})
    from ..evaluate.run import evaluate as run_evaluate

    artifact = run_evaluate(
        session.workspace,
        resolve_artifact(session.workspace, "train", run),
        settings.evaluate,
        force=session.force,
        emit=session.emit,
    )
    document = session.document(artifact)
    session.finish(document, lambda: summary(document))


def summary(document: Mapping[str, Any]) -> str:
    """Return the judgement as text for a terminal."""
    from ..evaluate.charts_text import forest_plot

    lines = [
        f"general ability: {document['overall']}    domain: {document['domain_gain']}    "
        f"overfitting: {document['overfitting']['verdict']}",
        "",
        *forest_plot(document["tasks"], width=plot_width()),
        "",
        *_contamination(document.get("contamination")),
        f"evaluation {document['id']}: {document['artifact']}",
        "next: tunewise report",
    ]
    return "\n".join(lines)


def _contamination(found: Mapping[str, Any] | None) -> list[str]:
    """Say how many benchmark items stand in the training rows; nothing where none was found."""
    if not found or not found["contaminated"]:
        return []
    number = count(found["contaminated"], "benchmark item")
    return [f"{number} in the training rows: see `Contamination` of the report", ""]
