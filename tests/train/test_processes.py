"""One run in two processes of the processor (gloo) against the same run in one."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tunewise.train.loop.launch import launch
from tunewise.train.loop.processes import SharedCollator, Team, check_team
from tunewise.train.recipe import Recipe
from tunewise.train.rows.batches import Collator, LengthBatches
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, UsageError

from .runs import changed, ended, learned, recipe_file, start, together, weights_of


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=60), size=st.integers(2, 4))
def test_shares_are_the_batches_dealt_out(lengths: list[int], size: int) -> None:
    order = LengthBatches(lengths, 8, 3)
    shares = [list(Team(rank, size).share(order)) for rank in range(size)]
    for batch, *parts in zip(list(order), *shares, strict=True):
        assert sorted(row for part in parts for row in part) == sorted(batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_process_without_rows_learns_nothing() -> None:
    batch = SharedCollator(Collator(0))([])
    assert len(batch["targets"]) == 0
    assert int(batch["tokens"]) == 0


def test_what_several_processes_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match="too few for 4 processes"):
        check_team(Recipe(batch_size=3), 4)
    with pytest.raises(UsageError, match="one process"):
        check_team(Recipe(task="preference"), 2)
    check_team(Recipe(task="preference"), 1)


# What one of two processes does in the test below, without a new start for every run.
_MEMBER = """
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


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_two_processes_learn_what_one_does_and_go_on_after_a_stop_and_a_kill(
    workspace: Workspace,
    make_split: Callable[..., Artifact],
    chat_rows: Callable[[int, int], list],
    tiny_model: Path,
) -> None:
    """Nine rows in batches of four: the last batch leaves the second process without a row.

    One process is the measure without dropout; with it, which draws other numbers in each process,
    a run that nobody stopped is, to the last bit.
    """
    split = make_split(chat_rows(0, 9), chat_rows(40, 44))
    plain = Recipe(
        model=str(tiny_model), rank=4, dropout=0.0, learning_rate=1e-2, epochs=4, batch_size=4,
        gradient_accumulation=2, eval_every=1, checkpoint_every=3, samples=0, threads=1,
    )  # fmt: skip
    dropping = changed(plain, dropout=0.3, samples=1, sample_tokens=3)
    calm, random = recipe_file(workspace.root, plain), recipe_file(workspace.root, dropping)
    stops = [(1, signal.SIGINT), (4, signal.SIGINT), (5, signal.SIGTERM), (-1, 0), (7, 9)]
    attempts = [f"{random}:{step}:{int(number)}" for step, number in stops]
    members = together(
        str(workspace.root), split.id, f"{calm}:-1:0", f"{random}:-1:0", *attempts, code=_MEMBER
    )
    codes, said, wrong = ended(members)
    assert codes[0] == -signal.SIGKILL, wrong
    shared, whole, stopped = map(Path, said.split())

    alone = train(workspace, split, plain).folder
    log, shared_log = (pl.read_parquet(folder / "log.parquet") for folder in (alone, shared))
    counted = ["step", "tokens", "supervised_tokens"]
    assert shared_log.select(counted).equals(log.select(counted))
    for name in ("train_loss", "val_loss", "gradient_norm"):
        ours, theirs = (frame[name].drop_nulls().to_list() for frame in (log, shared_log))
        assert theirs == pytest.approx(ours, rel=1e-4), name
    weights, shared_weights = weights_of(alone), weights_of(shared)
    for name, weight in weights.items():
        torch.testing.assert_close(shared_weights[name], weight, atol=1e-4, rtol=1e-3)

    assert learned(stopped) == learned(whole)
    command = start(
        "train", split.id, "--recipe", str(random), "--workspace", str(workspace.root), "--events",
        "--force", "--processes", "2",
    )  # fmt: skip
    told, wrong = command.communicate()
    assert command.returncode == 0, wrong
    assert "going on after step 6 of 8" in told
    assert learned(Path(json.loads(told.splitlines()[-1])["artifact"])) == learned(whole)


def test_a_process_that_fails_ends_all() -> None:
    """Both fail alike; whichever is noticed first decides how that is told."""
    told = ""
    try:
        code = launch(["no-such-command"], 2, 1)
    except JobError as error:
        code, told = int(error.exit_code), str(error)
    assert code in (2, 4)
    assert (code == 4) == ("process 1 of 2 failed" in told)
