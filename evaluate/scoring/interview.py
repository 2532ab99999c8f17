"""Asking one model everything, each question once and for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from ...workspace.artifact import Workspace
from ...workspace.events import Emit, TaskScored, counting
from ...workspace.files import sha256_of_json
from ...workspace.manifest import installed_version
from ..comparison import Model
from ..domain.questions import DomainTask, ask_choices, ask_questions, score_texts
from ..hosted.endpoint import HostedModel
from ..items import OUT_OF_DOMAIN, Answers
from ..tasks.asking import Prompting
from ..tasks.suites import Benchmark
from ..verdicts.losses import LOSS_SCHEMA, OUTSIDE, LossRows, loss_answers, measure_rows
from .cache import cached_answers, cached_frame
from .journal import Journal
from .quiet import heard

if TYPE_CHECKING:
    from .scorer import Scorer

_LIBRARIES = ("tunewise", "torch", "transformers", "peft", "lm_eval")
# What a task's metadata says about scoring.
_SCORING = ("chance", "cluster", "decides_by")


@dataclass(frozen=True, slots=True)
class Questions:
    """Everything that a model is asked.

    Attributes:
        benchmarks: of general ability.
        prompting: how their prompts are put together.
        domains: from the split's parts: the domain, and what is held outside of it.
        rows: whose losses are measured.
        text: the split holds plain texts, so that the loss decides about the domain.
    """

    benchmarks: tuple[Benchmark, ...]
    prompting: Prompting
    domains: tuple[DomainTask, ...] = ()
    rows: LossRows | None = None
    text: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """One model's answers: its items by task, and its losses by row."""

    tasks: tuple[Answers, ...]
    losses: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Respondent:
    """A model that can be asked.

    Attributes:
        name: ``base`` or ``tuned``.
        model: which model.
        open: lends its scorer for the length of a block.
        computed: what else decides its numbers, such as the number format.
        encoded: token ids of texts that were asked already; it is added to.
        engine: name and version of what makes its free answers; empty where this program does.
    """

    name: str
    model: Model
    open: Callable[[], AbstractContextManager[Scorer]]
    computed: Mapping[str, Any]
    encoded: dict[str, list[int]] = field(default_factory=dict)
    engine: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """All that decides the model's answers to given questions, as JSON values."""
        return {
            **self.model.fingerprint,
            **self.computed,
            "versions": {library: installed_version(library) for library in _LIBRARIES},
        }


class Interview:
    """Asks a model; what was answered before is looked up.

    Args:
        workspace: where answers are kept.
        respondent: who is asked.
        questions: what it is asked.
        force: ask everything again.
        emit: told of progress and of every task's score.
    """

    def __init__(
        self,
        workspace: Workspace,
        respondent: Respondent,
        questions: Questions,
        *,
        force: bool,
        emit: Emit,
    ) -> None:
        """Work out what identifies the model, for all its answers."""
        self.workspace = workspace
        self.respondent = respondent
        self.questions = questions
        self.force = force
        self.emit = emit
        self._model = respondent.identity

    def measure(self) -> Measured:
        """Ask all questions."""
        questions, rows = self.questions, self.questions.rows
        tasks = [self._told(self._benchmark(benchmark)) for benchmark in questions.benchmarks]
        for domain in questions.domains:
            if domain.choices:
                tasks.append(self._told(self._choices(domain)))
            if domain.questions:
                tasks += [self._told(found) for found in self._free_answers(domain)]
        if rows is None:
            return Measured(tuple(tasks), pl.DataFrame(schema=LOSS_SCHEMA))
        losses = self._losses(rows)
        of_parts = (
            loss_answers(rows, losses, decides=questions.text),
            loss_answers(rows, losses, group=OUT_OF_DOMAIN, part=OUTSIDE, decides=False),
        )
        tasks += [self._told(found) for found in of_parts if len(found.frame)]
        return Measured(tuple(tasks), losses)

    def _told(self, found: Answers) -> Answers:
        self.emit(
            TaskScored(
                task=found.info.task,
                model=self.respondent.name,
                metric=found.info.metric,
                score=found.mean,
                items=len(found.frame),
            )
        )
        return found

    def _benchmark(self, benchmark: Benchmark) -> Answers:
        prompting = self.questions.prompting

        def measure(journal: Journal) -> Answers:
            from ..tasks.asking import ask

            with self._harness(benchmark.name, journal) as model:
                return ask(benchmark, model, prompting)

        said = {name: benchmark.metadata.get(name) for name in _SCORING}
        asked: dict[str, Any] = {
            "task": benchmark.name,
            "content": benchmark.content,
            "limit": benchmark.limit,
        }
        if benchmark.task.OUTPUT_TYPE == "generate_until":
            asked |= self._by_engine
        if benchmark.sample is not None:
            asked["sample"] = list(benchmark.sample)
        prompts = {"prompting": prompting.to_json()} if prompting != Prompting() else {}
        # A template that is not used changes nothing.
        unused = () if prompting.apply_chat_template else ("template",)
        return self._cached_answers({**asked, **said, **prompts}, measure, unused)

    @contextmanager
    def _harness(self, task: str, journal: Journal) -> Iterator[Any]:
        """Lend lm-eval's view of the model."""
        emit, label = heard(self.emit), self._label(task)
        model = self.respondent.model
        if isinstance(model, HostedModel) and model.chats:
            from ..hosted.chat import HostedChat

            yield HostedChat(model, journal=journal, emit=emit, label=label)
            return
        from .harness import CausalScorer

        with self.respondent.open() as scorer:
            yield CausalScorer(
                scorer,
                model.tokenizer,
                context=model.context,
                encoded=self.respondent.encoded,
                journal=journal,
                emit=emit,
                label=label,
            )

    def _choices(self, task: DomainTask) -> Answers:
        def measure(journal: Journal) -> Answers:
            total = len(task.sequences)
            with (
                self.respondent.open() as scorer,
                counting(self.emit, self._label(task.info.task), total, "requests") as counter,
            ):
                return ask_choices(task, scorer, counter.advance, journal)

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
            {"task": task.info.task, "items": sha256_of_json([asked, elsewhere])},
            measure,
            ("template",),
        )

    def _free_answers(self, task: DomainTask) -> list[Answers]:
        model = self.respondent.model

        def measure(journal: Journal) -> pl.DataFrame:
            total, label = len(task.questions), self._label(f"{task.info.group} answers")
            with counting(self.emit, label, total, "answers") as counter:
                if isinstance(model, HostedModel) and model.chats:
                    from ..hosted.chat import HostedChat

                    chats = [row.messages[:-1] for row, _ in task.questions]
                    chat = HostedChat(model, journal=journal)
                    texts = chat.say(chats, task.limits, advance=counter.advance)
                else:
                    with self.respondent.open() as scorer:
                        texts = ask_questions(
                            task, scorer, model.tokenizer, counter.advance, journal
                        )
            return pl.DataFrame({"text": texts}, schema={"text": pl.String})

        asked = [
            [asked.prompt, asked.answer[-1], limit] if asked else [list(row.messages[:-1]), limit]
            for (row, asked), limit in zip(task.questions, task.limits, strict=True)
        ]
        named = {"task": f"{task.info.group} answers", "items": sha256_of_json(asked)}
        frame = self._cached_frame(named | self._by_engine, measure)
        return score_texts(task, frame["text"].to_list())

    def _losses(self, rows: LossRows) -> pl.DataFrame:
        def measure(journal: Journal) -> pl.DataFrame:
            with (
                self.respondent.open() as scorer,
                counting(self.emit, self._label("losses"), len(rows.rendered)) as counter,
            ):
                return measure_rows(rows, scorer, counter.advance, journal)

        asked = [
            [place, row.tokens, row.supervised]
            for place, row in zip(rows.places, rows.rendered, strict=True)
        ]
        return self._cached_frame({"task": "losses", "items": sha256_of_json(asked)}, measure)

    @property
    def _by_engine(self) -> dict[str, str]:
        """What free answers have in their key, so that those of two engines never mix."""
        return {"engine": self.respondent.engine} if self.respondent.engine else {}

    def _label(self, task: str) -> str:
        return f"{self.respondent.name}: {task}"

    def _key(self, asked: Mapping[str, Any], unused: Sequence[str]) -> dict[str, Any]:
        model = {name: value for name, value in self._model.items() if name not in unused}
        return {"model": model, "asked": asked}

    def _cached_answers(
        self,
        asked: Mapping[str, Any],
        measure: Callable[[Journal], Answers],
        unused: Sequence[str] = (),
    ) -> Answers:
        key = self._key(asked, unused)
        return cached_answers(self.workspace, key, measure, force=self.force, emit=self.emit)

    def _cached_frame(
        self, asked: Mapping[str, Any], measure: Callable[[Journal], pl.DataFrame]
    ) -> pl.DataFrame:
        # Tokens are asked as they are: the template has done its part.
        key = self._key(asked, ("template",))
        return cached_frame(self.workspace, key, measure, force=self.force, emit=self.emit)
