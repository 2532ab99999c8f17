"""One run in several processes: each takes its share of every batch, and the sums are the same.

The first process leads: it watches, validates, writes, and decides when to stop; the others learn
along (PyTorch's DistributedDataParallel) and do as it says. `tunewise train --processes` starts
them on this machine; `torchrun` starts them on several, and sets the same variables. A recipe
means the same however many they are: batch_size counts the rows of all together.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl

from ...workspace.artifact import Artifact, Workspace
from ...workspace.errors import UsageError
from ...workspace.events import ignore
from ..models.hardware import Hardware, choose_hardware
from ..recipe import Recipe
from ..rows.batches import LengthBatches
from ..rows.render import Rendered
from ..rows.tasks import HEAD, PREFERENCES

# The others wait while the first one validates, which may take long.
_PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of a run.

    Attributes:
        rank: which of them this is; 0 leads.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, order: LengthBatches) -> LengthBatches | _Share:
        """Return the part of every batch that this process learns."""
        return order if self.size == 1 else _Share(order, self)

    def total(self, *numbers: int, device: Any = None) -> tuple[int, ...]:
        """Return sums over all processes."""
        if self.size == 1:
            return numbers
        summed = torch.tensor(numbers, device=device)
        distributed.all_reduce(summed)
        return tuple(summed.tolist())


def current_team() -> Team:
    """Return the processes that this one was started among."""
    return Team(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


def check_team(recipe: Recipe, size: int) -> None:
    """Check that a recipe can be learned by several processes.

    Raises:
        UsageError: it cannot; the text says why.
    """
    if size == 1:
        return
    reason = fix = ""
    if recipe.batch_size < size:
        reason = f"{recipe.batch_size} rows a batch are too few for {size} processes"
        fix = f"set batch_size to {size} or more: it counts the rows of all processes together"
    elif recipe.task in (HEAD, PREFERENCES):
        reason, fix = f"task = {recipe.task!r} is learned by one process", "leave out --processes"
    elif recipe.kl_weight:
        reason, fix = "kl_weight is computed by one process", "leave out --processes"
    if reason:
        raise UsageError(reason, where="--processes", fix=fix)


@dataclass(frozen=True, slots=True)
class _Share:
    """Every size-th row of each batch; the loops ask for what :class:`LengthBatches` has."""

    order: LengthBatches
    team: Team
    drop_last: bool = False

    @property
    def batch_size(self) -> int:
        """Rows a batch, at most."""
        return -(-self.order.batch_size // self.team.size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration is of."""
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        """Return the number of batches, the same in every process."""
        return len(self.order)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the rows of each batch; none where the batch has fewer than there are processes."""
        return (batch[self.team.rank :: self.team.size] for batch in self.order)


@dataclass(frozen=True, slots=True)
class SharedCollator:
    """Makes tensors of a share of a batch, which may be empty.

    A process without rows computes two tokens that teach nothing, so that it takes part in the
    sum of gradients.
    """

    collate: Callable[[Any], dict[str, torch.Tensor]]

    def __call__(self, rows: Sequence[Rendered]) -> dict[str, torch.Tensor]:
        """Collate the rows."""
        if rows:
            return self.collate(rows)
        nothing = self.collate([Rendered([0, 0], [False, False])])
        return nothing | {"tokens": torch.tensor(0)}


def join(hardware: Hardware) -> None:
    """Meet the other processes; returns when all have come."""
    from accelerate import PartialState

    cpu = hardware.device == "cpu"
    PartialState(cpu=cpu, backend="gloo" if cpu else "nccl", timeout=_PATIENCE)


def led(
    watch: TrainerCallback, hardware: Hardware, folder: Path, checkpoint: Path | None
) -> tuple[TrainerCallback, ...]:
    """Begin a run with the other processes, if there are any; returns what follows it here.

    Args:
        watch: follows the run and decides.
        hardware: of the run.
        folder: of its checkpoints.
        checkpoint: to go on from.
    """
    team = current_team()
    if team.size == 1:
        return (watch,)
    join(hardware)
    _tell({"folder": str(folder), "checkpoint": str(checkpoint) if checkpoint else None})
    return _Together(), watch, _Lead()


def dismiss(recipe: Recipe) -> None:
    """Tell the other processes that there is nothing to do: the run is done already."""
    join(choose_hardware(dtype=recipe.dtype, threads=recipe.threads))
    _tell(None)


def follow(workspace: Workspace, split_artifact: Artifact, recipe: Recipe) -> None:
    """Learn along with the process that leads; nothing is written or told.

    Args:
        workspace: where names in the recipe begin.
        split_artifact: brings the rows.
        recipe: the same as the leader's.
    """
    from ..inputs import find_inputs
    from ..models.base_model import padding_token
    from ..models.loading import model_to_tune
    from ..preflight.preparation import prepare
    from ..rows.batches import order_of
    from .trainer import fit
    from .watch import Tally

    # Ctrl-C reaches all; the first process decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    base, general = find_inputs(workspace, recipe)
    prepared = prepare(split_artifact, base, recipe, ignore, general)
    join(prepared.hardware)
    run = _tell(None)
    if run is None:
        return
    fit(
        model_to_tune(base, prepared, ignore),
        prepared.lessons.rows,
        order=order_of(prepared.lessons, prepared.recipe),
        recipe=prepared.recipe,
        schedule=prepared.schedule,
        hardware=prepared.hardware,
        padding=padding_token(prepared.tokenizer),
        tally=Tally(),
        callbacks=(_Together(), _Follow()),
        folder=Path(run["folder"]),
        checkpoint=Path(run["checkpoint"]) if run["checkpoint"] else None,
    )


def _tell(value: Any) -> Any:
    """Give the leader's value to all."""
    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


class _Together(TrainerCallback):
    """Waits for all processes before a checkpoint counts as whole."""

    def on_save(self, args: Any, state: Any, control: TrainerControl, **objects: Any) -> None:
        """Wait until every process has written its random states."""
        distributed.barrier()


class _Lead(TrainerCallback):
    """Tells the others what was decided after a step."""

    def on_log(
        self, args: Any, state: Any, control: TrainerControl, logs: Any = None, **objects: Any
    ) -> None:
        """Tell whether to save and whether to stop."""
        if "loss" in (logs or {}):
            _tell((control.should_save, control.should_training_stop))


class _Follow(TrainerCallback):
    """Does what the first process decides."""

    def on_step_end(
        self, args: Any, state: Any, control: TrainerControl, **objects: Any
    ) -> TrainerControl:
        """Ask for the step's loss, which is summed over all."""
        control.should_log = True
        return control

    def on_log(
        self, args: Any, state: Any, control: TrainerControl, logs: Any = None, **objects: Any
    ) -> TrainerControl:
        """Hear whether to save and whether to stop."""
        if "loss" in (logs or {}):
            control.should_save, control.should_training_stop = _tell(None)
        return control
