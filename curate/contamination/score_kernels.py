"""How well items fit the places in which they were found, compiled."""

from __future__ import annotations

import numpy as np

from ..near_duplicates.compiled import compiled
from ..near_duplicates.word_kernels import scramble
from .match_kernels import EMPTY, MULTIPLIER, RUN, Table, look_up


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
    run_table: Table,
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
    keys, grams, bits = run_table
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
            run = word_hashes[one] * MULTIPLIER + word_hashes[two]
            key = scramble(np.uint64(run * MULTIPLIER + word_hashes[three]))
            gram = look_up(key, keys, grams, bits)
            if gram != EMPTY and marks[gram] == pair:
                total += weights[gram]
                marks[gram] = -1
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
