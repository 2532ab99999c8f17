"""The facts of a model card: all that a run and what it was made from can say of a tuned model.

Every figure is computed, and none tells of time or machine: the same run gives the same card. What
is not known is null, and the card says so. No text from the data is in it: a card is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from ...curate.auditing.audited import read_audited
from ...curate.measures.licences import find_licence
from ...curate.measures.provenance import stated_provenance
from ...workspace.artifact import Artifact, Workspace
from ...workspace.files import read_json
from ...workspace.lineage import Lineage, read_lineage
from ...workspace.manifest import library_versions

# What names files of one machine, or changes nothing in the result.
_NOT_TOLD = frozenset(
    {"model", "replay", "probe", "threads", "checkpoint_every", "report_to", "sample_prompts"}
)
_HUB_FOLDER = "models--"
_LICENCE_FILES = ("LICENSE*", "LICENCE*", "COPYING*")
_LONGEST_LICENCE_LINE = 120


def card_facts(
    workspace: Workspace,
    split: Artifact,
    trained: Mapping[str, Any],
    recipe: Mapping[str, Any],
    *,
    run: str,
    evaluation: Mapping[str, Any] | None = None,
    merged: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Gather the facts of a card.

    Args:
        workspace: where the artifacts lie that the split was made from.
        split: what was trained on.
        trained: ``train.json``.
        recipe: ``recipe.json``.
        run: the run's id.
        evaluation: ``evaluate.json`` of an evaluation of this run; None where there is none.
        merged: ``merge.json`` where the card is of a merged model.

    Returns:
        ``run, kind, base, data, recipe, training, evaluation, merged, versions``.
    """
    return {
        "run": run,
        "kind": "adapter" if trained.get("adapter") and merged is None else "model",
        "method": trained.get("method"),
        "task": trained.get("task", "supervised"),
        "base": base_facts(Path(trained["model"]), str(trained["model_sha256"])),
        "data": _data(workspace, split, trained),
        "recipe": {
            key: _without_folders(value) for key, value in recipe.items() if key not in _NOT_TOLD
        },
        "training": {
            key: trained.get(key)
            for key in (
                "steps", "tokens", "supervised_tokens", "kept_step", "stopped_early",
                "over_budget", "losses", "warnings", "template", "dtype", "refused", "rows",
            )
        },
        "evaluation": evaluation,
        "merged": merged,
        "versions": library_versions(),
    }  # fmt: skip


def _without_folders(value: Any) -> Any:
    """Return a value of the recipe; where it names a file, only its name: folders are private."""
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    return value


def base_facts(folder: Path, sha256: str) -> dict[str, Any]:
    """Return what is known of a base model: ``name, hub, revision, sha256, licence``.

    ``hub`` is its name on the hub, known where it lies in the hub's cache; ``licence`` is what
    its own card or licence file says.
    """
    hub = revision = None
    for parent in (folder, *folder.parents):
        if parent.name.startswith(_HUB_FOLDER):
            hub = parent.name.removeprefix(_HUB_FOLDER).replace("--", "/")
            revision = folder.name
    name = hub or folder.name
    licence = _licence_in_card(folder) or _licence_in_file(folder)
    return {"name": name, "hub": hub, "revision": revision, "sha256": sha256, "licence": licence}


def _licence_in_card(folder: Path) -> str | None:
    """Return the licence that a model's own card has in its head."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    head = text.removeprefix("---\n").partition("\n---")[0] if text.startswith("---\n") else ""
    try:
        stated = yaml.safe_load(head) if head else None
    except yaml.YAMLError:
        return None
    licence = stated.get("license") if isinstance(stated, dict) else None
    return licence if isinstance(licence, str) and licence.strip() else None


def _licence_in_file(folder: Path) -> str | None:
    """Return the first line of a licence file beside a model."""
    for pattern in _LICENCE_FILES:
        for path in sorted(folder.glob(pattern)):
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                continue
            first = next((line.strip() for line in lines if line.strip()), "")
            if first:
                return f"{first[:_LONGEST_LICENCE_LINE]} ({path.name})"
    return None


def _data(workspace: Workspace, split: Artifact, trained: Mapping[str, Any]) -> dict[str, Any]:
    lineage = read_lineage(workspace, split)
    source = next(
        (item for step in lineage.steps for item in step.artifact.manifest.inputs
         if item.name == "source"), None,
    )  # fmt: skip
    document = read_json(split.folder / "split.json")
    return {
        "split": {"id": split.id, "sha256": split.manifest.sha256},
        "source": {"name": Path(source.path).name, "sha256": source.sha256} if source else None,
        "kind": document.get("kind"),
        "certificate": document.get("certificate"),
        "counts": document.get("counts"),
        "rows": trained.get("rows"),
        "audit": _audit(lineage),
        "cleaning": _cleaning(lineage),
    }


def _audit(lineage: Lineage) -> dict[str, Any] | None:
    """Return what the audit of the source found: quality, personal data, licences."""
    step = lineage.get("audit")
    if step is None or not step.document:
        return None
    checks = step.document.get("checks", [])
    return {
        "id": step.artifact.id,
        "sha256": step.artifact.manifest.sha256,
        "records": step.document.get("dataset", {}).get("records"),
        "quality": step.document.get("quality", {}).get("overall"),
        "if_fixed": step.document.get("quality", {}).get("if_fixed"),
        "personal": [
            {key: check.get(key) for key in ("check", "title", "status", "rows")}
            for check in checks
            if check.get("dimension") == "privacy"
        ],
        "licences": _licences(step.artifact),
    }


def _licences(audit: Artifact) -> dict[str, Any] | None:
    """Count the licences that the records state; None where they cannot be read."""
    try:
        stated = pl.concat(
            [stated_provenance(piece)["licence"] for piece in read_audited(audit).record_pieces()]
        )
    # The card is no reason to lose a training: whatever is missing or broken is not known.
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return None
    counts = stated.drop_nulls().alias("value").value_counts(name="records")
    ordered = counts.sort("records", "value", descending=[True, False])
    return {
        "stated": [{**item, **_known(item["value"])} for item in ordered.to_dicts()],
        "without": stated.null_count(),
    }


def _known(text: str) -> dict[str, Any]:
    licence = find_licence(text)
    return {
        "identifier": licence.identifier if licence else None,
        "forbids_commerce": licence.forbids_commerce if licence else None,
    }


def _cleaning(lineage: Lineage) -> dict[str, Any] | None:
    step = lineage.get("clean")
    if step is None or not step.document:
        return None
    return {"id": step.artifact.id, "counts": step.document.get("counts")}
