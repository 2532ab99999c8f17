"""The training step: from a split and a recipe to an adapter, with the proof of what it learned."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ..workspace.artifact import Artifact, Draft, Workspace, produce
from ..workspace.errors import TunewiseError
from ..workspace.events import Emit, Note, ignore
from ..workspace.files import read_json, sha256_of_file, write_json, writing_whole
from ..workspace.manifest import Input
from .card.facts import card_facts
from .card.markdown import model_card
from .inputs import find_inputs, parameters_of
from .loop.checkpoints import CHECKPOINTS_NAME, COURSE_FOLDER, Checkpoints, step_folder
from .loop.failures import explain, goes_on, is_out_of_memory, out_of_memory, unreadable
from .loop.samples import SAMPLES_NAME, samples_frame
from .models.adapters import Saver
from .models.base_model import BaseModel, padding_token
from .models.hardware import is_sharded
from .models.heads import LABELS_NAME
from .preflight.estimates import measured, memory_warning, planned
from .preflight.preparation import Prepared, prepare
from .recipe import Recipe
from .rows.general import GENERATED, REPLAY
from .rows.tasks import HEAD
from .rows.template import template_of
from .run_document import afterthoughts, prepared_facts, run_document
from .tracking.tensorboard import EVENTS_NAME, TENSORBOARD_FOLDER
from .tracking.tracker import open_trackers

if TYPE_CHECKING:
    from .loop.watch import Watch

TRAIN = "train"
ADAPTER_FOLDER, MODEL_FOLDER = "adapter", "model"
LOG_NAME, PREFLIGHT_NAME = "log.parquet", "preflight.json"
# What the base wrote for itself to learn again.
REPLAY_NAME = "replay.jsonl"
# Where an adapter's first state lies while a run needs it.
_FIRST_STATE = "first_state"


def train(
    workspace: Workspace,
    split_artifact: Artifact,
    recipe: Recipe,
    *,
    force: bool = False,
    restart: bool = False,
    emit: Emit = ignore,
) -> Artifact:
    """Tune a model on a split; a run that was stopped or killed goes on from its checkpoint.

    Args:
        workspace: where the artifact is written.
        split_artifact: brings the rows to learn and those to validate on.
        recipe: what is tuned and how.
        force: train again even if the same run is done.
        restart: begin anew where an unfinished run left a checkpoint.
        emit: told of the rows, of every step and of every validation.

    Returns:
        The artifact of kind ``train``: ``adapter/`` (or ``model/``), ``log.parquet``,
        ``supervision.parquet``, ``recipe.json`` and ``train.json``.

    Raises:
        UsageError: model, recipe and data do not go together; found before anything is trained.
        JobError: the training itself failed, or the disk is full.
        KeyboardInterrupt: somebody asked to stop; its notes say how far the run came and what
            is left of it.
    """
    base, general = find_inputs(workspace, recipe)
    inputs = [
        split_artifact.as_input("split"),
        Input(name="model", sha256=base.sha256, path=str(base.folder)),
        *(
            Input(name=key, sha256=sha256_of_file(path), path=str(path))
            for key, path in general.items()
        ),
    ]
    artifact = produce(
        workspace,
        TRAIN,
        lambda draft: _Run(
            draft, split_artifact, base, general, recipe, restart, emit, workspace
        ).build(),
        inputs=inputs,
        parameters=parameters_of(recipe, general),
        force=force,
        keep_partial=True,
        emit=emit,
    )
    if artifact.reused and recipe.report_to:
        names = " and ".join(recipe.report_to)
        text = f"the run was done before: nothing is sent to {names} (--force trains again)"
        emit(Note(text=text, level="warning"))
    return artifact


def preflight(
    workspace: Workspace,
    split_artifact: Artifact,
    recipe: Recipe,
    *,
    warm_up: bool = False,
    price_per_hour: float | None = None,
    emit: Emit = ignore,
) -> dict[str, Any]:
    """Work out what a run would do, without writing anything.

    Args:
        workspace: where names in the recipe begin.
        split_artifact: brings the rows.
        recipe: what would be tuned and how.
        warm_up: load the weights and train a few steps that are thrown away, to tell the time;
            without it no weight is loaded.
        price_per_hour: of this machine, in any currency, to tell the cost; needs the warm-up.
        emit: told of the rows and of every doubt.

    Returns:
        ``recipe`` (nothing left open), ``schedule``, the facts of ``train.json`` that are known
        before the first step, and what :mod:`~tunewise.train.preflight.estimates` says of tokens,
        memory, time and cost.

    Raises:
        UsageError: model, recipe and data do not go together.
        JobError: the memory is not enough for the largest batch.
    """
    base, general = find_inputs(workspace, recipe)
    prepared = prepare(split_artifact, base, recipe, emit, general)
    if recipe.replay == GENERATED:
        text = "the rows that the base writes for replay are not counted before they are written"
        emit(Note(text=text, level="warning"))
        prepared = replace(prepared, warnings=(*prepared.warnings, text))
    document = _preflight_document(prepared, base, emit)
    if not warm_up:
        return document
    try:
        return document | measured(prepared, base, price_per_hour, emit)
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory(prepared.recipe) from error
        raise


def _preflight_document(prepared: Prepared, base: BaseModel, emit: Emit) -> dict[str, Any]:
    """Return what is known before the weights are loaded, and tell of the memory."""
    tokens, supervised = prepared.train.total("tokens"), prepared.train.total("supervised")
    sizes = planned(prepared, base)
    doubt = memory_warning(sizes["memory"])
    if doubt:
        emit(Note(text=doubt, level="warning"))
    return {
        "recipe": prepared.recipe.model_dump(mode="json"),
        "schedule": asdict(prepared.schedule),
        "supervised_share": supervised / tokens,
        **prepared_facts(prepared, base),
        **sizes,
        "time": None,
        "cost": None,
        "warnings": [*prepared.warnings, *([doubt] if doubt else [])],
    }


@dataclass(frozen=True, slots=True)
class _Run:
    """One training run while it writes its artifact."""

    draft: Draft
    split: Artifact
    base: BaseModel
    general: Mapping[str, Path]
    recipe: Recipe
    restart: bool
    emit: Emit
    workspace: Workspace

    @property
    def checkpoints(self) -> Checkpoints:
        """What an earlier attempt left, and this one leaves until it is done."""
        name = ADAPTER_FOLDER if self.recipe.is_adapter else MODEL_FOLDER
        return Checkpoints(self.draft.folder / CHECKPOINTS_NAME, self.draft.folder / name)

    def build(self) -> None:
        """Prepare, train, and write everything."""
        begin = time.monotonic()
        if self.restart:
            self.checkpoints.remove()
            (self.draft.folder / REPLAY_NAME).unlink(missing_ok=True)
            shutil.rmtree(self.draft.folder / COURSE_FOLDER, ignore_errors=True)
        _empty(self.draft.folder, but=(CHECKPOINTS_NAME, REPLAY_NAME, COURSE_FOLDER))
        general = {**self.general}
        if self.recipe.replay == GENERATED:
            general[REPLAY] = self._rehearse()
        prepared = prepare(self.split, self.base, self.recipe, self.emit, general)
        pl.concat([part.supervision for part in prepared.parts]).write_parquet(
            self.draft.folder / "supervision.parquet"
        )
        write_json(
            self.draft.folder / "recipe.json",
            prepared.recipe.model_dump(mode="json"),
        )
        document = _preflight_document(prepared, self.base, self.emit)
        write_json(self.draft.folder / PREFLIGHT_NAME, document)
        watch = self._tune(prepared)
        for text in afterthoughts(watch):
            self.emit(Note(text=text, level="warning"))
        final = self.workspace.store / TRAIN / self.draft.id / self.checkpoints.result.name
        document = run_document(prepared, self.base, watch, final, time.monotonic() - begin)
        write_json(self.draft.folder / "train.json", document)
        self._write_card(document)
        for part in prepared.parts:
            self.draft.counts[f"{part.name}_rows"] = len(part.supervision)
            self.draft.counts[f"{part.name}_used"] = part.used
            self.draft.counts[f"{part.name}_refused"] = len(part.refused)
        self.draft.seeds["train"] = self.recipe.seed
        self.draft.timed = (LOG_NAME, PREFLIGHT_NAME, f"{TENSORBOARD_FOLDER}/{EVENTS_NAME}")
        self.checkpoints.remove()

    def _write_card(self, document: Mapping[str, Any]) -> None:
        """Put the model card beside the weights."""
        recipe = read_json(self.draft.folder / "recipe.json")
        facts = card_facts(self.workspace, self.split, document, recipe, run=self.draft.id)
        with writing_whole(self.checkpoints.result / "README.md") as stream:
            stream.write(model_card(facts))

    def _rehearse(self) -> Path:
        """Let the base write the replay, unless an earlier attempt has done so."""
        from .loop.processes import tell_replay
        from .rows.rehearsal import rehearse

        path = self.draft.folder / REPLAY_NAME
        without = prepare(self.split, self.base, self.recipe, ignore, self.general)
        rehearse(self.base, without, path, self.emit)
        tell_replay(self.recipe, path)
        return path

    def _tune(self, prepared: Prepared) -> Watch:
        """Train the model and leave the state to keep in the draft's folder."""
        from .loop.measuring import measuring_of
        from .loop.objective import objective_of
        from .loop.processes import dismissing, led, wholly
        from .loop.telling import Telling
        from .loop.trainer import fit
        from .loop.watch import Tally, Watch, finishing_the_step
        from .models.loading import model_to_tune
        from .rows.batches import order_of

        recipe, padding = prepared.recipe, padding_token(prepared.tokenizer)
        model = model_to_tune(self.base, prepared, self.emit)
        objective = objective_of(model, prepared, padding)
        measuring = measuring_of(model, prepared, objective)
        questions = measuring.questions
        acts = wholly(measuring)
        saver = Saver(model, recipe, self.draft.folder / _FIRST_STATE, acts.gather)
        trackers = open_trackers(
            recipe.report_to,
            folder=self.draft.folder,
            store=self.workspace.store,
            run=self.draft.id,
            parameters=recipe.model_dump(mode="json"),
            emit=self.emit,
        )
        done = False
        with finishing_the_step() as stop:
            watch = Watch(
                recipe=recipe,
                schedule=prepared.schedule,
                tally=Tally(),
                measure=lambda: acts.losses(not watch.log),
                save=lambda: self._save(saver, prepared),
                save_step=lambda step: self._save_step(saver, step),
                checkpoints=self.checkpoints,
                emit=self.emit,
                stop=stop,
                telling=Telling(self.emit, prepared.schedule.steps, questions, trackers),
                answer=lambda: acts.answers(not watch.log, None if is_sharded() else stop),
            )
            checkpoint = self._go_on(watch)
            followers = led(watch, prepared.hardware, self.checkpoints.folder, checkpoint)
            try:
                fit(
                    model,
                    prepared.lessons.rows,
                    order=order_of(prepared.lessons, recipe),
                    recipe=recipe,
                    schedule=prepared.schedule,
                    hardware=prepared.hardware,
                    padding=padding,
                    tally=watch.tally,
                    callbacks=followers,
                    objective=objective,
                    folder=self.checkpoints.folder,
                    checkpoint=checkpoint,
                )
                watch.keep_last()
                dismissing()
                if stop.is_set():
                    raise KeyboardInterrupt
                done = True
            except KeyboardInterrupt as interruption:
                interruption.add_note(_how_far(watch, self.checkpoints))
                raise
            except TunewiseError:
                raise
            except Exception as error:
                if explained := explain(error, recipe, self.checkpoints):
                    raise explained from error
                if checkpoint is None or watch.has_begun:
                    raise
                raise unreadable(error, checkpoint) from error
            finally:
                # A full disk must not hide that it was full.
                with nullcontext() if done else suppress(OSError, pl.exceptions.PolarsError):
                    watch.log_frame().write_parquet(self.draft.folder / LOG_NAME)
                    found = samples_frame(questions, watch.telling.samples)
                    found.write_parquet(self.draft.folder / SAMPLES_NAME)
                    trackers.close(done=done)
                saver.close()
        return watch

    def _go_on(self, watch: Watch) -> Path | None:
        """Let a watch go on from the newest checkpoint; returns its folder, or None."""
        from .loop.team import check_same_team

        checkpoint = self.checkpoints.newest()
        if checkpoint is None:
            return None
        check_same_team(checkpoint, self.emit)
        watch.restore(checkpoint.state)
        self.checkpoints.restore_result(checkpoint)
        steps = watch.schedule.steps
        self.emit(
            Note(
                text=f"going on after step {checkpoint.step:,} of {steps:,}, from the last "
                "checkpoint of an unfinished run (--restart begins anew)"
            )
        )
        return checkpoint.folder

    def _save_step(self, saver: Saver, step: int) -> None:
        """Write the adapter as it is after a step; all else is the same as the result's."""
        folder = step_folder(self.draft.folder, step)
        shutil.rmtree(folder, ignore_errors=True)
        saver.save(folder)
        (folder / "README.md").unlink(missing_ok=True)

    def _save(self, saver: Saver, prepared: Prepared) -> None:
        """Write the model as it is, with its tokenizer and the template in use."""
        folder, tokenizer = self.checkpoints.result, prepared.tokenizer
        # A checkpoint may share these files, which must not be written over.
        shutil.rmtree(folder, ignore_errors=True)
        saver.save(folder)
        # The library's model card is a form that nobody has filled in.
        (folder / "README.md").unlink(missing_ok=True)
        if self.recipe.task == HEAD:
            write_json(folder / LABELS_NAME, list(prepared.labels))
        if prepared.template:
            tokenizer.chat_template = template_of(tokenizer)
        tokenizer.save_pretrained(folder)


def _empty(folder: Path, *, but: Sequence[str]) -> None:
    """Remove what an attempt that was killed has left, but for some names."""
    for path in folder.iterdir():
        if path.name not in but:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _how_far(watch: Watch, checkpoints: Checkpoints) -> str:
    """Say how far a run came that was asked to stop, and from where it can go on."""
    done = watch.log[-1]["step"] if watch.log else 0
    return f"stopped after step {done:,} of {watch.schedule.steps:,}; {goes_on(checkpoints)}"
