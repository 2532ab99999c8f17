"""Runs that break off: full disks, full memory, numbers that are none; and what is left of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tunewise.train.loop.failures import is_disk_full, is_out_of_memory
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Artifact, Workspace, list_artifacts
from tunewise.workspace.errors import JobError
from tunewise.workspace.events import Event, Measured

# Fills the disk at a step, trains until that fails, frees the disk and goes on.
ON_A_SMALL_DISK = """
import json, sys
from pathlib import Path
from tunewise.train.recipe import Recipe
from tunewise.train.run import train
from tunewise.workspace.artifact import Workspace, resolve_artifact
from tunewise.workspace.errors import JobError
from tunewise.workspace.events import Measured, Note
from tunewise.workspace.files import sha256_of_file

disk, keys, rooms = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
workspace, ballast = Workspace(disk), disk / "ballast"
split = resolve_artifact(workspace, "split", "latest")
recipe = Recipe.model_validate(keys)

def filling(room):
    def emit(event):
        if isinstance(event, Measured) and event.step == 4 and not ballast.exists():
            with ballast.open("wb", buffering=0) as stream:
                try:
                    while stream.write(bytes(4096)):
                        pass
                except OSError:
                    stream.truncate(max(0, stream.tell() - room))
    return emit

def digest(artifact):
    return sha256_of_file(artifact.folder / "adapter" / "adapter_model.safetensors")

told = {"whole": digest(train(workspace, split, recipe, force=True)), "ended": [], "went_on": []}
for room in rooms:
    try:
        train(workspace, split, recipe, force=True, restart=True, emit=filling(room))
        told["ended"].append("not at all")
    except JobError as error:
        told["ended"].append([error.what, error.where, error.fix])
    ballast.unlink()
    notes = []
    done = train(workspace, split, recipe, force=True, emit=notes.append)
    notes = [note.text for note in notes if isinstance(note, Note) and "going on" in note.text]
    told["went_on"].append([digest(done), *notes])
print(json.dumps(told))
"""


@pytest.fixture
def split(make_split: Callable[..., Artifact], chat_rows: Callable[[int, int], list]) -> Artifact:
    return make_split(chat_rows(0, 24), chat_rows(40, 44))


@pytest.fixture
def recipe(tiny_model: Path) -> Recipe:
    """Six steps with a checkpoint and a validation after every second."""
    return Recipe(
        model=str(tiny_model), rank=4, learning_rate=1e-2, epochs=2, batch_size=8, eval_every=2,
        threads=1, samples=0,
    )  # fmt: skip


def small_disks() -> list[str]:
    """Return what to put before a command to let it mount a disk of its own; empty if nothing."""
    for way in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if shutil.which("unshare") is None:
            return []
        attempt = subprocess.run(
            [*way, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"],
            capture_output=True,
            check=False,
        )
        if not attempt.returncode:
            return way
    return []


@pytest.mark.slow
def test_a_full_disk_ends_a_run_that_goes_on_when_there_is_room(
    workspace: Workspace, split: Artifact, recipe: Recipe, tmp_path: Path
) -> None:
    """On a real disk of eight megabytes, with no or few bytes left at the second checkpoint."""
    own_disk = small_disks()
    if not own_disk:
        pytest.skip("this user may not mount a disk of a size of its own (unshare --mount)")
    disk = tmp_path / "disk"
    disk.mkdir()
    keys = recipe.model_dump(mode="json", exclude_none=True)
    rooms = [0, 60_000]
    mount = 'mount -t tmpfs -o size=8m tmpfs "$1" && cp -r "$2/.tunewise" "$1" && shift 2 && "$@"'
    done = subprocess.run(
        [*own_disk, "sh", "-c", mount, "sh", disk, workspace.root,
         sys.executable, "-c", ON_A_SMALL_DISK, disk, json.dumps(keys), json.dumps(rooms)],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    for what, where, fix in told["ended"]:
        assert what == "the disk is full"
        assert where.endswith("/checkpoints")
        assert "the same command goes on after step 2" in fix
    assert [one[0] for one in told["went_on"]] == [told["whole"]] * len(rooms)
    assert all("going on after step 2 of 6" in one[1] for one in told["went_on"])


def test_what_the_libraries_say_of_a_full_disk_is_understood() -> None:
    """Python names it by number, others by their own words; /dev/full is always full."""
    from safetensors.torch import save_file

    def raised(write: Callable[[], object]) -> Exception:
        try:
            write()
        except Exception as error:
            return error
        raise AssertionError("nothing was raised")

    def fill() -> None:
        with Path("/dev/full").open("wb") as stream:
            stream.write(b"x" * 10_000)

    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    assert is_disk_full(raised(fill))
    assert is_disk_full(raised(lambda: torch.save(torch.zeros(1000), "/dev/full")))
    assert not is_disk_full(raised(lambda: save_file({"a": torch.zeros(1)}, "/nowhere/else")))
    assert not is_disk_full(ValueError("the disk is round"))
    wrapped = RuntimeError("saving failed")
    wrapped.__cause__ = OSError(28, "No space left on device")
    assert is_disk_full(wrapped)


def test_what_the_libraries_say_of_full_memory_is_understood() -> None:
    huge = 1 << 60
    for ask in (lambda: torch.empty(huge, dtype=torch.uint8), lambda: np.empty(huge, np.uint8)):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            ask()
        assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_out_of_memory(RuntimeError("size mismatch"))


def test_no_checkpoint_holds_weights_that_are_no_numbers(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    """The loss of a step is measured before the step that breaks the weights."""
    rates = {"learning_rate": 1e38, "warmup": 0.9, "max_gradient_norm": 0.0}
    mad = recipe.model_copy(
        update={"method": "full", "checkpoint_every": 1, "eval_every": 100, **rates}
    )
    with pytest.raises(JobError, match="became") as caught:
        train(workspace, split, mad)
    assert "lower learning rate" in caught.value.fix
    assert not list_artifacts(workspace, "train")
    for path in (workspace.store / "train").glob(".*/checkpoints/*/model.safetensors"):
        assert all(torch.isfinite(weight).all() for weight in load_file(path).values())


def test_numbers_that_are_none_leave_the_last_good_state(
    workspace: Workspace, split: Artifact, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunewise.train.loop.watch import Watch

    look = Watch._refuse_nonsense

    def spoiled(watch: Watch, row: dict) -> None:
        look(watch, {**row, "train_loss": float("nan")} if row["step"] == 5 else row)

    monkeypatch.setattr(Watch, "_refuse_nonsense", spoiled)
    with pytest.raises(JobError, match="train loss became nan at step 5") as caught:
        train(workspace, split, recipe)
    assert "the state after step 4 is kept in" in caught.value.fix
    kept = Path(caught.value.fix.rpartition("kept in ")[2])
    assert (kept / "adapter_model.safetensors").is_file()


def test_a_scheduler_that_takes_the_machine_back_is_heeded(
    workspace: Workspace, split: Artifact, recipe: Recipe
) -> None:
    def end(event: Event) -> None:
        if isinstance(event, Measured) and event.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(workspace, split, recipe, emit=end)
    assert "the same command goes on after step" in caught.value.__notes__[0]
    assert signal.getsignal(signal.SIGTERM) is before
