"""The evaluation step: base against tuned on the same items, measured, judged, and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..train.models.hardware import Hardware, choose_hardware
from ..workspace.artifact import Artifact, Draft, Workspace, produce
from ..workspace.events import Emit, Note, ignore
from ..workspace.files import read_json, write_json
from ..workspace.manifest import Input
from .comparison import Comparison, LocalModel, compare_run
from .course import checkpoints_of, measure_course
from .domain.questions import label_facts
from .items import BIAS, DOMAIN, Answers, paired_items, paired_scores, same_items
from .observations.bias import bias_observations
from .observations.observing import (
    Beside,
    confusion_facts,
    label_pair,
    observations_of_tasks,
    observe_beside,
)
from .preparation import Prepared, measure_inputs, prepare
from .scoring.engines import check_engine, engine_name
from .scoring.interview import Interview, Measured, Questions, Respondent
from .scoring.pair import BASE, TUNED
from .scoring.respondents import respondents
from .settings import EvaluateSettings
from .tasks.suites import suite_inputs
from .verdicts.exposed_scores import contamination_document, exposed_gain
from .verdicts.exposure import Exposure, search_training_rows
from .verdicts.losses import overfitting_measures, paired_losses
from .verdicts.overfitting import judge_overfitting
from .verdicts.verdict import judge_tasks

EVALUATE = "evaluate"


def evaluate(
    workspace: Workspace,
    run_artifact: Artifact,
    settings: EvaluateSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Compare a tuned model with its base.

    Args:
        workspace: where the artifact is written, and measurements are kept.
        run_artifact: the training run.
        settings: which suites, how many items, which margins.
        force: measure and judge again even if that is done.
        emit: told of progress and of every task's score.

    Returns:
        The artifact of kind ``evaluate``: ``items.parquet``, ``losses.parquet``,
        ``evaluate.json``, and where benchmarks are asked ``contamination.parquet``: which of
        their items stand in the training rows.

    Raises:
        UsageError: a suite is unknown, or the run's parts do not belong together any more.
        DataError: a benchmark or a part of the split is broken.
    """
    return _produce(
        workspace,
        lambda: compare_run(workspace, run_artifact),
        [run_artifact.as_input("run")],
        settings,
        force=force,
        emit=emit,
    )


def evaluate_models(
    workspace: Workspace,
    comparison: Comparison,
    settings: EvaluateSettings,
    *,
    force: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Compare any two models: adapters of other trainers, merged models, checkpoints, hosted ones.

    Without a split there is no domain to ask about, and without a run no training loss; the
    document says so. See :func:`evaluate`.

    Args:
        workspace: where the artifact is written, and measurements are kept.
        comparison: both models, and the split where there is one.
        settings: which suites, how many items, which margins.
        force: measure and judge again even if that is done.
        emit: told of progress and of every task's score.
    """
    return _produce(
        workspace, lambda: comparison, comparison.inputs(), settings, force=force, emit=emit
    )


def _produce(
    workspace: Workspace,
    find: Callable[[], Comparison],
    inputs: list[Input],
    settings: EvaluateSettings,
    *,
    force: bool,
    emit: Emit,
) -> Artifact:
    return produce(
        workspace,
        EVALUATE,
        lambda draft: _Evaluation(workspace, draft, find(), settings, force, emit).build(),
        inputs=[
            *inputs,
            *suite_inputs(settings.suites, workspace.root),
            *measure_inputs(settings, workspace.root),
        ],
        parameters=settings.model_dump(mode="json"),
        force=force,
        emit=emit,
    )


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """An evaluation while it writes its artifact."""

    workspace: Workspace
    draft: Draft
    comparison: Comparison
    settings: EvaluateSettings
    force: bool
    emit: Emit

    def build(self) -> None:
        """Prepare the questions, ask both models, judge, and write everything."""
        begin = time.monotonic()
        hardware = choose_hardware(dtype=self.settings.dtype)
        check_engine(self.comparison, self.settings, hardware)
        if self.settings.checkpoints:
            checkpoints_of(self.comparison)
        if self.comparison.labels:
            from .scoring.heads import ask_head

            found = ask_head(self.comparison, self.settings, hardware, self.emit)
            nowhere = search_training_rows(self.comparison, (), self.emit)
            self._write(hardware, *found, nowhere, Beside(), None, begin)
            return
        if bits := getattr(self.comparison.tuned, "quantize", None):
            self.emit(Note(text=f"the base is loaded in {bits}, as it was trained on, for both"))
        prepared = prepare(self.workspace, self.comparison, self.settings, self.emit)
        searched = [one for one in prepared.base.benchmarks if not one.probe]
        exposure = search_training_rows(self.comparison, searched, self.emit)
        asked = respondents(self.comparison, hardware, self.settings, self.emit)
        try:
            base, tuned = (
                self._ask(respondent, questions)
                for respondent, questions in zip(
                    asked, (prepared.base, prepared.tuned), strict=True
                )
            )
            beside = observe_beside(
                self.workspace,
                self.comparison,
                prepared,
                asked,
                self.settings,
                force=self.force,
                emit=self.emit,
            )
            # The pair's weights are let go before the checkpoints' are loaded.
            del asked
            course = self._course(prepared.tuned, hardware) if self.settings.checkpoints else None
        except KeyboardInterrupt as interruption:
            interruption.add_note("what was answered is kept, and only --force asks it again")
            raise
        self._write(hardware, prepared, base, tuned, exposure, beside, course, begin)

    def _course(self, questions: Questions, hardware: Hardware) -> dict[str, Any]:
        return measure_course(
            self.workspace,
            self.comparison,
            questions,
            hardware,
            self.settings,
            force=self.force,
            emit=self.emit,
        )

    def _ask(self, respondent: Respondent, questions: Questions) -> Measured:
        return Interview(
            self.workspace, respondent, questions, force=self.force, emit=self.emit
        ).measure()

    def _write(
        self,
        hardware: Hardware,
        prepared: Prepared,
        base: Measured,
        tuned: Measured,
        exposure: Exposure,
        beside: Beside,
        course: dict[str, Any] | None,
        begin: float,
    ) -> None:
        folder, settings = self.draft.folder, self.settings
        asked_of_both = same_items(base.tasks, tuned.tasks, self.emit)
        # What a model prefers is neither right nor wrong, so that no verdict is about it.
        pairs = [pair for pair in asked_of_both if pair[0].info.group != BIAS]
        probes = [pair for pair in asked_of_both if pair[0].info.group == BIAS]
        items = [paired_items(*pair, exposure.statuses(pair[0].info.task)) for pair in pairs]
        kept = [*items, *(paired_items(*pair, {}) for pair in probes)]
        pl.concat(kept).write_parquet(folder / "items.parquet")
        losses = paired_losses(base.losses, tuned.losses)
        losses.write_parquet(folder / "losses.parquet")
        scores = [paired_scores(*pair, settings.margins.get(pair[0].info.task)) for pair in pairs]
        statuses = [frame["contamination"].to_list() for frame in items]
        exposed = [one for one in zip(scores, statuses, strict=True) if any(one[1])]
        judgement = judge_tasks(
            scores,
            margin_share=settings.margin_share,
            margin_loss=settings.margin_loss,
        )
        overfitting = judge_overfitting(
            overfitting_measures(losses, _log(self.comparison)),
            kept_step=self.comparison.kept_step,
            exposed=exposed_gain(exposed),
        )
        asked = {answers.info.task: len(answers.frame) for answers, _ in asked_of_both}
        observations = [*observations_of_tasks(pairs, prepared.answers, settings.margin_share),
                        *bias_observations(prepared.base.benchmarks, probes, settings.margin_share),
                        *beside.compared(prepared, pairs, settings)]  # fmt: skip
        if exposure.found is not None:
            exposure.items().write_parquet(folder / "contamination.parquet")
        write_json(
            folder / "evaluate.json",
            {
                **judgement.to_json(),
                "overfitting": overfitting.to_json(),
                "contamination": contamination_document(exposure, exposed),
                **model_facts(self.comparison),
                "device": hardware.device,
                "dtype": hardware.dtype,
                "engine": engine_name(self.settings, self.comparison),
                "suites": list(settings.suites),
                "limit": settings.limit,
                "prompting": prepared.base.prompting.to_json(),
                "items": asked,
                "not_asked": [
                    {"what": what, "why": why}
                    for what, why in (*prepared.not_asked, *beside.not_asked)
                ],
                "domain": _domain_facts(prepared, pairs),
                "observations": [one.to_json() for one in observations],
                "course": course,
                "out_of_domain": _outside(self.comparison, asked),
                "seconds": round(time.monotonic() - begin, 3),
            },
        )
        self.draft.counts.update(tasks=len(asked_of_both), items=sum(asked.values()))
        self.draft.seeds["evaluate"] = settings.seed


def model_facts(comparison: Comparison) -> dict[str, Any]:
    """Return which models were compared, under the keys of ``evaluate.json``."""
    base, tuned = comparison.base, comparison.tuned
    adapter = tuned.adapter if isinstance(tuned, LocalModel) else None
    return {
        "model": str(base.weights.folder) if isinstance(base, LocalModel) else base.place,
        "model_sha256": base.weights.sha256 if isinstance(base, LocalModel) else None,
        "base_adapter": base.place if isinstance(base, LocalModel) and base.adapter else None,
        "adapter": str(adapter.folder) if adapter else None,
        "adapter_kind": adapter.kind if adapter else None,
        "full_model": None if adapter else tuned.place,
        "quantize": getattr(tuned, "quantize", None),
        "run": comparison.run.id if comparison.run else None,
        "split": comparison.split.id if comparison.split else None,
        "template": tuned.fingerprint.get("template"),
    }


def _log(comparison: Comparison) -> pl.DataFrame:
    """Return the training's losses by step; of another trainer's there are none."""
    if comparison.run is None:
        return pl.DataFrame(
            schema={"step": pl.Int64, "train_loss": pl.Float64, "val_loss": pl.Float64}
        )
    return pl.read_parquet(comparison.run.folder / "log.parquet")


def _domain_facts(prepared: Prepared, pairs: Sequence[tuple[Answers, Answers]]) -> dict[str, Any]:
    if not prepared.base.domains:
        return {"left_out": {}, BASE: {}, TUNED: {}}
    first, second = prepared.base.domains[0], prepared.tuned.domains[0]
    confused = confusion_facts(label_pair(pairs, prepared.answers, DOMAIN))
    return {
        "left_out": dict(first.left_out),
        "answers": prepared.answers,
        BASE: label_facts(first, [base for base, _ in pairs]) | confused[0],
        TUNED: label_facts(second, [tuned for _, tuned in pairs]) | confused[1],
    }


def _outside(comparison: Comparison, asked: Mapping[str, int]) -> dict[str, Any] | None:
    """Tell what is held outside the domain; None where the split holds nothing out."""
    from .items import OUT_OF_DOMAIN

    names = [task for task in asked if task.startswith(f"{OUT_OF_DOMAIN}/")]
    if comparison.split is None or not names:
        return None
    held = read_json(comparison.split.folder / "split.json").get("out_of_domain") or {}
    return {**held, "tasks": names}
