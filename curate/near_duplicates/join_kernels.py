"""The exact join of weighted shingle sets: the loops, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled
from .shingle_kernels import BEGIN, FULL_WEIGHT, TEMPLATE, weight_of

_RARITY_SHIFT = np.uint64(56)
_HASH = np.uint64((1 << 56) - 1)
_HALF, _LOW_HALF, _MIDDLE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(16)
_MOST_COUNTED = 0xFFFF
_SLACK = 1e-9


@compiled
def _slot(shingle: np.uint64, slots: np.uint64) -> np.int64:
    """Choose one of up to 2^32 counters by bits in the middle."""
    return np.int64((((shingle >> _MIDDLE) & _LOW_HALF) * slots) >> _HALF)


@compiled
def count_sampled(
    shingles: np.ndarray, lengths: np.ndarray, sampled: np.ndarray, counters: np.ndarray
) -> None:
    """Count the shingles of some texts, each in the counter that its hash chooses.

    Args:
        shingles: of all texts, one text after the other.
        lengths: shingles of each text.
        sampled: for each text whether it counts.
        counters: uint16, up to 2^32 of them; they stop at 65,535.
    """
    slots = np.uint64(len(counters))
    begin = BEGIN
    for text in range(len(lengths)):
        end = begin + lengths[text]
        if sampled[text]:
            for at in range(begin, end):
                slot = _slot(shingles[at], slots)
                if counters[slot] < _MOST_COUNTED:
                    counters[slot] += np.uint16(1)
        begin = end


@compiled
def _rarity(count: Any) -> Any:
    """Put a count on a scale of 0 to 127: in proportion, to an eighth of it."""
    bits = 0
    while count >> bits > 7:
        bits += 1
    return 8 * bits + (count >> bits) if bits else count


@compiled
def _sort(values: np.ndarray, begin: int, end: int) -> None:
    """Sort a part of an array by Shell's method; numpy's own takes numba a second to compile.

    The gaps are those of Knuth ("The art of computer programming", 5.2.1): 1, 4, 13, 40, …
    """
    gap = 1
    while 3 * gap + 1 < end - begin:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(begin + gap, end):
            value = values[at]
            place = at
            while place >= begin + gap and values[place - gap] > value:
                values[place] = values[place - gap]
                place -= gap
            values[place] = value
        gap //= 3


@compiled
def order_sets(shingles: np.ndarray, lengths: np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Put each text's shingles in the order from rare to frequent, templates last, each once.

    Args:
        shingles: of all texts; overwritten by keys that sort in that order, each text's at its
            old beginning.
        lengths: shingles of each text; overwritten by how many are distinct.
        counters: of :func:`count_sampled`.

    Returns:
        The weight of each text's distinct shingles, int64.
    """
    slots = np.uint64(len(counters))
    weights = np.zeros(len(lengths), dtype=np.int64)
    begin = BEGIN
    for text in range(len(lengths)):
        end = begin + lengths[text]
        for at in range(begin, end):
            shingle = shingles[at]
            count = counters[_slot(shingle, slots)]
            rarity = np.uint64(_rarity(np.int64(count))) << _RARITY_SHIFT
            shingles[at] = (shingle & TEMPLATE) | rarity | (shingle & _HASH)
        _sort(shingles, begin, end)
        place = begin
        for at in range(begin, end):
            if at == begin or shingles[at] != shingles[at - 1]:
                key = shingles[at]
                shingles[place] = key
                place += 1
                weights[text] += weight_of(key)
        lengths[text] = place - begin
        begin = end
    return weights


@compiled
def prefixes(
    keys: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    shared: np.ndarray,
    totals: np.ndarray,
    threshold: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first shingles of each text, of which a similar text must share one.

    Args:
        keys: of the texts' sets.
        begins: where each text's set begins.
        ends: where it ends.
        shared: its weight.
        totals: its weight with the shingles that no other text has.
        threshold: the Jaccard similarity.

    Returns:
        How many each text has, and for all of them in order: the key, and the *reach*, the weight
        from there on: the most that can be shared if this is the first shingle that is.
    """
    wanted = threshold * (1 - _SLACK)
    lengths = np.zeros(len(begins), dtype=np.int64)
    count = 0
    for text in range(len(begins)):
        reach = shared[text]
        at = begins[text]
        while at < ends[text] and reach >= wanted * totals[text]:
            reach -= weight_of(keys[at])
            at += 1
        lengths[text] = at - begins[text]
        count += lengths[text]
    first = np.empty(count, dtype=np.uint64)
    reaches = np.empty(count, dtype=np.int64)
    place = 0
    for text in range(len(begins)):
        reach = shared[text]
        for at in range(begins[text], begins[text] + lengths[text]):
            first[place] = keys[at]
            reaches[place] = reach
            reach -= weight_of(keys[at])
            place += 1
    return lengths, first, reaches


@compiled
def join(
    keys: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    totals: np.ndarray,
    entry_begins: np.ndarray,
    places: np.ndarray,
    posting_texts: np.ndarray,
    posting_offsets: np.ndarray,
    posting_reaches: np.ndarray,
    bucket_begins: np.ndarray,
    windows: np.ndarray,
    threshold: float,
    low: int,
    high: int,
) -> tuple[np.ndarray, Any]:
    """Find every similar pair whose larger text is one of ``low`` to ``high``.

    Args:
        keys: of the texts' sets.
        begins: where each text's set begins; texts are in the order of their totals.
        ends: where it ends.
        totals: the weight of each text's whole set.
        entry_begins: where each text's entries in ``places`` begin, and the end of the last.
        places: for each shingle of each prefix its place among the postings, or -1 where no other
            prefix has it.
        posting_texts: the texts that have a shingle in their prefix, ascending in each bucket.
        posting_offsets: how many shingles of its set come before it.
        posting_reaches: of :func:`prefixes`.
        bucket_begins: where the bucket of each posting begins.
        windows: how many texts before it in the bucket each posting is compared with.
        threshold: the Jaccard similarity.
        low: the first larger text.
        high: the end of the larger texts.

    Returns:
        Smaller and larger text and shared weight of each pair, a row each; and how many candidates
        at most were skipped because of ``windows``.
    """
    pairs = np.empty((1 << 10, 3), dtype=np.int64)
    found = 0
    skipped = 0
    # The number of the text, plus one, that each was last compared with.
    met = np.zeros(high, dtype=np.int32)
    half = threshold * (1 - _SLACK) / (1 + threshold)
    for text in range(low, high):
        total = totals[text]
        smallest = threshold * (1 - _SLACK) * total
        # Where a window ended a search, what was met later may share earlier shingles too.
        whole = False
        for entry in range(entry_begins[text], entry_begins[text + 1]):
            place = places[entry]
            if place < 0:
                continue
            offset = entry - entry_begins[text]
            last = max(bucket_begins[place], place - windows[place])
            stopped = True
            for posting in range(place - 1, last - 1, -1):
                other = posting_texts[posting]
                if totals[other] < smallest:
                    stopped = False
                    break
                if met[other] == text + 1:
                    continue
                met[other] = text + 1
                needed = half * (total + totals[other])
                one, two = begins[text], begins[other]
                if not whole:
                    if min(posting_reaches[place], posting_reaches[posting]) < needed:
                        continue
                    one += offset
                    two += posting_offsets[posting]
                shared = _shared_weight(keys, one, ends[text], two, ends[other], needed)
                if shared / (total + totals[other] - shared) >= threshold:
                    if found == len(pairs):
                        more = np.empty((2 * found, 3), dtype=np.int64)
                        _copy_pairs(pairs, more)
                        pairs = more
                    pairs[found, 0] = other
                    pairs[found, 1] = text
                    pairs[found, 2] = shared
                    found += 1
            if stopped and last > bucket_begins[place]:
                skipped += last - bucket_begins[place]
                whole = True
    return pairs[:found], skipped


@compiled
def _copy_pairs(pairs: np.ndarray, out: np.ndarray) -> None:
    """Copy pairs to the beginning of a larger array; slices would take seconds to compile."""
    for row in range(len(pairs)):
        for column in range(3):
            out[row, column] = pairs[row, column]


@compiled
def _shared_weight(
    keys: np.ndarray, one: Any, one_end: Any, other: Any, other_end: Any, needed: float
) -> Any:
    """Return the weight that two ordered sets share; 0 once it cannot be as much as needed."""
    shared = 0
    while one < one_end and other < other_end:
        if keys[one] == keys[other]:
            shared += weight_of(keys[one])
            one += 1
            other += 1
        else:
            if shared + FULL_WEIGHT * min(one_end - one, other_end - other) < needed:
                return 0
            if keys[one] < keys[other]:
                one += 1
            else:
                other += 1
    return shared


@compiled
def pair_similarities(
    keys: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    totals: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    """Return the exact weighted Jaccard similarity of pairs of texts."""
    similarities = np.empty(len(left), dtype=np.float64)
    for pair in range(len(left)):
        one, other = left[pair], right[pair]
        shared = _shared_weight(keys, begins[one], ends[one], begins[other], ends[other], 0.0)
        similarities[pair] = shared / (totals[one] + totals[other] - shared)
    return similarities


@compiled
def pairs_of_buckets(
    texts: np.ndarray,
    totals: np.ndarray,
    reaches: np.ndarray,
    begins: np.ndarray,
    windows: np.ndarray,
    threshold: float,
    out: np.ndarray,
) -> tuple[Any, Any]:
    """Pair what meets in a bucket and can be as similar as the threshold.

    Args:
        texts: one bucket after the other, by ascending total in each.
        totals: the weight of each text's whole set.
        reaches: of :func:`prefixes`.
        begins: where each bucket begins, and the end of the last.
        windows: how many texts before it in the bucket each one of it is compared with.
        threshold: the Jaccard similarity.
        out: room for the pairs, two columns; what does not fit is counted but not written.

    Returns:
        The number of pairs, and how many at most were not looked at because of ``windows``.
    """
    half = threshold / (1 + threshold) * (1 - _SLACK)
    found = 0
    skipped = 0
    for bucket in range(len(begins) - 1):
        for place in range(begins[bucket], begins[bucket + 1]):
            smallest = threshold * (1 - _SLACK) * totals[place]
            last = max(begins[bucket], place - windows[bucket])
            stopped = True
            for other in range(place - 1, last - 1, -1):
                if totals[other] < smallest:
                    stopped = False
                    break
                if min(reaches[place], reaches[other]) >= half * (totals[place] + totals[other]):
                    if found < len(out):
                        out[found, 0] = texts[other]
                        out[found, 1] = texts[place]
                    found += 1
            if stopped:
                skipped += last - begins[bucket]
    return found, skipped
