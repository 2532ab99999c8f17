"""Keys of the recipe: what the rows teach."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from ...workspace.config import Section


class TaskKeys(Section):
    """What the rows teach."""

    task: Literal["supervised", "pretraining", "classification-head", "preference"] = Field(
        default="supervised",
        description="supervised learns answers (of chats and instructions, chosen ones of "
        "preferences, labels as text) and whole texts; pretraining goes on with pre-training on "
        "texts of any length, cut into pieces at document borders; classification-head puts a "
        "layer for the labels in place of the vocabulary; preference learns to prefer chosen "
        "over rejected answers (DPO, the extra `preference`).",
    )
    labels: tuple[str, ...] = Field(
        default=(),
        description="The label vocabulary of classification rows: rows with another label are "
        "refused. Empty: the labels of the training rows, and others of val are told.",
    )
    mix: dict[str, float] = Field(
        default={},
        description="Further files of rows that are trained on beside the split's, each with its "
        "share of all rows of an epoch: mix = {'questions.jsonl' = 0.3}. Rows of any kind, each "
        "learned by its kind; a file with too few is used several times. Validation stays with "
        "the split.",
    )
    preference_beta: float = Field(
        default=0.1,
        gt=0,
        allow_inf_nan=False,
        description="How strongly a preference run is held to the base (DPO's beta): the reward "
        "is beta times the log-ratio of tuned and base. 0.1 to 0.5 is common.",
    )
    preference_loss: Literal["sigmoid", "hinge", "ipo"] = Field(
        default="sigmoid",
        description="What the reward margins are put through, as TRL names it. sigmoid is DPO as "
        "published; ipo bounds the margin, so that few clear preferences overfit less.",
    )

    @field_validator("labels", mode="before")
    @classmethod
    def _read_labels(cls, value: Any) -> Any:
        """Accept a single label for a list of one."""
        return (value,) if isinstance(value, str) else value

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a label is named twice")
        if len(value) == 1:
            raise ValueError("one label alone leaves nothing to decide")
        return value

    @field_validator("mix")
    @classmethod
    def _check_mix(cls, value: dict[str, float]) -> dict[str, float]:
        if any(not 0 < share < 1 for share in value.values()) or sum(value.values()) >= 1:
            raise ValueError("shares lie between 0 and 1, and leave some for the split's rows")
        return value
