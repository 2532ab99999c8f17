"""What a run will need and cost, as plain data for the command, the app and the run's records."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import psutil

from ...workspace.events import Emit
from ..models.base_model import BaseModel, load_config
from ..models.hardware import Hardware
from ..rows.tasks import HEAD
from .anatomy import Anatomy, anatomy
from .batch_shapes import anchor_shapes, learning_shapes, measuring_shapes
from .memory import estimate_memory
from .preparation import Prepared

if TYPE_CHECKING:
    from .warm_up import TimeEstimate

# An estimate may be off by so much (docs/preflight.md): beyond what is free less that, warn.
_TOLERANCE = 0.15
_GIGABYTE = 1e9


def planned(prepared: Prepared, base: BaseModel) -> dict[str, Any]:
    """Return what is known of a run's size before its weights are loaded.

    Returns:
        ``tokens`` (``an_epoch``, ``run``, ``supervised`` in the run), ``end_token`` (of the rows
        to learn: how many teach the token that ends an answer), and ``memory``.
    """
    recipe, train = prepared.recipe, prepared.train
    lessons = prepared.lessons
    beside = lessons.rows[len(lessons.rows) - lessons.general :]
    share = lessons.per_epoch / max(1, lessons.general)
    tokens = train.total("tokens") + share * sum(len(row.tokens) for row in beside)
    supervised = train.total("supervised") + share * sum(sum(row.supervised) for row in beside)
    return {
        "tokens": {
            "an_epoch": round(tokens),
            "run": round(tokens * recipe.epochs),
            "supervised": round(supervised * recipe.epochs),
        },
        "end_token": _end_token(prepared),
        "memory": _memory(prepared, base),
    }


def memory_warning(memory: dict[str, Any]) -> str | None:
    """Return what to say of a run that will hardly fit; None where it fits or nobody knows."""
    if memory["fits"] in (True, None):
        return None
    return (
        f"the run will take about {memory['total'] / _GIGABYTE:.1f} GB, and "
        f"{memory['available'] / _GIGABYTE:.1f} GB are free: try a smaller batch_size with "
        "gradient_accumulation, gradient_checkpointing, or a smaller max_length"
    )


def measured(
    prepared: Prepared, base: BaseModel, price_per_hour: float | None, emit: Emit
) -> dict[str, Any]:
    """Load the weights, train a few steps that are thrown away, and return time and cost.

    Returns:
        ``time`` (see :class:`~tunewise.train.preflight.warm_up.TimeEstimate`) and ``cost``.
    """
    from ..models.loading import model_to_tune
    from .warm_up import measure_time

    time = measure_time(model_to_tune(base, prepared, emit), prepared)
    return {"time": asdict(time), "cost": _cost(time, price_per_hour)}


def _cost(time: TimeEstimate, price_per_hour: float | None) -> dict[str, float] | None:
    if price_per_hour is None:
        return None
    seconds = {"amount": time.seconds, "low": time.low, "high": time.high}
    return {
        "per_hour": price_per_hour,
        **{name: value / 3600 * price_per_hour for name, value in seconds.items()},
    }


def _end_token(prepared: Prepared) -> dict[str, Any] | None:
    """Count the training rows that teach the token which ends an answer."""
    if prepared.template is None:
        return None
    token = prepared.template.end_token
    number = prepared.tokenizer.convert_tokens_to_ids(token)
    rows = prepared.train.rows
    taught = sum(
        any(
            learned and id_ == number
            for id_, learned in zip(row.tokens, row.supervised, strict=True)
        )
        for row in rows
    )
    return {"token": token, "rows": taught, "of": len(rows)}


def _memory(prepared: Prepared, base: BaseModel) -> dict[str, Any]:
    """Return the estimate, what is free, and whether the one fits into the other."""
    recipe, hardware = prepared.recipe, prepared.hardware
    config = load_config(base, trust_remote_code=recipe.trust_remote_code)
    model = anatomy(config, len(prepared.labels) if recipe.task == HEAD else 0)
    libraries, available = _room(hardware)
    facts: dict[str, Any] = {
        "libraries": libraries,
        "available": available,
        "estimate": None,
        "total": None,
        "fits": None,
        "reason": None,
    }
    if not isinstance(model, Anatomy):
        return facts | {"reason": model}
    measuring = [
        shape
        for part in (prepared.val, prepared.train, prepared.probe)
        if part.rows
        for shape in measuring_shapes(part.rows, model.dimensions.vocabulary, hardware.device)
    ]
    learning = learning_shapes(prepared.lessons, recipe)
    anchored = anchor_shapes(prepared.anchor.rows, recipe)
    estimate = estimate_memory(model, recipe, hardware, learning, measuring, anchored)
    total = libraries + estimate.peak
    fits = None if available is None else estimate.peak * (1 + _TOLERANCE) <= available
    return facts | {"estimate": estimate.as_dict(), "total": total, "fits": fits}


def _room(hardware: Hardware) -> tuple[int, int | None]:
    """Return the bytes that the libraries have taken already, and those that are free."""
    import torch

    if hardware.device == "cuda":
        return 0, torch.cuda.mem_get_info()[0]
    process = psutil.Process().memory_info().rss
    free = psutil.virtual_memory().available
    return process, free
