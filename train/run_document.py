"""What a run says of itself: the document that `--json` prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .loop.samples import first_and_kept
from .models.base_model import BaseModel
from .preflight.preparation import Prepared
from .rows.supervision import count_refusals

if TYPE_CHECKING:
    from .loop.watch import Watch

# Reasons for refusing rows that the document names; supervision.parquet has them all.
_REASONS_NAMED = 10


def run_document(
    prepared: Prepared, base: BaseModel, watch: Watch, result: Path, seconds: float
) -> dict[str, Any]:
    """Return the facts of a run that is done, as ``train.json`` has them.

    Args:
        prepared: what was learned.
        base: what was tuned.
        watch: has followed the run.
        result: the folder that the result will have.
        seconds: that all of it took.
    """
    adapter = prepared.recipe.is_adapter
    kept, last = watch.saved_step, watch.log[-1]
    supervised, tokens = watch.tally.supervised, watch.tally.tokens
    telling = watch.telling
    return {
        "adapter": str(result) if adapter else None,
        "full_model": None if adapter else str(result),
        "steps": last["step"],
        "tokens": tokens,
        "supervised_tokens": supervised,
        "supervised_share": supervised / tokens,
        "seconds": round(seconds, 3),
        "training_seconds": round(watch.training_seconds, 3),
        "supervised_tokens_per_second": supervised / max(watch.training_seconds, 1e-9),
        "best": {"step": watch.best_step, "val_loss": watch.losses_at(watch.best_step)["val"]},
        "final": {"train_loss": last["train_loss"], "val_loss": last["val_loss"]},
        "kept_step": kept,
        "stopped_early": watch.stopped_early,
        "over_budget": watch.over_budget,
        "losses": {
            "base": watch.losses_at(0),
            "kept": watch.losses_at(kept),
        },
        **prepared_facts(prepared, base),
        "samples": first_and_kept(telling.questions, telling.samples, kept),
        "warnings": list(prepared.warnings) + afterthoughts(watch),
    }


def prepared_facts(prepared: Prepared, base: BaseModel) -> dict[str, Any]:
    """Return what is known of a run before its first step."""
    return {
        "rows": {
            part.name: {
                "rows": len(part.supervision),
                "used": part.used,
                "refused": len(part.refused),
                "truncated": part.total("truncated"),
                "lost_supervised": part.total("lost_supervised"),
                "tokens": part.total("tokens"),
                "supervised": part.total("supervised"),
            }
            for part in prepared.parts
        },
        "refused": sum(len(part.refused) for part in prepared.parts),
        "refusals": [
            {"reason": reason, "rows": rows}
            for reason, rows in count_refusals(*prepared.parts)[:_REASONS_NAMED]
        ],
        "examples": list(prepared.examples),
        "method": prepared.recipe.method,
        "task": prepared.recipe.task,
        "labels": list(prepared.labels),
        "model": str(base.folder),
        "model_sha256": base.sha256,
        "template": asdict(prepared.template) if prepared.template else None,
        "device": prepared.hardware.device,
        "dtype": prepared.hardware.dtype,
        "threads": prepared.hardware.threads,
    }


def afterthoughts(watch: Watch) -> list[str]:
    """Return what a person should know of a run that is done."""
    base, best = watch.losses_at(0)["val"], watch.best_loss
    if base is not None and best >= base:
        return [
            f"the validation loss never fell below the base model's ({base:.4f}): what was "
            "trained is no better on held-out rows than no training"
        ]
    return []
