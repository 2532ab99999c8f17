"""Several short rows in one sequence, none of which sees another.

Attention is kept within each row by position ids that begin anew: transformers builds a
block-diagonal mask from them, and flash-attn computes the blocks alone (Krell et al., "Efficient
Sequence Packing without Cross-contamination", 2021). Whether a model heeds them is tried out.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...workspace.errors import UsageError
from .render import Rendered

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Where no maximum length is set, the context of a model can be so long that the mask of one
# sequence fills the memory.
_USUAL_LENGTH = 2048
_MOST_TRIED = 64
# What rounding may make of a loss (nats) in another shape of batch. A row that sees another's
# tokens differs by far more.
_ROUNDING = {"float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}


@dataclass(frozen=True, slots=True)
class Packed(Rendered):
    """Rows laid end to end.

    Attributes:
        lengths: tokens of each row, in order; together the tokens of all.
    """

    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lessons:
    """What an epoch's batches are made of: rows, or sequences of packed rows.

    Attributes:
        rows: the split's own first, then the general ones.
        general: how many of them are general ones.
        per_epoch: how many of these an epoch uses; the next one goes on with others.
    """

    rows: tuple[Rendered, ...]
    general: int = 0
    per_epoch: int = 0

    @property
    def an_epoch(self) -> int:
        """How many rows or sequences an epoch uses."""
        return len(self.rows) - self.general + min(self.per_epoch, self.general)


def arrange(
    own: Sequence[Rendered],
    general: Sequence[Rendered] = (),
    per_epoch: int = 0,
    *,
    capacity: int | None = None,
) -> Lessons:
    """Arrange rows for training.

    Args:
        own: the split's rows.
        general: rows of replay, of which each epoch uses some.
        per_epoch: how many of these.
        capacity: tokens that a sequence of packed rows may have; None packs nothing.
    """
    if capacity is None:
        return Lessons((*own, *general), len(general), per_epoch)
    packed_own, packed_general = join(own, capacity), join(general, capacity)
    share = per_epoch / max(1, len(general))
    return Lessons(
        (*packed_own, *packed_general), len(packed_general), round(share * len(packed_general))
    )


def capacity_of(max_length: int | None, rows: Sequence[Rendered]) -> int:
    """Return the tokens of a packed sequence: what the recipe says, else as many as is usual."""
    longest = max((len(row.tokens) for row in rows), default=0)
    return max_length or max(longest, _USUAL_LENGTH)


def join(rows: Sequence[Rendered], capacity: int) -> list[Packed]:
    """Lay rows end to end in sequences of at most so many tokens; a longer row stands alone."""
    groups = pack([len(row.tokens) for row in rows], capacity)
    return [lay_end_to_end([rows[row] for row in group]) for group in groups]


def lay_end_to_end(rows: Sequence[Rendered]) -> Packed:
    """Make one sequence of rows."""
    return Packed(
        tokens=[token for row in rows for token in row.tokens],
        supervised=[learned for row in rows for learned in row.supervised],
        lengths=tuple(len(row.tokens) for row in rows),
    )


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Distribute rows over as few sequences as best-fit decreasing finds.

    At most 11/9 of the fewest possible, plus one (Johnson, "Near-Optimal Bin Packing
    Algorithms", 1973); of rows much shorter than the capacity next to nothing is wasted.

    Args:
        lengths: tokens of each row.
        capacity: tokens of a sequence.

    Returns:
        Row numbers by sequence; every row once.

    Example:
        >>> pack([5, 4, 3, 2], 7)
        [[0, 3], [1, 2]]
    """
    groups: list[list[int]] = []
    rooms: list[tuple[int, int]] = []
    for row in np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist():
        place = bisect_left(rooms, (lengths[row], -1))
        if place < len(rooms):
            room, group = rooms.pop(place)
            groups[group].append(row)
        else:
            room, group = capacity, len(groups)
            groups.append([row])
        if room - lengths[row] > 0:
            insort(rooms, (room - lengths[row], group))
    return groups


def check_separation(model: PreTrainedModel, rows: Sequence[Rendered], padding: int) -> None:
    """Try out on a model whether packed rows are learned as if each stood alone.

    Args:
        model: on its device; left in the mode it was in.
        rows: of the run; two of them are taken.
        padding: token id to pad with.

    Raises:
        UsageError: a row's loss depends on its neighbour.
    """
    import torch

    from ..loop.loss import token_losses
    from .batches import Collator

    def losses(batch: Sequence[Rendered]) -> Any:
        tensors = Collator(padding)(batch)
        return token_losses(model, {name: on.to(model.device) for name, on in tensors.items()})

    if len(rows) < 2:
        return
    pair = sorted(rows[:_MOST_TRIED], key=lambda row: len(row.tokens))[-2:]
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            packed = losses([lay_end_to_end(pair)])
            alone = torch.cat([losses([row]) for row in pair])
    finally:
        model.train(was_training)
    difference = float((packed - alone).abs().max())
    if difference > _ROUNDING[str(model.dtype).removeprefix("torch.")]:
        raise UsageError(
            f"in this model packed rows see each other: a loss differs by {difference:.2g} from "
            "that of the row alone",
            where="[train] packing",
            fix="set packing = false; rows of about equal length share a batch then",
        )
