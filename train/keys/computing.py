"""Keys of the recipe: how the computation is arranged; none changes what is computed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...workspace.config import Section


class ComputingKeys(Section):
    """How the computation is arranged: memory against time, at the same mathematics."""

    packing: bool = Field(
        default=False,
        description="Put several short rows into one sequence of up to max_length tokens; no row "
        "sees another (attention is block-diagonal, and that is tried out on the model before the "
        "run). Then batch_size counts such sequences. Off: rows of about equal length share a "
        "batch, which wastes as little and is faster on a processor.",
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="Keep only the input of each layer and compute the rest again when it is "
        "needed: far less memory for long rows, a quarter to a third more time, same numbers.",
    )
    optimizer: Literal["adamw", "adamw-8bit", "paged-adamw", "paged-adamw-8bit", "adafactor"] = (
        Field(
            default="adamw",
            description="adamw keeps eight bytes for each tuned weight; adamw-8bit two; the paged "
            "ones move them to the processor's memory when the GPU's is full; adafactor keeps rows "
            "and columns only. It matters for full tuning; an adapter's states are small. 8-bit "
            "and paged need bitsandbytes.",
        )
    )
    attention: Literal["auto", "sdpa", "eager", "flash"] = Field(
        default="auto",
        description="How attention is computed. auto: what the model was made for, mostly "
        "PyTorch's sdpa; eager keeps all scores in memory; flash needs a GPU and flash-attn.",
    )
    compile: bool = Field(
        default=False,
        description="Compile the layers with torch.compile. The first steps take a minute or more "
        "and the rest less time: for long runs.",
    )
    fused_lora: bool = Field(
        default=False,
        description="Compute each LoRA layer in one operation: less memory, and less time with "
        "dropout. Same mathematics; the result differs from that of a run without it in rounding, "
        "and dropout draws other random numbers, hence off. Layers in float32 without DoRA and "
        "quantisation; others are computed as ever.",
    )
