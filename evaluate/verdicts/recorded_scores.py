"""The scores behind an evaluation, read back from its artifact: to judge them once more.

No model is asked. What :func:`.verdict.judge_tasks` was given when the evaluation was written is
in `items.parquet` and `evaluate.json`, so other margins can be tried, and several tuned models be
compared, long after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ...workspace.errors import DataError, UsageError
from ..items import choices_taken, cluster_numbers
from ..settings import EvaluateSettings, ReportSettings
from .measures import TaskScores
from .verdict import judge_tasks


def recorded_scores(
    tasks: Sequence[Mapping[str, Any]], items: pl.LazyFrame | None, *, where: str
) -> list[TaskScores]:
    """Return the scores per task, in the order of the verdicts; no task has a margin of its own.

    Args:
        tasks: verdicts as in ``evaluate.json``.
        items: ``items.parquet``.
        where: the evaluation's folder, for errors.

    Raises:
        DataError: the items are not there, or not those of the verdicts.
    """
    frame = None if items is None else _read(items, where)
    found = []
    for task in tasks:
        rows = None if frame is None else frame.get((task["task"], task["metric"]))
        if rows is None or len(rows) != task["n"]:
            count = 0 if rows is None else len(rows)
            raise DataError(
                f"{count:,} of {task['n']:,} items of task {task['task']} are recorded",
                where=f"{where}/items.parquet",
                fix="evaluate again with --force",
            )
        found.append(
            TaskScores(
                task=task["task"],
                group=task["group"],
                metric=task["metric"],
                kind=task["kind"],
                higher_is_better=task["higher_is_better"],
                chance=task["chance"],
                base=rows["base_score"].to_numpy().astype(np.float64),
                tuned=rows["tuned_score"].to_numpy().astype(np.float64),
                clusters=cluster_numbers(rows["cluster"]),
                decides=task["decides"],
                choices=choices_taken(rows["choices"], rows["tuned_output"], rows["expected"]),
            )
        )
    return found


def with_margins(
    judged: Mapping[str, Any],
    items: pl.LazyFrame | None,
    evaluated: Mapping[str, Any],
    report: ReportSettings,
    *,
    where: str,
) -> dict[str, Any]:
    """Judge again where the report names margins; else return the judgement as it is.

    The margin of a task is the first of: ``[report.margins]``, ``[evaluate.margins]``,
    ``[report] margin``, and the evaluation's margin for its kind.

    Args:
        judged: ``evaluate.json``.
        items: ``items.parquet``.
        evaluated: the evaluation's parameters.
        report: the report's settings.
        where: the evaluation's folder, for errors.

    Raises:
        DataError: see :func:`recorded_scores`.
        UsageError: a margin is for a task that was not evaluated.
    """
    if report.margin is None and not report.margins:
        return dict(judged)
    names = [task["task"] for task in judged["tasks"]]
    if unknown := [name for name in report.margins if name not in names]:
        raise UsageError(
            f"a margin is named for a task that was not evaluated: {', '.join(unknown)}",
            where="--task-margin, or margins under [report]",
            fix=f"name one of: {', '.join(names)}",
        )
    own = {**(evaluated.get("margins") or {}), **report.margins}
    scores = [
        replace(task, margin=own.get(task.task))
        for task in recorded_scores(judged["tasks"], items, where=where)
    ]
    judgement = judge_tasks(
        scores,
        margin_share=_margin(report, evaluated, "margin_share"),
        margin_loss=_margin(report, evaluated, "margin_loss"),
    )
    return {**judged, **judgement.to_json()}


def _margin(report: ReportSettings, evaluated: Mapping[str, Any], kind: str) -> float:
    if report.margin is not None:
        return report.margin
    return float(evaluated.get(kind) or EvaluateSettings.model_fields[kind].default)


def _read(items: pl.LazyFrame, where: str) -> dict[tuple[Any, ...], pl.DataFrame]:
    answers = ("choices", "tuned_output", "expected")
    columns = ("task", "metric", "cluster", "base_score", "tuned_score", *answers)
    try:
        frame = items.select(columns).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"the items cannot be read: {error}",
            where=f"{where}/items.parquet",
            fix="evaluate again with --force",
        ) from error
    return frame.partition_by("task", "metric", as_dict=True, maintain_order=True)
