"""Keys of the recipe: how the weights are moved."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...workspace.config import Section


class OptimisationKeys(Section):
    """How the weights are moved."""

    learning_rate: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Peak learning rate. None: 2e-4 for lora, 1e-2 for prefix, 3e-3 for ia3, "
        "2e-5 for full, the usual values for models of billions of weights; small models bear "
        "more. Of these a tenth for preferences.",
    )
    epochs: float = Field(
        default=3.0,
        gt=0,
        allow_inf_nan=False,
        description="Passes over the training rows, parts allowed. Beyond 3 to 5, small data is "
        "memorised.",
    )
    batch_size: int = Field(
        default=8, ge=1, description="Rows a forward pass. 8 fits most machines."
    )
    gradient_accumulation: int = Field(
        default=1,
        ge=1,
        description="Forward passes a step: the effective batch is batch_size times this, at the "
        "memory of one; the loss is that of one big batch.",
    )
    max_length: int | None = Field(
        default=None,
        ge=8,
        description="Tokens a row may have; the rest is cut off and reported. None: the model's "
        "context.",
    )
    warmup: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share of the steps over which the learning rate rises from zero, so that "
        "the optimizer's first estimates do no harm.",
    )
    warmup_steps: int | None = Field(
        default=None,
        ge=0,
        description="Steps over which the learning rate rises, instead of a share. None: warmup "
        "decides.",
    )
    warmup_form: Literal["linear", "cosine", "square-root"] = Field(
        default="linear",
        description="How the learning rate rises: linear; cosine, slow at both ends; square-root, "
        "fast at first.",
    )
    schedule: Literal[
        "cosine", "linear", "constant", "inverse-square-root", "warmup-stable-decay", "restarts"
    ] = Field(
        default="cosine",
        description="How the learning rate falls after the warm-up. cosine spends most steps at "
        "medium rates and is hard to get wrong; warmup-stable-decay stays at the peak until the "
        "last steps, so that a run may be prolonged; restarts is cosine in four rounds.",
    )
    decay: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="Share of the steps at the end over which warmup-stable-decay falls.",
    )
    final_learning_rate: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the peak that the learning rate falls to. 0 ends best for one run; "
        "0.1 keeps a model that is trained on further from standing still.",
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="AdamW's decay. Zero: an adapter decays towards the base by itself when its "
        "gradients cease to agree.",
    )
    max_gradient_norm: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="Longer gradients are cut to this norm, so that one odd batch does not throw "
        "the run off. 0: never.",
    )
    seed: int = Field(
        default=17,
        ge=0,
        lt=2**32,
        description="Seed of the order of rows, the dropout and the adapter's first weights.",
    )
