"""Which shingles only one text has, and which very many have: the loops, compiled.

The innermost loops call no functions with arrays, since numba counts references to those, and have
no branches that depend on what was just read from the counters, since a wrong guess waits for the
memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled

FULL_WEIGHT, TEMPLATE_WEIGHT = 100, 1

TEMPLATE = np.uint64(1 << 63)
"""Marks a shingle that very many texts have."""

Sample = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
"""The number of slots; an odd number that chooses their hash function; which bits of a shingle
decide whether it is in the sample, and what they are if it is."""

BEGIN: Any = np.int64(0)
"""Of a literal argument numba would compile another version of a function."""

_HALF = np.uint64(32)
_LOW_BITS = np.uint64(0xFFFF)
_SLACK = 1e-9
"""Sums of weights are whole numbers; their comparison with a share of them is not exact."""


@compiled
def _slot(shingle: np.uint64, slots: np.uint64, seed: np.uint64) -> np.int64:
    """Choose one of up to 2^32 slots; templates have the one that they had before."""
    return np.int64(((((shingle & ~TEMPLATE) * seed) >> _HALF) * slots) >> _HALF)


@compiled
def _longest(lengths: np.ndarray) -> int:
    """Return the largest number; numpy's way to it takes numba a second to compile."""
    longest = 0
    for length in lengths:
        if length > longest:
            longest = length
    return longest


@compiled
def _take_sampled(
    shingles: np.ndarray,
    begin: int,
    end: int,
    mask: np.uint64,
    wanted: np.uint64,
    out: np.ndarray,
) -> Any:
    """Write the shingles whose bits under the mask are the wanted ones; return their number."""
    place = 0
    for at in range(begin, end):
        out[place] = shingles[at]
        place += shingles[at] & mask == wanted
    return place


@compiled
def count_to_two(
    shingles: np.ndarray,
    lengths: np.ndarray,
    included: np.ndarray,
    counters: np.ndarray,
    sample: Sample,
) -> None:
    """Note in a slot of two bits for each shingle whether it was met, and whether again.

    Args:
        shingles: of some texts, one text after the other.
        lengths: shingles of each text.
        included: for each text whether it counts.
        counters: uint8, four slots each.
        sample: which shingles count, and where; see :data:`Sample`.
    """
    slots, seed, mask, wanted = sample
    sampled = np.empty(_longest(lengths), dtype=np.uint64)
    begin = BEGIN
    for text in range(len(lengths)):
        end = begin + lengths[text]
        if included[text]:
            for at in range(_take_sampled(shingles, begin, end, mask, wanted, sampled)):
                slot = _slot(sampled[at], slots, seed)
                shift = np.uint8(2 * (slot & 3))
                byte = counters[slot >> 2]
                again = np.uint8(((byte >> shift) & 1) << (shift + np.uint8(1)))
                counters[slot >> 2] = byte | np.uint8(1 << shift) | again
        begin = end


@compiled
def keep_shared(
    shingles: np.ndarray,
    lengths: np.ndarray,
    included: np.ndarray,
    lone: np.ndarray,
    counters: np.ndarray,
    sample: Sample,
    templates: np.ndarray,
    template_bits: np.ndarray,
    threshold: float,
    out: np.ndarray,
    out_lengths: np.ndarray,
) -> Any:
    """Keep the texts that can be similar to another, with the shingles they can share.

    What only one text has weighs against each similarity of it: if that is more than
    ``1 - threshold`` of its weight, no other text can be as similar as the threshold.

    Args:
        shingles: of some texts, one text after the other.
        lengths: shingles of each text.
        included: for each text whether it is looked at.
        lone: the weight of each text's shingles that it has alone; brought up to date.
        counters: of :func:`count_to_two`, over all texts.
        sample: of the counters; shingles that were not in it are kept.
        templates: the shingles to mark as templates, ascending.
        template_bits: of :func:`bits_of`.
        threshold: the Jaccard similarity.
        out: room for the kept shingles.
        out_lengths: for each text the kept shingles; 0 where the text is out.

    Returns:
        The number of shingles written.
    """
    slots, seed, mask, wanted = sample
    allowed = 1 - threshold * (1 - _SLACK)
    sampled = np.empty(_longest(lengths), dtype=np.uint64)
    again = np.zeros(len(sampled) + 1, dtype=np.uint8)
    place = 0
    begin = BEGIN
    for text in range(len(lengths)):
        end = begin + lengths[text]
        out_lengths[text] = 0
        alone = lone[text]
        too_much = allowed * (alone + FULL_WEIGHT * lengths[text])
        if included[text]:
            # Most texts are out after this.
            for number in range(_take_sampled(shingles, begin, end, mask, wanted, sampled)):
                slot = _slot(sampled[number], slots, seed)
                again[number] = (counters[slot >> 2] >> np.uint8(2 * (slot & 3) + 1)) & 1
                alone += weight_of(sampled[number]) * (1 - again[number])
        if included[text] and alone <= too_much:
            first = place
            alone = weight = lone[text]
            number = 0
            for at in range(begin, end):
                shingle = shingles[at]
                is_sampled = np.int64(shingle & mask == wanted)
                kept = again[number] | (1 - is_sampled)
                number += is_sampled
                suspect = template_bits[np.int64(shingle & _LOW_BITS)]
                if suspect and find(templates, shingle) >= 0:
                    shingle |= TEMPLATE
                out[place] = shingle
                place += kept
                weight += weight_of(shingle)
                alone += weight_of(shingle) * (1 - kept)
            if alone > allowed * weight:
                place = first
            else:
                out_lengths[text] = place - first
                lone[text] = alone
        begin = end
    return place


@compiled
def weight_of(shingle: Any) -> int:
    """Return the weight of a shingle."""
    return TEMPLATE_WEIGHT if shingle & TEMPLATE else FULL_WEIGHT


@compiled
def bits_of(shingles: np.ndarray) -> np.ndarray:
    """Mark the low 16 bits that occur among some shingles, to rule most others out quickly."""
    bits = np.zeros(1 << 16, dtype=np.bool_)
    for shingle in shingles:
        bits[np.int64(shingle & _LOW_BITS)] = True
    return bits


@compiled
def find(ascending: np.ndarray, shingle: np.uint64) -> int:
    """Return the place of a shingle among others, or -1."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) >> 1
        if ascending[middle] < shingle:
            low = middle + 1
        else:
            high = middle
    return low if low < len(ascending) and ascending[low] == shingle else -1


@compiled
def count_texts_with(
    shingles: np.ndarray,
    lengths: np.ndarray,
    included: np.ndarray,
    wanted: np.ndarray,
    wanted_bits: np.ndarray,
    counts: np.ndarray,
    latest: np.ndarray,
    number: int,
) -> int:
    """Count the texts that have each of some shingles.

    Args:
        shingles: of some texts, one text after the other.
        lengths: shingles of each text.
        included: for each text whether it counts.
        wanted: the shingles to count, ascending.
        wanted_bits: of :func:`bits_of`.
        counts: texts with each wanted shingle so far; brought up to date.
        latest: the number of the text that each was last seen in.
        number: of the first text.

    Returns:
        The number for the next text.
    """
    begin = BEGIN
    for text in range(len(lengths)):
        end = begin + lengths[text]
        if included[text]:
            for at in range(begin, end):
                if not wanted_bits[np.int64(shingles[at] & _LOW_BITS)]:
                    continue
                place = find(wanted, shingles[at])
                if place >= 0 and latest[place] != number:
                    latest[place] = number
                    counts[place] += 1
        number += 1
        begin = end
    return number
