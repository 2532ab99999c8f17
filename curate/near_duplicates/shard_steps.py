"""The exact join over shards: what is done with one shard, or with one part of what they share.

Each step is a function of arrays, so that it can run on any machine, and what it returns in parts
is what other steps are given: shards send to partitions (of shingles), and partitions to shards.
:mod:`.sharded_pairs` puts the steps together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from .shared_shingles import texts_with
from .shingle_blocks import ShingleBlock, ShingleBlocks, take_runs
from .shingles import LengthClass, read_texts

_NEVER_ON_DISK = 1 << 62


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a shard's texts wherever the search is led from.

    Attributes:
        words: the number of words of each.
        hashes: of the words of each.
    """

    words: np.ndarray
    hashes: np.ndarray


def read_shard(
    read: Callable[[], pl.Series], classes: Sequence[LengthClass], canonical: bool
) -> list[Facts | ShingleBlock]:
    """Read a shard; return its facts, and for each length class the shingles of its texts."""
    rooms = [ShingleBlocks(Path(), _NEVER_ON_DISK) for _ in classes]
    found = read_texts([read()], classes, rooms, canonical=canonical, threads=1)
    facts = Facts(found.words, found.hashes)
    return [facts, *(_joined(list(room)) for room in rooms)]


def _joined(blocks: Sequence[ShingleBlock]) -> ShingleBlock:
    nothing = np.empty(0, dtype=np.int64)
    empty = ShingleBlock(nothing, nothing, nothing, nothing.view(np.uint64))
    names = ("texts", "lone", "lengths", "shingles")
    together = [[getattr(block, name) for block in (empty, *blocks)] for name in names]
    return ShingleBlock(*(np.concatenate(columns) for columns in together))


def writable(block: ShingleBlock) -> ShingleBlock:
    """Copy a block: what another process made is read-only, and compiled code does not know it."""
    return ShingleBlock(
        block.texts.copy(), block.lone.copy(), block.lengths.copy(), block.shingles.copy()
    )


def take_texts_of(block: ShingleBlock, chosen: np.ndarray) -> ShingleBlock:
    """Return the block of some of a shard's texts.

    Args:
        block: of the shard.
        chosen: for each of its texts whether it is wanted.
    """
    return writable(block).of(chosen[block.texts])


def count_texts_of(block: ShingleBlock, included: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Count a shard's texts that have each of some shingles.

    Args:
        block: of the shard.
        included: for each of its texts whether it counts.
        wanted: the shingles, ascending.
    """
    return texts_with(wanted.copy(), [writable(block)], included)


@dataclass(frozen=True, slots=True)
class OrderedSets:
    """Texts as sets of shingles in the common order, from the rarest on.

    Attributes:
        texts: positions among all texts, ascending.
        lengths: shingles of each.
        totals: the weight of each.
        keys: the shingles, one text after the other.
    """

    texts: np.ndarray
    lengths: np.ndarray
    totals: np.ndarray
    keys: np.ndarray

    def of(self, texts: np.ndarray) -> OrderedSets:
        """Return the sets of some texts, all of which are here."""
        places = np.searchsorted(self.texts, texts)
        lengths = self.lengths[places]
        begins = (np.cumsum(self.lengths) - self.lengths)[places]
        return OrderedSets(
            texts, lengths, self.totals[places], take_runs(self.keys, begins, lengths)
        )


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The first shingles of texts, of which two similar texts share one.

    Attributes:
        keys: the shingles.
        texts: the position of the text that each is of.
        totals: the weight of its whole set.
        reaches: the weight from the shingle on.
    """

    keys: np.ndarray
    texts: np.ndarray
    totals: np.ndarray
    reaches: np.ndarray

    def where(self, wanted: np.ndarray) -> Prefixes:
        """Return some of them."""
        return Prefixes(
            self.keys[wanted], self.texts[wanted], self.totals[wanted], self.reaches[wanted]
        )


def order_shard(
    block: ShingleBlock,
    first: int,
    included: np.ndarray,
    templates: np.ndarray,
    counters: np.ndarray,
    threshold: float,
    partitions: int,
) -> list[OrderedSets | Prefixes]:
    """Bring a shard's texts into the common order.

    Args:
        block: of the shard, by position in it.
        first: the position of its first text among all texts.
        included: for each of its texts whether it is looked at.
        templates: shingles that weigh little, ascending.
        counters: how frequent shingles are in a sample, the same for all shards.
        threshold: the Jaccard similarity.
        partitions: into how many parts the prefixes are divided.

    Returns:
        The sets, and for each partition the prefixes whose shingles belong to it.
    """
    from .join_kernels import order_sets, prefixes
    from .shingle_kernels import TEMPLATE

    some = writable(block).of(included[block.texts])
    keys, lengths = some.shingles, some.lengths
    if len(templates):
        places = np.minimum(np.searchsorted(templates, keys), len(templates) - 1)
        keys = np.where(templates[places] == keys, keys | TEMPLATE, keys)
    begins = np.cumsum(lengths) - lengths
    totals = order_sets(keys, lengths, counters.copy())
    ends = begins + lengths
    counts, first_keys, reaches = prefixes(keys, begins, ends, totals, totals, threshold)
    owners = np.repeat(np.arange(len(counts)), counts)
    texts = some.texts + first
    parts = Prefixes(
        first_keys,
        texts[owners],
        totals[owners].astype(np.int32),
        reaches.astype(np.int32),
    )
    order = np.argsort(texts)
    distinct = take_runs(keys, begins[order], lengths[order])
    sets = OrderedSets(texts[order], lengths[order], totals[order], distinct)
    which = (first_keys % np.uint64(partitions)).astype(np.int64)
    return [sets, *(parts.where(which == number) for number in range(partitions))]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What was not compared in a partition.

    Attributes:
        bounded: shingles with more pairs than allowed.
        skipped: at most so many of those were not looked at.
    """

    bounded: int
    skipped: int


def candidates(
    edges: np.ndarray, threshold: float, max_pairs: int, *parts: Prefixes
) -> list[Bounds | np.ndarray]:
    """Find the pairs of texts that share a shingle of one partition in their prefixes.

    Args:
        edges: the position of each shard's first text, and the number of all texts.
        threshold: the Jaccard similarity.
        max_pairs: bound on the pairs of one shingle.
        parts: the partition's prefixes, from each shard.

    Returns:
        What was left out, and for each shard the pairs whose left text is in it (two columns).
    """
    from .join_kernels import pairs_of_buckets

    keys, texts, totals, reaches = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("keys", "texts", "totals", "reaches")
    )
    order = np.argsort(keys)
    keys = keys[order]
    again = keys[1:] == keys[:-1]
    order = order[(np.r_[again, False] | np.r_[False, again])[: len(order)]]
    order = order[np.lexsort((texts[order], totals[order], _numbers(keys, again)))]
    members, begins = _members(again)
    over = members * (members - 1) // 2 > max_pairs
    windows = np.where(over, np.maximum(1, max_pairs // np.maximum(1, members)), members)
    arguments = (texts[order], totals[order], reaches[order], begins, windows, threshold)
    count, skipped = pairs_of_buckets(*arguments, np.empty((0, 2), dtype=np.int64))
    pairs = np.empty((count, 2), dtype=np.int64)
    pairs_of_buckets(*arguments, pairs)
    pairs = _distinct(np.sort(pairs, axis=1))
    shards = np.searchsorted(edges, pairs[:, 0], side="right") - 1
    cuts = np.searchsorted(shards, np.arange(len(edges)))
    mine = [pairs[low:high] for low, high in pairwise(cuts)]
    return [Bounds(int(over.sum()), int(skipped)), *mine]


def _numbers(keys: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Number the values that occur again, for each of their occurrences, in order."""
    numbers = np.cumsum(np.r_[1, ~again])[: len(keys)]
    return numbers[(np.r_[again, False] | np.r_[False, again])[: len(keys)]]


def _members(again: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values are equal each time, where it is several, and where they begin."""
    begins = np.flatnonzero(np.r_[True, ~again])
    members = np.diff(np.r_[begins, len(again) + 1])
    members = members[members > 1]
    return members, np.r_[0, np.cumsum(members)]


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Return each pair once, ascending."""
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    new = np.ones(len(ordered), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return ordered[new]


def wanted_sets(edges: np.ndarray, *pairs: np.ndarray) -> list[np.ndarray]:
    """Return a shard's candidates, each once, and for each shard the texts that they need of it.

    Args:
        edges: the position of each shard's first text, and the number of all texts.
        pairs: the shard's candidates, from each partition.
    """
    together = _distinct(np.concatenate(pairs))
    texts = np.unique(together)
    cuts = np.searchsorted(texts, edges)
    return [together, *(texts[low:high] for low, high in pairwise(cuts))]


def sets_of(sets: OrderedSets, *wanted: np.ndarray) -> list[OrderedSets]:
    """Return the sets of those of a shard's texts that each shard wants."""
    return [sets.of(texts) for texts in wanted]


def verify(
    threshold: float, pairs: np.ndarray, *parts: OrderedSets
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the exact similarity of a shard's candidates.

    Args:
        threshold: the Jaccard similarity.
        pairs: of :func:`wanted_sets`.
        parts: the sets of their texts, from each shard in turn.

    Returns:
        Left and right text and similarity of the pairs that are similar enough.
    """
    from .join_kernels import pair_similarities

    texts, lengths, totals, keys = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("texts", "lengths", "totals", "keys")
    )
    begins = np.cumsum(lengths) - lengths
    left, right = (np.searchsorted(texts, pairs[:, side]) for side in (0, 1))
    similarity = pair_similarities(keys, begins, begins + lengths, totals, left, right)
    enough = similarity >= threshold
    return pairs[enough, 0], pairs[enough, 1], similarity[enough]
