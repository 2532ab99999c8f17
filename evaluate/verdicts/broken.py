"""Does a task look broken rather than forgotten? What a loss of ability seldom does, a fault does.

A model that forgot still guesses. One that gets nothing right, gets less right than guessing would,
or takes the same choice whatever is asked was mostly asked in a form that it does not follow, or
was damaged as a whole: a template or stop text that does not fit, an answer that is not found in
the output, weights that are no numbers. What the score says of forgetting cannot be told then.
"""

from __future__ import annotations

import numpy as np

from .measures import Choices
from .statistics import Floats, Integers, above_chance_p

FEWEST = 20
"""Items under which nothing is said: few may all be wrong without any fault."""
FAR_UNDER_CHANCE = 0.001
"""One-sided level of *under chance*; one in twenty would name every twentieth forgotten task."""
ALWAYS, VARIED = 0.98, 0.9
"""One choice in this share of the items, where no choice is right in more than the other."""


def looks_broken(
    tuned: Floats, codes: Integers, chance: float | None, choices: Choices | None
) -> str:
    """Say what looks broken about a model's scores; empty where nothing does.

    Args:
        tuned: its scores, turned so that more is better, float64 of shape (n,).
        codes: clusters of the items, integers of shape (n,).
        chance: the score of guessing, turned alike; None where guessing has no meaning.
        choices: what it chose; None where nothing is chosen.

    Example:
        >>> looks_broken(np.zeros(40), np.arange(40), 0.25, None)
        'none of 40 answers is right'
    """
    n = len(tuned)
    if n < FEWEST:
        return ""
    if not tuned.any():
        return f"none of {n:,} answers is right"
    if choices is not None and (share := _always(choices)) is not None:
        return f"the same choice is taken in {100 * share:.0f} % of {n:,} items"
    if chance is not None and above_chance_p(1 - tuned, codes, 1 - chance) < FAR_UNDER_CHANCE:
        return f"{100 * tuned.mean():.1f} % right is under chance ({100 * chance:.0f} %)"
    return ""


def _always(choices: Choices) -> float | None:
    """Return how often the commonest place is taken, where it is nearly always and should not."""
    taken, right = (_commonest(places) for places in (choices.tuned, choices.right))
    return taken if taken >= ALWAYS and right <= VARIED else None


def _commonest(places: Integers) -> float:
    return float(np.bincount(places + 1).max() / len(places))
