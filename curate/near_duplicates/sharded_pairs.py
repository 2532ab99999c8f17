"""Near-duplicates among texts in shards, on several machines: the same pairs as on one.

The exact join of :mod:`.prefix_join`, cut so that no machine needs all texts. Each shard is read
and hashed where it lies. What all must agree on is small and goes to everybody: which texts are
copies, which shingles are templates, and how frequent shingles are in a sample, which gives the
common order. Then every shard sends the first shingles of its texts to the partitions that these
belong to; texts that meet there are candidates, each of which goes to the shard of its left text;
and shards send each other the sets of candidates, by which these are verified. The texts
themselves never move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from .buckets import MAX_PAIRS_PER_BUCKET
from .pairs import NearDuplicates, gather, group_copies
from .prefix_join import SimilarPairs
from .search import SHINGLE_SIZE, THRESHOLD, Found, Search, length_classes
from .shard_steps import (
    Bounds,
    Facts,
    candidates,
    count_texts_of,
    order_shard,
    read_shard,
    sets_of,
    take_texts_of,
    verify,
    wanted_sets,
    writable,
)
from .shared_shingles import frequent_shingles, is_template, template_sample
from .shingles import LengthClass

_RARITY_SAMPLE = 50_000
_RARITY_SLOTS = 1 << 22


class Runner(Protocol):
    """Runs functions somewhere. Handles stand for what they return, and may be arguments."""

    def call(
        self, function: Callable[..., Any], *arguments: Any, returns: int | None = None
    ) -> list[Any]:
        """Begin to run a function.

        Args:
            function: what to run, on the values of the handles among the arguments.
            arguments: handles and values.
            returns: how many values the list has that it returns.

        Returns:
            The handles of these values; or of what it returns, the only one.
        """
        ...

    def share(self, value: Any) -> Any:
        """Return a handle for a value that many calls will be given."""
        ...

    def fetch(self, handles: Sequence[Any]) -> list[Any]:
        """Wait for values."""
        ...


def sharded_near_duplicates(
    shards: Iterable[Callable[[], pl.Series]],
    runner: Runner,
    *,
    threshold: float = THRESHOLD,
    shingle_size: int = SHINGLE_SIZE,
    max_pairs: int = MAX_PAIRS_PER_BUCKET,
    canonical: bool = False,
    partitions: int | None = None,
) -> NearDuplicates:
    """Find every pair of texts with at least the given similarity.

    The pairs are those of :func:`.pairs.near_duplicate_pairs`, however the texts are divided.

    Args:
        shards: functions that return the texts of one shard each, called where it is searched;
            positions count on from one shard to the next.
        runner: where the steps run.
        threshold: the least Jaccard similarity, above 0 and at most 1.
        shingle_size: words an n-gram, for texts that are long enough.
        max_pairs: bound on the pairs compared for one n-gram; hits are reported.
        canonical: whether the texts already are what ``canonical_texts`` makes of them.
        partitions: into how many parts shingles are divided; by default one a shard.

    Raises:
        ValueError: a threshold outside 0 to 1, or n-grams without words.
    """
    classes = length_classes(shingle_size, threshold)
    handles = [
        runner.call(read_shard, shard, classes, canonical, returns=1 + len(classes))
        for shard in shards
    ]
    facts: list[Facts] = runner.fetch([of_shard[0] for of_shard in handles])
    edges = np.cumsum([0, *(len(one.words) for one in facts)])
    words = np.concatenate([np.empty(0, dtype=np.int64), *(one.words for one in facts)])
    hashes = np.concatenate([np.empty(0, dtype=np.uint64), *(one.hashes for one in facts)])
    copies = group_copies(words, hashes)
    search = Search(threshold, shingle_size, "exact", max_pairs, 0, Path(), 1)
    work = _Work(runner, search, edges, copies.is_first, words, hashes, partitions or len(handles))
    found = [
        work.find(length_class, [of_shard[1 + number] for of_shard in handles])
        for number, length_class in enumerate(classes)
    ]
    return gather(search, copies, found)


@dataclass(frozen=True, slots=True)
class _Work:
    """A search at work.

    Attributes:
        runner: where the steps run.
        search: how to search.
        edges: the position of each shard's first text, and the number of all texts.
        included: for each position whether that text is looked at.
        words: for each position the number of words.
        hashes: for each position the hash of the text.
        partitions: into how many parts shingles are divided.
    """

    runner: Runner
    search: Search
    edges: np.ndarray
    included: np.ndarray
    words: np.ndarray
    hashes: np.ndarray
    partitions: int

    def find(self, length_class: LengthClass, blocks: Sequence[Any]) -> Found:
        """Find the pairs among the distinct texts of a length class.

        Args:
            length_class: which pairs count.
            blocks: handles of the shards' shingles.
        """
        fits = (self.words >= length_class.at_least) & (self.words < length_class.longest)
        texts = np.flatnonzero(self.included & fits)
        shares = [
            self.runner.share(value)
            for value in (self._templates(blocks, texts), self._rarity(blocks, texts))
        ]
        shards = len(blocks)
        sets, prefixes = self._order(blocks, shares)
        met = [
            self.runner.call(
                candidates,
                self.edges,
                self.search.threshold,
                self.search.max_pairs,
                *(of_shard[number] for of_shard in prefixes),
                returns=1 + shards,
            )
            for number in range(self.partitions if shards else 0)
        ]
        del prefixes
        asked = [
            self.runner.call(
                wanted_sets,
                self.edges,
                *(of_part[1 + shard] for of_part in met),
                returns=1 + shards,
            )
            for shard in range(shards)
        ]
        given = [
            self.runner.call(
                sets_of, sets[shard], *(wanted[1 + shard] for wanted in asked), returns=shards
            )
            for shard in range(shards)
        ]
        verified = [
            self.runner.call(
                verify, self.search.threshold, asked[shard][0], *(some[shard] for some in given)
            )[0]
            for shard in range(shards)
        ]
        return self._found(length_class, verified, [of_part[0] for of_part in met])

    def _order(
        self, blocks: Sequence[Any], shares: Sequence[Any]
    ) -> tuple[list[Any], list[list[Any]]]:
        """Order the shards' sets; return their handles and those of their prefixes by partition."""
        templates, counters = shares
        ordered = [
            self.runner.call(
                order_shard,
                block,
                int(low),
                self.included[low:high],
                templates,
                counters,
                self.search.threshold,
                self.partitions,
                returns=1 + self.partitions,
            )
            for block, (low, high) in zip(blocks, pairwise(self.edges), strict=True)
        ]
        return [one[0] for one in ordered], [one[1:] for one in ordered]

    def _templates(self, blocks: Sequence[Any], texts: np.ndarray) -> np.ndarray:
        """Find the shingles that very many texts have, as :func:`template_shingles` does."""
        sampled, limit = template_sample(texts, self.hashes)
        if not len(sampled):
            return np.empty(0, dtype=np.uint64)
        frequent = frequent_shingles(self._sample(blocks, sampled), limit)
        if not len(frequent):
            return frequent
        shared = self.runner.share(frequent)
        counts = self.runner.fetch(
            [
                self.runner.call(count_texts_of, block, self.included[low:high], shared)[0]
                for block, (low, high) in zip(blocks, pairwise(self.edges), strict=True)
            ]
        )
        return frequent[is_template(np.sum(counts, axis=0), len(texts))]

    def _rarity(self, blocks: Sequence[Any], texts: np.ndarray) -> np.ndarray:
        """Count how frequent shingles are in a sample; any order gives the same pairs."""
        from .join_kernels import count_sampled

        if len(texts) > _RARITY_SAMPLE:
            texts = texts[np.argpartition(self.hashes[texts], _RARITY_SAMPLE)[:_RARITY_SAMPLE]]
        counters = np.zeros(_RARITY_SLOTS, dtype=np.uint16)
        for block in self._sample(blocks, texts):
            everyone = np.ones(len(block.lengths), dtype=bool)
            count_sampled(block.shingles, block.lengths, everyone, counters)
        return counters

    def _sample(self, blocks: Sequence[Any], texts: np.ndarray) -> list[Any]:
        chosen = np.zeros(len(self.words), dtype=bool)
        chosen[texts] = True
        some = [
            self.runner.call(take_texts_of, block, chosen[low:high])[0]
            for block, (low, high) in zip(blocks, pairwise(self.edges), strict=True)
            if chosen[low:high].any()
        ]
        return [writable(block) for block in self.runner.fetch(some)]

    def _found(
        self, length_class: LengthClass, verified: Sequence[Any], bounds: Sequence[Any]
    ) -> Found:
        nothing = np.empty(0, dtype=np.int64)
        parts = [(nothing, nothing, np.empty(0)), *self.runner.fetch(verified)]
        left, right, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
        left_out: list[Bounds] = self.runner.fetch(bounds)
        pairs = SimilarPairs(
            left,
            right,
            similarity,
            sum(one.bounded for one in left_out),
            sum(one.skipped for one in left_out),
        )
        shorter = np.minimum(self.words[left], self.words[right])
        return Found(pairs.where(shorter < length_class.below), exact=True, bytes_on_disk=0)
