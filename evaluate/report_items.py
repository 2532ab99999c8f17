"""The items behind the verdicts: what was lost and gained, with both answers, in excerpts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from .judgement import FORGOT, IMPROVED, LOSS, UNDECIDED
from .wording import excerpt

LOST, GAINED = "lost", "gained"
MOST_LOST, MOST_GAINED, MOST_ITEMS = 12, 6, 120
_CHARACTERS = {"prompt": 900, "expected": 300, "base_output": 500, "tuned_output": 500}
_FIRST = (FORGOT, UNDECIDED, IMPROVED)


def read_flips(
    items: pl.LazyFrame | None, tasks: Sequence[Mapping[str, Any]], *, most: int = MOST_ITEMS
) -> dict[str, Any]:
    """Choose the lost and gained items to show, the forgotten tasks' first.

    Args:
        items: ``items.parquet``.
        tasks: task verdicts as in ``evaluate.json``.
        most: items in all.

    Returns:
        ``{tasks: [{task, metric, verdict, lost, gained, items: [{item, change, base_score,
        tuned_score, prompt, expected, base_output, tuned_output}]}], shown, changed, note}``; the
        texts are safe excerpts.
    """
    if items is None:
        return _without_items("items.parquet was not found")
    # The change of a loss is a number on every item; there is no answer to look at.
    answered = [task for task in tasks if task["kind"] != LOSS]
    changed = sum(task["lost"] + task["gained"] for task in answered)
    chosen = sorted(answered, key=_importance)
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
                "metric": task["metric"],
                "verdict": task["verdict"],
                LOST: task["lost"],
                GAINED: task["gained"],
                "items": [_excerpts(row) for row in rows],
            }
        )
    note = f"{shown} of {changed:,} changed items" if changed else "no answer changed"
    return {"tasks": entries, "shown": shown, "changed": changed, "note": note}


def _without_items(note: str) -> dict[str, Any]:
    return {"tasks": [], "shown": 0, "changed": 0, "note": note}


def _importance(task: Mapping[str, Any]) -> tuple[int, int]:
    verdict = task["verdict"]
    place = _FIRST.index(verdict) if verdict in _FIRST else len(_FIRST)
    return (place if task.get("decides", True) else len(_FIRST) + 1, -task[LOST])


def _choose(items: pl.LazyFrame, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the first lost and gained items of each task, texts cut to what may be shown."""
    keys = pl.LazyFrame(
        {
            "task": [task["task"] for task in tasks],
            "metric": [task["metric"] for task in tasks],
            "more_is_better": [task.get("higher_is_better", True) for task in tasks],
        },
        schema={"task": pl.String, "metric": pl.String, "more_is_better": pl.Boolean},
    )
    lost = (pl.col("tuned_score") < pl.col("base_score")) == pl.col("more_is_better")
    most = pl.when(pl.col("change") == LOST).then(MOST_LOST).otherwise(MOST_GAINED)
    # One letter more than is shown tells whether something was cut.
    texts = [
        pl.col(name).cast(pl.String).str.slice(0, limit + 1) for name, limit in _CHARACTERS.items()
    ]
    return (
        items.with_columns(pl.col("task", "metric").cast(pl.String))
        .join(keys, on=["task", "metric"], maintain_order="left")
        .filter(pl.col("tuned_score") != pl.col("base_score"))
        .select(
            "task",
            "metric",
            pl.col("item").cast(pl.String),
            "base_score",
            "tuned_score",
            *texts,
            change=pl.when(lost).then(pl.lit(LOST)).otherwise(pl.lit(GAINED)),
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
