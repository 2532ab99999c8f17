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
        description="Peak learning rate. None: 2e-4 for lora, 2e-5 for full, the usual values "
        "for models of billions of weights; small models bear more.",
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
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="How the learning rate falls after the warm-up."
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
