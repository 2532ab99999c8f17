"""The model card of a run as it stands now, with the verdicts of its newest evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...train.card.facts import card_facts
from ...workspace.artifact import Artifact, Workspace, list_artifacts
from ...workspace.errors import UsageError
from ...workspace.files import read_json
from ...workspace.lineage import read_lineage


def run_card(
    workspace: Workspace, run: Artifact, *, merged: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Gather the facts of a run's card.

    Args:
        workspace: where the split and evaluations lie.
        run: the training run.
        merged: ``merge.json`` where the card is of a merged model.

    Returns:
        As :func:`tunewise.train.card.facts.card_facts`.

    Raises:
        UsageError: the split is gone.
    """
    split = read_lineage(workspace, run).get("split")
    if split is None:
        raise UsageError(
            "the split that the run was trained on is not found any more",
            where=str(run.folder),
            fix="the card that was written with the run lies beside its weights: README.md",
        )
    return card_facts(
        workspace,
        split.artifact,
        read_json(run.folder / "train.json"),
        read_json(run.folder / "recipe.json"),
        run=run.id,
        evaluation=_newest_evaluation(workspace, run),
        merged=merged,
    )


def _newest_evaluation(workspace: Workspace, run: Artifact) -> dict[str, Any] | None:
    """Return the document of the newest evaluation of a run, as it is now."""
    for made in reversed(list_artifacts(workspace, "evaluate")):
        given = made.manifest.input("run")
        if given is not None and given.artifact == run.id and given.sha256 == run.manifest.sha256:
            return {**read_json(made.folder / "evaluate.json"), "id": made.id}
    return None
