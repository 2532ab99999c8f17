"""A model shared out among two processes (FSDP2, DeepSpeed) against the same run in one."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
import torch
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import DistributedType
from accelerate.utils.deepspeed import HfDeepSpeedConfig
from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

from tunewise.cli.train import without_options
from tunewise.train.loop import sharding
from tunewise.train.loop.launch_configuration import DEEPSPEED, STRATEGIES, write_launch
from tunewise.train.loop.sharding import check_sharded, check_shards
from tunewise.train.loop.team import check_team
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, UsageError

from .runs import MEMBER, attempt, changed, ended, learned, recipe_file, together, weights_of

# accelerate shards on GPUs only, by a list of devices in its state. PyTorch itself does it on the
# processor, too: the processes of these tests tell accelerate that theirs is on the list.
_ON_A_PROCESSOR = """
import sys
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
original = AcceleratorState.__init__
def init(self, *arguments, **named):
    if PartialState._shared_state.get("distributed_type") == DistributedType.MULTI_CPU:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_XPU
    original(self, *arguments, **named)
AcceleratorState.__init__ = init
"""
_AS_ACCELERATE_SETS = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_two_processes_that_share_the_model_learn_what_one_does_and_go_on_after_a_stop(
    strategy: str,
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
) -> None:
    """With what is computed again, general rows learned and measured, samples, and a budget.

    One process is the measure without dropout; with it, which draws other numbers in each process,
    a run that nobody stopped is, to the last bit.
    """
    if strategy == DEEPSPEED and find_spec("deepspeed") is None:
        pytest.skip("deepspeed is not installed (pip install 'tunewise[deepspeed]')")
    split = make_split(chat_rows(0, 9), chat_rows(40, 44))
    for name, word in ("replay", "tree"), ("probe", "Zx"):
        rows = [{"text": word * number} for number in range(3, 9)]
        (workspace.root / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plain = Recipe(
        model=str(tiny_model), dropout=0.0, learning_rate=1e-3, epochs=4, batch_size=4,
        gradient_accumulation=2, eval_every=1, checkpoint_every=3, samples=1, sample_tokens=3,
        gradient_checkpointing=True, replay="replay.jsonl", probe="probe.jsonl", threads=1,
    )  # fmt: skip
    full = changed(
        plain, method="full", learning_rate=5e-3, epochs=12, eval_every=2, replay=None,
        stop_if="general_loss_increase > 0.002",
    )  # fmt: skip
    dropping = changed(plain, dropout=0.3)
    files = [recipe_file(workspace.root, recipe) for recipe in (plain, full, dropping, dropping)]
    stops = [(1, signal.SIGINT), (5, signal.SIGINT)]
    attempts = [*map(attempt, files[:3]), *(attempt(files[3], stop) for stop in (*stops, None))]
    code, environment = _ON_A_PROCESSOR + MEMBER, _AS_ACCELERATE_SETS
    if strategy == DEEPSPEED:
        write_launch(workspace.root, plain, strategy, 2, [])
        path = workspace.root / "deepspeed.json"
        code, environment = MEMBER, {
            "ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(path),
            "DS_ACCELERATOR": "cpu",
        }  # fmt: skip
    members = together(str(workspace.root), split.id, *attempts, code=code, environment=environment)
    codes, said, wrong = ended(members)
    assert codes == [0, 0], wrong
    *shared, whole, stopped = map(Path, said.split())
    for recipe, folder in zip((plain, full), shared, strict=True):
        assert_alike(train(workspace, split, recipe).folder, folder)
    assert 0.002 < learned(shared[1])[2]["over_budget"] < 0.1
    assert learned(stopped) == learned(whole)


def assert_alike(alone: Path, shared: Path) -> None:
    """Compare the results of two runs but for rounding."""
    log, shared_log = (pl.read_parquet(folder / "log.parquet") for folder in (alone, shared))
    for name in ("supervised_tokens", "train_loss", "val_loss", "general_loss", "gradient_norm"):
        ours, theirs = (frame[name].drop_nulls().to_list() for frame in (log, shared_log))
        assert theirs == pytest.approx(ours, rel=1e-5), name
    samples = [pl.read_parquet(folder / "samples.parquet") for folder in (alone, shared)]
    assert samples[0].equals(samples[1])
    weights, shared_weights = weights_of(alone), weights_of(shared)
    assert weights.keys() == shared_weights.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(shared_weights[name], weight, atol=1e-4, rtol=1e-3)


def test_accelerate_reads_what_is_written(tmp_path: Path) -> None:
    """By the parsers of accelerate's own command, as far as the variables that it sets."""
    recipe = Recipe(dtype="bfloat16", batch_size=6, gradient_accumulation=3, max_gradient_norm=0.5)
    line = write_launch(tmp_path / "my files", recipe, "fsdp", 4, ["train", "a b"])
    words = shlex.split(line)
    assert words[:3] == ["accelerate", "launch", "--config_file"]
    assert words[4:] == ["-m", "tunewise.cli", "train", "a b"]
    config = load_config_from_file(words[3])
    assert config.distributed_type == DistributedType.FSDP
    assert config.mixed_precision == "bf16"
    arguments, _, _ = _validate_launch_command(launch_command_parser().parse_args(words[2:]))
    environment = prepare_multi_gpu_env(arguments)
    assert (arguments.use_fsdp, arguments.num_processes) == (True, 4)
    for name, value in _AS_ACCELERATE_SETS.items():
        assert environment[name] == value, name
    assert environment["FSDP_OFFLOAD_PARAMS"] == "false"

    words = shlex.split(write_launch(tmp_path, recipe, "deepspeed-2", 4, ["train"]))
    arguments, _, _ = _validate_launch_command(launch_command_parser().parse_args(words[2:]))
    # The command itself sets it between these two steps.
    arguments.deepspeed_fields_from_accelerate_config = "deepspeed_config_file"
    _, environment = prepare_deepspeed_cmd_env(arguments)
    assert environment["ACCELERATE_USE_DEEPSPEED"] == "true"
    document = json.loads(Path(environment["ACCELERATE_DEEPSPEED_CONFIG_FILE"]).read_text())
    assert HfDeepSpeedConfig(document).is_zero2()
    assert document["bf16"] == {"enabled": True}
    assert document["fp16"] == {"enabled": False}
    names = "train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "gradient_clipping"
    assert [document[name] for name in names] == [2, 3, 0.5]


def test_the_command_is_that_of_the_run() -> None:
    given = ["train", "a", "--write-launch=f", "--rank", "4", "--processes", "2", "--strategy"]
    given += ["fsdp", "--model", "-x"]
    options = ("--write-launch", "--strategy", "--processes")
    assert without_options(given, options) == ["train", "a", "--rank", "4", "--model", "-x"]


def test_deepspeed_that_is_absent_or_of_the_third_stage_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setattr(sharding, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="deepspeed is not installed") as caught:
        check_team(Recipe(), 2)
    assert "tunewise[deepspeed]" in str(caught.value.fix)
    monkeypatch.setattr(sharding, "find_spec", lambda _name: True)
    path = tmp_path / "deepspeed.json"
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", str(path))
    path.write_text('{"zero_optimization": {"stage": 3}}')
    with pytest.raises(UsageError, match="third stage"):
        check_team(Recipe(), 2)
    path.write_text('{"zero_optimization": {"stage": 2}}')
    check_team(Recipe(), 2)


def test_where_nothing_is_shared_out_the_run_ends() -> None:
    with pytest.raises(JobError, match="on GPUs only"):
        check_shards(torch.nn.Linear(2, 2))


def test_what_was_not_tried_with_shared_weights_is_refused() -> None:
    check_sharded(Recipe())
    check_sharded(Recipe(method="full"))
    with pytest.raises(UsageError, match="not been tried with quantize = '4bit', layer_decay"):
        check_sharded(Recipe(quantize="4bit", layer_decay=0.9))
