"""Runs that are stopped, killed or damaged, and go on as if nothing had happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tunewise.train.loop.checkpoints import ask_for_checkpoints
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError
from tunewise.workspace.events import Event, Measured, Note
from tunewise.workspace.files import sha256_of_file

from .runs import changed, learned, recipe_file, start, stopping_at, wait_for_step


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


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(
    workspace: Workspace, split: Artifact, recipe: Recipe, method: str, accumulation: int
) -> None:
    """Within an epoch, at its end, and where only half the steps' batches fill one."""
    update = {"method": method, "gradient_accumulation": accumulation, "epochs": 2 * accumulation}
    recipe = recipe.model_copy(update=update | {"batch_size": 7, "eval_every": 1})
    whole = learned(train(workspace, split, recipe).folder)
    for step in (1, 3, 6):
        with pytest.raises(KeyboardInterrupt) as caught:
            train(workspace, split, recipe, force=True, emit=stopping_at(step, []))
        assert caught.value.__notes__[0].endswith(f"the same command goes on after step {step}")
        events: list[Event] = []
        artifact = train(workspace, split, recipe, force=True, emit=events.append)
        assert learned(artifact.folder) == whole
        told = [event.text for event in events if isinstance(event, Note)]
        assert any(f"going on after step {step} of" in text for text in told)
        measured = [event.step for event in events if isinstance(event, Measured)]
        assert min(measured) == step + 1
        assert not (artifact.folder / "checkpoints").exists()
        assert all(path.is_file() for path in artifact.folder.glob("*/*")), "one adapter only"


@pytest.mark.parametrize(
    "changes",
    [
        {"layer_decay": 0.5},
        {"layer_decay": 0.5, "method": "full", "optimizer": "adafactor"},
        {"unfreezing": 1.0, "layer_decay": 0.5, "keep": "last"},
        {"loraplus_ratio": 4.0},
        {"mix": {"questions.jsonl": 0.3, "labels.jsonl": 0.2}, "replay": "texts.jsonl"},
        {"packing": True, "initialisation": "pissa", "max_length": 64, "batch_size": 2},
    ],
    ids=str,
)
def test_recipes_of_every_kind_go_on(
    workspace: Workspace, split: Artifact, recipe: Recipe, changes: dict[str, Any]
) -> None:
    """Rates of layers, layers that begin later, mixtures of tasks: all that a run has to recall."""
    files = {
        "questions": [{"prompt": f"the {n} red", "response": f"bird {n}"} for n in range(12)],
        "labels": [{"text": f"tree {n} grows", "label": "ab"[n % 2]} for n in range(12)],
        "texts": [{"text": f"swims the sea near {n} tree grows"} for n in range(12)],
    }
    for name, rows in files.items():
        text = "\n".join(map(json.dumps, rows))
        (workspace.root / f"{name}.jsonl").write_text(text)
    recipe = changed(recipe, **{"batch_size": 7, "samples": 0, "eval_every": 1, **changes})
    whole = learned(train(workspace, split, recipe).folder)
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, force=True, emit=stopping_at(4))
    assert learned(train(workspace, split, recipe, force=True).folder) == whole


@pytest.mark.slow
def test_a_run_that_is_killed_loses_only_the_steps_since_its_checkpoint(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    recipe = recipe.model_copy(update={"epochs": 6, "eval_every": 4})
    whole = learned(train(workspace, split, recipe).folder)
    command = (
        "train", "--events", "--force", "--recipe", str(recipe_file(workspace.root, recipe)),
        "--workspace", str(workspace.root),
    )  # fmt: skip
    for step in (1, 7, 16, 23):
        process = start(*command)
        assert wait_for_step(step, process) >= step
        process.kill()
        process.wait()
    process = start(*command)
    lines = [json.loads(line) for line in process.communicate()[0].splitlines()]
    assert process.returncode == 0
    told = " ".join(line["text"] for line in lines if line.get("event") == "note")
    assert "going on after step 22 of 30" in told
    done = Workspace(workspace.root)
    (folder,) = (path.parent for path in (done.store / "train").glob("*/train.json"))
    assert learned(folder) == whole


def test_the_state_that_was_best_by_then_comes_back(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    """What a later step overwrote is no longer what the checkpoint speaks of."""
    recipe = recipe.model_copy(update={"eval_every": 1})
    whole = learned(train(workspace, split, recipe).folder)
    with pytest.raises(KeyboardInterrupt):
        train(workspace, split, recipe, force=True, emit=stopping_at(4, []))
    (partial,) = (workspace.store / "train").glob(".*.partial")
    adapter = partial / "adapter" / "adapter_model.safetensors"
    best = sha256_of_file(adapter)
    adapter.unlink()
    adapter.write_bytes(b"of a later step")
    (kept,) = partial.glob("checkpoints/*/kept/result/adapter_model.safetensors")
    assert sha256_of_file(kept) == best
    assert learned(train(workspace, split, recipe, force=True).folder) == whole


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
    whole = learned(train(workspace, split, recipe).folder)
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
    assert learned(artifact.folder) == whole
    assert any("going on after step 2 of" in e.text for e in again if isinstance(e, Note))
    assert not list(artifact.folder.glob("checkpoint*"))
    assert not ask_for_checkpoints(Workspace(tmp_path / "nothing"))
