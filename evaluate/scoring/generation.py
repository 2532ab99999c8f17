"""Answers to prompts, many prompts at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import torch
from lm_eval.models.utils import postprocess_generated_text

from .crew import Crew
from .journal import Journal, part_name
from .library import Engine, Prompts, base_model, needs_library, with_library
from .prefixes import Group, group_by_prefix, read_prefix, repeated_in_rows

# How many more tokens a batch may keep than are passed at once; a processor passes few.
_KEPT_ON_A_PROCESSOR, _KEPT_ON_A_GPU = 8, 4
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
class Wanted:
    """How answers are wanted.

    Attributes:
        until: texts that end an answer and are no part of it.
        ends: tokens that end an answer, besides those of the model and its tokenizer.
        options: what transformers' ``generate`` is told beyond a greedy answer, such as
            ``do_sample`` and ``temperature``.
    """

    until: tuple[str, ...] = ()
    ends: frozenset[int] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)


def answer_texts(
    model: Any,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    tokenizer: Any,
    wanted: Wanted,
    *,
    batch_tokens: int,
    kept_within: int | None,
    crew: Crew | None,
    journal: Journal,
    advance: Callable[[int], None],
    engine: Engine | None = None,
) -> list[str]:
    """Continue prompts, as texts.

    Greedy answers are made by our own loop; sampled ones, and those of models that it does not
    fit, by transformers' ``generate``. An engine, where there is one, makes all that it can.

    Args:
        model: a causal language model in evaluation mode.
        prompts: token ids, at least one each; with the answer they must fit the context.
        limits: for each prompt, the most tokens to add.
        tokenizer: the model's.
        wanted: how the answers are wanted.
        batch_tokens: the model's budget for one pass.
        kept_within: see :func:`generate`.
        crew: the processes that answer together; None where there is but one.
        journal: where answers of an earlier attempt are found, and new ones kept.
        advance: told how many prompts were finished.
        engine: another maker of answers; None where there is none.
    """
    ends = end_tokens(model, tokenizer) | wanted.ends
    part = ""
    if journal.path:
        part = part_name(prompts, limits, wanted.until, sorted(ends), wanted.options)
    answers = dict(journal.found(part))
    advance(len(answers))
    left = [number for number in range(len(prompts)) if number not in answers]

    def finished(numbers: Sequence[int], tokens: Sequence[list[int]]) -> None:
        own = [left[number] for number in numbers]
        journal.keep(part, own, list(tokens))
        answers.update(zip(own, tokens, strict=True))
        advance(len(own))

    stops = stop_texts(tokenizer, wanted.until)
    asked = Prompts(
        tokens=[prompts[number] for number in left],
        limits=[limits[number] for number in left],
        tokenizer=tokenizer,
        ends=ends,
        stops=stops.texts,
        options=wanted.options,
        finished=finished,
    )
    if engine is not None and engine(model, asked):
        pass
    elif needs_library(model, wanted.options):
        with_library(model, asked, batch_tokens=_tokens_kept(model, batch_tokens))
    else:
        chosen = asked.tokens, asked.limits
        if crew is not None:
            crew.tell(("answer", (*chosen, ends, stops)))
        generate_together(
            model, *chosen, ends=ends, stops=stops, batch_tokens=batch_tokens,
            kept_within=kept_within, crew=crew, finished=finished,
        )  # fmt: skip
    texts = tokenizer.batch_decode(
        [answers[number] for number in range(len(prompts))], skip_special_tokens=True
    )
    return [postprocess_generated_text(text, list(wanted.until), None) for text in texts]


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
    kept_within: int | None = 0,
    takes: Callable[[int], bool] = lambda batch: True,
    finished: Callable[[Sequence[int], Sequence[list[int]]], None] = lambda numbers, tokens: None,
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
        kept_within: a beginning that many prompts share is read once where prompt and answer have
            at most so many tokens; 0 never, None always.
        takes: whether a batch, by its number, is answered here.
        finished: told the numbers of prompts and their new tokens, batch by batch.

    Returns:
        The new tokens of each prompt; none of those that are not answered here.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    device = next(model.parameters()).device
    numbers = count()
    for group in _groups(prompts, limits, kept_within):
        order = sorted(group.members, key=lambda number: -len(prompts[number]))
        read = None
        if group.length:
            with torch.inference_mode():
                read = read_prefix(model, prompts[order[0]][: group.length], device)
        start = 0
        while start < len(order):
            width = len(prompts[order[start]])
            room = max(limits[number] for number in order[start:])
            most = max(1, _tokens_kept(model, batch_tokens) // (width + room))
            batch = [_Row(number, limits[number]) for number in order[start : start + most]]
            start += most
            if not takes(next(numbers)):
                continue
            with torch.inference_mode():
                _continue(model, prompts, batch, ends, stops, (group.length, read))
            for row in batch:
                answers[row.number] = row.tokens
            finished([row.number for row in batch], [row.tokens for row in batch])
    return answers


def _tokens_kept(model: Any, batch_tokens: int) -> int:
    """Return how many tokens of prompts and answers a batch may hold."""
    on_a_processor = next(model.parameters()).device.type == "cpu"
    return batch_tokens * (_KEPT_ON_A_PROCESSOR if on_a_processor else _KEPT_ON_A_GPU)


def generate_together(
    model: Any,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    *,
    crew: Crew | None,
    finished: Callable[[Sequence[int], Sequence[list[int]]], None] = lambda numbers, tokens: None,
    **options: Any,
) -> None:
    """Continue prompts with other processes, each its share of the batches.

    Args:
        model: a causal language model in evaluation mode.
        prompts: see :func:`generate`.
        limits: see :func:`generate`.
        crew: the processes; None where there is but this one.
        finished: told of all prompts, those of other processes last.
        options: of :func:`generate`.
    """
    if crew is None:
        generate(model, prompts, limits, finished=finished, **options)
        return
    own: list[tuple[Sequence[int], Sequence[list[int]]]] = []

    def keep(numbers: Sequence[int], tokens: Sequence[list[int]]) -> None:
        own.append((numbers, tokens))
        finished(numbers, tokens)

    generate(model, prompts, limits, takes=crew.takes, finished=keep, **options)
    for theirs in crew.others(own):
        for numbers, tokens in theirs:
            finished(numbers, tokens)


def _groups(
    prompts: Sequence[Sequence[int]], limits: Sequence[int], within: int | None
) -> list[Group]:
    """Return prompts by the beginning that they share, where it is kept."""
    everyone = list(range(len(prompts)))
    longest = max(map(len, prompts), default=0) + max(limits, default=0)
    if within is not None and longest > within:
        return [Group(0, everyone)]
    return group_by_prefix(prompts, [len(prompt) for prompt in prompts], everyone, together=1)


def _continue(
    model: Any,
    prompts: Sequence[Sequence[int]],
    batch: list[_Row],
    ends: frozenset[int],
    stops: StopTexts | None,
    read: tuple[int, Any],
) -> None:
    """Add tokens to the rows of one batch until all have ended.

    Of each prompt so many tokens were read before, and their keys and values kept.
    """
    device = next(model.parameters()).device
    ahead, kept = read
    rest = [prompts[row.number][ahead:] for row in batch]
    width = len(rest[0])
    missing = torch.tensor([width - len(tokens) for tokens in rest], device=device)
    padded = [[0] * (width - len(tokens)) + [*tokens] for tokens in rest]
    places = torch.arange(width, device=device)[None]
    mask = (places >= missing[:, None]).long()
    mask = torch.cat([mask.new_ones(len(batch), ahead), mask], dim=1)
    output = model(
        input_ids=torch.tensor(padded, device=device),
        attention_mask=mask,
        position_ids=ahead + (places - missing[:, None]).clamp(min=0),
        past_key_values=repeated_in_rows(kept, len(batch)) if ahead else None,
        use_cache=True,
        logits_to_keep=1,
    )
    rows = list(batch)
    positions = ahead + width - missing
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
