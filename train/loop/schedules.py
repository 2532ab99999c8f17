"""How the learning rate moves over a run: the share of its peak at every step."""

from __future__ import annotations

import math

from ..recipe import Recipe

_ROUNDS = 4


def learning_rate_factor(step: int, *, steps: int, warmup_steps: int, recipe: Recipe) -> float:
    """Return the learning rate of a step as a share of the recipe's peak.

    Cosine decay is that of Loshchilov & Hutter, "SGDR" (2017), as are the restarts; the inverse
    square root that of Vaswani et al., "Attention Is All You Need" (2017); a long stable phase
    with a short decay that of Hu et al., "MiniCPM" (2024).

    Args:
        step: 0-based.
        steps: of the whole run.
        warmup_steps: those over which it rises.
        recipe: names the forms.

    Example:
        >>> recipe = Recipe(schedule="linear")
        >>> [learning_rate_factor(i, steps=6, warmup_steps=2, recipe=recipe) for i in range(6)]
        [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """
    if step < warmup_steps:
        return _risen(step / max(1, warmup_steps), recipe.warmup_form)
    fallen = _fallen(step, steps, warmup_steps, recipe)
    floor = recipe.final_learning_rate
    return floor + (1 - floor) * fallen if floor else fallen


def _risen(progress: float, form: str) -> float:
    """Return how far a warm-up has come after a share of its steps."""
    if form == "cosine":
        return 0.5 * (1 - math.cos(math.pi * progress))
    return math.sqrt(progress) if form == "square-root" else progress


def _fallen(step: int, steps: int, warmup_steps: int, recipe: Recipe) -> float:
    """Return what is left of the peak after the warm-up, from 1 to 0."""
    progress = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
    match recipe.schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1 - progress
        case "inverse-square-root":
            return math.sqrt(max(1, warmup_steps) / max(1, warmup_steps, step))
        case "warmup-stable-decay":
            falling = max(1, math.ceil(recipe.decay * steps))
            return min(1.0, max(0.0, (steps - step) / falling))
        case "restarts":
            return _cosine(progress * _ROUNDS % 1) if progress < 1 else 0.0
    return _cosine(progress)


def _cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))
