"""What the tests of whole runs share: what a run learned, how it is stopped, runs in processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors.torch import load_file

from tunewise.train.loop.launch import free_port
from tunewise.train.recipe import Recipe
from tunewise.workspace.events import Event, Measured
from tunewise.workspace.files import read_json, sha256_of_file

# What one of two processes does, run after run without a new start: its arguments are the folder of
# the workspace, a split, and an :func:`attempt` for each run. The first one prints where the
# results lie of those that come to their end.
MEMBER = """
import os, sys
from contextlib import suppress
from pathlib import Path
from tunewise.train.loop.processes import follow
from tunewise.train.recipe import Recipe, read_recipe_file
from tunewise.train.run import train
from tunewise.workspace.artifact import Workspace, resolve_artifact
from tunewise.workspace.events import Measured
workspace, split = Workspace(Path(sys.argv[1])), sys.argv[2]
split = resolve_artifact(workspace, "split", split)
for number, attempt in enumerate(sys.argv[3:]):
    path, step, told = attempt.split(":")
    recipe = Recipe.model_validate(read_recipe_file(Path(path)))
    def emit(event):
        if isinstance(event, Measured) and event.step == int(step):
            os.kill(os.getpid(), int(told))
    if os.environ["RANK"] == "0":
        with suppress(KeyboardInterrupt):
            made = train(workspace, split, recipe, force=True, emit=emit)
            print(made.folder.rename(workspace.root / f"made-{number}"), flush=True)
    else:
        follow(workspace, split, recipe)
"""
NEVER_THE_SAME = ("seconds", "memory_bytes")


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    """Return a recipe with other values of some keys, checked like one from a file."""
    return Recipe.model_validate({**recipe.model_dump(), **changes})


def learned(folder: Path) -> tuple[dict[str, str], list[dict[str, Any]], dict[str, Any]]:
    """Return what a run learned: digests of its weights, its log, and its facts."""
    weights = {path.name: sha256_of_file(path) for path in folder.glob("*/*.safetensors")}
    assert weights
    log = pl.read_parquet(folder / "log.parquet").drop(NEVER_THE_SAME)
    document = read_json(folder / "train.json")
    names = (
        "steps", "tokens", "supervised_tokens", "best", "final", "kept_step", "losses", "samples",
        "over_budget",
    )  # fmt: skip
    return weights, log.to_dicts(), {name: document[name] for name in names}


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """Return the tensors that a run saved."""
    return load_file(next(folder.glob("*/*.safetensors")))


def stopping_at(step: int, events: list[Event] | None = None) -> Callable[[Event], None]:
    """Return what keeps a run's events and presses Ctrl-C after a step."""

    def emit(event: Event) -> None:
        if events is not None:
            events.append(event)
        if isinstance(event, Measured) and event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return emit


def recipe_file(folder: Path, recipe: Recipe) -> Path:
    """Write a recipe as a user would; returns where, a new file each time."""
    keys = recipe.model_dump(exclude_none=True, exclude_defaults=True)
    path = folder / f"recipe-{len(list(folder.glob('recipe-*')))}.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    return path


def start(
    *arguments: str, code: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `tunewise`, or code that takes its arguments, without waiting for it."""
    return subprocess.Popen(
        [sys.executable, *(("-c", code) if code else ("-m", "tunewise.cli")), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
    )


def wait_for_step(step: int, process: subprocess.Popen[str]) -> int:
    """Read the events of a training until it tells of a step; returns the last one told of."""
    last = -1
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event.get("event") == "measured" and (last := event["step"]) >= step:
            break
    return last


def attempt(recipe: Path, stop: tuple[int, signal.Signals] | None = None) -> str:
    """Return an argument of :data:`MEMBER`: a run, and the signal that comes after one step."""
    step, number = stop or (-1, 0)
    return f"{recipe}:{step}:{int(number)}"


def together(
    *arguments: str, code: str | None = None, environment: Mapping[str, str] | None = None
) -> list[subprocess.Popen[str]]:
    """Start two processes that know of each other, as torchrun does."""
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    shared |= {"MASTER_PORT": str(free_port()), **(environment or {})}
    return [
        start(*arguments, code=code, environment={**shared, "RANK": rank, "LOCAL_RANK": rank})
        for rank in "01"
    ]


def ended(members: list[subprocess.Popen[str]]) -> tuple[list[int], str, str]:
    """Wait for two processes; returns their exit codes, what the first said, and what went wrong.

    One may wait for another that has failed: it is ended then.
    """
    leader, other = members
    said = wrong = None
    try:
        while said is None:
            try:
                said, wrong = leader.communicate(timeout=0.5)
            except subprocess.TimeoutExpired:
                if other.poll():
                    leader.kill()
        if leader.returncode:
            other.kill()
        return [leader.returncode, other.wait()], said, f"{wrong}{other.communicate()[1]}"
    finally:
        for member in members:
            member.kill()
