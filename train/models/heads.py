"""A layer that names labels, in place of the one that names tokens.

The base's layers read a row's prompt as they would before an answer; what they make of its last
token goes through a new matrix to one number a label (as in Radford et al. 2018, *Improving
Language Understanding by Generative Pre-Training*). transformers and PEFT load the result as a
model for sequence classification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError
from .base_model import BaseModel, load_model
from .hardware import Hardware

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

LABELS_NAME = "labels.json"


def load_head(
    base: BaseModel,
    hardware: Hardware,
    labels: Sequence[str],
    *,
    padding: int,
    trust_remote_code: bool = False,
    train_all: bool = False,
    quantize: str | None = None,
) -> PreTrainedModel:
    """Load a base with a fresh head; torch's random numbers decide its first weights.

    Args:
        base: which model.
        hardware: device and number format.
        labels: in the order of their numbers.
        padding: token id that ends no prompt; those who load the result need to know it.
        trust_remote_code: run code that lies beside the model.
        train_all: every weight will be tuned.
        quantize: ``4bit``, ``8bit`` or None.

    Raises:
        UsageError: there is no such model for sequence classification, or the weights are damaged.
    """
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, AutoConfig
    from transformers import AutoModelForSequenceClassification as Heads

    config = AutoConfig.from_pretrained(base.folder, trust_remote_code=trust_remote_code)
    remote = "AutoModelForSequenceClassification" in (getattr(config, "auto_map", None) or {})
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING and not remote:
        raise UsageError(
            f"transformers has no head for labels on a {config.model_type} model",
            where="[train] task = 'classification-head'",
            fix="learn the labels as text: task = 'supervised'",
        )
    model = load_model(
        Heads,
        base,
        hardware,
        trust_remote_code=trust_remote_code,
        train_all=train_all,
        quantize=quantize,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        pad_token_id=padding,
    )
    _score_layer(model)
    return model


def label_logits(model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return one number a label at the places of a batch that are to be learned.

    Args:
        model: of :func:`load_head`, with an adapter or without.
        batch: as :class:`~tunewise.train.rows.batches.Collator` makes it.

    Returns:
        Shape (places, labels).
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    seen = {name: batch[name] for name in ("input_ids", "position_ids") if name in batch}
    hidden = inner.base_model(**seen, use_cache=False).last_hidden_state
    return _score_layer(inner)(hidden.flatten(0, 1).index_select(0, batch["positions"]))


def _score_layer(model: Any) -> Any:
    """Return the head, by the name that causal models of transformers have for it."""
    layer = getattr(model, "score", None)
    if layer is None:
        raise UsageError(
            f"{type(model).__name__} has no layer that scores the last token of a prompt",
            where="[train] task = 'classification-head'",
            fix="learn the labels as text: task = 'supervised'",
        )
    return layer
