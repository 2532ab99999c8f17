"""Sentence encoders that the user names: texts to vectors, from a local folder.

Two kinds are read: static embeddings of model2vec, which need no deep learning library, and any
encoder of transformers, whose last hidden states are averaged over the tokens. Weights must be
safetensors; code that comes with a model is never run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...workspace.errors import UsageError
from ..check import CheckSkippedError, Extra

STATIC = Extra("model2vec", "semantic")
_BATCH = 64
_MOST_TOKENS = 512

Encode = Callable[[Sequence[str]], np.ndarray]


@lru_cache(maxsize=2)
def load_encoder(folder: str) -> Encode:
    """Return a function from texts to unit vectors, float32 of shape (texts, dimensions).

    Args:
        folder: of a model2vec or transformers model.

    Raises:
        UsageError: the folder holds no model that can be read.
        CheckSkippedError: the package for it is not installed.
    """
    place = Path(folder).expanduser()
    try:
        config = json.loads((place / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"this is no model's folder: {error}",
            where=folder,
            fix="name a local folder with config.json, tokenizer.json and model.safetensors",
        ) from error
    is_static = config.get("model_type") == "model2vec" or "model_type" not in config
    return _unit_length(_static_encoder(place) if is_static else _transformer(place))


def _unit_length(encode: Encode) -> Encode:
    def encode_to_unit(texts: Sequence[str]) -> np.ndarray:
        vectors = np.asarray(encode(texts), dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths == 0, 1, lengths)

    return encode_to_unit


def _static_encoder(place: Path) -> Encode:
    if not STATIC.is_installed:
        raise CheckSkippedError(
            f"needs the package {STATIC.package}: pip install 'tunewise[{STATIC.name}]'"
        )
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(place)
    return lambda texts: model.encode(list(texts), max_length=None, use_multiprocessing=False)


def _transformer(place: Path) -> Encode:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    model = AutoModel.from_pretrained(place, trust_remote_code=False, use_safetensors=True).eval()
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token or tokenizer.unk_token

    def encode(texts: Sequence[str]) -> np.ndarray:
        # Texts of one length together, so that little is padded.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        vectors = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            inputs = tokenizer(
                [texts[number] for number in batch],
                padding=True,
                truncation=True,
                max_length=min(_MOST_TOKENS, tokenizer.model_max_length),
                return_tensors="pt",
            )
            mask = inputs["attention_mask"].unsqueeze(-1)
            with torch.inference_mode():
                hidden = model(
                    input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
                ).last_hidden_state
            vectors[batch] = ((hidden * mask).sum(1) / mask.sum(1).clamp(min=1)).numpy()
        return vectors

    return encode
