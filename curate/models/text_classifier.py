"""Models that put whole texts into classes, such as toxic ones; the user names their folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .local_model import labels_of, load_local_model, longest_input

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SEVERAL_AT_ONCE = "multi_label_classification"


@dataclass(frozen=True)
class TextClassifier:
    """A model that puts texts into classes.

    Attributes:
        labels: of the classes, in the order of the model's outputs.
        tokens: how many of them it reads of a text; what follows is not seen.
        probabilities: returns, of shape (texts, labels), how probable each class is; takes texts
            and how many go through the model at once.
    """

    labels: tuple[str, ...]
    tokens: int
    probabilities: Callable[[Sequence[str], int], np.ndarray]


@lru_cache(maxsize=2)
def load_text_classifier(folder: str) -> TextClassifier:
    """Load a transformers model for sequence classification.

    Raises:
        UsageError: the folder holds no such model that can be read.
    """
    tokenizer, model = load_local_model(folder, "SequenceClassification")
    labels = tuple(label for _, label in sorted(labels_of(model).items()))
    tokens = longest_input(tokenizer, model)

    def probabilities(texts: Sequence[str], batch: int) -> np.ndarray:
        # Texts of one length go together: none is filled up much.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        found = np.zeros((len(texts), len(labels)), dtype=np.float32)
        for start in range(0, len(order), batch):
            numbers = order[start : start + batch]
            some = [texts[number] for number in numbers]
            found[numbers] = _probabilities(tokenizer, model, some, tokens)
        return found

    return TextClassifier(labels, tokens, probabilities)


def _probabilities(
    tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, texts: list[str], tokens: int
) -> np.ndarray:
    import torch

    inputs: Any = tokenizer(
        texts, return_tensors="pt", padding=True, truncation=True, max_length=tokens
    )
    with torch.inference_mode():
        logits = model(**inputs).logits.float()
    # Classes that exclude each other share one; labels of their own have each their own.
    is_apart = model.config.problem_type == _SEVERAL_AT_ONCE or logits.shape[-1] == 1
    return (logits.sigmoid() if is_apart else logits.softmax(-1)).numpy()
