"""The domain, asked from the split's own test part.

**`domain/answer-choice` decides.** The model sees a row's question, rendered as in training, and
four answers: the row's own, and three of other test rows of like length. It chooses the one that
the question makes most probable: whose probability after this question is the largest multiple
of its mean probability after other questions of the domain. Chance is one in four.

Loss and word overlap do not decide, because both reward style: a model that has learned how
answers begin, how long they are and how they greet gains in both, whatever it knows. Here style
cannot help. The distractors come from the same split and have the same style; and what makes an
answer likely after *any* question (its greeting, its length, how common its words are) is taken
out by the division. What is left, as a logarithm, is the pointwise mutual information of question
and answer within the domain (Holtzman et al. 2021, "Surface Form Competition"). A model tuned on
shuffled answers learns the style perfectly and gains nothing.

Rows with labels are asked for the label among all labels instead (`domain/label`). Texts without
a question have no style apart from their content; there the loss decides.

What is shown beside, for the rows' greedy answers: exact match, token F1 and ROUGE-L, and what
belongs to the kind of answers (:mod:`.kinds`, :mod:`.text_measures`), by Hugging Face's `evaluate`
from the files in ``metrics/``, which needs no network; and the user's own metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...curate.records import CLASSIFICATION, TEXT
from ...train.rows.render import ASSISTANT
from ..items import DOMAIN, Answers, TaskInfo, answers
from ..scoring.generation import Wanted
from ..scoring.journal import Journal
from ..verdicts.measures import Kind
from .choices import answer_choices
from .kinds import SHORT
from .rows import Asked, DomainRow, PartRows, render_answers
from .text_measures import METRICS, TextMeasure, text_measures

if TYPE_CHECKING:
    from ..scoring.scorer import Scorer

# Other questions after which an answer is scored, to know how likely it is anyway.
_REFERENCES = 8
_ROOM = 2
_LEAST_ROOM = 16


@dataclass(frozen=True, slots=True)
class ChoiceItem:
    """A question with its choices, as tokens."""

    row: DomainRow
    choices: tuple[str, ...]
    gold: int
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class DomainTask:
    """What both models are asked about the domain.

    Attributes:
        info: the task that decides.
        choices: its items.
        elsewhere: each answer after other questions; empty where choices are compared as they are.
        questions: rows to answer freely, with their tokens where the model takes tokens.
        limits: for each of them, the most tokens of an answer.
        left_out: how many rows were left out, by reason.
        measures: by what the free answers are compared with the rows' own.
    """

    info: TaskInfo
    choices: tuple[ChoiceItem, ...]
    elsewhere: Mapping[str, tuple[Asked, ...]]
    questions: tuple[tuple[DomainRow, Asked | None], ...]
    limits: tuple[int, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    measures: tuple[TextMeasure, ...] = text_measures(SHORT)

    @property
    def sequences(self) -> tuple[Asked, ...]:
        """Everything to score for the choices: each in its place, then each elsewhere."""
        own = [asked for item in self.choices for asked in item.asked]
        return (*own, *(asked for group in self.elsewhere.values() for asked in group))


def domain_task(
    part: PartRows,
    tokenizer: Any,
    *,
    choice_items: int,
    generated_items: int,
    answer_tokens: int,
    context: int,
    seed: int,
    labels: Sequence[str] = (),
    group: str = DOMAIN,
    measures: tuple[TextMeasure, ...] = text_measures(SHORT),
) -> DomainTask:
    """Make the domain's items from the test part, or from the part outside the domain.

    Args:
        part: the part; only the domain's own decides.
        tokenizer: with the template that was trained with; None for a model that takes messages
            as they are, which is asked no choices.
        choice_items: rows to ask with choices, at most.
        generated_items: rows to ask for a free answer, at most.
        answer_tokens: tokens of a free answer, at most.
        context: tokens that the model sees.
        seed: of the samples and distractors.
        labels: all labels that occur, for rows with labels.
        group: what the tasks' names begin with.
        measures: by what free answers are compared with the rows' own.
    """
    left_out = {"no answer to ask for": part.skipped}
    classified = part.kind == CLASSIFICATION
    if part.kind == TEXT:
        choice_items = generated_items = 0
    if tokenizer is None:
        choice_items = 0
    asked_rows = part.sample(choice_items, seed)
    known = sorted({*labels, *(row.label for row in part.rows if row.label is not None)})
    if classified:
        found = [
            (row, tuple(known), known.index(row.label))
            for row in asked_rows
            if row.label is not None and len(known) > 1
        ]
    else:
        drawn = answer_choices(part.rows, asked_rows, seed=seed)
        found = [(choice.row, choice.answers, choice.gold) for choice in drawn]
    left_out["too few other answers"] = len(asked_rows) - len(found)
    items = _render_choices(found, tokenizer, context) if found else []
    elsewhere: dict[str, tuple[Asked, ...]] = {}
    if items and not classified:
        elsewhere = _render_elsewhere(part, items, tokenizer, context, seed)
    if not classified:
        # An answer that fits after no other question cannot be compared with one that does.
        items = [item for item in items if all(choice in elsewhere for choice in item.choices)]
    left_out["longer than the model's context"] = len(found) - len(items)
    number = len(items[0].choices) if items else 1
    info = TaskInfo(
        task=f"{group}/label" if classified else f"{group}/answer-choice",
        group=group,
        metric="accuracy",
        kind="share",
        higher_is_better=True,
        chance=1 / number,
        decides=group == DOMAIN,
    )
    questions, limits = _questions(part, tokenizer, generated_items, answer_tokens, context, seed)
    return DomainTask(info, tuple(items), elsewhere, questions, limits, left_out, measures)


def ask_choices(
    task: DomainTask, scorer: Scorer, advance: Callable[[int], None], journal: Journal | None = None
) -> Answers:
    """Let a model choose; see the module's text for how."""
    tokens = [asked.tokens for asked in task.sequences]
    starts = [asked.start for asked in task.sequences]
    sums = scorer.score(tokens, starts, journal=journal, advance=advance).sums()
    own = sum(len(item.choices) for item in task.choices)
    usual = _usual(task.elsewhere, sums[own:])
    rows: list[dict[str, Any]] = []
    begin = 0
    for item in task.choices:
        values = sums[begin : begin + len(item.choices)]
        begin += len(item.choices)
        gained = values - [usual[choice] if usual else 0.0 for choice in item.choices]
        place = int(np.argmax(gained))
        rows.append(
            {
                "item": str(item.row.row),
                "cluster": item.row.cluster,
                "score": float(place == item.gold),
                "prompt": item.row.prompt,
                "expected": item.choices[item.gold],
                "choices": list(item.choices),
                "output": item.choices[place],
                "log_likelihoods": values.tolist(),
            }
        )
    return answers(task.info, rows)


def ask_questions(
    task: DomainTask,
    scorer: Scorer,
    tokenizer: Any,
    advance: Callable[[int], None],
    journal: Journal | None = None,
) -> list[str]:
    """Let a model answer freely; returns a text for each question."""
    asked = [tokens for _, tokens in task.questions if tokens is not None]
    found = scorer.answer(
        [tokens.prompt for tokens in asked],
        task.limits,
        tokenizer,
        Wanted(ends=frozenset(tokens.answer[-1] for tokens in asked)),
        journal=journal,
        advance=advance,
    )
    return [text.strip() for text in found]


def score_texts(task: DomainTask, texts: Sequence[str]) -> list[Answers]:
    """Compare free answers with the rows' own, one task a metric; none of them decides."""
    if not texts:
        return []
    references = [row.answer for row, _ in task.questions]
    scored: list[Answers] = []
    for measure in task.measures:
        scores = measure.score(list(texts), references)
        group = task.info.group
        kind: Kind = "share" if all(0 <= score <= 1 for score in scores) else "loss"
        info = TaskInfo(
            task=f"{group}/{measure.name}",
            group=group,
            metric=measure.metric,
            kind=kind,
            higher_is_better=measure.higher_is_better,
            chance=None,
            decides=False,
        )
        rows = [
            {
                "item": str(row.row),
                "cluster": row.cluster,
                "score": score,
                "prompt": row.prompt,
                "expected": row.answer,
                "output": text,
            }
            for (row, _), score, text in zip(task.questions, scores, texts, strict=True)
        ]
        scored.append(answers(info, rows))
    return scored


def label_facts(task: DomainTask, found: Sequence[Answers]) -> dict[str, Any]:
    """Return macro-F1 and the F1 of each label, for rows with labels; else nothing."""
    import evaluate

    chosen = next((one.frame for one in found if one.info == task.info), None)
    if task.elsewhere or chosen is None:
        return {}
    measure = evaluate.load(str(METRICS / "macro_f1.py"), keep_in_memory=True)
    result: Any = measure.compute(
        predictions=chosen["output"].to_list(), references=chosen["expected"].to_list()
    )
    return {"macro_f1": result["macro_f1"], "by_label": result["by_label"]}


def _render_choices(
    found: Sequence[tuple[DomainRow, tuple[str, ...], int]], tokenizer: Any, context: int
) -> list[ChoiceItem]:
    """Render every question with each of its choices; those that do not fit are left out."""
    conversations = [
        [*row.messages[:-1], {"role": ASSISTANT, "content": choice}]
        for row, choices, _ in found
        for choice in choices
    ]
    rendered = iter(render_answers(tokenizer, conversations))
    items: list[ChoiceItem] = []
    for row, choices, gold in found:
        asked = [one for _ in choices if (one := next(rendered)) is not None]
        if len(asked) == len(choices) and max(len(one.tokens) for one in asked) <= context:
            items.append(ChoiceItem(row, choices, gold, tuple(asked)))
    return items


def _render_elsewhere(
    part: PartRows, items: Sequence[ChoiceItem], tokenizer: Any, context: int, seed: int
) -> dict[str, tuple[Asked, ...]]:
    """Render each answer after other questions, none of them a question that it answers."""
    asked_elsewhere = [row for row in part.sample(_REFERENCES, seed + 1) if row.answer.strip()]
    pairs = [
        (answer, row)
        for answer in dict.fromkeys(choice for item in items for choice in item.choices)
        for row in asked_elsewhere
        if row.answer != answer
    ]
    rendered = render_answers(
        tokenizer,
        [[*row.messages[:-1], {"role": ASSISTANT, "content": answer}] for answer, row in pairs],
    )
    found: dict[str, list[Asked]] = {}
    for (answer, _), asked in zip(pairs, rendered, strict=True):
        if asked is not None and len(asked.tokens) <= context:
            found.setdefault(answer, []).append(asked)
    return {answer: tuple(group) for answer, group in found.items()}


def _usual(elsewhere: Mapping[str, tuple[Asked, ...]], sums: np.ndarray) -> dict[str, float]:
    """Return the logarithm of each answer's mean probability after other questions."""
    ends = np.cumsum([len(group) for group in elsewhere.values()])
    parts = np.split(sums, ends[:-1]) if len(ends) else []
    return {
        answer: float(np.logaddexp.reduce(part) - np.log(len(part)))
        for answer, part in zip(elsewhere, parts, strict=True)
    }


def _questions(
    part: PartRows, tokenizer: Any, count: int, answer_tokens: int, context: int, seed: int
) -> tuple[tuple[tuple[DomainRow, Asked | None], ...], tuple[int, ...]]:
    """Return rows to answer freely, and how long each answer may become.

    An answer gets twice the room of the row's own: what is longer is wrong anyway.
    """
    rows = [row for row in part.sample(count, seed) if row.answer.strip()]
    if tokenizer is None:
        return tuple((row, None) for row in rows), (answer_tokens,) * len(rows)
    questions: list[tuple[DomainRow, Asked | None]] = []
    limits: list[int] = []
    for row, asked in zip(
        rows, render_answers(tokenizer, [row.messages for row in rows]), strict=True
    ):
        if asked is None:
            continue
        room = max(_LEAST_ROOM, _ROOM * len(asked.answer))
        limit = min(answer_tokens, room, context - asked.start)
        if limit > 0:
            questions.append((row, asked))
            limits.append(limit)
    return tuple(questions), tuple(limits)
