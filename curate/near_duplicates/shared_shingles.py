"""Which texts can be similar to another at all, and what they can share.

Most shingles occur in one text only, and most texts have so many of those that no other text can
be as similar as the threshold. To see that, nothing needs to be sorted: each shingle is noted in
one of many two-bit counters, and what stands in a counter that was met once is its text's alone.
Counters are shared by chance, so that a few shingles pass for shared; never the other way round.
What goes makes further shingles lonely, so this is done again with what is left, until little
goes. A sample of the shingles is enough to rule most texts out, another one each time; the rest are
taken for shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .shingle_blocks import ShingleBlock, ShingleBlocks

if TYPE_CHECKING:
    from .shingle_kernels import Sample

TEMPLATE_SHARE = 0.05
TEMPLATE_TEXTS = 50

_SLOTS_PER_SHINGLE = 4
_MOST_SLOTS = (1 << 32) - 1
_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5)
_SAMPLED_PER_ALLOWED = 2.5
"""The sample is larger than the share of lone shingles that rules a text out, by this factor."""
_ENOUGH_KEPT = 0.75
"""Another round is not worth its time if the last one kept this share of the shingles."""
_TEMPLATE_SAMPLE = 10_000
_SAMPLE_SHARE = 0.7 * TEMPLATE_SHARE
"""A shingle with the template's share in all texts has this one in the sample: its standard
deviation there is a seventh of the difference."""


def is_template(counts: np.ndarray, texts: int) -> np.ndarray:
    """Tell which shingles, found in so many of all texts, count as template."""
    return counts > max(TEMPLATE_TEXTS, TEMPLATE_SHARE * texts)


def template_shingles(
    blocks: Iterable[ShingleBlock], included: np.ndarray, hashes: np.ndarray
) -> np.ndarray:
    """Find the shingles that very many of the texts have.

    Those frequent in a sample are counted in all texts. The sample is chosen by the hashes of the
    texts, so that it is the same in whatever order they come.

    Args:
        blocks: of all texts; gone through several times.
        included: for each position whether that text counts.
        hashes: for each position the hash of the text.

    Returns:
        Their hashes, ascending.
    """
    positions = [block.texts[included[block.texts]] for block in blocks]
    texts = np.concatenate(positions) if positions else np.empty(0, dtype=np.int64)
    sampled, limit = template_sample(texts, hashes)
    if not len(sampled):
        return np.empty(0, dtype=np.uint64)
    chosen = np.zeros(len(included), dtype=bool)
    chosen[sampled] = True
    frequent = frequent_shingles([block.of(chosen[block.texts]) for block in blocks], limit)
    return frequent[is_template(texts_with(frequent, blocks, included), len(texts))]


def template_sample(texts: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, float]:
    """Choose the texts in which a template must be frequent, and what that means.

    Args:
        texts: positions of those that count.
        hashes: for each position the hash of the text.

    Returns:
        Some of the positions, none where there are too few texts for a template; and in more than
        how many of them a shingle may be a template.
    """
    if len(texts) <= TEMPLATE_TEXTS:
        return texts[:0], 0.0
    if len(texts) <= _TEMPLATE_SAMPLE:
        return texts, TEMPLATE_TEXTS
    lowest = np.argpartition(hashes[texts], _TEMPLATE_SAMPLE)[:_TEMPLATE_SAMPLE]
    return texts[lowest], _SAMPLE_SHARE * _TEMPLATE_SAMPLE


def frequent_shingles(sample: Sequence[ShingleBlock], limit: float) -> np.ndarray:
    """Return the shingles that more than ``limit`` texts of a sample have, ascending."""
    everything = np.concatenate([block.shingles for block in sample])
    distinct, counts = np.unique(everything, return_counts=True)
    # A text may have a shingle several times; the few that are left are counted right.
    frequent = distinct[counts > limit]
    return frequent[texts_with(frequent, sample) > limit]


def texts_with(
    wanted: np.ndarray, blocks: Iterable[ShingleBlock], included: np.ndarray | None = None
) -> np.ndarray:
    """Count the texts that have each of some shingles.

    Args:
        wanted: the shingles, ascending.
        blocks: of the texts.
        included: for each position whether that text counts; all do by default.
    """
    from .shingle_kernels import bits_of, count_texts_with

    counts = np.zeros(len(wanted), dtype=np.int64)
    if not len(wanted):
        return counts
    bits = bits_of(wanted)
    latest = np.full(len(wanted), -1, dtype=np.int64)
    number = 0
    for block in blocks:
        texts = np.ones(len(block.texts), dtype=bool) if included is None else included[block.texts]
        number = count_texts_with(
            block.shingles, block.lengths, texts, wanted, bits, counts, latest, number
        )
    return counts


def keep_candidates(
    blocks: ShingleBlocks,
    included: np.ndarray,
    templates: np.ndarray,
    threshold: float,
    folder: Path,
    memory: int,
) -> ShingleBlocks:
    """Keep the texts that can be similar to another, with the shingles that they can share.

    Args:
        blocks: of all texts; used up.
        included: for each position whether that text is looked at.
        templates: shingles that weigh little, ascending.
        threshold: the Jaccard similarity.
        folder: where files may be written.
        memory: bytes of shingles that may stay in memory.
    """
    samples = _samples(threshold)
    for number, seed in enumerate(_SEEDS):
        before = blocks.shingles
        sample = _Sample(seed, samples - 1, number % samples)
        blocks = _round(
            blocks, included, templates, threshold, sample, ShingleBlocks(folder, memory)
        )
        if number + 1 >= samples and blocks.shingles > _ENOUGH_KEPT * before:
            break
        templates = templates[:0]  # They are marked now.
    return blocks


def _samples(threshold: float) -> int:
    """Choose into how many samples shingles are divided: 1, 2 or 4."""
    needed = _SAMPLED_PER_ALLOWED * (1 - threshold)
    return next(samples for samples in (4, 2, 1) if samples * needed <= 1 or samples == 1)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Shingles whose bits under a mask are the wanted ones, and the seed of their counters."""

    seed: int
    mask: int
    wanted: int

    def counters(self, shingles: int) -> tuple[np.ndarray, Sample]:
        """Return counters for a number of shingles, and what tells the kernels how to use them."""
        slots = _SLOTS_PER_SHINGLE * shingles // (self.mask + 1)
        slots = min(_MOST_SLOTS, max(1, slots))
        seed, mask, wanted = np.uint64(self.seed), np.uint64(self.mask), np.uint64(self.wanted)
        # Other than np.zeros, np.empty asks for large pages, and those are found much sooner.
        counters = np.empty(slots // 4 + 1, dtype=np.uint8)
        counters.fill(0)
        return counters, (np.uint64(slots), seed, mask, wanted)


def _round(
    blocks: ShingleBlocks,
    included: np.ndarray,
    templates: np.ndarray,
    threshold: float,
    sample: _Sample,
    kept: ShingleBlocks,
) -> ShingleBlocks:
    from .shingle_kernels import count_to_two

    counters, numbers = sample.counters(blocks.shingles)
    for block in blocks:
        count_to_two(block.shingles, block.lengths, included[block.texts], counters, numbers)
    with blocks:
        _keep(blocks.consume(), included, templates, threshold, (counters, numbers), kept)
    return kept


def keep_covered(
    blocks: ShingleBlocks,
    included: np.ndarray,
    templates: np.ndarray,
    share: float,
    folder: Path,
    memory: int,
) -> ShingleBlocks:
    """Keep the texts of which others may have a share, with the shingles that others have.

    Args:
        blocks: of all texts; they stay.
        included: for each position whether that text is looked at.
        templates: shingles that weigh little, ascending.
        share: of a text's weight.
        folder: where files may be written.
        memory: bytes of shingles that may stay in memory.
    """
    from .shingle_kernels import count_to_two

    samples = _samples(share)
    kept = blocks
    for number in range(samples):
        sample = _Sample(_SEEDS[number], samples - 1, number)
        counters, numbers = sample.counters(blocks.shingles)
        # What was ruled out stands in others, or others in it, nevertheless.
        for block in blocks:
            count_to_two(block.shingles, block.lengths, included[block.texts], counters, numbers)
        before, kept = kept, ShingleBlocks(folder, memory)
        with nullcontext() if before is blocks else before:
            some = blocks if before is blocks else before.consume()
            _keep(some, included, templates, share, (counters, numbers), kept)
        templates = templates[:0]  # They are marked now.
    return kept


def keep_meeting(
    blocks: Iterable[ShingleBlock],
    others: ShingleBlocks,
    included: np.ndarray,
    templates: np.ndarray,
    threshold: float,
    kept: ShingleBlocks,
) -> None:
    """Keep the texts that can be similar to one of others, with the shingles that they can share.

    Args:
        blocks: of the texts.
        others: of those others.
        included: for each position whether that text is looked at.
        templates: shingles that weigh little, ascending.
        threshold: the Jaccard similarity.
        kept: takes up what is kept.
    """
    from .shingle_kernels import count_to_two

    counters, numbers = _Sample(_SEEDS[0], 0, 0).counters(others.shingles)
    for block in others:
        # What one of them has is met again for whoever comes from elsewhere.
        for _ in range(2):
            count_to_two(block.shingles, block.lengths, included[block.texts], counters, numbers)
    _keep(blocks, included, templates, threshold, (counters, numbers), kept)


def _keep(
    blocks: Iterable[ShingleBlock],
    included: np.ndarray,
    templates: np.ndarray,
    threshold: float,
    met: tuple[np.ndarray, Sample],
    kept: ShingleBlocks,
) -> None:
    """Keep what can be similar to another, given counters of what was met twice."""
    from .shingle_kernels import bits_of, keep_shared

    counters, numbers = met
    bits = bits_of(templates)
    room = np.empty(0, dtype=np.uint64)
    for block in blocks:
        if len(block.shingles) > len(room):
            room = np.empty_like(block.shingles)
        lengths = np.empty_like(block.lengths)
        lone = block.lone.copy()
        written = keep_shared(
            block.shingles,
            block.lengths,
            included[block.texts],
            lone,
            counters,
            numbers,
            templates,
            bits,
            threshold,
            room,
            lengths,
        )
        alive = lengths > 0
        if alive.any():
            shingles = room[:written].copy()
            kept.add(ShingleBlock(block.texts[alive], lone[alive], lengths[alive], shingles))
