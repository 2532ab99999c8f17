"""Which two models are compared, and what is known of how the second one was tuned."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..train.models.base_model import BaseModel, find_base_model, load_config, load_tokenizer
from ..train.rows.tasks import HEAD
from ..train.rows.template import template_hash, template_of
from ..train.run import ADAPTER_FOLDER, MODEL_FOLDER
from ..workspace.artifact import MANIFEST_NAME, Artifact, Workspace, resolve_artifact
from ..workspace.errors import UsageError
from ..workspace.files import read_json, sha256_of_json
from ..workspace.manifest import Input, read_manifest
from .hosted.endpoint import HostedModel, find_hosted, is_hosted
from .scoring.adapters import Adapter, is_adapter, read_adapter

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this machine: whole weights, with or without an adapter on them.

    Attributes:
        weights: the whole weights.
        adapter: what lies on them.
        tokenizer: the one that it is asked through.
        context: tokens that it sees.
        trust_remote_code: run code that lies beside the weights.
        quantize: in how many bits the weights are loaded, ``4bit`` or ``8bit``, as they were when
            the adapter was trained; None as they are.
    """

    weights: BaseModel
    adapter: Adapter | None
    tokenizer: Any
    context: int
    trust_remote_code: bool = False
    quantize: str | None = None

    @property
    def place(self) -> str:
        """The folder that makes this model what it is."""
        return str(self.adapter.folder if self.adapter else self.weights.folder)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What decides its outputs, as JSON values."""
        return {
            "weights": self.weights.sha256,
            "adapter": self.adapter.sha256 if self.adapter else None,
            "tokenizer": tokenizer_fingerprint(self.tokenizer),
            "template": _template(self.tokenizer),
            **({"quantize": self.quantize} if self.quantize else {}),
        }


Model = LocalModel | HostedModel


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models to compare.

    Attributes:
        base: the one that was tuned, or simply the first.
        tuned: the second.
        run: the training run that made it; None where another trainer did.
        split: rows of the domain; None where none are known.
        max_length: tokens of a row that were trained on, where that is known.
        kept_step: the training step whose state was kept, where that is known.
        labels: of the tuned model's head, where it names labels and no words; else none.
    """

    base: Model
    tuned: Model
    run: Artifact | None = None
    split: Artifact | None = None
    max_length: int | None = None
    kept_step: int | None = None
    labels: tuple[str, ...] = ()

    @property
    def same_tokens(self) -> bool:
        """Whether both models see the same tokens for the same text."""
        if not (isinstance(self.base, LocalModel) and isinstance(self.tuned, LocalModel)):
            return False
        return all(
            self.base.fingerprint[part] == self.tuned.fingerprint[part]
            for part in ("tokenizer", "template")
        )

    @property
    def context(self) -> int:
        """Tokens that both models see."""
        known = [model.context for model in (self.base, self.tuned) if model.context]
        return min(known, default=1 << 20)

    def inputs(self) -> list[Input]:
        """Describe what is compared, for an artifact's manifest."""
        if self.run is not None:
            return [self.run.as_input("run")]
        models = [
            Input(name, sha256_of_json(model.fingerprint), model.place)
            for name, model in (("base", self.base), ("tuned", self.tuned))
        ]
        return models + ([self.split.as_input("split")] if self.split else [])


def compare_run(workspace: Workspace, artifact: Artifact, *, with_split: bool = True) -> Comparison:
    """Compare a run's model with its base, after a check that all parts are still the same.

    Args:
        workspace: where the split may lie.
        artifact: the run.
        with_split: bring the split, too; it must be the one that was trained on.

    Raises:
        UsageError: the base, the tokenizer's template or the split is gone or another one.
    """
    document = read_json(artifact.folder / "train.json")
    recipe = read_json(artifact.folder / "recipe.json")
    trust = bool(recipe.get("trust_remote_code"))
    folder = artifact.folder / ADAPTER_FOLDER
    adapter = read_adapter(folder) if is_adapter(folder) else None
    folder = folder if adapter else artifact.folder / MODEL_FOLDER
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
    context = _context(base, tokenizer, trust)
    first = LocalModel(base, None, tokenizer, context, trust, recipe.get("quantize"))
    weights = base if adapter else find_base_model(str(folder))
    taken = adapter.virtual_tokens if adapter else 0
    return Comparison(
        base=first,
        tuned=replace(first, weights=weights, adapter=adapter, context=context - taken),
        run=artifact,
        split=_split_of(workspace, artifact) if with_split else None,
        max_length=recipe.get("max_length"),
        kept_step=document.get("kept_step"),
        labels=tuple(document["labels"]) if recipe.get("task") == HEAD else (),
    )


def compare_models(
    base: str | None,
    tuned: str,
    *,
    split: Artifact | None = None,
    tokenizer: str | None = None,
    api_key_variable: str = "OPENAI_API_KEY",
    trust_remote_code: bool = False,
) -> Comparison:
    """Compare any two models, without a run.

    Args:
        base: a folder or a name on the hub; the folder of an adapter; or ``URL#MODEL``, a model
            behind an OpenAI-compatible endpoint. None takes the base that an adapter names.
        tuned: the same.
        split: rows of the domain.
        tokenizer: folder of the tokenizer of hosted models.
        api_key_variable: name of the environment variable with their key.
        trust_remote_code: run code that lies beside the models.

    Raises:
        UsageError: a model is not there, or both do not go together.
    """
    first = _find(base, None, tokenizer, api_key_variable, trust_remote_code) if base else None
    second = _find(tuned, first, tokenizer, api_key_variable, trust_remote_code)
    if first is None:
        if not isinstance(second, LocalModel) or second.adapter is None:
            raise UsageError(
                "no base is named, and the tuned model is no adapter that names one",
                where="--base",
                fix="tunewise evaluate --base MODEL --tuned MODEL",
            )
        context = second.context + second.adapter.virtual_tokens
        first = replace(second, adapter=None, context=context)
    if isinstance(first, LocalModel) and isinstance(second, LocalModel):
        first = _through_one_tokenizer(first, second)
    return Comparison(first, second, split=split)


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """Return a hash of what decides a tokenizer's output, wherever its files come from."""
    special = {
        name: str(getattr(tokenizer, f"{name}_token", None)) for name in ("bos", "eos", "pad")
    }
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        folder = Path(str(tokenizer.name_or_path))
        files = [folder / name for name in _TOKENIZER_FILES if (folder / name).is_file()]
        text: Any = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    else:
        text = json.loads(backend.to_str())
        # How a batch is filled up and cut off is said with every call.
        text |= {"padding": None, "truncation": None}
    return sha256_of_json([type(tokenizer).__name__ if backend is None else "", special, text])


def _template(tokenizer: Any) -> str | None:
    """Return the SHA-256 of the chat template that a tokenizer would use; None where it cannot."""
    try:
        return hashlib.sha256(template_of(tokenizer).encode()).hexdigest()
    except UsageError:
        return None


def _find(
    name: str, base: Model | None, tokenizer: str | None, key_variable: str, trust: bool
) -> Model:
    """Find a model; an adapter lies on the base that is given, or else on the one it names."""
    if is_hosted(name):
        return find_hosted(name, tokenizer=tokenizer, key_variable=key_variable)
    folder = Path(name).expanduser()
    if not is_adapter(folder):
        return _whole(find_base_model(name), trust)
    adapter = read_adapter(folder)
    if isinstance(base, LocalModel) and base.adapter is None:
        return _tuned_by(adapter, base)
    return _tuned_by(adapter, _whole(_base_named_by(adapter), trust))


def _base_named_by(adapter: Adapter) -> BaseModel:
    if not adapter.base:
        raise UsageError(
            "the adapter does not say what it was trained on",
            where=str(adapter.folder),
            fix="name it: --base MODEL",
        )
    try:
        return find_base_model(adapter.base)
    except UsageError as error:
        raise UsageError(
            f"the base that the adapter names is not to be had: {error.what}",
            where=f"{adapter.folder}: {adapter.base}",
            fix="name the folder of its base: --base MODEL",
        ) from error


def _whole(weights: BaseModel, trust_remote_code: bool) -> LocalModel:
    tokenizer = load_tokenizer(weights, trust_remote_code=trust_remote_code)
    context = _context(weights, tokenizer, trust_remote_code)
    return LocalModel(weights, None, tokenizer, context, trust_remote_code)


def _context(weights: BaseModel, tokenizer: Any, trust_remote_code: bool) -> int:
    """Return how many tokens a model sees, as lm-eval finds it."""
    from lm_eval.models.utils import resolve_max_length

    config = load_config(weights, trust_remote_code=trust_remote_code)
    return resolve_max_length(config, tokenizer)


def _tuned_by(adapter: Adapter, base: LocalModel) -> LocalModel:
    """Put an adapter on a model, with the tokenizer that lies beside the adapter, if one does."""
    tokenizer = base.tokenizer
    if any((adapter.folder / name).is_file() for name in _TOKENIZER_FILES):
        beside = BaseModel(adapter.folder, "")
        tokenizer = load_tokenizer(beside, trust_remote_code=base.trust_remote_code)
    context = base.context - adapter.virtual_tokens
    return replace(base, adapter=adapter, tokenizer=tokenizer, context=context)


def _through_one_tokenizer(base: LocalModel, tuned: LocalModel) -> LocalModel:
    """Ask the base through the tuned model's tokenizer where both make the same of a text.

    So the base is asked in the chat template that the tuned model learned, as after a run.
    """
    same = tokenizer_fingerprint(base.tokenizer) == tokenizer_fingerprint(tuned.tokenizer)
    return replace(base, tokenizer=tuned.tokenizer) if same else base


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
