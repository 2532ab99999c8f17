"""`tunewise card`: a data card, written from an audit; or a model card, written from a run."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from ..workspace.artifact import LATEST, resolve_artifact
from ..workspace.errors import UsageError
from .audit import listed
from .session import Session, command


@command(
    "card",
    examples="""\
  tunewise card > README.md
  tunewise card latest --output README.md --name "Support chats" --licence cc-by-4.0
  tunewise card --language en,de --json | jq .bias
  tunewise card --run latest                 the model card, with the verdicts of its evaluation
""",
)
@click.argument("audit", default=LATEST)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the card there; --force replaces a file.")  # fmt: skip
@click.option("--run", help="Write the card of a tuned model, from this run, instead.")
@click.option("--name", help="What the dataset is called (default: its file's name).")
@click.option("--licence", "--license", help="Under what it is published; several by commas.")
@click.option("--language", help="ISO 639 codes, by commas (default: told by function words).")
def card(
    session: Session,
    audit: str,
    output: Path | None,
    run: str | None,
    name: str | None,
    licence: str | None,
    language: str | None,
) -> None:
    """Write a data card from AUDIT (a path, an id, or `latest`), as a dataset's README on the Hub.

    With --run, write a model card: base, data, licences as far as they are known, recipe, losses,
    verdicts, limits.

    A data card tells what an audit knows: structure, statistics, findings, personal data, biases
    with their intervals, sources and licences, and how to get the same figures again.
    """
    from ..curate.card import Stated, card_document
    from ..curate.card_markdown import card_markdown
    from ..workspace.files import writing_whole

    if output is not None and output.exists() and not session.force:
        raise UsageError("a file is there already", where=str(output), fix="replace it by --force")
    if run is not None:
        if name or licence or language:
            raise UsageError("--name, --licence and --language are of data cards", where="--run")
        _finish_model_card(session, run, output)
    artifact = resolve_artifact(session.workspace, "audit", audit)
    stated = Stated(name, tuple(listed(licence) or ()), tuple(listed(language) or ()))
    document = card_document(session.workspace, artifact, stated)
    written = card_markdown(document)
    if output is not None:
        with writing_whole(output) as stream:
            stream.write(written)
    session.finish(
        {
            "command": "card",
            "artifact": str(artifact.folder),
            "output": str(output) if output is not None else None,
            **document,
        },
        lambda: written.rstrip("\n") if output is None else f"data card: {output}",
    )


def _finish_model_card(session: Session, run: str, output: Path | None) -> NoReturn:
    from ..evaluate.release.card import run_card
    from ..train.card.markdown import model_card
    from ..workspace.files import writing_whole

    artifact = resolve_artifact(session.workspace, "train", run)
    facts = run_card(session.workspace, artifact)
    written = model_card(facts)
    if output is not None:
        with writing_whole(output) as stream:
            stream.write(written)
    told = {"artifact": str(artifact.folder), "output": str(output) if output else None}
    session.finish(
        {"command": "card", **told, **facts},
        lambda: written.rstrip("\n") if output is None else f"model card: {output}",
    )
