"""Replay that the base writes itself, where no general texts are at hand.

What a model says when it is asked nothing is a sample of what it knows; learning it again beside
the new rows keeps it (pseudo-rehearsal: Robins 1995, *Catastrophic Forgetting, Rehearsal and
Pseudorehearsal*; for language models Sun et al. 2020, *LAMOL*). A model with a chat template is
given the beginning of a user's message, makes one up, and answers it (Xu et al. 2024, *Magpie*).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...workspace.errors import JobError
from ...workspace.events import Emit, counting
from ...workspace.files import writing_whole
from ..models.base_model import BaseModel, load_weights, padding_token
from ..preflight.preparation import Prepared
from .general import replay_rows
from .render import render_prompts, special_ids
from .template import TOKENIZER, apply_template, template_origin

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_ROWS_AT_A_TIME = 16
_MOST_TOKENS = 256
# A row of fewer words says nothing.
_LEAST_WORDS = 3
_ATTEMPTS = 3
_MARK = "\ue000"


def rehearse(base: BaseModel, prepared: Prepared, path: Path, emit: Emit) -> None:
    """Let the base write the replay of one epoch; a file that is there is kept.

    Args:
        base: as it is before it is tuned.
        prepared: the run without replay: its recipe, tokenizer and rows.
        path: JSON lines of texts or chats.
        emit: told how many are written.

    Raises:
        UsageError: the weights cannot be loaded.
        JobError: the base writes nothing but empty rows.
    """
    if path.is_file():
        return
    import torch

    recipe, tokenizer = prepared.recipe, prepared.tokenizer
    others = sum(recipe.mix.values())
    wanted = replay_rows(len(prepared.train.rows), recipe.replay_share, others)
    model = load_weights(
        base,
        prepared.hardware,
        trust_remote_code=recipe.trust_remote_code,
        quantize=recipe.quantize,
    ).eval()
    torch.manual_seed(recipe.seed)
    rows: list[dict[str, Any]] = []
    with counting(emit, "replay by the base", wanted) as counter:
        for _ in range(_ATTEMPTS * (wanted // _ROWS_AT_A_TIME + 1)):
            room = min(_MOST_TOKENS, recipe.max_length or _MOST_TOKENS)
            found = _rows(model, tokenizer, _ROWS_AT_A_TIME, room)[: wanted - len(rows)]
            rows += found
            counter.advance(len(found))
            if len(rows) == wanted:
                break
    if not rows:
        raise JobError(
            "the base writes nothing that could be replayed",
            where="[train] replay = 'generated'",
            fix="name a file of general texts or chats as replay",
        )
    with writing_whole(path) as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


def _rows(
    model: Any, tokenizer: PreTrainedTokenizerBase, count: int, room: int
) -> list[dict[str, Any]]:
    """Draw rows from a model, without those that say next to nothing."""
    from ..models.generation import draw_all

    padding = padding_token(tokenizer)
    ends = special_ids(tokenizer)
    if template_origin(tokenizer) != TOKENIZER:
        start = tokenizer.bos_token_id
        first: Any = start if isinstance(start, int) else tokenizer.eos_token_id
        texts = _texts(
            tokenizer,
            draw_all(model, [[first]] * count, ends=ends, limit=room - 1, padding=padding),
        )
        return [{"text": text} for text in texts if _says_something(text)]
    prompt = _beginning(tokenizer)
    half = max(1, (room - len(prompt)) // 2)
    asked = _texts(
        tokenizer, draw_all(model, [prompt] * count, ends=ends, limit=half, padding=padding)
    )
    chats = [[{"role": "user", "content": text}] for text in asked if _says_something(text)]
    pairs = [
        (chat, tokens)
        for chat, tokens in zip(chats, render_prompts(tokenizer, chats), strict=True)
        if isinstance(tokens, list)
    ]
    prompts = [tokens for _, tokens in pairs]
    found = _texts(tokenizer, draw_all(model, prompts, ends=ends, limit=half, padding=padding))
    return [
        {"messages": [*chat, {"role": "assistant", "content": text}]}
        for (chat, _), text in zip(pairs, found, strict=True)
        if text
    ]


def _beginning(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that a template puts before what a user says."""
    text = apply_template(tokenizer, [{"role": "user", "content": _MARK}])
    encoded: Any = tokenizer(text.partition(_MARK)[0], add_special_tokens=False)
    return encoded["input_ids"]


def _texts(tokenizer: PreTrainedTokenizerBase, answers: Sequence[Sequence[int]]) -> list[str]:
    found: Any = tokenizer.batch_decode([list(tokens) for tokens in answers])
    return [text.strip() for text in found]


def _says_something(text: str) -> bool:
    return len(text.split()) >= _LEAST_WORDS
