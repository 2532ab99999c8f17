"""Keys of the recipe: which weights learn, and how they are arranged."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from ...workspace.config import Section

ALL_LINEAR = "all-linear"


class MethodKeys(Section):
    """Which weights learn, and how they are arranged."""

    method: Literal["lora", "full"] = Field(
        default="lora",
        description="lora tunes a small adapter beside frozen weights (the default: it needs a "
        "fraction of the memory and forgets less); full tunes every weight.",
    )
    rank: int = Field(
        default=16,
        ge=1,
        description="LoRA rank. 8 to 64 is common; 16 on all linear layers comes close to full "
        "fine-tuning on small data.",
    )
    alpha: int | None = Field(
        default=None,
        ge=1,
        description="LoRA scale; the adapter's output is multiplied by alpha / rank. None: twice "
        "the rank, so that the scale stays 2 whatever the rank.",
    )
    dropout: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="LoRA dropout. A little of it delays memorising small data.",
    )
    target_modules: tuple[str, ...] = Field(
        default=(ALL_LINEAR,),
        min_length=1,
        description="Layers that get an adapter: all-linear, or names such as q_proj. All of "
        "them learn more per parameter than the attention alone.",
    )

    @field_validator("target_modules", mode="before")
    @classmethod
    def _read_target_modules(cls, value: Any) -> Any:
        """Accept a single name for a list of one."""
        return (value,) if isinstance(value, str) else value

    @property
    def adapter_alpha(self) -> int:
        """The LoRA scale in use."""
        return 2 * self.rank if self.alpha is None else self.alpha
