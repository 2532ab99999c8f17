"""The losses of a training run by step, from its log or from its events, as curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl
from rich.text import Text

from ...workspace.events import Measured
from ..widgets.curves import Curve, draw_curves
from .marks import GOOD, ORANGE, SKY, styled

_PARTS_OF_A_RUN = 10
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LossLog:
    """A run's losses by step; those of single batches jump, so they are a mean of ``window``.

    Attributes:
        train: smoothed, of the training's own batches.
        val: of validation rows.
        general: of the general probe, which is never learned from.
        window: how many steps were averaged.
    """

    train: Points = ()
    val: Points = ()
    general: Points = ()
    window: int = 1


def read_log(path: Path) -> LossLog:
    """Read a run's losses; steps where one was not measured are left out of it."""
    frame = pl.scan_parquet(path)
    names = [name for name in frame.collect_schema().names() if name.endswith("_loss")]
    rows = frame.select("step", *names).fill_nan(None).collect().iter_rows(named=True)
    return loss_log((row["step"], row) for row in rows)


def measured_log(steps: Sequence[Measured]) -> LossLog:
    """Return the losses that a run in progress has told."""
    return loss_log((step.step, step.values) for step in steps)


def loss_log(steps: Iterable[tuple[float, Mapping[str, float | None]]]) -> LossLog:
    """Gather losses from steps with their numbers by name."""
    train, val, general = [], [], []
    for step, values in steps:
        for name, points in (("train_loss", train), ("val_loss", val), ("general_loss", general)):
            value = values.get(name)
            if value is not None:
                points.append((float(step), float(value)))
    window = max(1, len(train) // _PARTS_OF_A_RUN)
    return LossLog(_smoothed(train, window), tuple(val), tuple(general), window)


def _smoothed(points: Sequence[tuple[float, float]], window: int) -> Points:
    """Return the mean of each point and those before it, at most ``window`` in all."""
    found, total = [], 0.0
    leaving = iter(points)
    for number, (step, loss) in enumerate(points, start=1):
        total += loss
        if number > window:
            total -= next(islice(leaving, 1))[1]
        found.append((step, total / min(number, window)))
    return tuple(found)


def curve_text(losses: LossLog, width: int, height: int, *, log: bool = False) -> Text:
    """Return the losses as a chart, or say that none was measured.

    Args:
        losses: what to draw.
        width: cells beside the axis.
        height: lines.
        log: whether y is on a logarithmic scale.
    """
    name = "train" if losses.window == 1 else f"train, mean of {losses.window} steps"
    curves = [
        Curve(name, losses.train, SKY),
        Curve("val", losses.val, ORANGE, dashed=True),
        Curve("general probe", losses.general, GOOD, dashed=True),
    ]
    shown = [curve for curve in curves if curve.points]
    if not shown:
        return styled("no loss was measured", "dim")
    return draw_curves(shown, width, height, log=log)
