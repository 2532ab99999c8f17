"""What both models are asked: the suites, the rows of the split, and what has to be left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..curate.records import TEXT
from ..workspace.artifact import Workspace
from ..workspace.errors import UsageError
from ..workspace.events import Emit, Note
from .comparison import Comparison, Model
from .domain.questions import DomainTask, domain_task
from .domain.rows import PartRows, read_part
from .hosted.endpoint import HostedModel
from .items import DOMAIN, OUT_OF_DOMAIN
from .scoring.interview import Questions
from .settings import EvaluateSettings
from .tasks.asking import Prompting
from .tasks.suites import Benchmark, load_benchmarks
from .verdicts.losses import OUTSIDE, TEST, TRAIN, VALIDATION, LossRows, loss_rows

_PARTS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The questions for each model, and what is not asked.

    Attributes:
        base: for the base.
        tuned: for the tuned model; the same unless it sees other tokens.
        not_asked: what was left out, and why.
    """

    base: Questions
    tuned: Questions
    not_asked: tuple[tuple[str, str], ...]


def prepare(
    workspace: Workspace, comparison: Comparison, settings: EvaluateSettings, emit: Emit
) -> Prepared:
    """Choose and render everything that is asked.

    Raises:
        UsageError: a suite is unknown, or nothing is left to ask.
        DataError: a benchmark or a part of the split is broken.
    """
    not_asked: list[tuple[str, str]] = []
    benchmarks = load_benchmarks(
        settings.suites,
        workspace.root,
        limit=settings.limit,
        num_fewshot=settings.num_fewshot,
        emit=emit,
    )
    chats = [model for model in (comparison.base, comparison.tuned) if _chats(model)]
    if chats:
        benchmarks = _answered_freely(benchmarks, not_asked)
    common = Questions(tuple(benchmarks), _prompting(settings, chats=bool(chats), emit=emit))
    base = tuned = common
    if comparison.split is None:
        not_asked.append((DOMAIN, "no split is given; name one with --split"))
    else:
        base, tuned = _of_split(comparison, settings, common, not_asked, emit)
    if not benchmarks and not base.domains and base.rows is None:
        reasons = "; ".join(f"{what}: {why}" for what, why in not_asked)
        raise UsageError(f"there is nothing to ask ({reasons})", fix="name a --suite or a --split")
    for what, why in not_asked:
        emit(Note(text=f"{what}: {why}"))
    if settings.limit:
        emit(Note(text=f"only the first {settings.limit:,} items of each task are asked"))
    return Prepared(base, tuned, tuple(not_asked))


def _chats(model: Model) -> bool:
    return isinstance(model, HostedModel) and model.chats


def _answered_freely(
    benchmarks: Iterable[Benchmark], not_asked: list[tuple[str, str]]
) -> list[Benchmark]:
    """Leave out the tasks that need probabilities, which a chat endpoint does not tell."""
    kept: list[Benchmark] = []
    for benchmark in benchmarks:
        if benchmark.task.OUTPUT_TYPE == "generate_until":
            kept.append(benchmark)
        else:
            why = "a chat endpoint gives no probabilities; a completions endpoint would"
            not_asked.append((benchmark.name, why))
    return kept


def _prompting(settings: EvaluateSettings, *, chats: bool, emit: Emit) -> Prompting:
    applied = settings.apply_chat_template or chats
    if applied and not settings.apply_chat_template:
        emit(Note(text="a chat endpoint takes messages, so both models get the chat template"))
    multiturn = applied and settings.fewshot_as_multiturn
    return Prompting(applied, multiturn, settings.system_instruction)


def _of_split(
    comparison: Comparison,
    settings: EvaluateSettings,
    common: Questions,
    not_asked: list[tuple[str, str]],
    emit: Emit,
) -> tuple[Questions, Questions]:
    """Add the rows of the split to the questions, rendered for each model."""
    assert comparison.split is not None
    names = (*_PARTS, OUTSIDE)
    parts = {name: read_part(comparison.split, name, emit=emit) for name in names}
    common = replace(common, text=parts[TEST].kind == TEXT)
    models = [comparison.base]
    if not comparison.same_tokens:
        models.append(comparison.tuned)
    asked: list[Questions] = []
    for model in models:
        domains = _domains(parts, comparison, model, settings)
        rows = _rows(parts, comparison, settings) if comparison.same_tokens else None
        asked.append(replace(common, domains=domains, rows=rows))
    for domain in asked[0].domains:
        for reason, count in domain.left_out.items():
            if count:
                text = f"{domain.info.group}: {count:,} rows are left out: {reason}"
                emit(Note(text=text))
    if not comparison.same_tokens:
        why = "the models see other tokens, so that losses per token cannot be compared"
        if any(isinstance(model, HostedModel) for model in (comparison.base, comparison.tuned)):
            why = "a hosted model does not tell what the losses on rows are judged by"
        not_asked.append(("losses and overfitting", why))
    elif not parts[VALIDATION].rows:
        text = (
            "no validation: the split has no usable rows for val; overfitting is judged by the "
            "test rows alone"
        )
        emit(Note(text=text))
    if any(_chats(model) for model in models) and not common.text:
        why = "a chat endpoint gives no probabilities; the rows are answered freely instead"
        not_asked.append((f"{DOMAIN}/answer-choice", why))
    return asked[0], asked[-1]


def _domains(
    parts: dict[str, PartRows], comparison: Comparison, model: Model, settings: EvaluateSettings
) -> tuple[DomainTask, ...]:
    most = min(settings.limit or settings.choice_items, settings.choice_items)
    chats = _chats(comparison.base) or _chats(comparison.tuned)

    def make(name: str, group: str) -> DomainTask:
        return domain_task(
            parts[name],
            model.tokenizer,
            choice_items=0 if chats else most,
            generated_items=min(most, settings.generated_items),
            answer_tokens=settings.answer_tokens,
            context=comparison.context,
            seed=settings.seed,
            labels=_labels(parts.values()),
            group=group,
        )

    outside = (make(OUTSIDE, OUT_OF_DOMAIN),) if parts[OUTSIDE].rows else ()
    return (make(TEST, DOMAIN), *outside)


def _rows(
    parts: dict[str, PartRows], comparison: Comparison, settings: EvaluateSettings
) -> LossRows:
    tokenizer: Any = comparison.tuned.tokenizer
    return loss_rows(
        tuple(parts.values()),
        tokenizer,
        count=settings.overfitting_items,
        max_length=min(comparison.max_length or comparison.context, comparison.context),
        seed=settings.seed,
    )


def _labels(parts: Iterable[PartRows]) -> list[str]:
    """Return all labels that occur in the split."""
    return sorted({row.label for part in parts for row in part.rows if row.label is not None})
