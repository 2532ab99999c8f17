"""The training loop: transformers' Trainer, with our batches and our loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from .arrangement import OPTIMIZERS
from .batches import Collator, LengthBatches
from .hardware import Hardware
from .loss import token_losses
from .parameters import Unfreezing, make_optimizer
from .preflight import Schedule
from .recipe import Recipe
from .render import Rendered
from .schedules import learning_rate_factor
from .watch import Tally


class SupervisedTrainer(Trainer):
    """Trains on rendered rows: batches of about equal length, logits at supervised positions.

    The loss of a step is the mean over all its supervised tokens, however many forward passes
    they come from, so accumulating gradients changes nothing but the memory it takes.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        arguments: TrainingArguments,
        rows: Sequence[Rendered],
        order: LengthBatches,
        factor: Callable[[int], float],
        recipe: Recipe,
        padding: int,
        tally: Tally,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        """Take what is learned and how.

        Args:
            model: on its device.
            arguments: of the loop.
            rows: to learn.
            order: which of them form which batch.
            factor: for a step, the share of the peak learning rate.
            recipe: tells which weights learn how fast.
            padding: token id to pad with.
            tally: counts the tokens.
            callbacks: follow the run.
        """
        super().__init__(model=model, args=arguments, callbacks=[*callbacks])
        self.remove_callback(PrinterCallback)
        # The loss below is divided by the step's tokens already; Trainer shall not do it again.
        self.model_accepts_loss_kwargs = True
        self._rows = rows
        self._order = order
        self._factor = factor
        self._recipe = recipe
        self._collate = Collator(padding)
        self._tally = tally

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Return the optimizer, with groups of their own where weights learn at different rates."""
        if self.optimizer is None:
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            decaying = {*self.get_decay_parameter_names(self.model)}
            self.optimizer = make_optimizer(self.model, self._recipe, kind, settings, decaying)
        return super().create_optimizer(model)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LRScheduler:
        """Return what sets the learning rate of every step."""
        if self.lr_scheduler is None:
            chosen: Any = optimizer or self.optimizer
            self.lr_scheduler = LambdaLR(chosen, self._factor)
            # Trainer steps it itself, and writes it into checkpoints.
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def get_train_dataloader(self) -> DataLoader:
        """Return the batches of rows of about equal length."""
        loader: Any = DataLoader(
            self._rows,  # pyright: ignore[reportArgumentType]
            batch_sampler=self._order,  # pyright: ignore[reportArgumentType]
            collate_fn=self._collate,
        )
        return self.accelerator.prepare(loader)

    def get_batch_samples(
        self, epoch_iterator: Iterator[dict[str, torch.Tensor]], num_batches: int, device: Any
    ) -> tuple[list[dict[str, torch.Tensor]], torch.Tensor]:
        """Take the batches of one step and count the tokens that they teach."""
        batches = list(islice(epoch_iterator, num_batches))
        supervised = sum(len(batch["targets"]) for batch in batches)
        self._tally.supervised += supervised
        self._tally.tokens += sum(int(batch.pop("tokens")) for batch in batches)
        return batches, torch.tensor(supervised, device=device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Return this batch's share of the step's mean loss."""
        losses = token_losses(model, inputs)
        return losses.sum() / (num_items_in_batch or len(losses))


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
    """
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.batch_size,
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
    trainer = SupervisedTrainer(
        model, arguments, rows, order, factor, recipe, padding, tally, callbacks
    )
    if recipe.unfreezing:
        trainer.add_callback(Unfreezing(model, round(schedule.steps * recipe.unfreezing)))
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
