"""Beginnings that many sequences share, read once: fixed examples, a system prompt, a chat's head.

They are found in the tokens alone, so it does not matter what put them there. Sorted sequences
form a trie whose inner nodes are intervals of neighbours with a common beginning (as in Abouelhoda
et al. 2004, *Replacing suffix trees with enhanced suffix arrays*); of nested nodes those are taken
that save most. A beginning's keys and values are kept while the sequences of its group are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from .trees import TREE_NODES, common_length

# A beginning has to save this many tokens: its group is read in passes of its own.
_WORTH_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Group:
    """Sequences that are read after one beginning.

    Attributes:
        length: tokens of the beginning; 0 where there is none.
        members: which sequences (their numbers).
    """

    length: int
    members: list[int]


@dataclass(slots=True)
class _Node:
    """An inner node of the trie while its interval grows: its first place, and what saves most."""

    length: int
    first: int
    saved: int = 0
    chosen: list[tuple[int, int, int]] = field(default_factory=list)


def group_by_prefix(
    sequences: Sequence[Sequence[int]],
    starts: Sequence[int],
    chosen: Sequence[int],
    *,
    together: int = TREE_NODES,
) -> list[Group]:
    """Put together what shares a beginning that is worth keeping; the rest comes last.

    A beginning ends before the first token whose output is wanted.

    Args:
        sequences: token ids.
        starts: for each sequence, the index (at least 1) of its first scored token.
        chosen: numbers of the sequences to group.
        together: so many tokens would be read after one copy of a beginning if it were not kept,
            as in a tree; 1 where each sequence is read by itself.

    Example:
        >>> shots = list(range(100))
        >>> items = [[*shots, *[200 + n] * 40, 1] for n in range(60)] + [[7, 8, 9]]
        >>> [(one.length, len(one.members)) for one in group_by_prefix(items, [120] * 60 + [1],
        ...                                                            range(61))]
        [(100, 60), (0, 1)]
    """
    order = sorted(chosen, key=lambda number: list(sequences[number]))
    # shared[k]: what the k-th has in common with the one before; new tokens are summed up.
    shared, added = [0], [0]
    for before, number in pairwise(order):
        same = common_length(sequences[before], sequences[number])
        shared.append(min(same, starts[before] - 1, starts[number] - 1))
        added.append(added[-1] + len(sequences[number]) - same)
    groups, inside = [], set()
    for first, end, length in _best(order, sequences, shared, added, together):
        groups.append(Group(length, order[first:end]))
        inside.update(order[first:end])
    rest = [number for number in chosen if number not in inside]
    return [*groups, *([Group(0, rest)] if rest else [])]


def _best(
    order: Sequence[int],
    sequences: Sequence[Sequence[int]],
    shared: Sequence[int],
    added: Sequence[int],
    together: int,
) -> list[tuple[int, int, int]]:
    """Return the intervals (first, end, length) that save most together."""
    stack = [_Node(0, 0)]
    for place in range(1, len(order) + 1):
        length = shared[place] if place < len(order) else 0
        first, below = place - 1, _Node(0, 0)
        while stack[-1].length > length:
            below = stack.pop()
            first = below.first
            new = len(sequences[order[first]]) - below.length + added[place - 1] - added[first]
            copies = min(place - first, -(-new // together))
            saved = below.length * (copies - 1) - _WORTH_TOKENS
            if saved > below.saved:
                below.saved, below.chosen = saved, [(first, place, below.length)]
            if stack[-1].length >= length:
                stack[-1].saved += below.saved
                stack[-1].chosen += below.chosen
        if stack[-1].length < length:
            stack.append(_Node(length, first, below.saved, below.chosen))
    return stack[0].chosen


class _Kept(DynamicLayer):
    """Keys and values of a beginning, for every row of a batch; what comes after is not kept."""

    def __init__(self, read: Any) -> None:
        """Take over what a layer has read; tensors of shape (1, heads, length, size)."""
        super().__init__()
        self.lazy_initialization(read.keys, read.values)
        self.keys: torch.Tensor = read.keys
        self.values: torch.Tensor = read.values

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the keys and values to attend to, the beginning's before those of each row."""
        rows = len(key_states)
        return (
            torch.cat([self.keys.expand(rows, -1, -1, -1), key_states], dim=-2),
            torch.cat([self.values.expand(rows, -1, -1, -1), value_states], dim=-2),
        )


def read_prefix(model: Any, tokens: Sequence[int], device: torch.device) -> DynamicCache:
    """Let a model read a beginning and return its keys and values.

    Args:
        model: a causal language model.
        tokens: of the beginning.
        device: where the model computes.
    """
    # Without the model's configuration every layer keeps all that it read.
    read = DynamicCache()
    inputs = torch.tensor([list(tokens)], device=device)
    with only_at(model, torch.zeros(1, dtype=torch.long, device=device)):
        model(input_ids=inputs, past_key_values=read, use_cache=True)
    return read


def shared_by_rows(read: DynamicCache) -> DynamicCache:
    """Return a beginning for one pass after another: batches of any size, which leave it as it is.

    Args:
        read: what a model read.
    """
    shared = DynamicCache()
    shared.layers.extend(_Kept(layer) for layer in read.layers)
    return shared


def repeated_in_rows(read: DynamicCache, rows: int) -> DynamicCache:
    """Return a beginning for a batch of so many rows, each of which goes on from it.

    Args:
        read: what a model read; it stays as it is.
        rows: of the batch.
    """
    repeated = DynamicCache()
    for number, layer in enumerate(read.layers):
        kept = _Kept(layer)
        repeated.update(
            kept.keys.expand(rows, -1, -1, -1), kept.values.expand(rows, -1, -1, -1), number
        )
    return repeated


@contextmanager
def only_at(model: Any, places: torch.Tensor) -> Iterator[None]:
    """Let a model's output layer see only some places of a batch.

    The output over a large vocabulary is a good part of all the work and most of the memory.
    Within this context ``logits`` has the shape (1, places, vocabulary).

    Args:
        model: a causal language model.
        places: flat indices into batch times width, int64 of shape (places,).
    """

    def select(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[Any, ...]:
        hidden = inputs[0].reshape(-1, inputs[0].shape[-1])
        return (hidden.index_select(0, places)[None], *inputs[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()
