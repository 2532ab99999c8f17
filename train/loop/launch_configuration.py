"""What `accelerate launch` is told of a run: how many processes, and what they share out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ...workspace.errors import UsageError
from ...workspace.files import writing_whole
from ..recipe import Recipe

FSDP, DEEPSPEED = "fsdp", "deepspeed-2"
STRATEGIES = (FSDP, DEEPSPEED)
_ACCELERATE_NAME, _DEEPSPEED_NAME = "accelerate.yaml", "deepspeed.json"
_PRECISIONS = {"bfloat16": "bf16", "float16": "fp16"}


def write_launch(
    folder: Path, recipe: Recipe, strategy: str, processes: int, arguments: Sequence[str]
) -> str:
    """Write accelerate's configuration of a run, and DeepSpeed's where it is to be used.

    Args:
        folder: made where there is none; files of these names are written over.
        recipe: of the run.
        strategy: one of :data:`STRATEGIES`.
        processes: how many, on this machine.
        arguments: of `tunewise` for the run itself.

    Returns:
        The command that starts it, for a shell.

    Raises:
        UsageError: the folder cannot be written.
    """
    main = folder.absolute() / _ACCELERATE_NAME
    deepspeed = main.with_name(_DEEPSPEED_NAME)
    document = accelerate_configuration(recipe, strategy, processes, deepspeed)
    try:
        main.parent.mkdir(parents=True, exist_ok=True)
        with writing_whole(main) as stream:
            stream.write(yaml.safe_dump(document, sort_keys=True))
        if strategy == DEEPSPEED:
            with writing_whole(deepspeed) as stream:
                stream.write(
                    json.dumps(deepspeed_configuration(recipe, processes), indent=2) + "\n"
                )
    except OSError as error:
        raise UsageError(
            f"cannot write the configuration: {error.strerror}", where=str(folder)
        ) from error
    launcher = ("accelerate", "launch", "--config_file", str(main), "-m", "tunewise.cli")
    return shlex.join([*launcher, *arguments])


def accelerate_configuration(
    recipe: Recipe, strategy: str, processes: int, deepspeed: Path
) -> dict[str, Any]:
    """Return what accelerate reads, by its own names.

    With `dtype = "auto"` no precision is named: the run chooses by the GPU that it finds.

    Args:
        recipe: of the run.
        strategy: one of :data:`STRATEGIES`.
        processes: how many, on this machine.
        deepspeed: where DeepSpeed's own configuration lies, if it is to be used.
    """
    document: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "FSDP" if strategy == FSDP else "DEEPSPEED",
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": processes,
        "use_cpu": False,
        "main_training_function": "main",
    }
    if strategy == DEEPSPEED:
        # Its own file names the precision; accelerate refuses to hear of it twice.
        return document | {"deepspeed_config": {"deepspeed_config_file": str(deepspeed)}}
    return document | {
        "mixed_precision": _PRECISIONS.get(recipe.dtype, "no"),
        "fsdp_config": {
            "fsdp_version": 2,
            # One part a layer, by the model's own list of what must stay together.
            "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "fsdp_reshard_after_forward": True,
            "fsdp_state_dict_type": "SHARDED_STATE_DICT",
            "fsdp_offload_params": False,
            "fsdp_cpu_ram_efficient_loading": False,
        },
    }


def deepspeed_configuration(recipe: Recipe, processes: int) -> dict[str, Any]:
    """Return what DeepSpeed reads: its second stage, which shares out gradients and optimizer.

    Args:
        recipe: of the run.
        processes: how many share every batch.
    """
    by_run = recipe.dtype == "auto"
    return {
        "zero_optimization": {"stage": 2},
        "zero_allow_untested_optimizer": True,
        "train_micro_batch_size_per_gpu": -(-recipe.batch_size // processes),
        "gradient_accumulation_steps": recipe.gradient_accumulation,
        "gradient_clipping": recipe.max_gradient_norm,
        "bf16": {"enabled": "auto" if by_run else recipe.dtype == "bfloat16"},
        "fp16": {"enabled": "auto" if by_run else recipe.dtype == "float16"},
    }
