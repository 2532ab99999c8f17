"""Answers to a few fixed prompts, the base's first, so that a person sees what training changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...workspace.errors import UsageError
from ...workspace.safe_text import excerpt
from ..recipe import Recipe
from ..rows.render import Rendered, render_prompt
from ..rows.supervision import Part

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SAMPLES_NAME = "samples.parquet"
SAMPLES_SCHEMA = pl.Schema(
    {
        "step": pl.Int64,
        "number": pl.Int64,
        "row": pl.Int64,
        "prompt": pl.String,
        "expected": pl.String,
        "output": pl.String,
    }
)
OWN_PROMPT = -1
# Of a text, which has no prompt of its own, at most so many tokens are given.
_BEGINNING_OF_A_TEXT = 32
# The shortest answer that is worth asking for.
_LEAST_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt that is asked again and again.

    Attributes:
        tokens: of the prompt, as the model sees it in training.
        prompt: the same as text, with the template's marks.
        limit: the most tokens of an answer.
        row: the 0-based row of the validation (or training) file; -1 for a prompt of the recipe.
        expected: the answer that the row has; empty where there is none.
    """

    tokens: tuple[int, ...]
    prompt: str
    limit: int
    row: int = OWN_PROMPT
    expected: str = ""


def choose_questions(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, parts: Sequence[Part], *, is_chat: bool
) -> tuple[Question, ...]:
    """Choose the prompts of a run: always the same for the same rows and seed.

    Args:
        recipe: how many, how long, and which of one's own; its ``max_length`` is known by now.
        tokenizer: of the model.
        parts: the first that has rows gives them: validation before training.
        is_chat: prompts of one's own are put into the chat template.

    Raises:
        UsageError: a prompt of one's own leaves no room for an answer.
    """
    room = recipe.max_length or 1 << 20
    questions: list[Question] = []
    part = next((part for part in parts if part.rows), None)
    if part is not None and recipe.samples:
        order = np.random.default_rng(recipe.seed).permutation(len(part.rows)).tolist()
        found = (_of_row(tokenizer, part, place, recipe.sample_tokens, room) for place in order)
        drawn = islice((question for question in found if question), recipe.samples)
        questions += sorted(drawn, key=lambda question: question.row)
    for text in recipe.sample_prompts:
        tokens = (
            render_prompt(tokenizer, [{"role": "user", "content": text}])
            if is_chat
            else list(tokenizer(text)["input_ids"])
        )
        limit = min(recipe.sample_tokens, room - len(tokens))
        if not tokens or limit < min(recipe.sample_tokens, _LEAST_TOKENS):
            raise UsageError(
                "a prompt for samples leaves no room for an answer",
                where=f"[train] sample_prompts: {excerpt(text, 60)!r}",
                fix=f"shorten it: prompt and answer have {room:,} tokens together",
            )
        questions.append(Question(tuple(tokens), text, limit))
    return tuple(questions)


def answers(
    model: Any,
    questions: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    *,
    padding: int,
    stop: Flag | None = None,
) -> list[str]:
    """Answer the questions with the most probable tokens, without special ones.

    Args:
        model: a causal language model, with an adapter or without.
        questions: what is asked; a training goes on as without (no random number is drawn).
        tokenizer: of the model.
        padding: token id to pad with.
        stop: once set, the answers end where they are.
    """
    from ..models.generation import answer_all

    limit = max((question.limit for question in questions), default=0)
    prompts = [question.tokens for question in questions]
    found = answer_all(model, prompts, tokenizer, limit=limit, padding=padding, stop=stop)
    return [
        str(tokenizer.decode(tokens[: question.limit], skip_special_tokens=True))
        for question, tokens in zip(questions, found, strict=True)
    ]


def samples_frame(
    questions: Sequence[Question], samples: Sequence[Mapping[str, Any]]
) -> pl.DataFrame:
    """Return all answers of a run.

    Args:
        questions: what was asked.
        samples: mappings with ``step`` and ``outputs``, the answers in the questions' order.
    """
    rows = [
        {
            "step": sample["step"],
            "number": number,
            "row": question.row if question.row != OWN_PROMPT else None,
            "prompt": question.prompt,
            "expected": question.expected or None,
            "output": output,
        }
        for sample in samples
        for number, (question, output) in enumerate(
            zip(questions, sample["outputs"], strict=True), start=1
        )
    ]
    return pl.DataFrame(rows, schema=SAMPLES_SCHEMA)


def first_and_kept(
    questions: Sequence[Question], samples: Sequence[Mapping[str, Any]], kept_step: int
) -> list[dict[str, Any]]:
    """Return what the base answers, and the state that is kept (null where it was not asked).

    Args:
        questions: what was asked.
        samples: as in :func:`samples_frame`.
        kept_step: whose state is the result.
    """
    by_step = {sample["step"]: sample["outputs"] for sample in samples}
    base, kept = by_step.get(0), by_step.get(kept_step)
    return [
        {
            "prompt": question.prompt,
            "expected": question.expected or None,
            "base": base[place] if base else None,
            "kept": kept[place] if kept else None,
        }
        for place, question in enumerate(questions)
    ]


def _of_row(
    tokenizer: PreTrainedTokenizerBase, part: Part, place: int, limit: int, room: int
) -> Question | None:
    """Ask for a row's last answer; None where it begins too late for an answer to fit."""
    row = part.rows[place]
    start, end = _last_answer(row)
    if not start or room - start < min(limit, _LEAST_TOKENS):
        return None
    return Question(
        tokens=tuple(row.tokens[:start]),
        prompt=str(tokenizer.decode(row.tokens[:start])),
        limit=min(limit, room - start),
        row=part.numbers[place],
        expected=str(tokenizer.decode(row.tokens[start:end], skip_special_tokens=True)),
    )


def _last_answer(row: Rendered) -> tuple[int, int]:
    """Return where the last run of supervised tokens begins and ends.

    Of a text, where all is supervised, the beginning counts as prompt.
    """
    end = max(index for index, learned in enumerate(row.supervised) if learned) + 1
    start = end
    while start > 0 and row.supervised[start - 1]:
        start -= 1
    if start <= 1:
        start = min(_BEGINNING_OF_A_TEXT, len(row.tokens) // 2)
    return start, end
