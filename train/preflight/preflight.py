"""What a run is going to do, worked out and shown before its first step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ...workspace.errors import UsageError
from ...workspace.events import Emit, Note
from ..recipe import Recipe
from ..rows.supervision import Part, count_refusals

# The field's rules of thumb: outside of these ranges a run is rarely what was meant.
_USUAL_LEARNING_RATES = {
    "lora": (1e-5, 5e-3),
    "prefix": (1e-4, 5e-1),
    "ia3": (1e-4, 5e-2),
    "full": (1e-7, 3e-4),
}
_REASONS_TOLD = 3
_FEW_ROWS = 100
_FEW_STEPS = 50
_MANY_EPOCHS = 5
_LITTLE_DATA = 1000
_FEWEST_MEASURED, _MOST_MEASURED = 64, 1000
# Learning from a row costs about three times as much as measuring it.
_MEASURED_PER_TRAINED = 0.5


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps of a run.

    Attributes:
        steps_per_epoch: optimizer steps in one pass over the training rows.
        steps: optimizer steps in all.
        warmup_steps: those over which the learning rate rises.
        eval_every: steps between validations; there is one after the last step, too.
    """

    steps_per_epoch: int
    steps: int
    warmup_steps: int
    eval_every: int


def plan(rows: int, recipe: Recipe) -> Schedule:
    """Work out the steps of a run over so many training rows, or sequences of packed rows.

    Example:
        >>> plan(800, Recipe(batch_size=8, epochs=2))
        Schedule(steps_per_epoch=100, steps=200, warmup_steps=10, eval_every=20)
    """
    batches = math.ceil(rows / recipe.batch_size)
    steps_per_epoch = math.ceil(batches / recipe.gradient_accumulation)
    steps = math.ceil(steps_per_epoch * recipe.epochs)
    return Schedule(
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        warmup_steps=min(steps, recipe.warmup_steps)
        if recipe.warmup_steps is not None
        else int(steps * recipe.warmup),
        eval_every=recipe.eval_every or math.ceil(steps / 10),
    )


def rows_to_measure(rows: int, recipe: Recipe, schedule: Schedule) -> int:
    """Return how many rows of the validation part are measured each time.

    Args:
        rows: training rows.
        recipe: where it does not say, the rows are bounded by what the training costs.
        schedule: tells how often there is a validation.
    """
    if recipe.eval_rows is not None:
        return recipe.eval_rows
    validations = schedule.steps // schedule.eval_every + 2
    affordable = int(_MEASURED_PER_TRAINED * rows * recipe.epochs / validations)
    return min(max(affordable, _FEWEST_MEASURED), _MOST_MEASURED)


def check_parts(train: Part, val: Part, recipe: Recipe) -> None:
    """Check that there is something to learn from, and to choose the best checkpoint by.

    A split without rows for val is one that is trained on without validation.

    Raises:
        UsageError: there are no training rows, or every row of a part that is needed was refused.
    """
    if not train.rows:
        raise UsageError(
            _none_left(train),
            where="the split's train.jsonl",
            fix="look at `tunewise audit --checks tokens/no-supervision`, at the shape that the "
            "data was read as, and at max_length",
        )
    needs_validation = recipe.keep == "best" or recipe.early_stopping_patience
    if not val.rows and len(val.supervision) and needs_validation:
        raise UsageError(
            _none_left(val) + ", so there is nothing to choose the best checkpoint by",
            where="the split's val.jsonl",
            fix="split with a larger share for val, or set keep = 'last' without "
            "early_stopping_patience",
        )


def announce(
    train: Part, replayed: int, val: Part, schedule: Schedule, examples: list[str], emit: Emit
) -> None:
    """Tell what will be learned, from how much, and how the rows look."""
    tokens, supervised = train.total("tokens"), train.total("supervised")
    general = f", with {amount(replayed, 'row')} of replay an epoch" if replayed else ""
    validating = f"validating on {amount(len(val.rows), 'row')}" if val.rows else "no validation"
    emit(
        Note(
            text=f"training on {amount(len(train.rows), 'row')} with {tokens:,} tokens, of which "
            f"{supervised:,} ({supervised / tokens:.0%}) are learned{general}; {validating}; "
            f"{amount(schedule.steps, 'step')}, {schedule.steps_per_epoch:,} an epoch"
        )
    )
    for example in examples:
        emit(Note(text=example))


def warnings_of(train: Part, val: Part, recipe: Recipe, schedule: Schedule) -> Iterator[str]:
    """Yield what a person should know before the run: losses of data, and unusual settings."""
    for part in (train, val):
        if count := len(part.refused):
            verb = "is" if count == 1 else "are"
            yield f"{amount(count, 'row')} of {part.name} {verb} not used: {_reasons(part)}"
    if not len(val.supervision):
        yield "the split has no rows for val: there is no validation, and the last state is kept"
    if not len(val.supervision) and recipe.early_stopping_patience:
        yield "early_stopping_patience has no effect without validation"
    truncated, lost = train.total("truncated"), train.total("lost_supervised")
    if truncated:
        yield (
            f"{amount(truncated, 'row')} longer than {recipe.max_length:,} tokens cut off; "
            f"{amount(lost, 'token')} that were to be learned are lost"
        )
    if len(train.rows) < _FEW_ROWS:
        few = amount(len(train.rows), "row")
        yield f"only {few} to learn from: try prompting with examples first"
    if schedule.steps < _FEW_STEPS:
        few = amount(schedule.steps, "step")
        yield f"only {few}: a smaller batch or more epochs would learn more"
    if recipe.epochs > _MANY_EPOCHS and len(train.rows) < _LITTLE_DATA:
        yield f"{recipe.epochs:g} epochs over {amount(len(train.rows), 'row')} invite memorising"
    low, high = _USUAL_LEARNING_RATES[recipe.method]
    if not low <= recipe.peak_learning_rate <= high:
        yield (
            f"a learning rate of {recipe.peak_learning_rate:g} is unusual for {recipe.method} "
            f"({low:g} to {high:g})"
        )


def amount(number: int, noun: str) -> str:
    """Write a number with its noun.

    Example:
        >>> amount(1, "row"), amount(2000, "row")
        ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _none_left(part: Part) -> str:
    if not len(part.supervision):
        return f"the split has no rows for {part.name}"
    return (
        f"none of the {len(part.supervision):,} rows of {part.name} has anything to learn: "
        f"{_reasons(part)}"
    )


def _reasons(part: Part) -> str:
    """Name the reasons why rows are not used, with the rows of each."""
    counted = count_refusals(part)
    told = [f"{reason} ({amount(rows, 'row')})" for reason, rows in counted[:_REASONS_TOLD]]
    if others := sum(rows for _, rows in counted[_REASONS_TOLD:]):
        told.append(f"other reasons ({amount(others, 'row')})")
    return "; ".join(told)
