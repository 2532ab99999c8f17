"""Answers by transformers' own ``generate``: for what our greedy loop does not do, or not alike.

Sampled answers, penalties and beams are its; so are models whose positions cannot be told, whose
cache cannot be cut, or that put something before the text.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

# Settings of a model's own `generation_config` that change greedy answers, with what changes
# nothing. Sampling's are not among them: a task says itself whether it samples.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "num_beams": (1,),
    "repetition_penalty": (1.0,),
    "encoder_repetition_penalty": (1.0,),
    "no_repeat_ngram_size": (0,),
    "bad_words_ids": (),
    "sequence_bias": (),
    "suppress_tokens": (),
    "begin_suppress_tokens": (),
    "forced_bos_token_id": (),
    "forced_eos_token_id": (),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "exponential_decay_length_penalty": (),
    "guidance_scale": (1.0,),
    "penalty_alpha": (0.0,),
    "dola_layers": (),
}
_GREEDY = {"do_sample": (False,), "temperature": (0.0, 1.0)}
# Sampled answers are drawn from this, so that asking again gives the same.
SEED = 1234

Finished = Callable[[Sequence[int], Sequence[list[int]]], None]


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts to be continued, and how.

    Attributes:
        tokens: token ids, at least one each.
        limits: for each prompt, the most tokens to add.
        tokenizer: the model's.
        ends: tokens that end an answer; they are not part of it.
        stops: texts that end an answer.
        options: of transformers' ``generate``, beyond a greedy answer.
        finished: told the numbers of prompts and their new tokens, batch by batch.
    """

    tokens: Sequence[Sequence[int]]
    limits: Sequence[int]
    tokenizer: Any
    ends: frozenset[int]
    stops: Sequence[str]
    options: Mapping[str, Any]
    finished: Finished


# Makes a model's free answers in place of this program; False, with nothing answered, where it
# cannot.
Engine = Callable[[Any, Prompts], bool]


def base_model(model: Any) -> Any:
    """Return the model itself, out of an adapter's wrapping."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def learns_a_prompt(model: Any) -> bool:
    """Tell whether an adapter puts something before the text instead of changing layers."""
    return bool(getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False))


def needs_library(model: Any, options: Mapping[str, Any]) -> str:
    """Return why our own greedy loop does not do; empty where it does.

    Args:
        model: a causal language model.
        options: of ``generate``, as a task gives them.
    """
    for name, value in options.items():
        if value is not None and value not in _GREEDY.get(name, ()):
            return f"the task sets {name}"
    if learns_a_prompt(model):
        return "the adapter puts a learned prompt before the text"
    plain = base_model(model)
    if "position_ids" not in inspect.signature(plain.forward).parameters:
        return "the model does not take positions"
    if getattr(plain, "_is_stateful", False):
        return "the model keeps a state instead of what it read"
    changed = changed_settings(getattr(plain, "generation_config", None))
    return f"the model's generation_config sets {changed[0]}" if changed else ""


def changed_settings(settings: Any) -> list[str]:
    """Return what of a model's ``generation_config`` changes greedy answers, by name."""
    values = {name: getattr(settings, name, None) for name in _NEUTRAL}
    return [
        name for name, value in values.items() if value is not None and value not in _NEUTRAL[name]
    ]


def with_library(model: Any, asked: Prompts, *, batch_tokens: int) -> None:
    """Let transformers answer.

    Args:
        model: a causal language model in evaluation mode.
        asked: what is to be continued.
        batch_tokens: tokens kept at once, answers included.
    """
    device = next(model.parameters()).device
    prompts, limits, ends = asked.tokens, asked.limits, asked.ends
    padding = _padding(asked.tokenizer, ends)
    stops: dict[str, Any] = {}
    if asked.stops:
        stops = {"stop_strings": list(asked.stops), "tokenizer": asked.tokenizer}
    for numbers in _batches(prompts, limits, batch_tokens, pads=not learns_a_prompt(model)):
        width = max(len(prompts[number]) for number in numbers)
        missing = [width - len(prompts[number]) for number in numbers]
        rows = [[padding] * gap + [*prompts[n]] for gap, n in zip(missing, numbers, strict=True)]
        mask = [[0] * gap + [1] * (width - gap) for gap in missing]
        torch.manual_seed(SEED + numbers[0])
        with torch.inference_mode():
            found = model.generate(
                input_ids=torch.tensor(rows, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=limits[numbers[0]],
                eos_token_id=sorted(ends) or None,
                pad_token_id=padding,
                **stops,
                **_settings(asked.options),
            )
        tokens = [before_end(row, ends) for row in found[:, -(found.shape[1] - width) :].tolist()]
        asked.finished(numbers, tokens if found.shape[1] > width else [[] for _ in numbers])


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's options as ``generate`` takes them: greedy unless they say otherwise."""
    settings = {"do_sample": False, **options}
    if not settings["do_sample"]:
        settings.pop("temperature", None)
    return settings


def _batches(
    prompts: Sequence[Sequence[int]], limits: Sequence[int], tokens: int, *, pads: bool
) -> Iterator[list[int]]:
    """Yield numbers of prompts with one limit, of one length where nothing may be padded."""

    def alike(number: int) -> tuple[int, int]:
        return limits[number], 0 if pads else len(prompts[number])

    order = sorted(range(len(prompts)), key=lambda n: (*alike(n), -len(prompts[n])))
    for (limit, _), group in groupby(order, key=alike):
        members = list(group)
        while members:
            count = max(1, tokens // (len(prompts[members[0]]) + limit))
            yield members[:count]
            members = members[count:]


def _padding(tokenizer: Any, ends: frozenset[int]) -> int:
    for token in (tokenizer.pad_token_id, tokenizer.unk_token_id, *sorted(ends)):
        if isinstance(token, int):
            return token
    return 0


def before_end(tokens: list[int], ends: frozenset[int]) -> list[int]:
    """Return what comes before the token that ends an answer."""
    last = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[:last]
