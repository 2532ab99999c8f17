"""A model with a head for labels, which has no base to be compared with, against a plain guess.

The base says words, the tuned model says labels. What the tuned model must beat is the guess
that needs no model: the most frequent label of the training rows, each label with the share that
it has there for its probability. Accuracies are compared row by row as those of two models are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...train.models.base_model import padding_token
from ...train.models.hardware import Hardware
from ...train.models.heads import label_logits, load_head
from ...train.rows.batches import Collator, measuring_batches
from ...train.rows.render import Refused, Rendered, render_prompts
from ...workspace.errors import UsageError
from ...workspace.events import Emit, Note, TaskScored
from ..comparison import Comparison, LocalModel
from ..domain.questions import DomainTask
from ..domain.rows import DomainRow, PartRows, read_part
from ..items import DOMAIN, Answers, TaskInfo, answers
from ..preparation import Prepared
from ..settings import EvaluateSettings
from ..tasks.asking import Prompting
from ..verdicts.losses import LOSS_SCHEMA, TEST, TRAIN, VALIDATION
from .adapters import put_on
from .interview import Measured, Questions
from .pair import BASE, TUNED
from .quiet import quiet

Floats = NDArray[np.float64]
# What the head is about; chance does not enter, since the guess may be far above it.
_INFO = TaskInfo(f"{DOMAIN}/label", DOMAIN, "accuracy", "share", True, None)


def ask_head(
    comparison: Comparison, settings: EvaluateSettings, hardware: Hardware, emit: Emit
) -> tuple[Prepared, Measured, Measured]:
    """Measure a model with a head on the rows of its split, and the guess beside it.

    Args:
        comparison: of a run whose ``labels`` are known.
        settings: how many rows.
        hardware: where the model computes.
        emit: told of what is not asked, and of both scores.

    Returns:
        What was asked, and the answers of the guess and of the tuned model.

    Raises:
        UsageError: the weights cannot be loaded, or no test row has a label of the head.
    """
    assert comparison.split is not None
    tuned = comparison.tuned
    assert isinstance(tuned, LocalModel)
    parts = {name: read_part(comparison.split, name, emit=emit)
             for name in (TRAIN, VALIDATION, TEST)}  # fmt: skip
    shares = _shares(parts[TRAIN], comparison.labels)
    with quiet():
        model = load_labelling(tuned, comparison.labels, hardware)
    padding = padding_token(tuned.tokenizer)
    losses: list[tuple[Any, ...]] = []
    guessed_losses: list[tuple[Any, ...]] = []
    frames: tuple[Answers, Answers] | None = None
    for name, part in parts.items():
        asked = settings.choice_items if name == TEST else settings.overfitting_items
        rows, prompts = _known_rows(part, comparison, tuned, min(asked, settings.limit or asked))
        if not rows:
            continue
        found = _log_probabilities(model, prompts, padding)
        gold = np.array([comparison.labels.index(str(row.label)) for row in rows])
        for row, values, label in zip(rows, found, gold, strict=True):
            losses.append((name, row.row, -float(values[label]), None, None))
            guessed_losses.append((name, row.row, -float(np.log(shares[label])), None, None))
        if name == TEST:
            guess = np.broadcast_to(np.log(shares), found.shape)
            frames = _answers(rows, guess, comparison), _answers(rows, found, comparison)
    if frames is None:
        raise UsageError(
            "no test row has a label of the head",
            where=str(comparison.split.folder),
            fix="split with a larger share for test",
        )
    best = comparison.labels[int(np.argmax(shares))]
    not_asked = (
        ("base", f"a head has no base to compare with: what stands for it always answers {best!r}, "
                 "the most frequent label of the training rows, with the labels' shares as its "
                 "probabilities"),
        ("suites", "a model with a head for labels writes no text"),
        ("divergence, prompted base", "neither is there for a model that writes no text"),
    )  # fmt: skip
    for what, why in not_asked:
        emit(Note(text=f"{what}: {why}"))
    for name, one in zip((BASE, TUNED), frames, strict=True):
        scored = TaskScored(task=_INFO.task, model=name, metric=_INFO.metric, score=one.mean,
                            items=len(one.frame))  # fmt: skip
        emit(scored)
    task = DomainTask(
        _INFO, (), {}, (), (), {"without a label of the head": _unknown(parts[TEST], comparison)}
    )
    questions = Questions((), Prompting(), domains=(task,))
    return (
        Prepared(questions, questions, not_asked),
        Measured((frames[0],), _frame(guessed_losses)),
        Measured((frames[1],), _frame(losses)),
    )


def load_labelling(tuned: LocalModel, labels: Sequence[str], hardware: Hardware) -> Any:
    """Load a model with a head for labels.

    Raises:
        UsageError: the weights cannot be loaded, or the adapter is not one for them.
    """
    model = load_head(
        tuned.weights,
        hardware,
        labels,
        padding=padding_token(tuned.tokenizer),
        trust_remote_code=tuned.trust_remote_code,
        quantize=tuned.quantize,
    )
    return (put_on(model, tuned.adapter) if tuned.adapter else model).eval()


def _shares(part: PartRows, labels: Sequence[str]) -> Floats:
    """Return each label's share of the training rows; one that is not there counts once."""
    counts = Counter(row.label for row in part.rows)
    found = np.array([max(1, counts[label]) for label in labels], dtype=np.float64)
    return found / found.sum()


def _known_rows(
    part: PartRows, comparison: Comparison, tuned: LocalModel, count: int
) -> tuple[list[DomainRow], list[list[int]]]:
    """Return rows with a label of the head, and their prompts as they were trained on."""
    known = [row for row in part.sample(count, 0) if row.label in comparison.labels]
    prompts = render_prompts(tuned.tokenizer, [row.messages[:-1] for row in known])
    room = (comparison.max_length or comparison.context) - 1
    pairs = [
        (row, prompt[:room])
        for row, prompt in zip(known, prompts, strict=True)
        if not isinstance(prompt, Refused)
    ]
    return [row for row, _ in pairs], [prompt for _, prompt in pairs]


def _unknown(part: PartRows, comparison: Comparison) -> int:
    return part.skipped + sum(row.label not in comparison.labels for row in part.rows)


def _log_probabilities(model: Any, prompts: Sequence[list[int]], padding: int) -> Floats:
    """Return log-probabilities of the labels, shape (prompts, labels)."""
    import torch

    # As in training, a place after the prompt stands for the label; its number does not matter.
    rows = [Rendered([*prompt, 0], [False] * len(prompt) + [True]) for prompt in prompts]
    found: dict[int, Floats] = {}
    collate = Collator(padding)
    with torch.inference_mode():
        for numbers in measuring_batches([len(row.tokens) for row in rows], 1, model.device.type):
            batch = collate([rows[number] for number in numbers])
            inputs = {name: tensor.to(model.device) for name, tensor in batch.items()}
            values = torch.log_softmax(label_logits(model, inputs).double(), dim=-1).cpu().numpy()
            found.update(zip(numbers, values, strict=True))
    return np.stack([found[number] for number in range(len(rows))])


def _answers(rows: Sequence[DomainRow], found: Floats, comparison: Comparison) -> Answers:
    chosen = found.argmax(axis=1)
    items: list[Mapping[str, Any]] = [
        {
            "item": str(row.row),
            "cluster": row.cluster,
            "score": float(comparison.labels[place] == row.label),
            "prompt": row.prompt,
            "expected": row.label,
            "choices": list(comparison.labels),
            "output": comparison.labels[place],
            "log_likelihoods": values.tolist(),
        }
        for row, place, values in zip(rows, chosen.tolist(), found, strict=True)
    ]
    return answers(_INFO, items)


def _frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LOSS_SCHEMA, orient="row")
