"""Keys of the recipe: which weights learn, and how they are arranged."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from ...workspace.config import Section

ALL_LINEAR = "all-linear"
TEMPLATE_TOKENS = "template"


class MethodKeys(Section):
    """Which weights learn, and how they are arranged."""

    method: Literal["lora", "prefix", "ia3", "full"] = Field(
        default="lora",
        description="lora tunes a small adapter beside frozen weights (the default: it needs a "
        "fraction of the memory and forgets less); prefix learns keys and values that every "
        "layer attends to before the text; ia3 learns one factor for each key, value and inner "
        "activation, the fewest weights of all; full tunes every weight.",
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
    rslora: bool = Field(
        default=False,
        description="Scale by alpha / sqrt(rank) instead (rank-stabilised LoRA), which keeps "
        "high ranks learning. Off: at usual ranks it only makes the steps larger.",
    )
    dora: bool = Field(
        default=False,
        description="Learn each weight's magnitude apart from its direction (DoRA). Nearer to "
        "full fine-tuning at low ranks. Off: every step takes longer.",
    )
    initialisation: Literal["zero", "pissa", "olora"] = Field(
        default="zero",
        description="The adapter's first weights. zero: it changes nothing at first. pissa and "
        "olora begin with the strongest directions of each weight, by singular values or by QR, "
        "which learn faster; the saved adapter is turned into one of twice the rank that fits "
        "the untouched base.",
    )
    loraplus_ratio: float | None = Field(
        default=None,
        ge=1,
        allow_inf_nan=False,
        description="How many times as fast as LoRA's first matrix the second one learns "
        "(LoRA+; 16 is its authors' choice). None: both alike.",
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
        "them learn more per parameter than the attention alone. With ia3, all-linear means the "
        "layers that its authors chose: keys, values, and the feed-forward's last one.",
    )
    virtual_tokens: int = Field(
        default=20,
        ge=1,
        description="Length of a learned prefix; it takes as many places of the model's context. "
        "10 to 30 is common.",
    )
    quantize: Literal["4bit", "8bit"] | None = Field(
        default=None,
        description="Load the frozen base in 4 bits (NF4 with double quantisation, QLoRA) or 8 "
        "bits by bitsandbytes (the extra `quantize`), for a quarter or half of the memory. "
        "Evaluation loads it the same way. None: in the number format of the computation.",
    )
    add_tokens: tuple[str, ...] = Field(
        default=(),
        description="Special tokens that the vocabulary lacks, such as <|im_start|>; 'template' "
        "finds those that the chat template writes. Their embeddings begin at the mean of the "
        "others and are learned. Empty: none, since new tokens need data to learn.",
    )
    train_embeddings: Literal["new", "all"] = Field(
        default="new",
        description="What an adapter's run learns of the embeddings and the output layer: the "
        "rows of added tokens only, or all of both, which are saved with the adapter then (for "
        "another language or script; it takes much memory).",
    )

    @field_validator("target_modules", "add_tokens", mode="before")
    @classmethod
    def _read_names(cls, value: Any) -> Any:
        """Accept a single name for a list of one."""
        return (value,) if isinstance(value, str) else value

    @field_validator("add_tokens")
    @classmethod
    def _check_tokens(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not token.strip() or token != token.strip() for token in value):
            raise ValueError("a token has no white space around it and is not empty")
        if len(set(value)) < len(value):
            raise ValueError("a token is named twice")
        return value

    @property
    def adapter_alpha(self) -> int:
        """The LoRA scale in use."""
        return 2 * self.rank if self.alpha is None else self.alpha

    @property
    def is_adapter(self) -> bool:
        """Whether the base's weights stay as they are, and an adapter learns beside them."""
        return self.method != "full"
