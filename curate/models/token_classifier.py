"""Models that mark words in texts, such as names of persons; from a folder that the user names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...workspace.errors import UsageError
from .local_model import labels_of, load_local_model, longest_input

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_BATCH = 16
# Tokens that two windows of a long text share, so that a name on the border is whole in one.
_SHARED = 32
_OUTSIDE = "O"
_PREFIXES = ("B-", "I-", "E-", "S-", "L-", "U-")


@dataclass(frozen=True, slots=True)
class Marked:
    """Words that a model marks.

    Attributes:
        label: the model's name for what they are, without ``B-`` and ``I-``.
        start: first character in the text.
        end: the character after the last.
        score: how sure the model is, 0 to 1.
    """

    label: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class TokenClassifier:
    """A model that marks words.

    Attributes:
        labels: all that it knows.
        mark: returns what it marks in each of some texts.
    """

    labels: frozenset[str]
    mark: Callable[[Sequence[str]], Iterator[list[Marked]]]


@lru_cache(maxsize=2)
def load_token_classifier(folder: str) -> TokenClassifier:
    """Load a transformers model for token classification.

    Raises:
        UsageError: the folder holds no such model that can be read.
    """
    tokenizer, model = load_local_model(folder, "TokenClassification")
    if not tokenizer.is_fast:
        raise UsageError(
            "the tokenizer does not tell where its tokens lie in a text",
            where=folder,
            fix="save it with a tokenizer.json",
        )
    names = {number: _without_prefix(label) for number, label in labels_of(model).items()}

    def mark(texts: Sequence[str]) -> Iterator[list[Marked]]:
        for start in range(0, len(texts), _BATCH):
            yield from _mark(tokenizer, model, names, list(texts[start : start + _BATCH]))

    return TokenClassifier(frozenset(names.values()), mark)


def _mark(
    tokenizer: PreTrainedTokenizerBase,
    model: PreTrainedModel,
    names: dict[int, str],
    texts: list[str],
) -> list[list[Marked]]:
    import torch

    longest = longest_input(tokenizer, model)
    inputs: Any = tokenizer(
        texts,
        return_tensors="pt",
        return_offsets_mapping=True,
        return_overflowing_tokens=True,
        return_special_tokens_mask=True,
        padding=True,
        truncation=True,
        max_length=longest,
        stride=min(_SHARED, longest // 4),
    )
    with torch.inference_mode():
        logits = model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
        ).logits
    scores, best = logits.softmax(-1).max(-1)
    words: list[dict[tuple[int, int], Marked]] = [{} for _ in texts]
    for window, text in enumerate(inputs["overflow_to_sample_mapping"].tolist()):
        for offsets, special, number, score in zip(
            inputs["offset_mapping"][window].tolist(),
            inputs["special_tokens_mask"][window].tolist(),
            best[window].tolist(),
            scores[window].tolist(),
            strict=True,
        ):
            start, end = offsets
            if special or start == end:
                continue
            token = Marked(names[number], start, end, score)
            # Where two windows share a token, the surer one sees it better.
            known = words[text].get((start, end))
            if known is None or known.score < score:
                words[text][start, end] = token
    return [_joined(text, sorted(found.values(), key=lambda token: token.start))
            for text, found in zip(texts, words, strict=True)]  # fmt: skip


def _joined(text: str, tokens: Sequence[Marked]) -> list[Marked]:
    """Join neighbours with one label, and stretch them to whole words; drop what is outside."""
    joined: list[Marked] = []
    for token in tokens:
        if token.label == _OUTSIDE:
            continue
        start, end = _whole_word(text, token.start, token.end)
        last = joined[-1] if joined else None
        if last and last.label == token.label and not text[last.end : start].strip():
            score = min(last.score, token.score)
            joined[-1] = Marked(last.label, last.start, max(end, last.end), score)
        elif start < end:
            joined.append(Marked(token.label, start, end, token.score))
    return joined


def _whole_word(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while 0 < start < end and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while start < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _without_prefix(label: str) -> str:
    return label[2:] if label.startswith(_PREFIXES) else label
