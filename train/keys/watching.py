"""Keys of the recipe: what is measured and kept on the way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...workspace.config import Section


class WatchingKeys(Section):
    """What is measured and kept on the way."""

    eval_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps between validations. None: about ten over the run.",
    )
    eval_rows: int | None = Field(
        default=None,
        ge=1,
        description="Validation rows measured each time, a fixed random sample where there are "
        "more. None: 64 to 1,000, so that all validations together cost about a quarter of the "
        "training.",
    )
    checkpoint_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps between checkpoints, from which the same command goes on after the run "
        "was stopped or killed. None: one at every validation. Changes nothing in the result.",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Which state becomes the result: that of the lowest validation loss, or the "
        "last one.",
    )
    early_stopping_patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after so many validations without a new best. None: run to the end, "
        "so that the learning rate's schedule is completed.",
    )
