"""One run in several processes: each takes its share of every batch, and the sums are the same.

The first process leads: it watches, validates, writes, and decides when to stop; the others learn
along (PyTorch's DistributedDataParallel) and do as it says. `tunewise train --processes` starts
them on this machine; `torchrun` starts them on several, and sets the same variables. A recipe
means the same however many they are: batch_size counts the rows of all together.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl

from ...workspace.artifact import Artifact, Workspace
from ...workspace.errors import UsageError
from ...workspace.events import ignore
from ..models.hardware import Hardware, choose_hardware, is_sharded
from ..recipe import Recipe
from ..rows.batches import LengthBatches
from ..rows.render import Rendered
from ..rows.tasks import HEAD, PREFERENCES
from .sharding import check_deepspeed, check_sharded, check_shards, whole_state

if TYPE_CHECKING:
    from .measuring import Measuring
    from .watch import Losses

# Comes when the first process has measured and saved what there was to, and names no act.
_DECIDED = "decided"
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
    if is_sharded():
        check_sharded(recipe)
    check_deepspeed()
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
    from .measuring import measuring_of
    from .objective import objective_of
    from .trainer import fit
    from .watch import Tally

    # A terminal's Ctrl-C and a scheduler's SIGTERM reach all; the first process decides what comes
    # of it, and needs the others for the checkpoint.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    base, general = find_inputs(workspace, recipe)
    prepared = prepare(split_artifact, base, recipe, ignore, general)
    join(prepared.hardware)
    run = _tell(None)
    if run is None:
        return
    padding = padding_token(prepared.tokenizer)
    model = model_to_tune(base, prepared, ignore)
    measuring = measuring_of(model, prepared, objective_of(model, prepared, padding))
    acts = _acts(measuring)
    fit(
        model,
        prepared.lessons.rows,
        order=order_of(prepared.lessons, prepared.recipe),
        recipe=prepared.recipe,
        schedule=prepared.schedule,
        hardware=prepared.hardware,
        padding=padding,
        tally=Tally(),
        callbacks=(_Together(), _Follow(acts)),
        folder=Path(run["folder"]),
        checkpoint=Path(run["checkpoint"]) if run["checkpoint"] else None,
    )
    if is_sharded():
        _obey(acts)


@dataclass(frozen=True, slots=True)
class Acts:
    """What needs all the weights, however many processes hold them.

    Attributes:
        losses: see :meth:`~tunewise.train.loop.measuring.Measuring.losses`.
        answers: see :meth:`~tunewise.train.loop.measuring.Measuring.answers`.
        gather: returns the weights; None where the model has them.
    """

    losses: Callable[[bool], Losses]
    answers: Callable[[bool, Flag | None], list[str]]
    gather: Callable[[], dict[str, torch.Tensor]] | None = None


def wholly(measuring: Measuring) -> Acts:
    """Return a run's acts for the process that leads, in which the others take part if needed."""
    if not is_sharded():
        return Acts(measuring.losses, measuring.answers)

    def told(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def both(*arguments: Any) -> Any:
            _tell((name, arguments))
            return act(*arguments)

        return both

    return Acts(**{name: told(name, act) for name, act in _acts(measuring).items()})


def dismissing() -> None:
    """Tell the processes that took part in measuring and saving that all is done."""
    if is_sharded():
        _tell((_DECIDED, ()))


def _acts(measuring: Measuring) -> dict[str, Callable[..., Any]]:
    is_adapter = measuring.prepared.recipe.is_adapter
    return {
        "losses": measuring.losses,
        "answers": measuring.answers,
        "gather": lambda: whole_state(measuring.model, learned_only=is_adapter),
    }


def _obey(acts: Mapping[str, Callable[..., Any]]) -> tuple[Any, ...]:
    """Do what the leader does until it has decided; returns what."""
    while True:
        name, arguments = _tell(None)
        if name == _DECIDED:
            return arguments
        acts[name](*arguments)


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

    def on_train_begin(
        self, args: Any, state: Any, control: TrainerControl, **objects: Any
    ) -> None:
        """Look whether the weights are shared out, where they shall be."""
        if is_sharded():
            check_shards(objects["model"])


class _Lead(TrainerCallback):
    """Tells the others what was decided after a step."""

    def on_train_begin(
        self, args: Any, state: Any, control: TrainerControl, **objects: Any
    ) -> None:
        """Tell that the model has been measured as it is before the first step."""
        _tell((_DECIDED, ()))

    def on_log(
        self, args: Any, state: Any, control: TrainerControl, logs: Any = None, **objects: Any
    ) -> None:
        """Tell whether to save and whether to stop."""
        if "loss" in (logs or {}):
            _tell((_DECIDED, (control.should_save, control.should_training_stop)))


class _Follow(TrainerCallback):
    """Does what the first process decides."""

    def __init__(self, acts: Mapping[str, Callable[..., Any]]) -> None:
        """Take what the first process may ask for."""
        self._acts = acts

    def on_train_begin(
        self, args: Any, state: Any, control: TrainerControl, **objects: Any
    ) -> None:
        """Take part in the measurement before the first step."""
        _obey(self._acts)

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
            control.should_save, control.should_training_stop = _obey(self._acts)
        return control
