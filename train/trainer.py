"""The training loop: transformers' Trainer, with our batches and our loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainingArguments

from .batches import Collator, LengthBatches
from .hardware import Hardware
from .loss import token_losses
from .preflight import Schedule
from .recipe import Recipe
from .render import Rendered
from .watch import Tally, Watch

_SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


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
        padding: int,
        watch: Watch,
    ) -> None:
        """Take a model on its device, the rows to learn, their order, and a token to pad with."""
        super().__init__(model=model, args=arguments, callbacks=[watch])
        self.remove_callback(PrinterCallback)
        # The loss below is divided by the step's tokens already; Trainer shall not do it again.
        self.model_accepts_loss_kwargs = True
        self._rows = rows
        self._order = order
        self._collate = Collator(padding)
        self._tally: Tally = watch.tally

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
    watch: Watch,
    folder: Path,
    checkpoint: Path | None = None,
) -> None:
    """Train a model in place; what is seen and kept on the way is the watch's.

    Args:
        model: on its device, with gradients where it is to be tuned.
        rows: each with at least one supervised token.
        order: which of them form which batch.
        recipe: of the run.
        schedule: the run's steps.
        hardware: where the model is.
        padding: token id to pad with.
        watch: follows the run.
        folder: where checkpoints are written, when the watch asks for one.
        checkpoint: one of these, to go on from.
    """
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation,
        max_steps=schedule.steps,
        learning_rate=recipe.peak_learning_rate,
        lr_scheduler_type=_SCHEDULES[recipe.schedule],
        warmup_steps=schedule.warmup_steps,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_gradient_norm,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=hardware.dtype == "bfloat16",
        use_cpu=hardware.device == "cpu",
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )
    trainer = SupervisedTrainer(model, arguments, rows, order, padding, watch)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
