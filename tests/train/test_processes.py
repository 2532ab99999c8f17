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

from tunewise.train.loop.checkpoints import Checkpoint
from tunewise.train.loop.launch import launch
from tunewise.train.loop.team import SharedCollator, Team, check_same_team, check_team
from tunewise.train.recipe import Recipe
from tunewise.train.rows.batches import Collator, LengthBatches
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace
from tunewise.workspace.errors import JobError, UsageError
from tunewise.workspace.events import Event

from .runs import MEMBER, attempt, changed, ended, learned, recipe_file, start, together, weights_of


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


def test_a_run_goes_on_with_the_processes_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[Event] = []
    check_same_team(
        Checkpoint(tmp_path, 1, {"processes": 1, "shared_out": "nothing"}), notes.append
    )
    assert not notes
    two = Checkpoint(tmp_path, 1, {"processes": 2, "shared_out": "nothing"})
    check_same_team(two, notes.append)
    assert "was written by 2 processes" in str(notes[0])
    for then in ({"processes": 2, "shared_out": "weights"}, {"processes": 1, "shared_out": "x"}):
        with pytest.raises(JobError, match="shared out, and this run is 1 process with nothing"):
            check_same_team(Checkpoint(tmp_path, 1, then), notes.append)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(JobError, match="this run is 1 process with weights shared out"):
        check_same_team(two, notes.append)


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
        replay="generated", max_length=64,
    )  # fmt: skip
    dropping = changed(plain, dropout=0.3, samples=1, sample_tokens=3)
    calm, random = recipe_file(workspace.root, plain), recipe_file(workspace.root, dropping)
    stops = [(1, signal.SIGINT), (4, signal.SIGINT), (5, signal.SIGTERM), None, (7, signal.SIGKILL)]
    attempts = [attempt(calm), attempt(random), *(attempt(random, stop) for stop in stops)]
    members = together(str(workspace.root), split.id, *attempts, code=MEMBER)
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
