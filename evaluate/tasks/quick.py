"""The suite `quick`: a fixed sample of each bundled task, and what so few items can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from ..verdicts.power import smallest_loss
from .local import ID_FIELDS

QUICK_ITEMS = 200
# The share of items that is taken to change between two models; where fewer do, less is found.
DISCORDANCE = 0.10


def sample(rows: Sequence[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    """Return a fixed sample of rows in their order, which other rows do not change.

    Args:
        rows: with or without a name.
        most: how many; None takes all.
    """
    if most is None or len(rows) <= most:
        return list(rows)
    order = sorted(range(len(rows)), key=lambda number: _draw(rows[number], number))
    return [rows[number] for number in sorted(order[:most])]


def quick_text(tasks: int) -> str:
    """Say what the suite `quick` can tell.

    Args:
        tasks: how many tasks it has.
    """
    one = 100 * smallest_loss(QUICK_ITEMS, DISCORDANCE, tests=tasks)
    mean = 100 * smallest_loss(QUICK_ITEMS * tasks, DISCORDANCE)
    return (
        f"quick asks {QUICK_ITEMS} items of each of {tasks} tasks, which find a loss of {one:.1f} "
        f"points in one task and of {mean:.1f} in their mean in 8 of 10 cases where "
        f"{100 * DISCORDANCE:.0f} % of the items change; general asks all"
    )


def _draw(row: Mapping[str, Any], number: int) -> str:
    name = next((row[key] for key in ID_FIELDS if row.get(key) is not None), number)
    return sha256(f"quick/{name}".encode()).hexdigest()
