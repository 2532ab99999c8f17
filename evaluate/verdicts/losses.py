"""What tells memorising from learning, measured row by row in one pass.

From the probabilities of a row's supervised tokens come its loss, its Min-K%++ score and how much
of its answer the model would recite. Nothing is generated for the last: a greedy continuation
follows the true answer exactly as long as each next true token is the model's first choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...train.rows.render import Rendered, render_all
from ..domain.rows import PartRows
from ..items import DOMAIN, Answers, TaskInfo, answers
from ..scoring.journal import Journal
from .measures import CurvePoint, OverfittingMeasures

if TYPE_CHECKING:
    from ..scoring.scorer import Scorer

Floats = NDArray[np.float64]

# The share of a row's least expected tokens that Min-K%++ looks at (its authors' choice).
LEAST_EXPECTED = 0.2
# Where a model is all but certain the spread vanishes, and a quotient by it is noise.
_LEAST_SPREAD = 1e-3
# Answers shorter than this are continued by anybody who knows them, seen or not.
_LEAST_RECITABLE = 8

LOSS_SCHEMA = pl.Schema(
    {
        "part": pl.String,
        "row": pl.Int64,
        "loss": pl.Float64,
        "membership": pl.Float64,
        "verbatim": pl.Float64,
    }
)
TRAIN, VALIDATION, TEST, OUTSIDE = "train", "val", "test", "ood"


@dataclass(frozen=True, slots=True)
class LossRows:
    """Rows of the split's parts to measure, as trained on.

    Attributes:
        places: part and row of each.
        rendered: their tokens.
        texts: their prompt and answer, for readers.
    """

    places: tuple[tuple[str, int], ...]
    rendered: tuple[Rendered, ...]
    texts: tuple[tuple[str, str, str | None], ...]


def loss_rows(
    parts: Sequence[PartRows],
    tokenizer: Any,
    *,
    count: int,
    max_length: int | None,
    seed: int,
) -> LossRows:
    """Choose rows of each part and render them as the training did.

    Args:
        parts: train, val and test.
        tokenizer: with the template that was trained with.
        count: rows of each part at most.
        max_length: tokens of a row that were trained on.
        seed: of the samples.
    """
    places: list[tuple[str, int]] = []
    kept: list[Rendered] = []
    texts: list[tuple[str, str, str | None]] = []
    for part in parts:
        rows = part.sample(count, seed)
        found = render_all(tokenizer, [row.messages for row in rows], max_length=max_length)
        for row, rendered in zip(rows, found, strict=True):
            if isinstance(rendered, Rendered) and any(rendered.supervised):
                places.append((part.name, row.row))
                kept.append(rendered)
                texts.append((row.prompt, row.answer, row.cluster))
    return LossRows(tuple(places), tuple(kept), tuple(texts))


def measure_rows(
    rows: LossRows,
    scorer: Scorer,
    advance: Callable[[int], None],
    journal: Journal | None = None,
) -> pl.DataFrame:
    """Measure a model on rows.

    Returns:
        Frame of :data:`LOSS_SCHEMA`: ``loss``, the mean negative log-likelihood of the supervised
        tokens in nats; ``membership``, the Min-K%++ score of them; ``verbatim``, the recited
        share of the final answer's second half, null for short answers.
    """
    starts = [row.supervised.index(True) for row in rows.rendered]
    scores = scorer.score(
        [row.tokens for row in rows.rendered],
        starts,
        moments=True,
        journal=journal,
        advance=advance,
    )
    found: list[tuple[Any, ...]] = []
    for number, (place, row) in enumerate(zip(rows.places, rows.rendered, strict=True)):
        span = slice(int(scores.offsets[number]), int(scores.offsets[number + 1]))
        learned = np.asarray(row.supervised[starts[number] :])
        values = scores.log_probabilities[span]
        found.append(
            (
                *place,
                float(-values[learned].mean()),
                min_k_plus_plus(
                    values[learned], scores.means[span][learned], scores.deviations[span][learned]
                ),
                recited_share(scores.greedy[span], learned),
            )
        )
    return pl.DataFrame(found, schema=LOSS_SCHEMA, orient="row")


def min_k_plus_plus(values: Floats, means: Floats, deviations: Floats) -> float:
    """Return the Min-K%++ score of a row: higher looks more like a row that was trained on.

    Each token's log-probability is standardised by the mean and deviation over the vocabulary at
    its place; the score is the mean of the lowest fifth (Zhang et al. 2024, *Min-K%++*).

    Args:
        values: log-probabilities of the tokens, shape (n,).
        means: mean log-probability over the vocabulary, weighted by probability, shape (n,).
        deviations: its standard deviation, shape (n,).
    """
    standardised = (values - means) / np.maximum(deviations, _LEAST_SPREAD)
    count = max(1, int(LEAST_EXPECTED * len(values)))
    return float(np.partition(standardised, count - 1)[:count].mean())


def recited_share(greedy: NDArray[np.bool_], learned: NDArray[np.bool_]) -> float | None:
    """Return how much of the final answer's second half a greedy continuation gives back.

    Args:
        greedy: for each token, whether it was the model's first choice, shape (n,).
        learned: for each token, whether it belongs to an answer, shape (n,).

    Returns:
        The share of tokens up to the first that differs; None for answers too short to recite.
        The token that ends the answer does not count.
    """
    end = len(learned) - int(np.argmax(learned[::-1]))
    before = np.flatnonzero(~learned[:end])
    begin = int(before[-1]) + 1 if len(before) else 0
    length = end - 1 - begin
    if length < _LEAST_RECITABLE:
        return None
    second = greedy[begin + length // 2 : end - 1]
    followed = len(second) if second.all() else int(np.argmin(second))
    return followed / len(second)


def loss_answers(
    rows: LossRows, frame: pl.DataFrame, *, group: str = DOMAIN, part: str = TEST, decides: bool
) -> Answers:
    """Return the losses of a part's rows as a task, such as ``domain/loss``.

    Args:
        rows: what was measured.
        frame: as :func:`measure_rows` returns it.
        group: the group that the task belongs to.
        part: whose rows.
        decides: whether the task takes part in the verdict.
    """
    info = TaskInfo(f"{group}/loss", group, "loss", "loss", False, None, decides=decides)
    found = [
        {"item": str(row), "cluster": cluster, "score": loss, "prompt": prompt, "expected": answer}
        for (place, row), loss, (prompt, answer, cluster) in zip(
            rows.places, frame["loss"], rows.texts, strict=True
        )
        if place == part
    ]
    return answers(info, found)


def paired_losses(base: pl.DataFrame, tuned: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ``losses.parquet``: part, row, and both models' measures."""
    own = ("loss", "membership", "verbatim")
    return base.select(
        "part",
        "row",
        *(pl.col(name).alias(f"base_{name}") for name in own),
        *(tuned[name].alias(f"tuned_{name}") for name in own),
    )


def overfitting_measures(losses: pl.DataFrame, log: pl.DataFrame) -> OverfittingMeasures:
    """Bring together what overfitting is judged by.

    Args:
        losses: as :func:`paired_losses` returns it.
        log: the training's ``log.parquet``.
    """

    def values(part: str, column: str) -> Floats:
        chosen = losses.filter(pl.col("part") == part)[column]
        return chosen.cast(pl.Float64).fill_null(float("nan")).to_numpy()

    curve = log.filter(pl.col("val_loss").is_not_null()).select(
        "step", "val_loss", pl.col("train_loss").fill_null(float("nan"))
    )
    return OverfittingMeasures(
        train_losses_base=values(TRAIN, "base_loss"),
        train_losses_tuned=values(TRAIN, "tuned_loss"),
        validation_losses_base=values(VALIDATION, "base_loss"),
        validation_losses_tuned=values(VALIDATION, "tuned_loss"),
        test_losses_base=values(TEST, "base_loss"),
        test_losses_tuned=values(TEST, "tuned_loss"),
        membership_train_base=values(TRAIN, "base_membership"),
        membership_train_tuned=values(TRAIN, "tuned_membership"),
        membership_test_base=values(TEST, "base_membership"),
        membership_test_tuned=values(TEST, "tuned_membership"),
        verbatim_train=values(TRAIN, "tuned_verbatim"),
        verbatim_heldout=np.concatenate(
            [values(VALIDATION, "tuned_verbatim"), values(TEST, "tuned_verbatim")]
        ),
        validation_curve=tuple(CurvePoint(*row) for row in curve.iter_rows()),
    )
