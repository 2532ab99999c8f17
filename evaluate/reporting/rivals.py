"""Several tuned models of one base, ranked: what each learned, what it lost, and what is luck.

Two tuned models are compared on the same items directly, not through their changes from the base:
the base's luck with an item is in both and falls out. The pairs share a family-wise level of 5 %
on each of the two axes, domain and general ability (Holm 1979).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ...workspace.artifact import Artifact, Draft, Workspace, produce
from ...workspace.errors import DataError, ExitCode, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import writing_whole
from ...workspace.lineage import read_lineage
from ..settings import GENERAL, ReportSettings
from ..verdicts.judgement import BROKEN, DOMAIN, FORGOT, LOSS, UNDECIDED
from ..verdicts.measures import TaskScores
from ..verdicts.overfitting import OVERFIT
from ..verdicts.paired import paired_difference, sign_flip_test
from ..verdicts.power import ALPHA
from ..verdicts.recorded_scores import recorded_scores, with_margins
from ..verdicts.statistics import Floats, Mean, cluster_codes, holm, stratified_mean
from ..verdicts.verdict import judge_tasks
from .facts import model_names
from .gate import gate
from .summary import overfitting_verdict

COMPARISON = "comparison"
COMPARISON_SCHEMA_VERSION = 1
AXES = (DOMAIN, GENERAL)
_SAME = ("item", "prompt", "expected", "choices")


@dataclass(frozen=True, slots=True)
class Rival:
    """One evaluated run.

    Attributes:
        name: of the tuned model, for people.
        evaluation: its evaluation.
        judged: the evaluation's document, by the margins of the report.
        scores: of the tasks that decide.
        frame: what was asked, and the base's scores: columns task, metric, item, prompt, … .
        base: the base's name, for people.
        problems: what could not be found.
    """

    name: str
    evaluation: Artifact
    judged: Mapping[str, Any]
    scores: tuple[TaskScores, ...]
    frame: pl.DataFrame
    base: str
    problems: tuple[str, ...]

    def axis(self, axis: str) -> list[TaskScores]:
        """Return the tasks of an axis that say something, each in the axis as its group."""
        told = {task["task"]: task for task in self.judged["tasks"]}
        return [
            replace(scores, group=axis)
            for scores in self.scores
            if (scores.group == DOMAIN) == (axis == DOMAIN)
            and (axis == DOMAIN or _informative(told[scores.task]))
        ]


def compare_runs(
    workspace: Workspace,
    evaluations: Sequence[Artifact],
    settings: ReportSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Rank evaluations of several tuned models of one base.

    Args:
        workspace: where the artifact is written.
        evaluations: two or more, of kind ``evaluate``.
        settings: the gate, and the margins.
        force: write it again even if it is there.
        emit: told what could not be found.

    Returns:
        The artifact of kind ``comparison``: ``comparison.html``, ``.md`` and ``.json``.

    Raises:
        UsageError: fewer than two, another base, or other items.
        DataError: an evaluation cannot be read.
    """
    from .rivals_pages import rivals_html, rivals_json, rivals_markdown

    def build(draft: Draft) -> None:
        document = comparison_document(workspace, evaluations, settings)
        for problem in document["problems"]:
            emit(Note(text=problem, level="warning"))
        makers = {"html": rivals_html, "md": rivals_markdown, "json": rivals_json}
        for suffix, make in makers.items():
            with writing_whole(draft.folder / f"{COMPARISON}.{suffix}") as stream:
                stream.write(make(document))
        draft.counts["runs"] = len(evaluations)

    return produce(
        workspace,
        COMPARISON,
        build,
        inputs=[
            one.as_input(f"evaluation_{number}") for number, one in enumerate(evaluations, start=1)
        ],
        parameters=settings.recorded(),
        force=force,
        emit=emit,
    )


def comparison_document(
    workspace: Workspace, evaluations: Sequence[Artifact], settings: ReportSettings
) -> dict[str, Any]:
    """Return the ranking as JSON values: ``runs``, best first, ``pairs``, and ``tasks``.

    Runs that pass the gate come first, then those with the larger gain in the domain, then those
    that lost less. See :func:`compare_runs`.
    """
    if len({one.id for one in evaluations}) < max(2, len(evaluations)):
        raise UsageError(
            "a comparison takes two different evaluated runs or more",
            where=", ".join(one.id for one in evaluations),
            fix="tunewise report --compare RUN RUN",
        )
    rivals = _apart([_read(workspace, one, settings) for one in evaluations])
    problems = [problem for rival in rivals for problem in rival.problems]
    for rival in rivals[1:]:
        problems += _check_same(rivals[0], rival)
    fail_on = settings.fail_on or (FORGOT, OVERFIT)
    rows = sorted(
        (_row(rival, int(gate(rival.judged, fail_on, settings.undecided))) for rival in rivals),
        key=_order,
    )
    by_name = {rival.name: rival for rival in rivals}
    ordered = [by_name[row["name"]] for row in rows]
    pairs = [pair for axis in AXES for pair in _pairs(ordered, axis)]
    for place, row in enumerate(rows, start=1):
        row["place"] = place
        row["not_told_from"] = {axis: _not_told_from(row["name"], axis, pairs) for axis in AXES}
    asked = bool(settings.fail_on) or settings.undecided == "fail"
    codes = [row["exit_code"] for row in rows]
    return {
        "schema_version": COMPARISON_SCHEMA_VERSION,
        "base": rivals[0].base,
        "gate": {
            "fail_on": list(fail_on),
            "undecided": settings.undecided,
            "exit_code": int(_exit_code(codes) if asked else ExitCode.PASSED),
        },
        "runs": rows,
        "pairs": pairs,
        "tasks": _task_rows(ordered),
        "problems": list(dict.fromkeys(problems)),
    }


def _read(workspace: Workspace, evaluation: Artifact, settings: ReportSettings) -> Rival:
    lineage = read_lineage(workspace, evaluation)
    step = lineage.get(evaluation.kind)
    items = step.frame("items.parquet") if step else None
    if step is None or "tasks" not in step.document or items is None:
        raise DataError(
            "the evaluation cannot be read",
            where=str(evaluation.folder),
            fix="evaluate again with --force",
        )
    where = str(evaluation.folder)
    judged = with_margins(
        step.document, items, evaluation.manifest.parameters, settings, where=where
    )
    deciding = [task for task in judged["tasks"] if task["decides"]]
    scores = recorded_scores(deciding, items, where=where)
    names = model_names(judged, lineage)
    columns = [name for name in _SAME if name in items.collect_schema().names()]
    frame = items.select("task", "metric", *columns, "base_score").collect()
    return Rival(
        names["tuned"], evaluation, judged, tuple(scores), frame, names["base"],
        tuple(lineage.problems),
    )  # fmt: skip


def _apart(rivals: Sequence[Rival]) -> list[Rival]:
    """Give models of the same name the evaluation's id besides."""
    names = [rival.name for rival in rivals]
    return [
        replace(rival, name=f"{rival.name} ({rival.evaluation.id})")
        if names.count(rival.name) > 1
        else rival
        for rival in rivals
    ]


def _check_same(first: Rival, other: Rival) -> list[str]:
    """Refuse another base or other items; return what differs and may be looked past."""
    where = f"evaluations {first.evaluation.id} and {other.evaluation.id}"
    if _base(first) != _base(other):
        raise UsageError(
            "the runs were not compared with the same base",
            where=where,
            fix="compare runs of one base; evaluate the others with --base",
        )
    asked = [{(scores.task, scores.metric) for scores in one.scores} for one in (first, other)]
    differing = sorted(task for task, _ in asked[0] ^ asked[1])
    problems = []
    for scores in first.scores if not differing else ():
        frames = [
            one.frame.filter((pl.col("task") == scores.task) & (pl.col("metric") == scores.metric))
            for one in (first, other)
        ]
        if not frames[0].drop("base_score").equals(frames[1].drop("base_score")):
            differing.append(scores.task)
        elif not frames[0]["base_score"].equals(frames[1]["base_score"]):
            problems.append(
                f"{scores.task}: the base's scores differ between {where}, for instance by dtype; "
                "the changes from the base do not compare exactly"
            )
    if differing:
        raise UsageError(
            f"the runs answered other items: {', '.join(dict.fromkeys(differing))}",
            where=where,
            fix="evaluate both again on one split, with the same suites, limit and seed",
        )
    return problems


def _base(rival: Rival) -> tuple[Any, Any]:
    judged = rival.judged
    return judged.get("model_sha256") or judged.get("model"), judged.get("base_adapter")


def _row(rival: Rival, code: int) -> dict[str, Any]:
    judged = rival.judged
    return {
        "name": rival.name,
        "evaluation": rival.evaluation.id,
        "run": judged.get("run"),
        "passes": code == ExitCode.PASSED,
        "exit_code": code,
        "overall": judged.get("overall", UNDECIDED),
        "domain_gain": judged.get("domain_gain", UNDECIDED),
        "overfitting": overfitting_verdict(judged),
        "forgot": _general_tasks(judged, FORGOT),
        "broken": _general_tasks(judged, BROKEN),
        **{axis: _change(rival.axis(axis)) for axis in AXES},
    }


def _general_tasks(judged: Mapping[str, Any], verdict: str) -> list[str]:
    return [
        task["task"]
        for task in judged["tasks"]
        if task["verdict"] == verdict and task["decides"] and task["group"] != DOMAIN
    ]


def _change(scores: Sequence[TaskScores]) -> dict[str, Any] | None:
    """Return the mean change over tasks; None where there are none."""
    pools = judge_tasks(scores).pools
    if not pools or pools[0].delta is None:
        return None
    pool = pools[0]
    return {"delta": pool.delta, "ci": pool.ci, "p": pool.p, "tasks": pool.tasks, "n": pool.n}


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    deltas = [-row[axis]["delta"] if row[axis] else math.inf for axis in AXES]
    return (not row["passes"], row["overall"] == FORGOT, *deltas, row["evaluation"])


def _pairs(rivals: Sequence[Rival], axis: str) -> list[dict[str, Any]]:
    """Compare every two runs on an axis, the one of the better place minus the other."""
    found: list[dict[str, Any]] = []
    for first, second in itertools.combinations(rivals, 2):
        others = {scores.task: scores for scores in second.axis(axis)}
        pairs = [(one, others[one.task]) for one in first.axis(axis) if one.task in others]
        if pairs:
            change = _difference(pairs)
            found.append({"axis": axis, "first": first.name, "second": second.name, **change})
    adjusted = holm([math.nan if pair["p"] is None else pair["p"] for pair in found])
    for pair, p in zip(found, adjusted, strict=True):
        pair["p_adjusted"] = None if math.isnan(p) else p
        pair["told_apart"] = p < ALPHA
    return found


def _difference(pairs: Sequence[tuple[TaskScores, TaskScores]]) -> dict[str, Any]:
    """Return the mean over tasks of how much better the first model is than the second.

    As the pool of a suite (:mod:`..verdicts.verdict`), with losses in shares of the base's loss, so
    that it is on the scale of the changes from the base.
    """
    parts, means, sums = [], [], []
    for first, second in pairs:
        codes = cluster_codes(first.clusters, len(first.tuned))
        loss = first.kind == LOSS
        part = paired_difference(_upward(second), _upward(first), codes, bounded=not loss)
        unit = (abs(float(first.base.mean())) or 1.0) if loss else 1.0
        mean = part.change
        parts.append((part, unit))
        means.append(Mean(mean.value / unit, mean.standard_error / unit, mean.degrees, mean.skew))
        sums.append(part.sums / (len(first.tuned) * unit))
    change = stratified_mean(means)
    low, high = change.interval()
    p = max(change.p_value(), sign_flip_test(np.concatenate(sums)))
    if len(parts) == 1:
        part, unit = parts[0]
        low, high, p = part.low / unit, part.high / unit, part.p
    return {
        "delta": change.value,
        "ci": (low, high) if math.isfinite(low) and math.isfinite(high) else None,
        "p": p if math.isfinite(p) else None,
        "tasks": len(pairs),
        "n": sum(len(first.tuned) for first, _ in pairs),
    }


def _upward(scores: TaskScores) -> Floats:
    """Return the tuned model's scores, turned so that more is better."""
    if scores.higher_is_better:
        return scores.tuned
    return -scores.tuned if scores.kind == LOSS else 1 - scores.tuned


def _not_told_from(name: str, axis: str, pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        pair["second"] if pair["first"] == name else pair["first"]
        for pair in pairs
        if pair["axis"] == axis
        and name in (pair["first"], pair["second"])
        and not pair["told_apart"]
    ]


def _exit_code(codes: Sequence[int]) -> ExitCode:
    """One run that passes is enough; where none does, one that is undecided may yet."""
    if ExitCode.PASSED in codes:
        return ExitCode.PASSED
    return ExitCode.UNDECIDED if ExitCode.UNDECIDED in codes else ExitCode.GATE_FAILED


def _task_rows(rivals: Sequence[Rival]) -> list[dict[str, Any]]:
    told = [
        {(task["task"], task["metric"]): task for task in rival.judged["tasks"]} for rival in rivals
    ]
    return [
        {
            "task": scores.task,
            "group": scores.group,
            "metric": scores.metric,
            "kind": scores.kind,
            "runs": [
                {"run": rival.name, **{key: tasks[scores.task, scores.metric][key] for key in
                                       ("base", "tuned", "delta", "ci", "verdict", "margin")}}
                for rival, tasks in zip(rivals, told, strict=True)
            ],
        }
        for scores in rivals[0].scores
    ]  # fmt: skip


def _informative(task: Mapping[str, Any]) -> bool:
    """Whether the base was above chance, so that there is something to lose."""
    p = task["base_above_chance_p"]
    return p is None or p < ALPHA
