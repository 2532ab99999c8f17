"""The evaluation step: base against tuned on the same items, measured, judged, and kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from ..curate.records import TEXT
from ..train.hardware import Hardware, choose_hardware
from ..workspace.artifact import Artifact, Draft, Workspace, produce
from ..workspace.events import Emit, Note, ignore
from ..workspace.files import write_json
from .domain import domain_task, label_facts
from .domain_rows import PartRows, read_part
from .exposed_scores import contamination_document, exposed_gain
from .exposure import Exposure, search_training_rows
from .interview import Interview, Measured, Questions
from .items import paired_items, paired_scores
from .losses import loss_rows, overfitting_measures, paired_losses
from .overfitting import judge_overfitting
from .scoring import BASE, TUNED, PairedModel
from .settings import EvaluateSettings
from .tasks import load_benchmarks, suite_inputs
from .trained import TrainedRun, read_run
from .verdict import judge_tasks

EVALUATE = "evaluate"
_PARTS = ("train", "val", "test")


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
    return produce(
        workspace,
        EVALUATE,
        lambda draft: _Evaluation(workspace, draft, run_artifact, settings, force, emit).build(),
        inputs=[run_artifact.as_input("run"), *suite_inputs(settings.suites, workspace.root)],
        parameters=settings.model_dump(mode="json"),
        force=force,
        emit=emit,
    )


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """An evaluation while it writes its artifact."""

    workspace: Workspace
    draft: Draft
    run_artifact: Artifact
    settings: EvaluateSettings
    force: bool
    emit: Emit

    def build(self) -> None:
        """Prepare the questions, ask both models, judge, and write everything."""
        begin = time.monotonic()
        run = read_run(self.workspace, self.run_artifact)
        hardware = choose_hardware(dtype=self.settings.dtype)
        questions = self._questions(run)
        exposure = search_training_rows(run, questions.benchmarks, self.emit)
        models = PairedModel(
            run.pair,
            hardware,
            batch_tokens=self.settings.batch_tokens,
            trust_remote_code=run.trust_remote_code,
            emit=self.emit,
        )
        try:
            base, tuned = (
                Interview(
                    self.workspace, run, models, name, questions, force=self.force, emit=self.emit
                ).measure()
                for name in (BASE, TUNED)
            )
        except KeyboardInterrupt as interruption:
            interruption.add_note(
                "tasks that were asked to their end are kept, and only --force asks them again"
            )
            raise
        self._write(run, hardware, questions, base, tuned, exposure, begin)

    def _questions(self, run: TrainedRun) -> Questions:
        settings = self.settings
        parts = {name: read_part(run.split, name, emit=self.emit) for name in _PARTS}
        most = min(settings.limit or settings.choice_items, settings.choice_items)
        domain = domain_task(
            parts["test"],
            run.tokenizer,
            choice_items=most,
            generated_items=min(most, settings.generated_items),
            answer_tokens=settings.answer_tokens,
            context=run.context,
            seed=settings.seed,
            labels=_labels(parts.values()),
        )
        rows = loss_rows(
            tuple(parts.values()),
            run.tokenizer,
            count=settings.overfitting_items,
            max_length=run.max_length or run.context,
            seed=settings.seed,
        )
        benchmarks = load_benchmarks(
            settings.suites, self.workspace.root, limit=settings.limit, emit=self.emit
        )
        for reason, count in domain.left_out.items():
            if count:
                self.emit(Note(text=f"domain: {count:,} test rows are left out: {reason}"))
        if not parts["val"].rows:
            self.emit(
                Note(
                    text="no validation: the split has no usable rows for val; overfitting is "
                    "judged by the test rows alone"
                )
            )
        if settings.limit:
            self.emit(Note(text=f"only the first {settings.limit:,} items of each task are asked"))
        return Questions(tuple(benchmarks), domain, rows, parts["test"].kind == TEXT)

    def _write(
        self,
        run: TrainedRun,
        hardware: Hardware,
        questions: Questions,
        base: Measured,
        tuned: Measured,
        exposure: Exposure,
        begin: float,
    ) -> None:
        folder, settings = self.draft.folder, self.settings
        pairs = list(zip(base.tasks, tuned.tasks, strict=True))
        items = [paired_items(*pair, exposure.statuses(pair[0].info.task)) for pair in pairs]
        pl.concat(items).write_parquet(folder / "items.parquet")
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
        log = pl.read_parquet(run.artifact.folder / "log.parquet")
        overfitting = judge_overfitting(
            overfitting_measures(losses, log),
            kept_step=run.kept_step,
            exposed=exposed_gain(exposed),
        )
        asked = {answers.info.task: len(answers.frame) for answers, _ in pairs}
        if exposure.found is not None:
            exposure.items().write_parquet(folder / "contamination.parquet")
        write_json(
            folder / "evaluate.json",
            {
                **judgement.to_json(),
                "overfitting": overfitting.to_json(),
                "contamination": contamination_document(exposure, exposed),
                "model": str(run.pair.base.folder),
                "model_sha256": run.pair.base.sha256,
                "adapter": str(run.pair.tuned) if run.pair.is_adapter else None,
                "full_model": None if run.pair.is_adapter else str(run.pair.tuned),
                "run": run.artifact.id,
                "template": run.template,
                "device": hardware.device,
                "dtype": hardware.dtype,
                "suites": list(settings.suites),
                "limit": settings.limit,
                "items": asked,
                "domain": {
                    "left_out": dict(questions.domain.left_out),
                    BASE: label_facts(questions.domain, base.tasks),
                    TUNED: label_facts(questions.domain, tuned.tasks),
                },
                "seconds": round(time.monotonic() - begin, 3),
            },
        )
        self.draft.counts.update(tasks=len(pairs), items=sum(asked.values()))
        self.draft.seeds["evaluate"] = settings.seed


def _labels(parts: Iterable[PartRows]) -> list[str]:
    """Return all labels that occur in the split."""
    return sorted({row.label for part in parts for row in part.rows if row.label is not None})
