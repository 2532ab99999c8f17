"""Answers that a model writes, by transformers' generation, which knows every kind of adapter."""

from __future__ import annotations

from collections.abc import Sequence, Set
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from .hardware import without_gradients

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from transformers.generation.streamers import BaseStreamer


def answer_all(
    model: Any,
    prompts: Sequence[Sequence[int]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    limit: int,
    padding: int,
    stop: Flag | None = None,
) -> list[list[int]]:
    """Answer prompts with the most probable tokens, all in one batch; no random number is drawn.

    Args:
        model: a causal language model, with an adapter or without; left in the mode it was in.
        prompts: token ids, at least one each; with the answer they fit the context.
        tokenizer: of the model.
        limit: the most tokens of an answer.
        padding: token id to pad with; it is masked.
        stop: once set, the answers end where they are.

    Returns:
        The tokens of each answer; its end token is among them, and what it is padded with.
    """
    if not prompts:
        return []
    width = max(len(prompt) for prompt in prompts)
    gaps = [width - len(prompt) for prompt in prompts]
    ids = [[padding] * gap + [*prompt] for gap, prompt in zip(gaps, prompts, strict=True)]
    mask = [[0] * gap + [1] * (width - gap) for gap in gaps]
    settings = GenerationConfig(
        do_sample=False,
        max_new_tokens=limit,
        pad_token_id=padding,
        eos_token_id=end_tokens(model, tokenizer) or None,
        use_cache=True,
    )
    found = _generate(model, ids, mask, settings, stop=stop)
    return [tokens[width:] for tokens in found]


def stream_answer(
    model: Any,
    prompt: Sequence[int],
    tokenizer: PreTrainedTokenizerBase,
    *,
    limit: int,
    padding: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    streamer: BaseStreamer | None = None,
    stop: Flag | None = None,
) -> list[int]:
    """Answer one prompt, token by token.

    Args:
        model: as in :func:`answer_all`.
        prompt: token ids.
        tokenizer: of the model.
        limit: the most tokens of the answer.
        padding: token id to pad with.
        temperature: 0 takes the most probable token, 1 draws by the model's own probabilities.
        top_p: drawn from the most probable tokens that have this share of the probability.
        seed: of the drawing; the same seed gives the same answer.
        streamer: told of every token at once.
        stop: once set, the answer ends where it is.

    Returns:
        The tokens of the answer, its end token among them if it came to one.
    """
    drawn = temperature > 0
    settings = GenerationConfig(
        do_sample=drawn,
        max_new_tokens=limit,
        pad_token_id=padding,
        eos_token_id=end_tokens(model, tokenizer) or None,
        use_cache=True,
        **({"temperature": temperature, "top_p": top_p, "top_k": 0} if drawn else {}),
    )
    torch.manual_seed(seed)
    ids, mask = [[*prompt]], [[1] * len(prompt)]
    (found,) = _generate(model, ids, mask, settings, streamer=streamer, stop=stop)
    return found[len(prompt) :]


def draw_all(
    model: Any, prompts: Sequence[Sequence[int]], *, ends: Set[int], limit: int, padding: int
) -> list[list[int]]:
    """Go on from prompts by the model's own probabilities, all in one batch.

    Args:
        model: as in :func:`answer_all`.
        prompts: as in :func:`answer_all`.
        ends: tokens that end an answer.
        limit: the most tokens of an answer.
        padding: token id to pad with; it is masked.

    Returns:
        The tokens of each answer, without the one that ended it. Torch's random numbers decide.
    """
    if not prompts:
        return []
    width = max(len(prompt) for prompt in prompts)
    gaps = [width - len(prompt) for prompt in prompts]
    settings = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_new_tokens=limit,
        pad_token_id=padding,
        eos_token_id=sorted(ends) or None,
        use_cache=True,
    )
    ids = [[padding] * gap + [*prompt] for gap, prompt in zip(gaps, prompts, strict=True)]
    mask = [[0] * gap + [1] * (width - gap) for gap in gaps]
    found = [tokens[width:] for tokens in _generate(model, ids, mask, settings)]
    stops = [next((i for i, token in enumerate(row) if token in ends), len(row)) for row in found]
    return [row[:stop] for row, stop in zip(found, stops, strict=True)]


def end_tokens(model: Any, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that end an answer: the tokenizer's and the model's own."""
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    listed = own if isinstance(own, list | tuple) else [own]
    return sorted({token for token in (tokenizer.eos_token_id, *listed) if isinstance(token, int)})


def _generate(
    model: Any,
    ids: list[list[int]],
    mask: list[list[int]],
    settings: GenerationConfig,
    *,
    streamer: BaseStreamer | None = None,
    stop: Flag | None = None,
) -> list[list[int]]:
    criteria = StoppingCriteriaList([_Stop(stop)] if stop else [])
    was_training = model.training
    model.eval()
    try:
        with without_gradients():
            found = model.generate(
                input_ids=torch.tensor(ids, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                generation_config=settings,
                stopping_criteria=criteria,
                streamer=streamer,
            )
    finally:
        model.train(was_training)
    return found.tolist()


class _Stop(StoppingCriteria):
    """Ends a generation once somebody asks for it."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor, **options: Any
    ) -> torch.Tensor:
        ended = self._flag.is_set()
        return torch.full((len(input_ids),), ended, device=input_ids.device, dtype=torch.bool)
