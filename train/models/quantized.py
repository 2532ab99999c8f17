"""A frozen base in 4 or 8 bits, by bitsandbytes (Dettmers et al. 2023, *QLoRA*)."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from typing import TYPE_CHECKING, Any

from ...workspace.errors import MissingExtraError

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, PreTrainedModel

FOUR_BITS, EIGHT_BITS = "4bit", "8bit"


def check_quantizer(purpose: str) -> None:
    """Check that bitsandbytes is installed.

    Raises:
        MissingExtraError: it is not.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtraError("bitsandbytes", extra="quantize", purpose=purpose)


def quantization_config(kind: str, dtype: torch.dtype) -> BitsAndBytesConfig:
    """Return how the linear layers are loaded; the output layer keeps its numbers.

    Args:
        kind: ``4bit`` (NF4, the block scales quantised again) or ``8bit``.
        dtype: of the computation.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """
    from transformers import BitsAndBytesConfig

    check_quantizer(f"quantize = {kind!r}")
    # In 8 bits it says for every layer and pass that inputs are rounded to float16.
    warnings.filterwarnings("ignore", message="MatMul8bitLt: inputs will be cast")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    if kind == EIGHT_BITS:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def keep_one_arithmetic(model: PreTrainedModel) -> None:
    """Let 4-bit layers compute the same whether the model is training or not.

    On processors with bfloat16 instructions bitsandbytes repacks a layer for good, with rounder
    scales, at the first pass that is not training. What is learned would depend on when the
    first validation was, and layers whose width is no multiple of the block size would fail.
    """
    for module in model.modules():
        layer: Any = module
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False


def let_go_of_the_file(model: PreTrainedModel) -> None:
    """Copy the weights that were not quantised.

    In the file's own number format they are views of it, and the whole file, all its unquantised
    weights included, stays in memory for as long as one of them does.
    """
    for weight in model.parameters():
        if weight.is_floating_point():
            weight.data = weight.data.clone()
