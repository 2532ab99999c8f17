"""How many items a decision takes, from the change and the discordance seen so far.

The number assumes that the change seen is the true one, so it is a plan, not a promise: where the
true change is smaller, a loss takes more items to prove.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from .judgement import FORGOT, HELD
from .paired import paired_share_variance

ALPHA = 0.05
POWER = 0.80


@dataclass(frozen=True, slots=True)
class Need:
    """So many items in all would decide for ``verdict`` at 80 % power."""

    items: int
    verdict: str


def items_to_prove_loss(
    change: float, spread: float, *, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Return the items that a two-sided paired test needs to find a change significant.

    ``(z_{1−α/2} √ψ + z_power √(ψ − Δ²))² / Δ²`` (Connor 1987, for McNemar's test), with ψ the mean
    square of the change, which for right/wrong items is the share of discordant ones. The exact
    test cannot reach every level, for which 1/|Δ| items more are added (Fleiss and Levin 1988).

    Args:
        change: the mean change Δ; zero needs infinitely many.
        spread: ψ.
        alpha: the level of the test; divide by the number of tasks for Holm's first step.
        power: the wanted chance of the decision.
    """
    if change == 0:
        return math.inf
    spread = max(spread, change * change)
    level, wanted = stats.norm.ppf([1 - alpha / 2, power])
    root = level * math.sqrt(spread) + wanted * math.sqrt(spread - change * change)
    return float((root / change) ** 2 + 1 / abs(change))


def items_to_hold(
    change: float,
    spread: float,
    margin: float,
    *,
    bounded: bool = True,
    alpha: float = ALPHA,
    power: float = POWER,
) -> float:
    """Return the items that the one-sided lower bound needs to come to lie above −margin.

    ``(z_{1−α} σ₀ + z_power σ₁)² / (Δ + margin)²``, the size of a non-inferiority trial with paired
    items (Nam 1997): σ₁² = ψ − Δ² is the variance of the change, σ₀² the one it would have if the
    model had just lost the margin, which is larger where few items change.

    Args:
        change: the mean change Δ; at or below −margin no number of items holds.
        spread: ψ, the mean square of the change.
        margin: the largest loss that is accepted, above zero.
        bounded: the items are right or wrong; otherwise σ₀ = σ₁.
        alpha: one-sided.
        power: the wanted chance of the decision.

    Example:
        At 10 % discordance and no change, *held within 2 points*:

        >>> round(items_to_hold(0.0, 0.10, 0.02))
        1577
    """
    room = change + margin
    if room <= 0:
        return math.inf
    level, wanted = stats.norm.ppf([1 - alpha, power])
    variance = max(0.0, spread - change * change)
    at_margin = variance
    if bounded and spread <= 1:
        at_margin = paired_share_variance((spread - change) / 2, (spread + change) / 2, -margin)
    items = ((level * math.sqrt(at_margin) + wanted * math.sqrt(variance)) / room) ** 2
    return float(items)


def items_to_decide(
    change: float,
    spread: float,
    margin: float,
    *,
    tests: int = 1,
    design_effect: float = 1.0,
    bounded: bool = True,
) -> Need | None:
    """Return the nearer of the two decisions, *held* or *forgot*; None where neither can come.

    Args:
        change: the mean change seen.
        spread: the mean square of the change.
        margin: in the unit of the change.
        tests: tasks that share the family-wise level.
        design_effect: how many clustered items count as one.
        bounded: the items are right or wrong.
    """
    hold = items_to_hold(change, spread, margin, bounded=bounded)
    loss = items_to_prove_loss(change, spread, alpha=ALPHA / tests) if change < 0 else math.inf
    items, verdict = min((hold, HELD), (loss, FORGOT))
    if not math.isfinite(items):
        return None
    return Need(math.ceil(items * design_effect), verdict)


def smallest_loss(items: int, spread: float, *, tests: int = 1, power: float = POWER) -> float:
    """Return the smallest loss that so many items find significant; infinite where none is.

    The inverse of :func:`items_to_prove_loss`, by bisection: the loss is at most ``spread``, the
    share of items that change at all.

    Args:
        items: how many are asked.
        spread: the mean square of the change, which is the share of discordant items.
        tests: tasks that share the family-wise level.
        power: the wanted chance to find it.

    Example:
        >>> round(smallest_loss(1500, 0.10), 3)
        0.023
    """

    def enough(loss: float) -> bool:
        return items_to_prove_loss(-loss, spread, alpha=ALPHA / tests, power=power) <= items

    if not enough(spread):
        return math.inf
    low, high = 0.0, spread
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
