"""What is measured of a model while it learns: its losses, and its answers to fixed prompts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

import numpy as np

from ..models.adapters import without_adapter
from ..models.base_model import padding_token
from ..preflight.preparation import Prepared
from ..rows.render import Rendered
from ..rows.tasks import HEAD
from .loss import row_losses
from .objective import Objective
from .samples import Question, answers, choose_questions
from .watch import Losses

# Training rows measured at each validation, so that memorising shows as a gap between the two.
_TRAIN_SAMPLE_ROWS = 64


@dataclass(frozen=True, slots=True)
class Measuring:
    """The measurements of a run; none draws a random number or changes the model.

    Attributes:
        model: that learns.
        objective: its loss.
        prepared: the run.
        questions: asked at every validation.
        train: a sample of the training rows.
        val: the validation rows, or a sample of them.
    """

    model: Any
    objective: Objective
    prepared: Prepared
    questions: tuple[Question, ...]
    train: Sequence[Rendered]
    val: Sequence[Rendered]

    def losses(self, untouched: bool) -> Losses:
        """Return the losses of the model as it is.

        Args:
            untouched: it has not learned anything yet.
        """
        padding = padding_token(self.prepared.tokenizer)
        with self._state(untouched):
            val, train = (
                self.objective.measure(self.model, rows) if rows else None
                for rows in (self.val, self.train)
            )
            general = self.prepared.probe.rows
            probe = row_losses(self.model, general, padding=padding).mean if general else None
        return Losses(train=train, val=val, general=probe)

    def answers(self, untouched: bool, stop: Flag | None = None) -> list[str]:
        """Return the answers of the model as it is.

        Args:
            untouched: it has not learned anything yet.
            stop: once set, the answers end where they are.
        """
        tokenizer = self.prepared.tokenizer
        padding = padding_token(tokenizer)
        with self._state(untouched):
            return answers(self.model, self.questions, tokenizer, padding=padding, stop=stop)

    def _state(self, untouched: bool) -> AbstractContextManager[None]:
        """A prefix says something before it has learned anything: the base goes without it."""
        prefixed = self.prepared.recipe.method == "prefix"
        return without_adapter(self.model) if prefixed and untouched else nullcontext()


def measuring_of(model: Any, prepared: Prepared, objective: Objective) -> Measuring:
    """Choose what is measured during a run."""
    recipe = prepared.recipe
    rows = recipe.eval_rows or _TRAIN_SAMPLE_ROWS
    return Measuring(
        model,
        objective,
        prepared,
        questions=_questions(prepared),
        train=_sample(prepared.train.rows, min(_TRAIN_SAMPLE_ROWS, rows), recipe.seed),
        val=_sample(prepared.val.rows, rows, recipe.seed),
    )


def _sample(rows: Sequence[Rendered], count: int, seed: int) -> list[Rendered]:
    """Return a fixed random sample of rows, in their order; all of them if there are no more."""
    if len(rows) <= count:
        return list(rows)
    chosen = np.random.default_rng(seed).choice(len(rows), count, replace=False)
    return [rows[index] for index in sorted(chosen.tolist())]


def _questions(prepared: Prepared) -> tuple[Question, ...]:
    """Choose what is asked at every validation; a head for labels answers nothing."""
    if prepared.recipe.task == HEAD:
        return ()
    return choose_questions(
        prepared.recipe,
        prepared.tokenizer,
        (prepared.val, prepared.train),
        is_chat=prepared.template is not None,
    )
