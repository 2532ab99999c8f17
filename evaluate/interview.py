"""Asking one model everything, each question once and for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..workspace.artifact import Workspace
from ..workspace.events import Emit, TaskScored, counting
from ..workspace.files import sha256_of_file, sha256_of_json
from ..workspace.manifest import installed_version
from .cache import cached_answers, cached_frame
from .domain import DomainTask, ask_choices, ask_questions, score_texts
from .items import Answers
from .losses import LossRows, loss_answers, measure_rows
from .quiet import heard
from .scoring import TUNED, ModelName, PairedModel
from .tasks import Benchmark
from .trained import TrainedRun

# What turns text into tokens.
_TOKENIZER_FILES = ("tokenizer*", "special_tokens*", "added_tokens*", "chat_template*", "vocab*",
                    "merges*", "*.model")  # fmt: skip
_LIBRARIES = ("tunewise", "torch", "transformers", "peft", "lm_eval")
# What a task's metadata says about scoring.
_SCORING = ("chance", "cluster", "decides_by")


@dataclass(frozen=True, slots=True)
class Questions:
    """Everything that both models are asked.

    Attributes:
        benchmarks: of general ability.
        domain: from the split's test part.
        rows: whose losses are measured.
        text: the split holds plain texts, so that the loss decides about the domain.
    """

    benchmarks: tuple[Benchmark, ...]
    domain: DomainTask
    rows: LossRows
    text: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """One model's answers: its items by task, and its losses by row."""

    tasks: tuple[Answers, ...]
    losses: pl.DataFrame


class Interview:
    """Asks one of a pair of models; what was answered before is looked up.

    Args:
        workspace: where answers are kept.
        run: the training run.
        models: both models.
        name: which of them is asked.
        questions: what it is asked.
        force: ask everything again.
        emit: told of progress and of every task's score.
    """

    def __init__(
        self,
        workspace: Workspace,
        run: TrainedRun,
        models: PairedModel,
        name: ModelName,
        questions: Questions,
        *,
        force: bool,
        emit: Emit,
    ) -> None:
        """Work out what identifies the model, for all its answers."""
        self.workspace = workspace
        self.run = run
        self.models = models
        self.name: ModelName = name
        self.questions = questions
        self.force = force
        self.emit = emit
        self._model = {
            "base": run.pair.base.sha256,
            "tuned": run.artifact.manifest.sha256 if name == TUNED else None,
            "tokenizer": _tokenizer_hash(run.pair.tuned),
            "template": run.template,
            "device": models.hardware.device,
            "dtype": models.hardware.dtype,
            "versions": {library: installed_version(library) for library in _LIBRARIES},
        }

    def measure(self) -> Measured:
        """Ask all questions."""
        questions = self.questions
        tasks = [self._told(self._benchmark(benchmark)) for benchmark in questions.benchmarks]
        if questions.domain.choices:
            tasks.append(self._told(self._choices()))
        if questions.domain.questions:
            tasks += [self._told(found) for found in self._free_answers()]
        losses = self._losses()
        found = loss_answers(questions.rows, losses, decides=questions.text)
        if len(found.frame):
            tasks.append(self._told(found))
        return Measured(tuple(tasks), losses)

    def _told(self, found: Answers) -> Answers:
        self.emit(
            TaskScored(
                task=found.info.task,
                model=self.name,
                metric=found.info.metric,
                score=found.mean,
                items=len(found.frame),
            )
        )
        return found

    def _benchmark(self, benchmark: Benchmark) -> Answers:
        def measure() -> Answers:
            from .scoring_harness import CausalScorer
            from .tasks_run import ask

            with self.models.scorer(self.name) as scorer:
                model = CausalScorer(
                    scorer,
                    self.run.tokenizer,
                    encoded=self.models.encoded,
                    emit=heard(self.emit),
                    label=self._label(benchmark.name),
                )
                return ask(benchmark, model)

        said = {name: benchmark.metadata.get(name) for name in _SCORING}
        asked = {"task": benchmark.name, "content": benchmark.content, "limit": benchmark.limit}
        return self._cached_answers({**asked, **said}, measure)

    def _choices(self) -> Answers:
        task = self.questions.domain

        def measure() -> Answers:
            total = len(task.sequences)
            with (
                self.models.scorer(self.name) as scorer,
                counting(self.emit, self._label(task.info.task), total, "requests") as counter,
            ):
                return ask_choices(task, scorer, counter.advance)

        asked = [
            [item.row.row, item.row.cluster, item.gold, item.choices,
             [[one.start, one.tokens] for one in item.asked]]
            for item in task.choices
        ]  # fmt: skip
        elsewhere = [
            [answer, [[one.start, one.tokens] for one in group]]
            for answer, group in task.elsewhere.items()
        ]
        return self._cached_answers(
            {"task": task.info.task, "items": sha256_of_json([asked, elsewhere])}, measure
        )

    def _free_answers(self) -> list[Answers]:
        task = self.questions.domain

        def measure() -> pl.DataFrame:
            total = len(task.questions)
            with (
                self.models.scorer(self.name) as scorer,
                counting(self.emit, self._label("domain answers"), total, "answers") as counter,
            ):
                texts = ask_questions(task, scorer, self.run.tokenizer, counter.advance)
            return pl.DataFrame({"text": texts}, schema={"text": pl.String})

        asked = [
            [asked.prompt, asked.answer[-1], limit]
            for (_, asked), limit in zip(task.questions, task.limits, strict=True)
        ]
        frame = self._cached_frame(
            {"task": "domain answers", "items": sha256_of_json(asked)}, measure
        )
        return score_texts(task, frame["text"].to_list())

    def _losses(self) -> pl.DataFrame:
        rows = self.questions.rows

        def measure() -> pl.DataFrame:
            with (
                self.models.scorer(self.name) as scorer,
                counting(self.emit, self._label("losses"), len(rows.rendered)) as counter,
            ):
                return measure_rows(rows, scorer, counter.advance)

        asked = [
            [place, row.tokens, row.supervised]
            for place, row in zip(rows.places, rows.rendered, strict=True)
        ]
        return self._cached_frame({"task": "losses", "items": sha256_of_json(asked)}, measure)

    def _label(self, task: str) -> str:
        return f"{self.name}: {task}"

    def _cached_answers(self, asked: Mapping[str, Any], measure: Callable[[], Answers]) -> Answers:
        key = {"model": self._model, "asked": asked}
        return cached_answers(self.workspace, key, measure, force=self.force, emit=self.emit)

    def _cached_frame(
        self, asked: Mapping[str, Any], measure: Callable[[], pl.DataFrame]
    ) -> pl.DataFrame:
        key = {"model": self._model, "asked": asked}
        return cached_frame(self.workspace, key, measure, force=self.force, emit=self.emit)


def _tokenizer_hash(folder: Path) -> str:
    files = {path for pattern in _TOKENIZER_FILES for path in folder.glob(pattern)}
    return sha256_of_json(sorted([path.name, sha256_of_file(path)] for path in files))
