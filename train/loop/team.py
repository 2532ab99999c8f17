"""Who takes part in a run: how many processes, which rows are whose, and what they can learn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from ...workspace.errors import JobError, UsageError
from ...workspace.events import Emit, Note
from ..models.hardware import is_sharded
from ..recipe import Recipe
from ..rows.batches import LengthBatches
from ..rows.render import Rendered
from ..rows.tasks import HEAD, PREFERENCES
from .sharding import check_deepspeed, check_sharded, is_deepspeed

if TYPE_CHECKING:
    from .checkpoints import Checkpoint

NOTHING = "nothing"


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


def check_team(recipe: Recipe, size: int) -> None:
    """Check that a recipe can be learned by several processes.

    Raises:
        UsageError: it cannot; the text says why.
    """
    check_deepspeed()
    if size == 1:
        return
    if is_sharded() or is_deepspeed():
        check_sharded(recipe)
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


def check_same_team(checkpoint: Checkpoint, emit: Emit) -> None:
    """Compare the processes of this run with those that wrote the checkpoint that it goes on from.

    Args:
        checkpoint: what :func:`team_facts` said then is in its state.
        emit: told where they are more or fewer than then, which changes what is drawn at random.

    Raises:
        JobError: the checkpoint lies in parts that these processes cannot read.
    """
    now = team_facts()
    then = {name: checkpoint.state.get(name, now[name]) for name in now}
    if now == then:
        return
    wrote, runs = (
        f"{facts['processes']} process{'' if facts['processes'] == 1 else 'es'} "
        f"with {facts['shared_out']} shared out"
        for facts in (then, now)
    )
    if then["shared_out"] != NOTHING or now["shared_out"] != NOTHING:
        raise JobError(
            f"the checkpoint was written by {wrote}, and this run is {runs}",
            where=str(checkpoint.folder),
            fix="start the run as it was begun, or begin anew with --restart",
        )
    emit(
        Note(
            text=f"the checkpoint was written by {wrote}, and this run is {runs}: dropout draws "
            "other numbers than it would have without a stop",
            level="warning",
        )
    )


def team_facts() -> dict[str, Any]:
    """Return how many processes a run has and what they share out, as JSON values."""
    shared = "weights" if is_sharded() else "gradients" if is_deepspeed() else NOTHING
    return {"processes": current_team().size, "shared_out": shared}
