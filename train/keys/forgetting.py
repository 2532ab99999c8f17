"""Keys of the recipe: what is done so that little is forgotten."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from ...workspace.config import Section

_BUDGET = re.compile(r"\s*general_loss_increase\s*>\s*(\d+(?:\.\d+)?|\.\d+)\s*")


class ForgettingKeys(Section):
    """What is done so that little is forgotten."""

    replay: str | None = Field(
        default=None,
        description="A file of general texts or chats that are trained on beside the split's rows, "
        "so that the model forgets less. It should look like what must not be lost. 'generated' "
        "lets the base write them itself before it is tuned, where no such file is at hand; "
        "'bundled' takes 2,000 short English texts that come with tunewise, made for its own small "
        "base. None: nothing.",
    )
    replay_share: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Share of an epoch's rows that come from replay, others each time. A tenth to "
        "a quarter is mostly enough; more slows the learning of the split's own rows.",
    )
    probe: str | None = Field(
        default=None,
        description="A file of general texts or chats that are never trained on; their loss is "
        "measured at every validation and shows what is being forgotten. None: nothing.",
    )
    stop_if: str | None = Field(
        default=None,
        description="A forgetting budget, such as 'general_loss_increase > 0.05': the run ends at "
        "the first validation where the probe's loss is that share above the base's, and what is "
        "kept is a state within the budget. Needs a probe. None: no budget.",
    )

    kl_weight: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="Weight of the divergence between the base's next-token probabilities and "
        "the tuned model's on general rows, added to the loss. 0.1 to 1 is a strong hold; a step "
        "takes about twice as long. 0: none.",
    )
    kl_texts: str | None = Field(
        default=None,
        description="A file of general texts or chats on which the model is held to its base; "
        "their own answers are not learned. None: none; kl_weight needs one.",
    )
    layer_decay: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Factor of the learning rate from each layer to the one below it, so that the "
        "lower ones, which hold what is general, change less; 0.9 is common. 1: all alike.",
    )
    unfreezing: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the steps over which the layers begin to learn, the uppermost first "
        "(gradual unfreezing). 0: all from the first step.",
    )

    @field_validator("stop_if")
    @classmethod
    def _check_stop_if(cls, value: str | None) -> str | None:
        if value is not None and _BUDGET.fullmatch(value) is None:
            raise ValueError("write it as 'general_loss_increase > 0.05'")
        return value

    @property
    def forgetting_budget(self) -> float | None:
        """By which share the probe's loss may rise above the base's; None where any may."""
        match = _BUDGET.fullmatch(self.stop_if or "")
        return float(match[1]) if match else None
