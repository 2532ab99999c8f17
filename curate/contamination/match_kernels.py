"""Which items' runs of words stand together in a text, compiled.

Words and runs of words that items have are *grams*, numbered words first. Innermost loops call no
functions with arrays, since numba counts references to those.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..near_duplicates.compiled import compiled
from ..near_duplicates.word_kernels import scramble

RUN = 3
"""Words of a run."""
EMPTY = -1
"""A slot of a table that holds no gram; a word that no item has."""

Table = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Keys, grams and bits of :func:`fill_table`."""

_SLACK = 5
"""Words put in between may stretch an item to half more than its length, and so many."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FILTER_SHIFT, _BYTE, _BIT = np.uint64(32), np.uint64(3), np.uint64(7)


@compiled
def hash_runs(words: np.ndarray, out: np.ndarray) -> None:
    """Hash each run of three words; ``out`` has room for two less than there are words."""
    for at in range(len(words) - RUN + 1):
        run = (words[at] * MULTIPLIER + words[at + 1]) * MULTIPLIER + words[at + 2]
        out[at] = scramble(run)


@compiled
def fill_table(
    hashes: np.ndarray, first: int, keys: np.ndarray, grams: np.ndarray, bits: np.ndarray
) -> None:
    """Put grams into a hash table with open addresses, and mark their bits in a filter.

    Args:
        hashes: of the grams, distinct.
        first: the number of the first of them.
        keys: uint64, as many as a power of two, more than there are grams.
        grams: int32 of the same length, all :data:`EMPTY`.
        bits: uint8, as many as a power of two, all zero.
    """
    mask, bit_mask = np.uint64(len(keys) - 1), np.uint64(8 * len(bits) - 1)
    for number in range(len(hashes)):
        key = hashes[number]
        slot = key & mask
        while grams[slot] != EMPTY:
            slot = (slot + np.uint64(1)) & mask
        keys[slot] = key
        grams[slot] = first + number
        bit = (key >> _FILTER_SHIFT) & bit_mask
        bits[bit >> _BYTE] |= np.uint8(1) << np.uint8(bit & _BIT)


@compiled
def look_up(key: np.uint64, keys: np.ndarray, grams: np.ndarray, bits: np.ndarray) -> np.int32:
    """Return the gram with a hash, or :data:`EMPTY`."""
    bit = (key >> _FILTER_SHIFT) & np.uint64(8 * len(bits) - 1)
    if not bits[bit >> _BYTE] >> np.uint8(bit & _BIT) & np.uint8(1):
        return np.int32(EMPTY)
    mask = np.uint64(len(keys) - 1)
    slot = key & mask
    while grams[slot] != EMPTY:
        if keys[slot] == key:
            return grams[slot]
        slot = (slot + np.uint64(1)) & mask
    return np.int32(EMPTY)


@compiled
def _meet_words(
    words: np.ndarray,
    text: int,
    table: Table,
    last_text: np.ndarray,
    gram_texts: np.ndarray,
    grams: np.ndarray,
) -> None:
    """Write the grams of a text's words, and count the text for each of them."""
    keys, numbers, bits = table
    for at in range(len(words)):
        gram = look_up(words[at], keys, numbers, bits)
        grams[at] = gram
        if gram != EMPTY and last_text[gram] != text:
            last_text[gram] = text
            gram_texts[gram] += 1


@compiled
def _meet_runs(
    words: np.ndarray,
    grams: np.ndarray,
    text: int,
    table: Table,
    last_text: np.ndarray,
    gram_texts: np.ndarray,
    places: np.ndarray,
    runs: np.ndarray,
    new: np.ndarray,
) -> tuple[int, int]:
    """Write where which runs of items stand in a text, and those that it has, each once.

    Returns:
        The number of places, and of distinct runs.
    """
    keys, numbers, bits = table
    hits = count = 0
    for at in range(len(words) - RUN + 1):
        if grams[at] == EMPTY or grams[at + 1] == EMPTY or grams[at + 2] == EMPTY:
            continue
        run = words[at] * MULTIPLIER + words[at + 1]
        gram = look_up(scramble(run * MULTIPLIER + words[at + 2]), keys, numbers, bits)
        if gram == EMPTY:
            continue
        places[hits] = at
        runs[hits] = gram
        hits += 1
        if last_text[gram] != text:
            last_text[gram] = text
            gram_texts[gram] += 1
            new[count] = gram
            count += 1
    return hits, count


@compiled
def _gather(
    runs: np.ndarray,
    weights: np.ndarray,
    posting_starts: np.ndarray,
    postings: np.ndarray,
    gathered: np.ndarray,
    touched: np.ndarray,
) -> int:
    """Add the weight of runs to the probes that they lead to; return how many these are."""
    touches = 0
    for run in runs:
        for posting in range(posting_starts[run], posting_starts[run + 1]):
            probe = postings[posting]
            if gathered[probe] == 0:
                touched[touches] = probe
                touches += 1
            gathered[probe] += weights[run]
    return touches


@compiled
def _densest(
    places: np.ndarray,
    runs: np.ndarray,
    wanted: np.ndarray,
    weights: np.ndarray,
    reach: Any,
    mark: int,
    marks: np.ndarray,
    repeats: np.ndarray,
) -> Any:
    """Return the shortest stretch with the most weight of distinct runs.

    Args:
        places: where runs of any item stand in a text, ascending.
        runs: which runs these are.
        wanted: the runs that count.
        weights: of all grams.
        reach: the most words from the first to the last run of a stretch.
        mark: a number that was not used before.
        marks: for each gram the last mark; room.
        repeats: for each gram a count; room.

    Returns:
        The places of the first and of the last run, and the weight.
    """
    for run in wanted:
        marks[run] = mark
        repeats[run] = 0
    best_first, best_last, best_weight = 0, 0, 0
    left = weight = 0
    for right in range(len(runs)):
        run = runs[right]
        if marks[run] != mark:
            continue
        repeats[run] += 1
        if repeats[run] == 1:
            weight += weights[run]
        while (
            marks[runs[left]] != mark
            or places[right] - places[left] > reach
            or repeats[runs[left]] > 1
        ):
            if marks[runs[left]] == mark:
                repeats[runs[left]] -= 1
                if repeats[runs[left]] == 0:
                    weight -= weights[runs[left]]
            left += 1
        shorter = places[right] - places[left] < best_last - best_first
        if weight > best_weight or (weight == best_weight and shorter):
            best_first, best_last, best_weight = places[left], places[right], weight
    return best_first, best_last, best_weight


@compiled
def _keep_best(pairs: np.ndarray, scores: np.ndarray, most: int) -> int:
    """Keep no more than the best pairs at the same place; return how many."""
    better_at = np.zeros(len(pairs), dtype=np.int64)
    for one in range(len(pairs)):
        for other in range(len(pairs)):
            end = min(pairs[one, 2] + pairs[one, 3], pairs[other, 2] + pairs[other, 3])
            shared = end - max(pairs[one, 2], pairs[other, 2])
            better = scores[other] > scores[one] or (
                scores[other] == scores[one] and pairs[other, 1] < pairs[one, 1]
            )
            better_at[one] += better and 2 * shared >= pairs[one, 3]
    kept = 0
    for one in range(len(pairs)):
        if better_at[one] < most:
            pairs[kept] = pairs[one]
            scores[kept] = scores[one]
            kept += 1
    return kept


@compiled
def find_pairs(
    words: np.ndarray,
    counts: np.ndarray,
    word_table: Table,
    run_table: Table,
    weights: np.ndarray,
    posting_starts: np.ndarray,
    postings: np.ndarray,
    probe_starts: np.ndarray,
    probe_runs: np.ndarray,
    lengths: np.ndarray,
    needed: np.ndarray,
    spare: np.ndarray,
    most: int,
    gram_texts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs of text and probe in which enough of the probe stands in one place.

    Args:
        words: hashes of the words of all texts, one text after the other.
        counts: words of each text.
        word_table: keys, grams and bits of :func:`fill_table`, for the words.
        run_table: the same for the runs.
        weights: of each gram, int64.
        posting_starts: where each gram's postings begin, and the end of the last.
        postings: the probes for which a run tells whether they are looked at.
        probe_starts: where each probe's runs begin, and the end of the last.
        probe_runs: each probe's distinct runs.
        lengths: words of each probe.
        needed: the least weight of each probe's runs in one place.
        spare: the weight of each probe's runs without postings.
        most: of the pairs at the same place of a text only so many are kept, those of the most
            weight for their size.
        gram_texts: for each gram the number of texts that have it; brought up to date.

    Returns:
        The pairs as int64 (text, probe, first word of the place in the text, words of the place),
        shape (pairs, 4); and the grams of the words of all places, one after the other, int32.
    """
    longest = 0
    for count in counts:
        longest = max(longest, count)
    grams = np.empty(longest, dtype=np.int32)
    places = np.empty(longest, dtype=np.int64)
    runs = np.empty(longest, dtype=np.int32)
    new = np.empty(longest, dtype=np.int32)
    last_text = np.full(len(weights), -1, dtype=np.int64)
    marks = np.full(len(weights), -1, dtype=np.int64)
    repeats = np.zeros(len(weights), dtype=np.int32)
    gathered = np.zeros(len(needed), dtype=np.int64)
    touched = np.empty(len(needed), dtype=np.int64)
    pairs = np.empty((64, 4), dtype=np.int64)
    scores = np.empty(64, dtype=np.float64)
    windows = np.empty(4096, dtype=np.int32)
    found = window_end = mark = begin = 0
    for text in range(len(counts)):
        count = counts[text]
        of_text = words[begin : begin + count]
        begin += count
        _meet_words(of_text, text, word_table, last_text, gram_texts, grams)
        hits, distinct = _meet_runs(
            of_text, grams, text, run_table, last_text, gram_texts, places, runs, new
        )
        touches = _gather(new[:distinct], weights, posting_starts, postings, gathered, touched)
        first_pair = found
        for probe in touched[:touches]:
            possible = gathered[probe] + spare[probe]
            gathered[probe] = 0
            if possible < needed[probe]:
                continue
            wanted = probe_runs[probe_starts[probe] : probe_starts[probe + 1]]
            here = whole = 0
            for run in wanted:
                whole += weights[run]
                here += weights[run] if last_text[run] == text else 0
            if here < needed[probe]:
                continue
            mark += 1
            reach = lengths[probe] + lengths[probe] // 2 + _SLACK - RUN
            first, last, weight = _densest(
                places[:hits], runs[:hits], wanted, weights, reach, mark, marks, repeats
            )
            if weight < needed[probe]:
                continue
            if found == len(pairs):
                pairs = np.concatenate((pairs, np.empty_like(pairs)))
                scores = np.concatenate((scores, np.empty_like(scores)))
            # Edited words at both ends break the runs there, so the place may be wider.
            missing = max(0, lengths[probe] - (last + RUN - first)) + 2
            start = max(0, first - missing)
            pairs[found, 0], pairs[found, 1], pairs[found, 2] = text, probe, start
            pairs[found, 3] = min(count, last + RUN + missing) - start
            scores[found] = weight / whole
            found += 1
        if found - first_pair > most:
            found = first_pair + _keep_best(pairs[first_pair:found], scores[first_pair:found], most)
        for pair in range(first_pair, found):
            size = pairs[pair, 3]
            while window_end + size > len(windows):
                windows = np.concatenate((windows, np.empty_like(windows)))
            windows[window_end : window_end + size] = grams[pairs[pair, 2] :][:size]
            window_end += size
    return pairs[:found], windows[:window_end]
