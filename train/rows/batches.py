"""Batches of rows of about equal length, so that little is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..recipe import Recipe
from .packing import Lessons, Packed
from .render import Rendered

# Rows sorted by length at a time, in batches: wide enough that a batch holds rows of nearly one
# length, narrow enough that its rows change from epoch to epoch.
_BATCHES_SORTED_TOGETHER = 32
# While nothing is learned, a batch has about so many tokens: on a processor more of them leave
# its caches, a GPU wants more. The logits in float32 stay below so many numbers (256 MB).
_TOKENS_AT_A_TIME = {"cpu": 2048}
_TOKENS_AT_A_TIME_ELSEWHERE = 16384
_LOGITS_AT_A_TIME = 1 << 26


class LengthBatches:
    """The order of a run: which rows form which batch, in every epoch.

    The order is a function of the seed and the epoch alone, so that a run can be repeated, and
    joined in the middle. Rows are shuffled, sorted by length within stretches of
    many batches, cut into batches, and the batches are shuffled. Each epoch uses every row once,
    but of the general rows, which stand last, only its turn: the next so many of a shuffled round.

    Attributes:
        batch_size: rows a batch; the last one of an epoch may have fewer.
        drop_last: always false, for the libraries that ask.
    """

    drop_last = False

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        general: int = 0,
        per_epoch: int = 0,
    ) -> None:
        """Take the rows' lengths in tokens.

        Args:
            lengths: of all rows.
            batch_size: rows a batch.
            seed: of the order.
            general: how many of the rows, at the end, are general ones.
            per_epoch: how many of these an epoch uses.
        """
        self.batch_size = batch_size
        self._general = general
        self._per_epoch = min(per_epoch, general)
        self._lengths = np.asarray(lengths)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration is of; called by the training loop."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        rows = len(self._lengths) - self._general + self._per_epoch
        return -(-rows // self.batch_size)

    def _rows(self) -> np.ndarray:
        """Return the rows of this epoch, the general ones last."""
        own = len(self._lengths) - self._general
        if not self._per_epoch:
            return np.arange(own)
        round_of_all = np.random.default_rng(self._seed).permutation(self._general)
        turn = np.arange(self._per_epoch) + self._epoch * self._per_epoch
        return np.concatenate([np.arange(own), own + round_of_all[turn % self._general]])

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the row numbers of each batch."""
        random = np.random.default_rng([self._seed, self._epoch])
        order = random.permutation(self._rows())
        stretch = self.batch_size * _BATCHES_SORTED_TOGETHER
        for start in range(0, len(order), stretch):
            part = order[start : start + stretch]
            order[start : start + stretch] = part[np.argsort(self._lengths[part], kind="stable")]
        batches = [
            order[start : start + self.batch_size]
            for start in range(0, len(order), self.batch_size)
        ]
        for number in random.permutation(len(batches)):
            yield batches[number].tolist()


def order_of(lessons: Lessons, recipe: Recipe) -> LengthBatches:
    """Return the order of a run over its lessons."""
    return LengthBatches(
        [len(row.tokens) for row in lessons.rows],
        recipe.batch_size,
        recipe.seed,
        general=lessons.general,
        per_epoch=lessons.per_epoch,
    )


def measuring_batches(
    lengths: Sequence[int], vocabulary: int, device: str = "cpu"
) -> list[list[int]]:
    """Group all rows for measuring alone: by length, each batch within a bound of tokens.

    Args:
        lengths: tokens of each row.
        vocabulary: size of the model's output, which sets the memory that a token takes.
        device: where the model is, such as ``cpu`` or ``cuda``.

    Returns:
        Row numbers by batch, the longest rows first.
    """
    tokens = _TOKENS_AT_A_TIME.get(device, _TOKENS_AT_A_TIME_ELSEWHERE)
    room = min(tokens, max(512, _LOGITS_AT_A_TIME // vocabulary))
    batches: list[list[int]] = []
    for row in np.argsort(-np.asarray(lengths), kind="stable").tolist():
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= room:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


@dataclass(frozen=True, slots=True)
class Collator:
    """Makes tensors of a batch of rows.

    Padding stands on the right, where a causal model cannot look from the tokens before it, and
    is never a target. So any token may pad, and no attention mask is needed.
    """

    padding: int

    def __call__(self, rows: Sequence[Rendered]) -> dict[str, torch.Tensor]:
        """Pad rows to the longest one.

        Returns:
            ``input_ids`` (rows, length), int64; ``positions``, the places in the flattened
            ``input_ids`` whose next token is to be learned, in the order of the rows;
            ``targets``, those next tokens; ``tokens``, how many are no padding. Where rows are
            packed, also ``position_ids`` (rows, length), which begin anew with each of them.
        """
        length = max(len(row.tokens) for row in rows)
        tokens = np.full((len(rows), length), self.padding, dtype=np.int64)
        learned = np.zeros((len(rows), length), dtype=bool)
        for index, row in enumerate(rows):
            tokens[index, : len(row.tokens)] = row.tokens
            learned[index, : len(row.tokens)] = row.supervised
        places = np.flatnonzero(learned)
        packed = any(isinstance(row, Packed) for row in rows)
        positions = {"position_ids": torch.from_numpy(_positions(rows, length))} if packed else {}
        return positions | {
            "input_ids": torch.from_numpy(tokens),
            "positions": torch.from_numpy(places - 1),
            "targets": torch.from_numpy(tokens.reshape(-1)[places]),
            "tokens": torch.tensor(sum(len(row.tokens) for row in rows)),
        }


def _positions(rows: Sequence[Rendered], length: int) -> np.ndarray:
    """Return the position of every token within its own row; padding counts as one more row."""
    positions = np.zeros((len(rows), length), dtype=np.int64)
    for index, row in enumerate(rows):
        lengths = row.lengths if isinstance(row, Packed) else (len(row.tokens),)
        start = 0
        for size in (*lengths, length - len(row.tokens)):
            positions[index, start : start + size] = np.arange(size)
            start += size
    return positions
