"""The items behind the verdicts: what was lost and gained, with both answers, in excerpts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ...workspace.safe_text import excerpt
from ..verdicts.judgement import BROKEN, FORGOT, IMPROVED, LOSS, UNDECIDED

LOST, GAINED = "lost", "gained"
MOST_LOST, MOST_GAINED, MOST_ITEMS = 12, 6, 120
_CHARACTERS = {"prompt": 900, "expected": 300, "base_output": 500, "tuned_output": 500}
_FIRST = (BROKEN, FORGOT, UNDECIDED, IMPROVED)


def read_flips(
    items: pl.LazyFrame | None, tasks: Sequence[Mapping[str, Any]], *, most: int = MOST_ITEMS
) -> dict[str, Any]:
    """Choose the lost and gained items to show, the forgotten tasks' first.

    Args:
        items: ``items.parquet``.
        tasks: task verdicts as in ``evaluate.json``.
        most: items in all.

    Returns:
        ``{tasks: [{task, kind, metric, verdict, lost, gained, items: [{item, change, base_score,
        tuned_score, prompt, expected, base_output, tuned_output}]}], shown, changed, note}``; the
        texts are safe excerpts. ``changed`` counts answers alone: a loss changes on every item.
    """
    if items is None:
        return _without_items("items.parquet was not found")
    changed = sum(task["lost"] + task["gained"] for task in tasks if task["kind"] != LOSS)
    chosen = sorted(tasks, key=_importance)
    shown, entries = 0, []
    try:
        flips = _choose(items, chosen)
    except pl.exceptions.PolarsError as error:
        return _without_items(f"items.parquet cannot be read ({excerpt(error, 120)})")
    for task in chosen:
        name = (task["task"], task["metric"])
        rows = [row for row in flips if (row["task"], row["metric"]) == name]
        rows = rows[: max(0, most - shown)]
        if not rows:
            continue
        shown += len(rows)
        entries.append(
            {
                "task": task["task"],
                "kind": task["kind"],
                "metric": task["metric"],
                "verdict": task["verdict"],
                LOST: task["lost"],
                GAINED: task["gained"],
                "items": [_excerpts(row) for row in rows],
            }
        )
    note = shown_note(entries, changed)
    return {"tasks": entries, "shown": shown, "changed": changed, "note": note}


def shown_note(entries: Sequence[Mapping[str, Any]], changed: int) -> str:
    """Say how many items are shown, and of what.

    Args:
        entries: tasks with their items, as in :func:`read_flips`.
        changed: items in all whose answer became better or worse.
    """
    losses = sum(len(entry["items"]) for entry in entries if entry["kind"] == LOSS)
    answers = sum(len(entry["items"]) for entry in entries) - losses
    notes = [f"{answers} of {changed:,} changed items"] if changed else []
    if losses:
        notes.append(f"{losses} items whose loss changed most")
    return " and ".join(notes) or "no answer changed"


def changed_items(items: pl.LazyFrame, tasks: Sequence[Mapping[str, Any]]) -> pl.LazyFrame:
    """Return the items that became better or worse.

    Of answers that is every item whose score changed. A loss changes on nearly every item: of
    those the ones where it changed most are taken, and come last, the largest change first.

    Args:
        items: ``items.parquet``.
        tasks: task verdicts as in ``evaluate.json``.

    Returns:
        The items' columns, ``is_loss``, and ``change``: ``lost`` or ``gained``.
    """
    keys = pl.LazyFrame(
        {
            "task": [task["task"] for task in tasks],
            "metric": [task["metric"] for task in tasks],
            "more_is_better": [task.get("higher_is_better", True) for task in tasks],
            "is_loss": [task["kind"] == LOSS for task in tasks],
        },
        schema={
            "task": pl.String,
            "metric": pl.String,
            "more_is_better": pl.Boolean,
            "is_loss": pl.Boolean,
        },
    )
    change = pl.col("tuned_score") - pl.col("base_score")
    lost = (change < 0) == pl.col("more_is_better")
    most = pl.when(pl.col("change") == LOST).then(MOST_LOST).otherwise(MOST_GAINED)
    place = pl.col("size").rank("ordinal", descending=True).over("task", "metric", "change")
    return (
        items.with_columns(pl.col("task", "metric").cast(pl.String))
        .join(keys, on=["task", "metric"], maintain_order="left")
        .filter(change != 0, change.is_finite())
        .with_columns(
            change=pl.when(lost).then(pl.lit(LOST)).otherwise(pl.lit(GAINED)),
            size=pl.when("is_loss").then(change.abs()),
        )
        .filter(~pl.col("is_loss") | (place <= most))
        .sort("size", descending=True, nulls_last=False, maintain_order=True)
        .drop("size", "more_is_better")
    )


def _without_items(note: str) -> dict[str, Any]:
    return {"tasks": [], "shown": 0, "changed": 0, "note": note}


def _importance(task: Mapping[str, Any]) -> tuple[int, int]:
    verdict = task["verdict"]
    place = _FIRST.index(verdict) if verdict in _FIRST else len(_FIRST)
    return (place if task.get("decides", True) else len(_FIRST) + 1, -task[LOST])


def _choose(items: pl.LazyFrame, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the first lost and gained items of each task, texts cut to what may be shown."""
    most = pl.when(pl.col("change") == LOST).then(MOST_LOST).otherwise(MOST_GAINED)
    # One letter more than is shown tells whether something was cut.
    texts = [
        pl.col(name).cast(pl.String).str.slice(0, limit + 1) for name, limit in _CHARACTERS.items()
    ]
    return (
        changed_items(items, tasks)
        .select(
            "task",
            "metric",
            pl.col("item").cast(pl.String),
            "base_score",
            "tuned_score",
            *texts,
            "change",
        )
        .filter(pl.int_range(pl.len()).over("task", "metric", "change") < most)
        .sort("change", descending=True, maintain_order=True)
        .collect()
        .to_dicts()
    )


def _excerpts(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("change", "base_score", "tuned_score")}
    shown["item"] = excerpt(row["item"], 80)
    return shown | {name: excerpt(row[name], limit) for name, limit in _CHARACTERS.items()}
