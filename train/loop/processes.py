"""One run in several processes: each takes its share of every batch, and the sums are the same.

The first process leads: it watches, validates, writes, and decides when to stop; the others learn
along (PyTorch's DistributedDataParallel) and do as it says. `tunewise train --processes` starts
them on this machine; `torchrun` starts them on several, and sets the same variables. A recipe
means the same however many they are: batch_size counts the rows of all together.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl

from ...workspace.artifact import Artifact, Workspace
from ...workspace.events import ignore
from ..models.hardware import Hardware, choose_hardware, is_sharded
from ..recipe import Recipe
from ..rows.general import GENERATED, REPLAY
from .sharding import check_shards, is_deepspeed, whole_state
from .team import current_team

if TYPE_CHECKING:
    from .measuring import Measuring
    from .watch import Losses

# Comes when the first process has measured and saved what there was to, and names no act.
_DECIDED = "decided"
# The others wait while the first one validates, which may take long.
_PATIENCE = timedelta(days=1)


def join(hardware: Hardware) -> None:
    """Meet the other processes; returns when all have come."""
    from accelerate import PartialState

    cpu = hardware.device == "cpu"
    backend = "gloo" if cpu else "nccl"
    # DeepSpeed prints what it has built where the command's own document goes.
    with redirect_stdout(sys.stderr):
        PartialState(cpu=cpu, backend=backend, timeout=_PATIENCE)
        if is_deepspeed():
            import_module("deepspeed").init_distributed(backend, auto_mpi_discovery=False)


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
    _tell_early(recipe, None)


def tell_replay(recipe: Recipe, path: Path) -> None:
    """Tell the other processes, if there are any, what the base wrote for itself to learn again."""
    if current_team().size > 1:
        _tell_early(recipe, str(path))


def _tell_early(recipe: Recipe, value: str | None) -> str | None:
    """Give the leader's value to all before the run is prepared."""
    join(choose_hardware(dtype=recipe.dtype, threads=recipe.threads))
    return _tell(value)


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
    if recipe.replay == GENERATED:
        written = _tell_early(recipe, None)
        if written is None:
            return
        general = {**general, REPLAY: Path(written)}
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
