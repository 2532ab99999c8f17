"""The items that one model got right and the other wrong, as a listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.text import Text

from ...evaluate.reporting.items import LOST, changed_items
from ..texts.marks import BAD, GOOD, counted, marks, plain, styled
from ..widgets.listing import Column

ORDERS = ("lost first", "gained first", "by task")
_PREVIEW = 300
_WIDEST_NAME = 20


class ItemRows:
    """Lost and gained items.

    Args:
        flips: columns ``task, item, change, is_loss, base_score, tuned_score, prompt``.
    """

    def __init__(self, flips: pl.DataFrame) -> None:
        """Keep the items."""
        self.flips = flips
        self.columns = (
            Column("task", _width(flips["task"])),
            Column("item", _width(flips["item"])),
            Column("base", 7),
            Column("tuned", 7),
            Column("prompt", 240),
        )

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.flips)

    def item(self, position: int) -> Mapping[str, Any]:
        """Return one item with all its columns."""
        return self.flips.row(position, named=True)

    def cells(self, position: int) -> Sequence[Text]:
        """Return the cells of one item."""
        item = self.item(position)
        return [
            plain(item["task"], "dim"),
            plain(item["item"]),
            _score(item["base_score"], item["is_loss"]),
            _score(item["tuned_score"], item["is_loss"]),
            plain(item["prompt"] or ""),
        ]

    def summary(self) -> str:
        """Return how many items were lost and gained."""
        answers = self.flips.filter(~pl.col("is_loss"))
        lost, losses = int((answers["change"] == LOST).sum()), len(self) - len(answers)
        text = f"{counted(len(answers), 'item')} changed: lost {lost:,}"
        text += f", gained {len(answers) - lost:,}"
        return f"{text}; {losses:,} whose loss changed most" if losses else text


def read_flips(
    path: Path, tasks: Sequence[Mapping[str, Any]], order: str = ORDERS[0], text: str = ""
) -> ItemRows:
    """Read the items that became better or worse (see :func:`changed_items`).

    Args:
        path: ``items.parquet``.
        tasks: task verdicts as in ``evaluate.json``.
        order: one of :data:`ORDERS`.
        text: only items with this text (in any case) in task or prompt.
    """
    flips = changed_items(pl.scan_parquet(path), tasks).select(
        "task",
        pl.col("item").cast(pl.String),
        "base_score",
        "tuned_score",
        pl.col("prompt").str.slice(0, _PREVIEW),
        "change",
        "is_loss",
    )
    if text:
        shown = pl.concat_str(pl.col("task"), pl.col("prompt"), separator=" ", ignore_nulls=True)
        flips = flips.filter(shown.str.to_lowercase().str.contains(text.casefold(), literal=True))
    if order != ORDERS[2]:
        flips = flips.sort("change", descending=order == ORDERS[0], maintain_order=True)
    return ItemRows(flips.collect())


def read_item(path: Path, task: str, item: str) -> Mapping[str, Any] | None:
    """Read one item with both outputs."""
    found = (
        pl.scan_parquet(path)
        .filter((pl.col("task") == task) & (pl.col("item").cast(pl.String) == item))
        .head(1)
        .collect()
    )
    return found.row(0, named=True) if len(found) else None


def _width(names: pl.Series) -> int:
    longest = names.str.len_chars().max()
    return min(_WIDEST_NAME, max(4, longest if isinstance(longest, int) else 0))


def _score(score: float, is_loss: bool) -> Text:
    if is_loss:
        return Text(f"{score:.3f}")
    if score == 1:
        return styled(f"{marks().good} right", GOOD)
    if score == 0:
        return styled(f"{marks().bad} wrong", BAD)
    return Text(f"{score:.3f}")
