"""Greedy answers, many prompts at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from .scoring_tokens import base_model

# How many more tokens a batch may keep than are passed at once.
_TOKENS_KEPT = 4
# Rows that have ended are taken out of a batch once so many of its rows have.
_COMPACT_AT = 0.5
# A stop text may be written in other tokens than the tokenizer's own; as many more are looked at.
_LOOK_BACK = 2


@dataclass(slots=True)
class _Row:
    number: int
    limit: int
    tokens: list[int] = field(default_factory=list)
    ended: bool = False


@dataclass(frozen=True, slots=True)
class StopTexts:
    """Texts whose appearance ends an answer.

    Attributes:
        texts: the stop texts; empty ones mean nothing.
        look_back: how many of the newest tokens may hold one.
        decode: turns lists of token ids into texts.
    """

    texts: tuple[str, ...]
    look_back: int
    decode: Callable[[list[list[int]]], list[str]]

    def found(self, rows: Sequence[list[int]]) -> list[bool]:
        """Tell which rows end with a stop text."""
        if not self.texts or not rows:
            return [False] * len(rows)
        tails = self.decode([row[-self.look_back :] for row in rows])
        return [any(text in tail for text in self.texts) for tail in tails]


def stop_texts(tokenizer: Any, texts: Sequence[str]) -> StopTexts:
    """Prepare stop texts for a tokenizer."""
    wanted = tuple(text for text in texts if text)
    lengths = [len(tokenizer.encode(text, add_special_tokens=False)) for text in wanted]
    return StopTexts(wanted, max(lengths, default=0) + _LOOK_BACK, tokenizer.batch_decode)


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end an answer: the tokenizer's and the model's own."""
    settings = getattr(base_model(model), "generation_config", None)
    own = getattr(settings, "eos_token_id", None)
    listed = own if isinstance(own, list | tuple) else [own]
    return frozenset(token for token in (tokenizer.eos_token_id, *listed) if token is not None)


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    *,
    ends: frozenset[int],
    stops: StopTexts | None = None,
    batch_tokens: int = 4096,
    advance: Callable[[int], None] = lambda count: None,
) -> list[list[int]]:
    """Continue prompts greedily.

    Args:
        model: a causal language model in evaluation mode.
        prompts: token ids, at least one each; with the answer they must fit the context.
        limits: for each prompt, the most tokens to add.
        ends: tokens that end an answer; they are not part of it.
        stops: texts that end an answer; they are part of it, and so may be a little more.
        batch_tokens: the model's budget for one pass; a batch may hold several times as many
            prompt and answer tokens, since most of them are passed one by one.
        advance: told how many prompts were finished.

    Returns:
        The new tokens of each prompt.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number]))
    start = 0
    while start < len(order):
        width = len(prompts[order[start]])
        room = max(limits[number] for number in order[start:])
        count = max(1, _TOKENS_KEPT * batch_tokens // (width + room))
        batch = [_Row(number, limits[number]) for number in order[start : start + count]]
        with torch.inference_mode():
            _continue(model, prompts, batch, ends, stops)
        for row in batch:
            answers[row.number] = row.tokens
        advance(len(batch))
        start += count
    return answers


def _continue(
    model: Any,
    prompts: Sequence[Sequence[int]],
    batch: list[_Row],
    ends: frozenset[int],
    stops: StopTexts | None,
) -> None:
    """Add tokens to the rows of one batch until all have ended."""
    device = next(model.parameters()).device
    width = len(prompts[batch[0].number])
    missing = torch.tensor([width - len(prompts[row.number]) for row in batch], device=device)
    padded = [[0] * (width - len(prompts[row.number])) + [*prompts[row.number]] for row in batch]
    places = torch.arange(width, device=device)[None]
    mask = (places >= missing[:, None]).long()
    output = model(
        input_ids=torch.tensor(padded, device=device),
        attention_mask=mask,
        position_ids=(places - missing[:, None]).clamp(min=0),
        use_cache=True,
        logits_to_keep=1,
    )
    rows = list(batch)
    positions = width - missing
    while True:
        chosen = output.logits[:, -1].argmax(dim=-1)
        _take(rows, chosen.tolist(), ends, stops)
        alive = [index for index, row in enumerate(rows) if not row.ended]
        if not alive:
            return
        cache = output.past_key_values
        if len(alive) <= len(rows) * _COMPACT_AT:
            kept = torch.tensor(alive, device=device)
            cache.batch_select_indices(kept)
            rows = [rows[index] for index in alive]
            mask, positions, chosen = mask[kept], positions[kept], chosen[kept]
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        output = model(
            input_ids=chosen[:, None],
            attention_mask=mask,
            position_ids=positions[:, None],
            past_key_values=cache,
            use_cache=True,
        )
        positions = positions + 1


def _take(
    rows: list[_Row], chosen: list[int], ends: frozenset[int], stops: StopTexts | None
) -> None:
    """Add the chosen tokens to the rows and note which rows have ended."""
    open_rows: list[_Row] = []
    for row, token in zip(rows, chosen, strict=True):
        if row.ended:
            continue
        if token in ends or row.limit == 0:
            row.ended = True
            continue
        row.tokens.append(token)
        row.ended = len(row.tokens) >= row.limit
        open_rows.append(row)
    if stops is not None:
        found = stops.found([row.tokens for row in open_rows])
        for row, stop in zip(open_rows, found, strict=True):
            row.ended = row.ended or stop
