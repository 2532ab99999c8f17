"""What both models are asked: the suites, the rows of the split, and what has to be left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..curate.records import CLASSIFICATION, TEXT
from ..workspace.artifact import Workspace
from ..workspace.errors import UsageError
from ..workspace.events import Emit, Note
from ..workspace.files import sha256_of_file
from ..workspace.manifest import Input
from .comparison import Comparison, Model
from .domain.kinds import AnswerKind, answer_kind
from .domain.prompted import PROMPTED, draw_examples, prompted_part
from .domain.questions import DomainTask, domain_task
from .domain.rows import PartRows, read_part
from .domain.text_measures import TextMeasure, read_schema, schema_file, text_measures
from .domain.user_metric import metric_file, user_measure
from .hosted.endpoint import HostedModel
from .items import DOMAIN, OUT_OF_DOMAIN, QUICK
from .scoring.interview import Questions
from .settings import EvaluateSettings
from .tasks.asking import Prompting
from .tasks.files import BUNDLED, files_of
from .tasks.quick import quick_text
from .tasks.suites import Benchmark, load_benchmarks
from .verdicts.losses import OUTSIDE, TEST, TRAIN, VALIDATION, LossRows, loss_rows

_PARTS = (TRAIN, VALIDATION, TEST)
PROMPTED_BASE = PROMPTED.replace("-", " ")
# What the domain's other tasks are called.
_TAKEN = frozenset({"answer-choice", "label", "loss"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """The questions for each model, and what is not asked.

    Attributes:
        base: for the base.
        tuned: for the tuned model; the same unless it sees other tokens.
        not_asked: what was left out, and why.
        answers: the kind of the split's answers; None without a split.
        prompted: for the base, with examples before each question; None where it is not asked.
        examples: how many examples these are.
    """

    base: Questions
    tuned: Questions
    not_asked: tuple[tuple[str, str], ...]
    answers: AnswerKind | None = None
    prompted: Questions | None = None
    examples: int = 0


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
    if QUICK in settings.suites:
        not_asked.append(("most items of the general suite", quick_text(len(files_of(BUNDLED)))))
    chats = [model for model in (comparison.base, comparison.tuned) if _chats(model)]
    if chats:
        benchmarks = _answered_freely(benchmarks, not_asked)
    common = Questions(tuple(benchmarks), _prompting(settings, chats=bool(chats), emit=emit))
    base = common
    split = None
    if comparison.split is None:
        not_asked.append((DOMAIN, "no split is given; name one with --split"))
    else:
        split = _of_split(workspace, comparison, settings, common, not_asked, emit)
        base = split.base
    if not benchmarks and not base.domains and base.rows is None:
        reasons = "; ".join(f"{what}: {why}" for what, why in not_asked)
        raise UsageError(f"there is nothing to ask ({reasons})", fix="name a --suite or a --split")
    for what, why in not_asked:
        emit(Note(text=f"{what}: {why}"))
    if settings.limit:
        emit(Note(text=f"only the first {settings.limit:,} items of each task are asked"))
    return replace(split or Prepared(common, common, ()), not_asked=tuple(not_asked))


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
    workspace: Workspace,
    comparison: Comparison,
    settings: EvaluateSettings,
    common: Questions,
    not_asked: list[tuple[str, str]],
    emit: Emit,
) -> Prepared:
    """Add the rows of the split to the questions, rendered for each model."""
    assert comparison.split is not None
    names = (*_PARTS, OUTSIDE)
    parts = {name: read_part(comparison.split, name, emit=emit) for name in names}
    common = replace(common, text=parts[TEST].kind == TEXT)
    models = [comparison.base]
    if not comparison.same_tokens:
        models.append(comparison.tuned)
    asked: list[Questions] = []
    kind = _kind(parts, settings)
    measures = _measures(kind, settings, workspace.root, emit)
    for model in models:
        domains = _domains(parts, comparison, model, settings, measures)
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
    prompted, examples = _prompted(parts, comparison, settings, asked[0], not_asked)
    return Prepared(asked[0], asked[-1], (), kind, prompted, examples)


def _prompted(
    parts: Mapping[str, PartRows],
    comparison: Comparison,
    settings: EvaluateSettings,
    plain: Questions,
    not_asked: list[tuple[str, str]],
) -> tuple[Questions | None, int]:
    """Put examples before the domain's questions, for the base; also returns how many."""
    if not settings.prompted_base:
        why = "it costs another round of the domain's questions; --prompted-base 3 asks it"
        not_asked.append((PROMPTED_BASE, why))
        return None, 0
    task, tokenizer = plain.domains[0], comparison.base.tokenizer
    examples = draw_examples(
        parts[TRAIN],
        parts[TEST],
        task,
        tokenizer,
        count=settings.prompted_base,
        context=comparison.context,
        seed=settings.seed,
    )
    if plain.text or not examples.rows:
        why = "texts have no questions" if plain.text else "no training row fits beside a question"
        not_asked.append((PROMPTED_BASE, why))
        return None, 0
    part = prompted_part(parts[TEST], examples)
    behind = _domain(part, parts, comparison, comparison.base, settings, task.measures, PROMPTED)
    if not behind.choices and not behind.questions:
        not_asked.append((PROMPTED_BASE, "no question fits behind the examples"))
        return None, 0
    return replace(plain, benchmarks=(), domains=(behind,), rows=None), len(examples.rows)


def _kind(parts: Mapping[str, PartRows], settings: EvaluateSettings) -> AnswerKind:
    """Return the kind of the split's answers, detected from all of them unless it is said."""
    if settings.answers != "auto":
        return settings.answers
    rows = [row for name in (TRAIN, TEST) for row in parts[name].rows]
    classified = parts[TEST].kind == CLASSIFICATION
    return answer_kind([row.answer for row in rows], classified=classified)


def _measures(
    kind: AnswerKind, settings: EvaluateSettings, root: Path, emit: Emit
) -> tuple[TextMeasure, ...]:
    """Return what free answers are compared by; the user's own metrics are run for it."""
    schema = read_schema(schema_file(settings.schema, root)) if settings.schema else None
    found = list(text_measures(kind, schema))
    for name in dict.fromkeys(settings.metrics):
        path = metric_file(name, root)
        emit(Note(text=f"the metric {name} runs the code of {path}", level="warning"))
        measure = user_measure(path)
        if measure.name in _TAKEN.union(one.name for one in found):
            raise UsageError(
                f"two measures of the domain are called {measure.name}",
                where=f"--metric {name}",
                fix="give the file another name",
            )
        found.append(measure)
    return tuple(found)


def measure_inputs(settings: EvaluateSettings, root: Path) -> list[Input]:
    """Fingerprint the files that the domain's measures come from.

    Args:
        settings: which metrics, and which schema.
        root: relative paths start here.

    Raises:
        UsageError: there is no such metric or schema.
    """
    files = {f"metric {name}": metric_file(name, root) for name in dict.fromkeys(settings.metrics)}
    if settings.schema:
        files["schema"] = schema_file(settings.schema, root)
    return [Input(name, sha256_of_file(path), str(path)) for name, path in files.items()]


def _domains(
    parts: dict[str, PartRows],
    comparison: Comparison,
    model: Model,
    settings: EvaluateSettings,
    measures: tuple[TextMeasure, ...],
) -> tuple[DomainTask, ...]:
    asked = {TEST: DOMAIN, **({OUTSIDE: OUT_OF_DOMAIN} if parts[OUTSIDE].rows else {})}
    return tuple(
        _domain(parts[name], parts, comparison, model, settings, measures, group)
        for name, group in asked.items()
    )


def _domain(
    part: PartRows,
    parts: Mapping[str, PartRows],
    comparison: Comparison,
    model: Model,
    settings: EvaluateSettings,
    measures: tuple[TextMeasure, ...],
    group: str,
) -> DomainTask:
    """Make a part's questions for a model; all labels of the split are choices."""
    most = min(settings.limit or settings.choice_items, settings.choice_items)
    chats = _chats(comparison.base) or _chats(comparison.tuned)
    return domain_task(
        part,
        model.tokenizer,
        choice_items=0 if chats else most,
        generated_items=min(most, settings.generated_items),
        answer_tokens=settings.answer_tokens,
        context=comparison.context,
        seed=settings.seed,
        labels=_labels(parts.values()),
        group=group,
        measures=measures,
    )


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
