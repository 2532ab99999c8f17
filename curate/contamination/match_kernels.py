"""Which items' runs of words stand together in a text, and how well they fit there, compiled.

Words and runs of words that items have are *grams*, numbered words first. Innermost loops call no
functions with arrays, since numba counts references to those.
"""

from __future__ import annotations

import numpy as np

from ..near_duplicates.compiled import compiled
from ..near_duplicates.word_kernels import scramble

RUN = 3
"""Words of a run."""
EMPTY = -1
"""A slot of a table that holds no gram; a word that no item has."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FILTER_SHIFT, _BYTE, _BIT = np.uint64(32), np.uint64(3), np.uint64(7)


@compiled
def hash_runs(words: np.ndarray, out: np.ndarray) -> None:
    """Hash each run of three words; ``out`` has room for two less than there are words."""
    for at in range(len(words) - RUN + 1):
        run = (words[at] * _MULTIPLIER + words[at + 1]) * _MULTIPLIER + words[at + 2]
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
def find_pairs(
    words: np.ndarray,
    counts: np.ndarray,
    word_table: tuple[np.ndarray, np.ndarray, np.ndarray],
    run_table: tuple[np.ndarray, np.ndarray, np.ndarray],
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
    keys, table, bits = word_table
    run_keys, run_grams, run_bits = run_table
    mask, bit_mask = np.uint64(len(keys) - 1), np.uint64(8 * len(bits) - 1)
    run_mask, run_bit_mask = np.uint64(len(run_keys) - 1), np.uint64(8 * len(run_bits) - 1)
    longest = 0
    for count in counts:
        longest = max(longest, count)
    grams = np.empty(longest, dtype=np.int32)
    hit_places = np.empty(longest, dtype=np.int64)
    hit_runs = np.empty(longest, dtype=np.int32)
    last_text = np.full(len(weights), -1, dtype=np.int64)
    marks = np.full(len(weights), -1, dtype=np.int64)
    repeats = np.zeros(len(weights), dtype=np.int32)
    gathered = np.zeros(len(needed), dtype=np.int64)
    touched = np.empty(len(needed), dtype=np.int64)
    pairs = np.empty((64, 4), dtype=np.int64)
    scores = np.empty(64, dtype=np.float64)
    windows = np.empty(4096, dtype=np.int32)
    found = window_end = examined = 0
    begin = 0
    for text in range(len(counts)):
        count = counts[text]
        for at in range(count):
            key = words[begin + at]
            gram = np.int32(EMPTY)
            bit = (key >> _FILTER_SHIFT) & bit_mask
            if bits[bit >> _BYTE] >> np.uint8(bit & _BIT) & np.uint8(1):
                slot = key & mask
                while table[slot] != EMPTY:
                    if keys[slot] == key:
                        gram = table[slot]
                        break
                    slot = (slot + np.uint64(1)) & mask
            grams[at] = gram
            if gram != EMPTY and last_text[gram] != text:
                last_text[gram] = text
                gram_texts[gram] += 1
        hits = touches = 0
        for at in range(count - RUN + 1):
            if grams[at] == EMPTY or grams[at + 1] == EMPTY or grams[at + 2] == EMPTY:
                continue
            run = words[begin + at] * _MULTIPLIER + words[begin + at + 1]
            key = scramble(run * _MULTIPLIER + words[begin + at + 2])
            bit = (key >> _FILTER_SHIFT) & run_bit_mask
            if not run_bits[bit >> _BYTE] >> np.uint8(bit & _BIT) & np.uint8(1):
                continue
            slot = key & run_mask
            gram = np.int32(EMPTY)
            while run_grams[slot] != EMPTY:
                if run_keys[slot] == key:
                    gram = run_grams[slot]
                    break
                slot = (slot + np.uint64(1)) & run_mask
            if gram == EMPTY:
                continue
            hit_places[hits] = at
            hit_runs[hits] = gram
            hits += 1
            if last_text[gram] == text:
                continue
            last_text[gram] = text
            gram_texts[gram] += 1
            for posting in range(posting_starts[gram], posting_starts[gram + 1]):
                probe = postings[posting]
                if gathered[probe] == 0:
                    touched[touches] = probe
                    touches += 1
                gathered[probe] += weights[gram]
        first_pair = found
        for touch in range(touches):
            probe = touched[touch]
            possible = gathered[probe] + spare[probe]
            gathered[probe] = 0
            if possible < needed[probe]:
                continue
            total = 0
            for at in range(probe_starts[probe], probe_starts[probe + 1]):
                if last_text[probe_runs[at]] == text:
                    total += weights[probe_runs[at]]
            if total < needed[probe]:
                continue
            examined += 1
            whole = 0
            for at in range(probe_starts[probe], probe_starts[probe + 1]):
                marks[probe_runs[at]] = examined
                repeats[probe_runs[at]] = 0
                whole += weights[probe_runs[at]]
            # The shortest stretch of not too many words with the most weight of distinct runs.
            reach = lengths[probe] + lengths[probe] // 2 + 5 - RUN
            best_first, best_last, best_weight = 0, 0, 0
            left = weight = 0
            for right in range(hits):
                if marks[hit_runs[right]] != examined:
                    continue
                repeats[hit_runs[right]] += 1
                if repeats[hit_runs[right]] == 1:
                    weight += weights[hit_runs[right]]
                while (
                    marks[hit_runs[left]] != examined
                    or hit_places[right] - hit_places[left] > reach
                    or repeats[hit_runs[left]] > 1
                ):
                    if marks[hit_runs[left]] == examined:
                        repeats[hit_runs[left]] -= 1
                        if repeats[hit_runs[left]] == 0:
                            weight -= weights[hit_runs[left]]
                    left += 1
                shorter = hit_places[right] - hit_places[left] < best_last - best_first
                if weight > best_weight or (weight == best_weight and shorter):
                    best_first, best_last = hit_places[left], hit_places[right]
                    best_weight = weight
            if best_weight < needed[probe]:
                continue
            # Edited words at both ends break the runs there, so the place may be wider.
            missing = max(0, lengths[probe] - (best_last + RUN - best_first)) + 2
            first = max(0, best_first - missing)
            end = min(count, best_last + RUN + missing)
            if found == len(pairs):
                more = np.empty((2 * found, 4), dtype=np.int64)
                more[:found] = pairs
                pairs = more
                more_scores = np.empty(2 * found, dtype=np.float64)
                more_scores[:found] = scores
                scores = more_scores
            pairs[found, 0], pairs[found, 1] = text, probe
            pairs[found, 2], pairs[found, 3] = first, end - first
            scores[found] = best_weight / whole
            found += 1
        if found - first_pair > most:
            kept = first_pair
            better_at = np.zeros(found - first_pair, dtype=np.int64)
            for one in range(first_pair, found):
                for other in range(first_pair, found):
                    overlap = min(pairs[one, 2] + pairs[one, 3], pairs[other, 2] + pairs[other, 3])
                    overlap -= max(pairs[one, 2], pairs[other, 2])
                    better = scores[other] > scores[one] or (
                        scores[other] == scores[one] and pairs[other, 1] < pairs[one, 1]
                    )
                    better_at[one - first_pair] += better and 2 * overlap >= pairs[one, 3]
            for one in range(first_pair, found):
                if better_at[one - first_pair] < most:
                    pairs[kept] = pairs[one]
                    scores[kept] = scores[one]
                    kept += 1
            found = kept
        for pair in range(first_pair, found):
            size = pairs[pair, 3]
            if window_end + size > len(windows):
                wider = np.empty(2 * (window_end + size), dtype=np.int32)
                wider[:window_end] = windows[:window_end]
                windows = wider
            for at in range(size):
                windows[window_end + at] = grams[pairs[pair, 2] + at]
            window_end += size
        begin += count
    return pairs[:found], windows[:window_end]


@compiled
def align_pairs(
    windows: np.ndarray,
    window_starts: np.ndarray,
    pair_probes: np.ndarray,
    word_starts: np.ndarray,
    probe_words: np.ndarray,
    weights: np.ndarray,
    out: np.ndarray,
) -> None:
    """Align each probe with its place: the words in the same order that weigh the most.

    Args:
        windows: grams of the words of all places, one after the other.
        window_starts: where each place begins there, and the end of the last.
        pair_probes: the probe of each pair.
        word_starts: where each probe's words begin, and the end of the last.
        probe_words: grams of the probes' words.
        weights: of each gram, int64.
        out: int64, shape (pairs, 5): the weight of the words that are there; in the place the
            first of them and the one after the last; in the probe the same.
    """
    longest = 0
    for pair in range(len(pair_probes)):
        longest = max(longest, window_starts[pair + 1] - window_starts[pair])
    best = np.zeros(longest + 1, dtype=np.int64)
    begins = np.zeros(longest + 1, dtype=np.int64)
    probe_begins = np.zeros(longest + 1, dtype=np.int64)
    for pair in range(len(pair_probes)):
        start = window_starts[pair]
        size = window_starts[pair + 1] - start
        best[: size + 1] = 0
        begins[: size + 1] = -1
        probe_begins[: size + 1] = -1
        first_word = word_starts[pair_probes[pair]]
        probe_end = 0
        for at in range(first_word, word_starts[pair_probes[pair] + 1]):
            gram = probe_words[at]
            weight = weights[gram]
            diagonal, diagonal_begin, diagonal_probe = np.int64(0), np.int64(-1), np.int64(-1)
            before = best[size]
            for place in range(1, size + 1):
                above, above_begin, above_probe = best[place], begins[place], probe_begins[place]
                if windows[start + place - 1] == gram and diagonal + weight >= above:
                    best[place] = diagonal + weight
                    is_first = diagonal_begin < 0
                    begins[place] = place - 1 if is_first else diagonal_begin
                    probe_begins[place] = at - first_word if is_first else diagonal_probe
                if best[place - 1] > best[place]:
                    best[place] = best[place - 1]
                    begins[place] = begins[place - 1]
                    probe_begins[place] = probe_begins[place - 1]
                diagonal, diagonal_begin, diagonal_probe = above, above_begin, above_probe
            if best[size] > before:
                probe_end = at - first_word + 1
        end = size
        while end > 0 and best[end - 1] == best[size]:
            end -= 1
        out[pair, 0] = best[size]
        out[pair, 1], out[pair, 2] = begins[end], end
        out[pair, 3], out[pair, 4] = probe_begins[end], probe_end


@compiled
def weigh_runs(
    windows: np.ndarray,
    window_starts: np.ndarray,
    pair_probes: np.ndarray,
    word_hashes: np.ndarray,
    run_table: tuple[np.ndarray, np.ndarray, np.ndarray],
    probe_starts: np.ndarray,
    probe_runs: np.ndarray,
    weights: np.ndarray,
    out: np.ndarray,
) -> None:
    """Weigh the distinct runs of each probe that stand in its place.

    Args:
        windows: grams of the words of all places, one after the other.
        window_starts: where each place begins there, and the end of the last.
        pair_probes: the probe of each pair.
        word_hashes: of the grams that are words.
        run_table: keys, grams and bits of :func:`fill_table`.
        probe_starts: where each probe's runs begin, and the end of the last.
        probe_runs: each probe's distinct runs.
        weights: of each gram, int64.
        out: the weight for each pair, int64.
    """
    run_keys, run_grams, _ = run_table
    mask = np.uint64(len(run_keys) - 1)
    marks = np.full(len(weights), -1, dtype=np.int64)
    for pair in range(len(pair_probes)):
        probe = pair_probes[pair]
        for at in range(probe_starts[probe], probe_starts[probe + 1]):
            marks[probe_runs[at]] = pair
        total = 0
        for at in range(window_starts[pair], window_starts[pair + 1] - RUN + 1):
            one, two, three = windows[at], windows[at + 1], windows[at + 2]
            if one == EMPTY or two == EMPTY or three == EMPTY:
                continue
            run = word_hashes[one] * _MULTIPLIER + word_hashes[two]
            key = scramble(np.uint64(run * _MULTIPLIER + word_hashes[three]))
            slot = key & mask
            while run_grams[slot] != EMPTY:
                if run_keys[slot] == key:
                    if marks[run_grams[slot]] == pair:
                        total += weights[run_grams[slot]]
                        marks[run_grams[slot]] = -1
                    break
                slot = (slot + np.uint64(1)) & mask
        out[pair] = total


@compiled
def rival_scores(
    row_starts: np.ndarray,
    firsts: np.ndarray,
    ends: np.ndarray,
    scores: np.ndarray,
    kinds: np.ndarray,
    families: np.ndarray,
    best: np.ndarray,
    second: np.ndarray,
) -> None:
    """Find how well other probes fit at the same place: one that covers at least half of it.

    Args:
        row_starts: where the places of each row begin, and the end of the last.
        firsts: the first word of each place.
        ends: the word after its last.
        scores: of each place.
        kinds: only places of the same kind are compared.
        families: places of the same family are no rivals.
        best: the highest score of another probe, 0 where there is none.
        second: the second highest of a rival.
    """
    for row in range(len(row_starts) - 1):
        for one in range(row_starts[row], row_starts[row + 1]):
            best[one] = second[one] = first_rival = 0.0
            for other in range(row_starts[row], row_starts[row + 1]):
                shared = min(ends[one], ends[other]) - max(firsts[one], firsts[other])
                compared = other != one and kinds[one] == kinds[other]
                if not compared or 2 * shared < ends[one] - firsts[one]:
                    continue
                best[one] = max(best[one], scores[other])
                if families[one] == families[other]:
                    continue
                if scores[other] > first_rival:
                    second[one] = first_rival
                    first_rival = scores[other]
                elif scores[other] > second[one]:
                    second[one] = scores[other]
