"""Weights of a whole model, out of a base's and an adapter's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ...train.models.base_model import BaseModel, extend_vocabulary, first_line, load_weights
from ...train.models.hardware import Hardware
from ...workspace.errors import UsageError
from ..comparison import LocalModel
from ..scoring.adapters import put_on
from ..scoring.pair import load
from ..scoring.quiet import quiet


def check_mergeable(tuned: LocalModel) -> None:
    """Refuse adapters that are no part of the weights.

    Raises:
        UsageError: it is one; the message says why.
    """
    if tuned.adapter is not None and tuned.adapter.learns_a_prompt:
        raise UsageError(
            f"an adapter of the kind {tuned.adapter.kind} puts something before the text instead "
            "of changing weights, so it cannot become part of them",
            where=str(tuned.adapter.folder),
            fix="use the adapter as it is, with peft; or train with method = 'lora'",
        )


def one_model(loaded: Any, tuned: LocalModel, exact: Hardware) -> Any:
    """Return the tuned model with its adapter inside its weights.

    A base that was loaded in 4 or 8 bits is unpacked first, to exactly the numbers that the
    adapter was trained beside: merged into the original ones it would be another model.

    Args:
        loaded: the tuned model, which is of no use afterwards.
        tuned: what it is.
        exact: to load it again, where it has to be unpacked.

    Raises:
        UsageError: the adapter cannot be merged into this model.
    """
    if tuned.adapter is None:
        return loaded
    model = _unpacked(tuned, exact) if tuned.quantize else loaded
    try:
        return model.merge_and_unload(safe_merge=True)
    except (ValueError, NotImplementedError, AttributeError, TypeError) as error:
        raise UsageError(
            f"an adapter of the kind {tuned.adapter.kind} cannot be merged into this model: "
            f"{first_line(error)}",
            where=str(tuned.adapter.folder),
            fix="use the adapter as it is, with peft",
        ) from error


def _unpacked(tuned: LocalModel, exact: Hardware) -> Any:
    import torch

    base: Any = load_weights(
        tuned.weights,
        exact,
        trust_remote_code=tuned.trust_remote_code,
        quantize=tuned.quantize,
    )
    base = base.dequantize(dtype=torch.float32).float()
    extend_vocabulary(base, len(tuned.tokenizer))
    assert tuned.adapter is not None
    return put_on(base, tuned.adapter).eval()


def stop_at(end_token: str | None, model: Any, tokenizer: Any) -> None:
    """Let the model's own generation stop where its answers were taught to end."""
    number = tokenizer.convert_tokens_to_ids(end_token) if end_token else None
    settings = getattr(model, "generation_config", None)
    if settings is None or not isinstance(number, int):
        return
    own = settings.eos_token_id
    known = list(own) if isinstance(own, list | tuple) else [own] if own is not None else []
    if number not in known:
        settings.eos_token_id = [*known, number]


def load_written(folder: Path, tuned: LocalModel, exact: Hardware) -> Any:
    """Read what was written, as anybody would."""
    written = replace(tuned, weights=BaseModel(folder, ""), adapter=None, quantize=None)
    with quiet():
        return load(written, exact)
