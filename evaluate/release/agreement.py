"""Whether a merged model says what the base with its adapter says, on real rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...workspace.artifact import Artifact
from ..domain.rows import Asked, read_part, render_answers
from ..scoring.tokens import TokenScorer, TokenScores

# Mean difference of a token's log-probability, in nats, that rounding to a number format may make.
# Measured on models of 1.6 M and 105 M weights in float32, for the three formats: 5e-7 and 2e-6,
# 3e-4 and 1.5e-3, 2e-3 and 1.2e-2. The bounds leave room for deeper models and are below what most
# adapters do, which is what one that was merged wrongly would be off by.
TOLERANCES = {"float32": 1e-4, "float16": 5e-3, "bfloat16": 3e-2}
# A merged model that lost more than this share of what was learned is no merged model.
MOST_LOST = 0.5
# Effects below this many nats are no more than noise of the arithmetic.
_NOISE = 1e-5
_PARTS = ("val", "test", "train")
_TOKENS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a merged model is from the unmerged one, over the tokens of real answers.

    Attributes:
        part: of the split, whose rows were read.
        rows: how many of them.
        tokens: of their answers.
        difference: mean absolute difference of a token's log-probability, in nats.
        largest: the largest one.
        same_choice: share of tokens that both, or neither, find the most probable.
        effect: what the tuning changed, measured alike against the base; null where the base
            cannot be had from the same weights.
        tolerance: what ``difference`` may be.
    """

    part: str
    rows: int
    tokens: int
    difference: float
    largest: float
    same_choice: float
    effect: float | None
    tolerance: float

    @property
    def lost(self) -> float | None:
        """The difference as a share of what the tuning changed; None where nothing did."""
        if self.effect is None or self.effect <= _NOISE:
            return None
        return self.difference / self.effect

    @property
    def holds(self) -> bool:
        """Whether the merged model may stand for the unmerged one."""
        within = np.isfinite(self.difference) and self.difference <= self.tolerance
        return bool(within) and (self.lost is None or self.lost <= MOST_LOST)

    def to_json(self) -> dict[str, Any]:
        """Return the figures and the judgement as plain values."""
        return {**asdict(self), "lost": self.lost, "holds": self.holds}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to compare on: a part's name, and the answers as tokens."""

    part: str
    asked: tuple[Asked, ...]

    def score(self, model: Any) -> TokenScores:
        """Score the answers' tokens with a model in evaluation mode."""
        scorer = TokenScorer(model, batch_tokens=_TOKENS_AT_ONCE)
        sequences = [row.tokens for row in self.asked]
        return scorer.score(sequences, [row.start for row in self.asked])


def rows_to_compare(
    split: Artifact, tokenizer: Any, *, count: int, context: int, seed: int = 0
) -> Rows:
    """Draw rows of the split: of validation, else of test, else of training.

    Args:
        split: what the model was tuned on.
        tokenizer: with the template that was trained with.
        count: the most rows.
        context: tokens that the model sees; longer rows are cut off.
        seed: of the drawing.
    """
    for name in _PARTS:
        drawn = read_part(split, name).sample(count, seed)
        found = render_answers(tokenizer, [row.messages for row in drawn])
        asked = tuple(
            Asked(row.tokens[:context], row.start) for row in found if row and row.start < context
        )
        if asked:
            return Rows(name, asked)
    return Rows("", ())


def agreement(
    rows: Rows,
    unmerged: TokenScores,
    merged: TokenScores,
    base: TokenScores | None,
    *,
    tolerance: float,
) -> Agreement:
    """Compare what was scored on the same rows."""
    gap = np.abs(merged.log_probabilities - unmerged.log_probabilities)
    moved = None if base is None else np.abs(unmerged.log_probabilities - base.log_probabilities)
    return Agreement(
        part=rows.part,
        rows=len(rows.asked),
        tokens=len(gap),
        difference=float(gap.mean()),
        largest=float(gap.max()),
        same_choice=float((merged.greedy == unmerged.greedy).mean()),
        effect=None if moved is None else float(moved.mean()),
        tolerance=tolerance,
    )


def describe(found: Agreement, dtype: str) -> Sequence[str]:
    """Return the figures as lines for a person."""
    lines = [
        f"on {found.rows:,} rows of {found.part} ({found.tokens:,} tokens of answers) the log-"
        f"probability of a token differs by {found.difference:.2g} nats on average and by "
        f"{found.largest:.2g} at most; tolerance for {dtype}: {found.tolerance:.2g}",
        f"{found.same_choice:.2%} of the tokens are the most probable one for both or for neither",
    ]
    if found.lost is not None:
        lines.append(
            f"the tuning itself moved them by {found.effect:.2g} nats: rounding lost or blurred "
            f"{found.lost:.2%} of it"
        )
    return lines
