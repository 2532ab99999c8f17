"""The forgetting curve: the checkpoints that a run kept, asked the same items as the base."""

from __future__ import annotations

import gc
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..train.loop.checkpoints import course_of
from ..train.models.hardware import Hardware
from ..workspace.artifact import Workspace
from ..workspace.errors import UsageError
from ..workspace.events import Emit
from .comparison import Comparison, LocalModel
from .items import GENERAL, Answers, paired_scores
from .scoring.adapters import read_adapter
from .scoring.interview import Interview, Questions
from .scoring.respondents import respondents
from .settings import EvaluateSettings
from .tasks.suites import Benchmark
from .verdicts.course import judge_course
from .verdicts.measures import TaskScores


def checkpoints_of(comparison: Comparison) -> dict[int, Path]:
    """Return the adapters that a run kept on the way, by step.

    Raises:
        UsageError: it kept none.
    """
    found = course_of(comparison.run.folder) if comparison.run else {}
    if not found:
        raise UsageError(
            "no checkpoints were kept, so there is no curve to draw",
            where=str(comparison.run.folder) if comparison.run else "--tuned",
            fix="train with keep_checkpoints = true under [train], and evaluate that run",
        )
    return found


def measure_course(
    workspace: Workspace,
    comparison: Comparison,
    questions: Questions,
    hardware: Hardware,
    settings: EvaluateSettings,
    *,
    force: bool,
    emit: Emit,
) -> dict[str, Any]:
    """Ask base and checkpoints the suites' items and say where forgetting began.

    Args:
        workspace: where answers are kept, each model's by itself.
        comparison: a run's.
        questions: what the run's model is asked; of each task of general ability a random sample
            of ``checkpoint_items`` is taken.
        hardware: where the models compute.
        settings: how many items, how they are asked, which losses are accepted.
        force: ask again.
        emit: told of progress.

    Returns:
        ``course`` of ``evaluate.json``.
    """
    chosen = tuple(
        sampled(one, settings.checkpoint_items, settings.seed)
        for one in questions.benchmarks
        if one.group == GENERAL
    )
    asked = Questions(chosen, questions.prompting)
    encoded: dict[str, list[int]] = {}

    def ask(place: int, pair: Comparison, name: str) -> tuple[Answers, ...]:
        respondent = respondents(pair, hardware, settings, emit)[place]
        respondent = replace(respondent, name=name, encoded=encoded)
        found = Interview(workspace, respondent, asked, force=force, emit=emit).measure().tasks
        # The next checkpoint brings a model of its own.
        del respondent
        gc.collect()
        return found

    base = ask(0, comparison, "base")
    measured: dict[int, list[TaskScores]] = {}
    for step, folder in checkpoints_of(comparison).items():
        pair = replace(comparison, tuned=_after(comparison.tuned, folder))
        found = ask(1, pair, f"step {step}")
        measured[step] = [
            paired_scores(first, second, settings.margins.get(first.info.task))
            for first, second in zip(base, found, strict=True)
        ]
    course = judge_course(
        measured, margin_share=settings.margin_share, margin_loss=settings.margin_loss
    )
    return {**course.to_json(), "checkpoint_items": settings.checkpoint_items}


def sampled(benchmark: Benchmark, items: int, seed: int) -> Benchmark:
    """Return a benchmark with so many of its items, drawn at random; all where there are no more.

    Args:
        benchmark: what is asked.
        items: at most.
        seed: of the draw.
    """
    there = len(benchmark.task.eval_docs)
    there = min(there, benchmark.limit or there)
    if there <= items:
        return benchmark
    drawn = random.Random(f"{seed} {benchmark.name}").sample(range(there), items)
    return replace(benchmark, limit=None, sample=tuple(sorted(drawn)))


def _after(tuned: Any, folder: Path) -> LocalModel:
    """Return a run's model as it was at a checkpoint."""
    return replace(tuned, adapter=read_adapter(folder))
