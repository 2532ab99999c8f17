"""A run whose weights are shared out among the processes (FSDP), each of which holds a part.

`accelerate launch` says so in the environment and Trainer shards the model; what is ours is that
every process takes part in whatever needs all the weights, and that the weights are put together
again where they are saved. After PyTorch's ``fully_shard`` (Zhao et al., "PyTorch FSDP", 2023).
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...workspace.errors import JobError, UsageError
from ...workspace.files import read_json
from ..recipe import Recipe

if TYPE_CHECKING:
    import torch


INSTALL_DEEPSPEED = "pip install 'tunewise[deepspeed]'"


def check_sharded(recipe: Recipe) -> None:
    """Check that a recipe is one that has been tried with weights or gradients shared out.

    Raises:
        UsageError: it is not; the text names the keys.
    """
    is_plain = {
        f"method = {recipe.method!r}": recipe.method in ("lora", "full"),
        f"quantize = {recipe.quantize!r}": recipe.quantize is None,
        f"initialisation = {recipe.initialisation!r}": recipe.initialisation == "zero",
        f"optimizer = {recipe.optimizer!r}": recipe.optimizer == "adamw",
        "dora": not recipe.dora,
        "loraplus_ratio": recipe.loraplus_ratio is None,
        "layer_decay": recipe.layer_decay == 1,
        "unfreezing": not recipe.unfreezing,
        "compile": not recipe.compile,
        "fused_lora": not recipe.fused_lora,
        "packing": not recipe.packing,
        "train_embeddings = 'all'": recipe.train_embeddings != "all",
    }
    if untried := [name for name, holds in is_plain.items() if not holds]:
        raise UsageError(
            f"weights or gradients shared out have not been tried with {', '.join(untried)}",
            where="--strategy",
            fix="leave these keys at their defaults, or take --processes, where each process "
            "holds the whole model",
        )


def is_deepspeed() -> bool:
    """Tell whether `accelerate launch` started this process to train by DeepSpeed."""
    return os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() == "true"


def check_deepspeed() -> None:
    """Check that DeepSpeed is there, if `accelerate launch` asks for it in a way that we know.

    Raises:
        UsageError: it is not, or its third stage is asked for.
    """
    if not is_deepspeed():
        return
    if find_spec("deepspeed") is None:
        raise UsageError(
            "deepspeed is not installed", where="ACCELERATE_USE_DEEPSPEED", fix=INSTALL_DEEPSPEED
        )
    path = os.environ.get("ACCELERATE_DEEPSPEED_CONFIG_FILE")
    stage: object = os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2")
    if path:
        stage = read_json(Path(path)).get("zero_optimization", {}).get("stage")
    if str(stage) == "3":
        raise UsageError(
            "DeepSpeed's third stage shares out the weights, too, which tunewise does by FSDP",
            where="ACCELERATE_USE_DEEPSPEED",
            fix="write the configuration by --write-launch, with --strategy fsdp",
        )


def check_shards(model: Any) -> None:
    """Check that each process holds its part only, as it was asked to.

    Raises:
        JobError: each holds everything: accelerate leaves FSDP out where there is no GPU.
    """
    from torch.distributed.tensor import DTensor

    if not any(isinstance(weight, DTensor) for weight in model.parameters()):
        raise JobError(
            "the weights were not shared out: accelerate does so on GPUs only",
            where="ACCELERATE_USE_FSDP",
            fix="train with --processes here, where each process holds the whole model",
        )


def whole_state(model: Any, *, learned_only: bool) -> dict[str, torch.Tensor]:
    """Put the weights together again; every process has to ask for them at once.

    Args:
        model: of which each process holds a part.
        learned_only: leave out weights that do not learn, such as those under an adapter.

    Returns:
        By name, on the processor; empty in all processes but the first.
    """
    from torch import distributed
    from torch.distributed.tensor import DTensor

    learned = {name for name, weight in model.named_parameters() if weight.requires_grad}
    state: dict[str, torch.Tensor] = {}
    for name, weight in model.state_dict().items():
        if learned_only and name not in learned:
            continue
        whole = weight.full_tensor() if isinstance(weight, DTensor) else weight
        if distributed.get_rank() == 0:
            state[name] = whole.detach().cpu()
    return state
