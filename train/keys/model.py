"""Keys of the recipe: what is tuned, and on which hardware."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...workspace.config import Section


class ModelKeys(Section):
    """What is tuned, and on which hardware."""

    model: str | None = Field(
        default=None,
        description="The base model: a folder or a name, with weights as safetensors. No "
        "default, because nothing else decides the result as much.",
    )
    trust_remote_code: bool = Field(
        default=False,
        description="Run Python code that lies beside the model. Off: a model should be data.",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="Number format of the computation. auto: bfloat16 on a GPU that computes "
        "in it, float16 with scaled losses on an older one that is fast in that, else float32.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Processor threads. None: OMP_NUM_THREADS if set, else the cores this "
        "process may use.",
    )
