"""A training run as evaluation needs it, checked against what it was trained from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..train.model import BaseModel, context_length, find_base_model, load_config, load_tokenizer
from ..train.run import ADAPTER_FOLDER, MODEL_FOLDER
from ..train.template import template_hash
from ..workspace.artifact import MANIFEST_NAME, Artifact, Workspace, resolve_artifact
from ..workspace.errors import UsageError
from ..workspace.files import read_json
from ..workspace.manifest import read_manifest
from .scoring import ModelPair


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A run whose model can be compared with its base.

    Attributes:
        artifact: the run.
        split: what it was trained on.
        pair: base and tuned model.
        tokenizer: the one saved with the tuned model.
        template: SHA-256 of the chat template; None where only texts were trained on.
        max_length: tokens of a row that were trained on.
        context: tokens that the model sees.
        kept_step: the training step whose state was kept.
        trust_remote_code: whether the training ran code that lies beside the model.
    """

    artifact: Artifact
    split: Artifact
    pair: ModelPair
    tokenizer: Any
    template: str | None
    max_length: int | None
    context: int
    kept_step: int | None
    trust_remote_code: bool


def read_run(workspace: Workspace, artifact: Artifact) -> TrainedRun:
    """Read a run and check that its parts are still the ones that belong together.

    Raises:
        UsageError: the base, the tokenizer's template or the split is gone or another one.
    """
    document = read_json(artifact.folder / "train.json")
    recipe = read_json(artifact.folder / "recipe.json")
    trust = bool(recipe.get("trust_remote_code"))
    is_adapter = document.get("method", "lora") == "lora"
    folder = artifact.folder / (ADAPTER_FOLDER if is_adapter else MODEL_FOLDER)
    base = find_base_model(document["model"])
    if base.sha256 != document["model_sha256"]:
        raise UsageError(
            "the base model has changed since the training",
            where=str(base.folder),
            fix="put the model back that was trained on, or train again",
        )
    tokenizer = load_tokenizer(BaseModel(folder, ""), trust_remote_code=trust)
    template = (document.get("template") or {}).get("sha256")
    if template is not None and template_hash(tokenizer) != template:
        raise UsageError(
            "the tokenizer's chat template is not the one that was trained with, so the model "
            "would be asked in a form it has not learned",
            where=str(folder),
            fix="put back the tokenizer and chat template of the training, or train again",
        )
    config = load_config(base, trust_remote_code=trust)
    return TrainedRun(
        artifact=artifact,
        split=_split_of(workspace, artifact),
        pair=ModelPair(base, folder, is_adapter),
        tokenizer=tokenizer,
        template=template,
        max_length=recipe.get("max_length"),
        context=context_length(config),
        kept_step=document.get("kept_step"),
        trust_remote_code=trust,
    )


def _split_of(workspace: Workspace, artifact: Artifact) -> Artifact:
    """Find the split of a run, where it lay or in the workspace."""
    made_from = artifact.manifest.input("split")
    if made_from is None:
        raise UsageError("the run does not say what it was trained on", where=str(artifact.folder))
    folder = Path(made_from.path)
    if (folder / MANIFEST_NAME).is_file():
        split = Artifact(folder, read_manifest(folder))
    else:
        split = resolve_artifact(workspace, "split", made_from.artifact)
    if split.manifest.sha256 != made_from.sha256:
        raise UsageError(
            "the split was made again since the training, and differs",
            where=str(split.folder),
            fix="train again on it",
        )
    return split
