"""What all our training loops share: rows and their order, rates, and a count of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import DataLoader
from transformers import Trainer

from ..models.parameters import make_optimizer
from ..recipe import Recipe
from ..rows.batches import LengthBatches
from ..rows.render import Rendered
from .team import SharedCollator, current_team
from .watch import Tally


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a loop learns, and in which order and measure.

    Attributes:
        rows: to learn.
        order: which of them form which batch.
        collate: makes tensors of a batch; ``tokens`` among them counts those without padding.
        factor: for a step, the share of the peak learning rate.
        recipe: tells which weights learn how fast.
        tally: counts the tokens.
    """

    rows: Sequence[Rendered]
    order: LengthBatches
    collate: Callable[[Any], dict[str, torch.Tensor]]
    factor: Callable[[int], float]
    recipe: Recipe
    tally: Tally


class Course(Trainer):
    """A Trainer that takes its rows, their order and its rates from a :class:`Lesson`."""

    lesson: Lesson

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Return the optimizer, with groups of their own where weights learn at different rates."""
        if self.optimizer is None:
            tuned: Any = self.model
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args, tuned)
            decaying = {*self.get_decay_parameter_names(tuned)}
            self.optimizer = make_optimizer(
                self.model, self.lesson.recipe, kind, settings, decaying
            )
        return super().create_optimizer(model)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LRScheduler:
        """Return what sets the learning rate of every step."""
        if self.lr_scheduler is None:
            chosen: Any = optimizer or self.optimizer
            self.lr_scheduler = LambdaLR(chosen, self.lesson.factor)
            # Trainer steps it itself, and writes it into checkpoints.
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def get_train_dataloader(self) -> DataLoader:
        """Return the batches of rows of about equal length."""
        team, collate = current_team(), self.lesson.collate
        loader: Any = DataLoader(
            self.lesson.rows,  # pyright: ignore[reportArgumentType]
            batch_sampler=team.share(self.lesson.order),  # pyright: ignore[reportArgumentType]
            collate_fn=SharedCollator(collate) if team.size > 1 else collate,
        )
        # The order is shared out already: the library would deal out whole batches.
        return prepare_data_loader(
            loader,
            self.args.device,
            num_processes=1,
            process_index=0,
            put_on_device=True,
        )

    def get_batch_samples(
        self, epoch_iterator: Iterator[dict[str, torch.Tensor]], num_batches: int, device: Any
    ) -> tuple[list[dict[str, torch.Tensor]], torch.Tensor]:
        """Take the batches of one step and count the tokens that they teach."""
        batches = list(islice(epoch_iterator, num_batches))
        supervised, tokens = current_team().total(
            sum(self.supervised_in(batch) for batch in batches),
            sum(int(batch.pop("tokens")) for batch in batches),
            device=device,
        )
        self.lesson.tally.supervised += supervised
        self.lesson.tally.tokens += tokens
        return batches, torch.tensor(supervised, device=device)

    def supervised_in(self, batch: dict[str, torch.Tensor]) -> int:
        """Return how many tokens a batch teaches."""
        return len(batch["targets"])
