"""Keys of the recipe: what is measured and kept on the way."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

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
    keep_checkpoints: bool = Field(
        default=False,
        description="Keep the adapter of every validation in the run's `course/`, so that "
        "`tunewise evaluate RUN --checkpoints` shows at which step forgetting began. Off, because "
        "each takes as much room as the result. Changes nothing in the result.",
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
    samples: int = Field(
        default=2,
        ge=0,
        le=64,
        description="Prompts, drawn from the validation rows, that the model answers at every "
        "validation, the base first, so that a person sees what changes. 0: none. Changes nothing "
        "in what is learned.",
    )
    sample_prompts: tuple[str, ...] = Field(
        default=(),
        description="Prompts of your own that are answered besides, such as a question that the "
        "data say nothing of, where drift shows first.",
    )
    sample_tokens: int = Field(
        default=48,
        ge=1,
        description="The most tokens of such an answer, always the most probable ones. Two "
        "sentences mostly show what there is to see.",
    )
    report_to: tuple[Literal["mlflow", "wandb"], ...] = Field(
        default=(),
        description="Where the log goes besides the run's own TensorBoard files: mlflow and wandb "
        "(both extras). Written to this machine, unless their own settings (MLFLOW_TRACKING_URI, "
        "WANDB_MODE) name a server. Changes nothing in the result.",
    )

    @field_validator("report_to", "sample_prompts", mode="before")
    @classmethod
    def _read_several(cls, value: Any) -> Any:
        """Accept a single name or prompt for a list of one."""
        return (value,) if isinstance(value, str) else value
