"""The training loop: transformers' Trainer, with our batches and our loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    TrainerCallback,
    TrainingArguments,
)

from ..models.arrangement import OPTIMIZERS
from ..models.hardware import Hardware
from ..models.parameters import Unfreezing
from ..preflight.preflight import Schedule
from ..recipe import Recipe
from ..rows.batches import Collator, LengthBatches
from ..rows.render import Rendered
from ..rows.tasks import PREFERENCES
from .anchor import Anchor
from .course import Course, Lesson
from .loss import token_losses
from .objective import Objective
from .schedules import learning_rate_factor
from .team import current_team
from .watch import Tally


class SupervisedTrainer(Course):
    """Trains on rendered rows: batches of about equal length, logits at supervised positions.

    The loss of a step is the mean over all its supervised tokens, however many forward passes
    they come from, so accumulating gradients changes nothing but the memory it takes.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        arguments: TrainingArguments,
        lesson: Lesson,
        anchor: Anchor | None,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        """Take what is learned and how.

        Args:
            model: on its device.
            arguments: of the loop.
            lesson: rows, order and rates.
            anchor: holds the model to its base.
            callbacks: follow the run.
        """
        super().__init__(model=model, args=arguments, callbacks=[*callbacks])
        # The loss below is divided by the step's tokens already; Trainer shall not do it again.
        self.model_accepts_loss_kwargs = True
        self.lesson = lesson
        self._anchor = anchor
        self._passes, self._done = 1, 0
        self._divergences: list[float] = []

    def get_batch_samples(
        self, epoch_iterator: Iterator[dict[str, torch.Tensor]], num_batches: int, device: Any
    ) -> tuple[list[dict[str, torch.Tensor]], torch.Tensor]:
        """Take the batches of one step and count the tokens that they teach."""
        batches, supervised = super().get_batch_samples(epoch_iterator, num_batches, device)
        self._passes, self._done = max(1, len(batches)), 0
        return batches, supervised

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return this batch's share of the step's mean loss, and of its distance from the base."""
        losses = token_losses(model, inputs)
        # The gradients of several processes are averaged, and shall be summed.
        loss = losses.sum() * current_team().size / (num_items_in_batch or len(losses))
        if self._anchor is None:
            return loss
        number = self.state.global_step * self.args.gradient_accumulation_steps + self._done
        divergence = self._anchor.divergence(model, number)
        self._done += 1
        self._divergences.append(float(divergence.detach()))
        return loss + self.lesson.recipe.kl_weight * divergence / self._passes

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Tell the distance from the base, too; the loss is told without it."""
        if self._divergences and "loss" in logs:
            logs["divergence"] = sum(self._divergences) / len(self._divergences)
            logs["loss"] -= self.lesson.recipe.kl_weight * logs["divergence"]
            self._divergences.clear()
        super().log(logs, start_time)


def fit(
    model: PreTrainedModel,
    rows: Sequence[Rendered],
    *,
    order: LengthBatches,
    recipe: Recipe,
    schedule: Schedule,
    hardware: Hardware,
    padding: int,
    tally: Tally,
    callbacks: Sequence[TrainerCallback],
    folder: Path,
    checkpoint: Path | None = None,
    factor: Callable[[int], float] | None = None,
    objective: Objective | None = None,
) -> None:
    """Train a model in place; what is seen and kept on the way is for those that follow it.

    Args:
        model: on its device, with gradients where it is to be tuned.
        rows: each with at least one supervised token.
        order: which of them form which batch.
        recipe: of the run.
        schedule: the run's steps.
        hardware: where the model is.
        padding: token id to pad with.
        tally: counts the tokens that the model is trained on.
        callbacks: follow the run.
        folder: where checkpoints are written, when a callback asks for one.
        checkpoint: one of these, to go on from.
        factor: for a step (0-based), the share of the peak learning rate; None: the recipe's.
        objective: what the loss needs beside the rows; None for the rows' own loss.
    """
    settings: dict[str, Any] = dict(
        output_dir=str(folder),
        per_device_train_batch_size=-(-recipe.batch_size // current_team().size),
        gradient_accumulation_steps=recipe.gradient_accumulation,
        max_steps=schedule.steps,
        learning_rate=recipe.peak_learning_rate,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_gradient_norm,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=hardware.dtype == "bfloat16",
        fp16=hardware.dtype == "float16",
        use_cpu=hardware.device == "cpu",
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **({"optim": named} if (named := OPTIMIZERS[recipe.optimizer]) else {}),
    )
    factor = factor or partial(
        learning_rate_factor,
        steps=schedule.steps,
        warmup_steps=schedule.warmup_steps,
        recipe=recipe,
    )
    trainer: Course
    if recipe.task == PREFERENCES:
        from .preference import PairCollator, PreferenceTrainer

        assert objective is not None
        pairs: Any = PairCollator(padding)
        trainer = PreferenceTrainer(model, settings, recipe, objective, callbacks)
        trainer.lesson = Lesson(rows, order, pairs, factor, recipe, tally)
    else:
        lesson = Lesson(rows, order, Collator(padding), factor, recipe, tally)
        anchor = objective.anchor if objective else None
        trainer = SupervisedTrainer(model, TrainingArguments(**settings), lesson, anchor, callbacks)
    trainer.remove_callback(PrinterCallback)
    if recipe.unfreezing:
        trainer.add_callback(Unfreezing(model, round(schedule.steps * recipe.unfreezing)))
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
