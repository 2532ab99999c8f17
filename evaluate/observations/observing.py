"""Everything that is shown beside the verdicts, put together."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...workspace.artifact import Workspace
from ...workspace.events import Emit, Note
from ..comparison import Comparison, LocalModel
from ..domain.kinds import LABELS, LONG, AnswerKind
from ..items import DOMAIN, GENERAL, OUT_OF_DOMAIN, Answers
from ..preparation import Prepared
from ..scoring.interview import Interview, Respondent
from ..settings import EvaluateSettings
from ..verdicts.exposure import items_of
from .answers import length_observation, refusal_observation
from .calibration import calibration_observation
from .divergence import (
    divergence_observations,
    domain_passages,
    general_passages,
    measure_divergence,
)
from .labels import confusion, label_observation, labels_of
from .observation import Observation
from .prompted_base import prompted_observations

# Where the free answers stand, whatever they are compared by.
_ANSWERS = "exact-match"


@dataclass(frozen=True, slots=True)
class Beside:
    """What was asked beside the verdicts' questions.

    Attributes:
        divergence: how far the models are apart.
        prompted: the prompted base's answers.
        not_asked: what could not be measured, and why.
    """

    divergence: tuple[Observation, ...] = ()
    prompted: tuple[Answers, ...] = ()
    not_asked: tuple[tuple[str, str], ...] = ()

    def compared(
        self,
        prepared: Prepared,
        pairs: Sequence[tuple[Answers, Answers]],
        settings: EvaluateSettings,
    ) -> list[Observation]:
        """Return all of it as observations, the prompted base against the tuned model."""
        bar = prompted_observations(
            self.prompted,
            [base for base, _ in pairs],
            [tuned for _, tuned in pairs],
            examples=prepared.examples,
            margin=settings.margin_share,
        )
        return [*bar, *self.divergence]


def observations_of_tasks(
    pairs: Sequence[tuple[Answers, Answers]], kind: AnswerKind | None, margin: float
) -> list[Observation]:
    """Return what follows from answers that were given already.

    Args:
        pairs: both models' tasks, with the same items.
        kind: of the split's answers.
        margin: a change of less than this is none.
    """
    found: list[Observation] = []
    for group in (DOMAIN, OUT_OF_DOMAIN):
        labelled = label_pair(pairs, kind, group)
        if labelled is not None:
            found.append(label_observation(*labelled, margin))
        answered = _pair(pairs, f"{group}/{_ANSWERS}")
        if answered is not None:
            found.append(refusal_observation(*answered, margin))
            if kind == LONG:
                found.append(length_observation(*answered, margin))
    for base, tuned in pairs:
        if base.info.group == GENERAL or base.info.task.endswith("/label"):
            calibrated = calibration_observation(base, tuned, margin)
            found += [calibrated] if calibrated is not None else []
    return found


def observe_beside(
    workspace: Workspace,
    comparison: Comparison,
    prepared: Prepared,
    asked: tuple[Respondent, Respondent],
    settings: EvaluateSettings,
    *,
    force: bool,
    emit: Emit,
) -> Beside:
    """Ask what the verdicts do not need: the divergence, and the prompted base."""
    found, why = _divergence(workspace, comparison, prepared, asked, settings, force, emit)
    not_asked = (("divergence", why),) if why else ()
    prompted: tuple[Answers, ...] = ()
    if prepared.prompted is not None:
        emit(Note(text=f"the base is shown {prepared.examples} training rows before each question"))
        interview = Interview(workspace, asked[0], prepared.prompted, force=force, emit=emit)
        prompted = interview.measure().tasks
    return Beside(tuple(found), prompted, not_asked)


def label_pair(
    pairs: Sequence[tuple[Answers, Answers]], kind: AnswerKind | None, group: str
) -> tuple[Answers, Answers] | None:
    """Return the tasks in which labels were chosen, or said freely; None where there are none."""
    chosen = _pair(pairs, f"{group}/label")
    return chosen or (_pair(pairs, f"{group}/{_ANSWERS}") if kind == LABELS else None)


def confusion_facts(pair: tuple[Answers, Answers] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what each model took for what, under the key of ``evaluate.json``."""
    if pair is None:
        return {}, {}
    labels = labels_of(pair[0])
    base, tuned = ({"confusion": confusion(one, labels)} for one in pair)
    return base, tuned


def _divergence(
    workspace: Workspace,
    comparison: Comparison,
    prepared: Prepared,
    asked: tuple[Respondent, Respondent],
    settings: EvaluateSettings,
    force: bool,
    emit: Emit,
) -> tuple[list[Observation], str]:
    """Compare distributions; or say why not."""
    local = isinstance(comparison.base, LocalModel) and isinstance(comparison.tuned, LocalModel)
    if not settings.divergence_items:
        return [], "divergence_items is 0"
    if not local:
        return [], "a hosted model does not tell its distributions"
    if not comparison.same_tokens:
        return [], "the models see other tokens"
    count, seed = settings.divergence_items, settings.seed
    passages = domain_passages(prepared.base.rows, count, seed) if prepared.base.rows else []
    passages += general_passages(
        list(_texts(prepared, count, seed)), comparison.base.tokenizer, comparison.context
    )
    if not passages:
        return [], "there is no text to compare at"
    frame = measure_divergence(workspace, *asked, passages, force=force, emit=emit)
    if not len(frame):
        return [], "the models' vocabularies differ in size"
    return divergence_observations(frame), ""


def _texts(prepared: Prepared, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield name and text of items of the suites, of each suite's tasks as many."""
    benchmarks = [one for one in prepared.base.benchmarks if not one.probe]
    draw = np.random.default_rng(seed)
    for place, benchmark in enumerate(benchmarks):
        asked = min(len(benchmark.task.eval_docs), benchmark.limit or sys.maxsize)
        share = count // len(benchmarks) + (place < count % len(benchmarks))
        numbers = set(draw.choice(asked, min(share, asked), replace=False).tolist())
        for item in items_of(benchmark, numbers):
            text = " ".join(part for part in (item.question, item.answer) if part)
            if text.strip():
                yield f"{benchmark.name}/{item.id}", text


def _pair(pairs: Sequence[tuple[Answers, Answers]], task: str) -> tuple[Answers, Answers] | None:
    return next((pair for pair in pairs if pair[0].info.task == task), None)
