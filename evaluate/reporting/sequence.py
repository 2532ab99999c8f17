"""A sequence of trainings: which evaluations of each on each domain there are, and what they say.

A training's domain is the test part of the split that it learned. Evaluations are found among the
workspace's by the model and the split that they are of; none is made here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...train.run import ADAPTER_FOLDER, MODEL_FOLDER
from ...workspace.artifact import Artifact, Draft, Workspace, list_artifacts, produce
from ...workspace.errors import DataError, UsageError
from ...workspace.events import Emit, Note, ignore
from ...workspace.files import read_json, writing_whole
from ..items import DOMAIN, cluster_numbers
from ..settings import ReportSettings
from ..verdicts.sequence import BASE, LearnedTask, Measure, measure_transfer
from ..verdicts.statistics import cluster_codes

SEQUENCE = "sequence"
_SAME = ("metric", "prompt", "expected", "choices")


@dataclass(frozen=True, slots=True)
class _Training:
    """One run of the sequence: its artifact, its split, and where its base and result lie."""

    run: Artifact
    split: str
    base: str
    result: Path


def compare_sequence(
    workspace: Workspace,
    runs: Sequence[Artifact],
    settings: ReportSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Tell what each training of a sequence learned, and what the later ones made of it.

    Args:
        workspace: where evaluations are looked for and the artifact is written.
        runs: two or more training runs, in the order of the trainings.
        settings: taken for the artifact's parameters.
        force: write it again even if it is there.
        emit: told of evaluations that are missing.

    Returns:
        The artifact of kind ``sequence``: ``sequence.html``, ``.md`` and ``.json``.

    Raises:
        UsageError: fewer than two runs, or two of one split.
        DataError: a run cannot be read, or its domain has no score of right and wrong.
    """
    from .sequence_pages import sequence_html, sequence_json, sequence_markdown

    trainings = _trainings(runs)
    cells = _evaluations(workspace, trainings)

    def build(draft: Draft) -> None:
        document = sequence_document(trainings, cells)
        for one in document["missing"]:
            emit(Note(text=f"not evaluated: {one['what']}", level="warning"))
        makers = {"html": sequence_html, "md": sequence_markdown, "json": sequence_json}
        for suffix, make in makers.items():
            with writing_whole(draft.folder / f"{SEQUENCE}.{suffix}") as stream:
                stream.write(make(document))
        draft.counts["runs"] = len(runs)

    inputs = [one.run.as_input(f"run_{place}") for place, one in enumerate(trainings, start=1)]
    inputs += [
        evaluation.as_input(f"evaluation_{i + 1}_{j + 1}")
        for (i, j), evaluation in sorted(cells.items())
    ]
    return produce(
        workspace, SEQUENCE, build, inputs=inputs, parameters=settings.recorded(), force=force,
        emit=emit,
    )  # fmt: skip


def sequence_document(
    trainings: Sequence[_Training], cells: Mapping[tuple[int, int], Artifact]
) -> dict[str, Any]:
    """Return the matrix, the measures and what is missing, as JSON values.

    Args:
        trainings: in their order.
        cells: the evaluation of the model after training i on the domain of training j, by (i, j).
    """
    count = len(trainings)
    tasks, notes = [], []
    for j in range(count):
        task, note = _learned(j, {i: one for (i, column), one in cells.items() if column == j})
        tasks.append(task)
        notes += note
    transfer = measure_transfer(tasks)
    names = [one.run.id for one in trainings]
    return {
        "runs": [
            {"run": one.run.id, "split": one.split, "base": one.base, "items": len(task.codes)}
            for one, task in zip(trainings, tasks, strict=True)
        ],
        "matrix": [
            {
                "after": "base" if i == BASE else names[i],
                "scores": [_cell(task, i) for task in tasks],
            }
            for i in range(BASE, count)
        ],
        **{
            name: None if found is None else found.to_json()
            for name, found in (
                ("average_accuracy", transfer.average),
                ("backward_transfer", transfer.backward),
                ("forgetting", transfer.forgetting),
                ("forward_transfer", transfer.forward),
            )
        },
        "missing": [
            _missing(trainings, i, j)
            for j in range(count)
            for i in range(j, count)
            if (i, j) not in cells
        ],
        "notes": notes,
    }


def _trainings(runs: Sequence[Artifact]) -> list[_Training]:
    if len({run.id for run in runs}) < max(2, len(runs)):
        raise UsageError(
            "a sequence takes two different runs or more",
            where=", ".join(run.id for run in runs),
            fix="tunewise report --sequence RUN RUN",
        )
    found = []
    for run in runs:
        split = run.manifest.input("split")
        if split is None or split.artifact is None:
            raise DataError("the run does not say what it was trained on", where=str(run.folder))
        adapter = run.folder / ADAPTER_FOLDER
        result = adapter if adapter.is_dir() else run.folder / MODEL_FOLDER
        base = str(read_json(run.folder / "train.json")["model"])
        found.append(_Training(run, split.artifact, base, result.resolve()))
    splits = [one.split for one in found]
    twice = sorted({split for split in splits if splits.count(split) > 1})
    if twice:
        raise UsageError(
            f"two runs of the sequence learned the same split: {', '.join(twice)}",
            where=", ".join(one.run.id for one in found),
            fix="to compare runs of one split: tunewise report --compare RUN RUN",
        )
    return found


def _evaluations(
    workspace: Workspace, trainings: Sequence[_Training]
) -> dict[tuple[int, int], Artifact]:
    """Return the newest evaluation of each training's model on each domain."""
    columns = {one.split: j for j, one in enumerate(trainings)}
    found: dict[tuple[int, int], Artifact] = {}
    for evaluation in list_artifacts(workspace, "evaluate"):
        document = _document(evaluation)
        j = columns.get(str(document.get("split")))
        if j is None or not any(task["group"] == DOMAIN for task in document.get("tasks") or ()):
            continue
        for i, one in enumerate(trainings):
            of_run = document.get("run") == one.run.id
            model = document.get("adapter") or document.get("full_model")
            # An evaluation from before the run was made again is not of this model.
            newer = evaluation.manifest.finished >= one.run.manifest.finished
            if (of_run or str(one.result) == str(model)) and newer:
                found[i, j] = evaluation
    return found


def _document(evaluation: Artifact) -> Mapping[str, Any]:
    try:
        return read_json(evaluation.folder / "evaluate.json")
    except (OSError, ValueError):
        return {}


def _learned(j: int, evaluations: Mapping[int, Artifact]) -> tuple[LearnedTask, list[str]]:
    """Read a domain's items after each training; only those that all were asked count.

    Args:
        j: number of the training that taught the domain.
        evaluations: by training.
    """
    frames = {i: _read(evaluation) for i, evaluation in evaluations.items()}
    if not frames:
        return LearnedTask({}, np.array([], dtype=np.int64)), []
    first = next(iter(frames.values()))
    same, most = first, max(map(len, frames.values()))
    for frame in frames.values():
        same = same.join(frame, on=["task", "item", *_SAME], how="semi", nulls_equal=True)
    if same.is_empty():
        raise UsageError(
            f"the evaluations on the domain of training {j + 1} have no item in common",
            where=", ".join(one.id for one in evaluations.values()),
            fix="evaluate again with one seed and the same number of items",
        )
    notes = []
    if len(same) < most:
        notes.append(
            f"domain {j + 1}: {most - len(same):,} of {most:,} items were not asked of all models"
        )
    kept = {
        i: same.select("task", "item").join(
            frame, on=["task", "item"], how="left", maintain_order="left"
        )
        for i, frame in frames.items()
    }
    scores = {i: frame["tuned_score"].to_numpy().astype(np.float64) for i, frame in kept.items()}
    if 0 in kept:
        # Before the first training there was its base.
        scores[BASE] = kept[0]["base_score"].to_numpy().astype(np.float64)
    codes = cluster_codes(cluster_numbers(next(iter(kept.values()))["cluster"]), len(same))
    return LearnedTask(scores, codes), notes


def _read(evaluation: Artifact) -> pl.DataFrame:
    """Return the domain's items that decide, of scores from 0 to 1."""
    deciding = [
        task["task"]
        for task in _document(evaluation)["tasks"]
        if task["group"] == DOMAIN and task["decides"] and task["kind"] == "share"
    ]
    if not deciding:
        raise DataError(
            "the domain has no task with right and wrong answers that decides",
            where=str(evaluation.folder),
            fix="a sequence takes domains with answers to choose from, or labels",
        )
    try:
        frame = pl.read_parquet(evaluation.folder / "items.parquet")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"the items of the evaluation cannot be read: {error}",
            where=str(evaluation.folder),
            fix="evaluate again with --force",
        ) from error
    asked = frame.filter((pl.col("group") == DOMAIN) & pl.col("task").is_in(deciding))
    return asked.with_columns(pl.col("choices").list.join("\x1f"))


def _cell(task: LearnedTask, after: int) -> dict[str, Any] | None:
    mean = task.mean(after)
    if mean is None:
        return None
    low, high = mean.interval()
    return Measure(mean.value, (low, high) if np.isfinite([low, high]).all() else None).to_json()


def _missing(trainings: Sequence[_Training], i: int, j: int) -> dict[str, str]:
    """Name an evaluation that is missing, and the command that makes it."""
    one, domain = trainings[i], trainings[j]
    command = ["tunewise", "evaluate", one.run.id]
    if i != j:
        command = ["tunewise", "evaluate", "--base", one.base, "--tuned", str(one.result),
                   "--split", domain.split]  # fmt: skip
    return {
        "what": f"run {one.run.id} on the domain of run {domain.run.id}",
        "command": shlex.join([*command, "--suite", DOMAIN]),
    }
