"""What can be asked of a model, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .generation import Wanted
from .journal import Journal
from .tokens import TokenScores


class Scorer(Protocol):
    """Scores token sequences and continues them (see :class:`.tokens.TokenScorer`)."""

    def score(
        self,
        sequences: Sequence[Sequence[int]],
        starts: Sequence[int],
        *,
        moments: bool = False,
        journal: Journal | None = None,
        advance: Callable[[int], None] = ...,
    ) -> TokenScores:
        """Score the tokens of each sequence from its start on."""
        ...

    def answer(
        self,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        tokenizer: Any,
        wanted: Wanted,
        *,
        journal: Journal | None = None,
        advance: Callable[[int], None] = ...,
    ) -> list[str]:
        """Continue prompts."""
        ...
