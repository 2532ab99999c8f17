"""Runs that are stopped, killed or damaged, and go on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from tunewise.train.loop.checkpoints import ask_for_checkpoints
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError
from tunewise.workspace.events import Event, Measured, Note
from tunewise.workspace.files import read_json, sha256_of_file

NEVER_THE_SAME = ("seconds", "memory_bytes")


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 40), chat_rows(40, 50))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    """Two epochs of five steps; the dropout makes every random state count."""
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=2, eval_every=3, threads=1,
        dropout=0.3, checkpoint_every=2, samples=1, sample_tokens=3,
    )  # fmt: skip


def result_of(artifact: Artifact) -> tuple[dict[str, str], list[dict[str, Any]], dict[str, Any]]:
    """Return what a run learned: digests of its weights, its log, and its facts."""
    weights = {path.name: sha256_of_file(path) for path in artifact.folder.glob("*/*.safetensors")}
    log = pl.read_parquet(artifact.folder / "log.parquet").drop(NEVER_THE_SAME)
    document = read_json(artifact.folder / "train.json")
    names = (
        "steps", "tokens", "supervised_tokens", "best", "final", "kept_step", "losses", "samples",
    )  # fmt: skip
    return weights, log.to_dicts(), {name: document[name] for name in names}


def stopping_at(step: int, events: list[Event]) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, Measured) and event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return emit


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(
    workspace: Workspace, split: Artifact, recipe: Recipe, method: str, accumulation: int
) -> None:
    """Within an epoch, at its end, and where only half the steps' batches fill one."""
    update = {"method": method, "gradient_accumulation": accumulation, "epochs": 2 * accumulation}
    recipe = recipe.model_copy(update=update | {"batch_size": 7, "eval_every": 1})
    whole = result_of(train(workspace, split, recipe))
    for step in (1, 3, 6):
        with pytest.raises(KeyboardInterrupt) as caught:
            train(workspace, split, recipe, force=True, emit=stopping_at(step, []))
        assert caught.value.__notes__[0].endswith(f"the same command goes on after step {step}")
        events: list[Event] = []
        artifact = train(workspace, split, recipe, force=True, emit=events.append)
        assert result_of(artifact) == whole
        told = [event.text for event in events if isinstance(event, Note)]
        assert any(f"going on after step {step} of" in text for text in told)
        measured = [event.step for event in events if isinstance(event, Measured)]
        assert min(measured) == step + 1
        assert not (artifact.folder / "checkpoints").exists()
        assert all(path.is_file() for path in artifact.folder.glob("*/*")), "one adapter only"


def tunewise(workspace: Workspace, recipe: Recipe, *options: str) -> subprocess.Popen[str]:
    path = workspace.root / "recipe.toml"
    keys = recipe.model_dump(exclude_none=True, exclude_defaults=True)
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    command = [sys.executable, "-m", "tunewise.cli", "train", "--events", "--recipe", str(path)]
    return subprocess.Popen(
        [*command, "--workspace", str(workspace.root), *options],
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_at(step: int, process: subprocess.Popen[str]) -> int:
    """Kill a training as soon as it tells of a step; returns the last one it told of."""
    last = -1
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event.get("event") == "measured":
            last = event["step"]
            if last >= step:
                process.send_signal(signal.SIGKILL)
                break
    process.wait()
    return last


@pytest.mark.slow
def test_a_run_that_is_killed_loses_only_the_steps_since_its_checkpoint(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    recipe = recipe.model_copy(update={"epochs": 6, "eval_every": 4})
    whole = result_of(train(workspace, split, recipe))
    force: tuple[str, ...] = ("--force",)
    for step in (1, 7, 16, 23):
        assert killed_at(step, tunewise(workspace, recipe, *force)) >= step
    process = tunewise(workspace, recipe, *force)
    lines = [json.loads(line) for line in process.communicate()[0].splitlines()]
    assert process.returncode == 0
    told = " ".join(line["text"] for line in lines if line.get("event") == "note")
    assert "going on after step 22 of 30" in told
    done = Workspace(workspace.root)
    (folder,) = (path.parent for path in (done.store / "train").glob("*/train.json"))
    assert result_of(Artifact(folder, None)) == whole  # type: ignore[arg-type]


def test_the_state_that_was_best_by_then_comes_back(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    """What a later step overwrote is no longer what the checkpoint speaks of."""
    recipe = recipe.model_copy(update={"eval_every": 1})
    whole = result_of(train(workspace, split, recipe))
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, force=True, emit=stopping_at(4, []))
    (partial,) = (workspace.store / "train").glob(".*.partial")
    adapter = partial / "adapter" / "adapter_model.safetensors"
    best = sha256_of_file(adapter)
    adapter.unlink()
    adapter.write_bytes(b"of a later step")
    (kept,) = partial.glob("checkpoints/*/kept/result/adapter_model.safetensors")
    assert sha256_of_file(kept) == best
    assert result_of(train(workspace, split, recipe, force=True)) == whole


def test_a_checkpoint_that_is_not_whole_does_not_count(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, emit=stopping_at(3, []))
    (partial,) = (workspace.store / "train").glob(".*.partial")
    half = partial / "checkpoints" / "checkpoint-4"
    half.mkdir()
    (half / "adapter_model.safetensors").write_bytes(b"half")
    events: list[Event] = []
    train(workspace, split, recipe, emit=events.append)
    assert any(isinstance(event, Note) and "after step 3 of" in event.text for event in events)


def test_restart_begins_anew(workspace: Workspace, split: Artifact, recipe: Recipe) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, emit=stopping_at(3, []))
    events: list[Event] = []
    train(workspace, split, recipe, restart=True, emit=events.append)
    assert next(event.step for event in events if isinstance(event, Measured)) == 0


def test_a_damaged_checkpoint_is_told(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, emit=stopping_at(3, []))
    (partial,) = (workspace.store / "train").glob(".*.partial")
    for name in ("optimizer.pt", "adapter_model.safetensors"):
        (damaged,) = partial.glob(f"checkpoints/checkpoint-*/{name}")
        damaged.write_bytes(damaged.read_bytes()[:100])
        with pytest.raises(JobError, match="checkpoint cannot be read") as caught:
            train(workspace, split, recipe)
        assert "--restart" in caught.value.fix


def test_a_full_device_is_told_with_what_would_need_less(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr("tunewise.train.loop.trainer.token_losses", full)
    with pytest.raises(JobError, match="memory") as caught:
        train(workspace, split, recipe)
    assert "batch_size = 4 and gradient_accumulation = 2" in caught.value.fix


def test_a_checkpoint_that_somebody_asks_for_is_written_and_the_run_goes_on_as_it_would(
    workspace: Workspace, split: Artifact, recipe: Recipe, tmp_path: Path
) -> None:
    recipe = recipe.model_copy(update={"checkpoint_every": 100, "eval_every": 1})
    whole = result_of(train(workspace, split, recipe))
    asked: list[list[str]] = []
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, Measured) and event.step == 2:
            asked.append(ask_for_checkpoints(workspace))
        if isinstance(event, Measured) and event.step == 5:
            raise MemoryError("the machine is gone")

    with pytest.raises(JobError):
        train(workspace, split, recipe, force=True, emit=emit)
    told = [event.text for event in events if isinstance(event, Note)]
    assert "a checkpoint is written after step 2, as somebody asked" in told
    assert len(asked[0]) == 1
    assert not ask_for_checkpoints(workspace), "nothing runs any more"
    again: list[Event] = []
    artifact = train(workspace, split, recipe, force=True, emit=again.append)
    assert result_of(artifact) == whole
    assert any("going on after step 2 of" in e.text for e in again if isinstance(e, Note))
    assert not list(artifact.folder.glob("checkpoint*"))
    assert not ask_for_checkpoints(Workspace(tmp_path / "nothing"))
