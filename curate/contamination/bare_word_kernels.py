"""Cutting texts into bare words and hashing these, compiled.

A table (:mod:`.words`) tells for every code point what it is folded to and what part it plays in a
word. A text with a code point whose folding depends on its neighbours is left out.
"""

from __future__ import annotations

import numpy as np

from ..near_duplicates.compiled import compiled
from ..near_duplicates.word_kernels import scramble

FLAG_BITS = 8
DIGIT, LETTER, SPACELESS, CONNECTOR, NEIGHBOURS = (1 << bit for bit in range(5))
"""Begins a number; part of a word; a word of its own; may stand inside a number; leaves it out."""

_NONE, _IN_WORD, _IN_NUMBER = 0, 1, 2
_BEGIN = np.uint64(0xCBF29CE484222325)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@compiled
def _point(data: np.ndarray, at: int) -> tuple[np.int64, int]:
    """Return the code point that begins at a byte, and where the next one begins."""
    byte = np.int64(data[at])
    if byte < 0x80:
        return byte, at + 1
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), at + 2
    point = (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | point, at + 3
    return (byte & 0x07) << 18 | point << 6 | (np.int64(data[at + 3]) & 0x3F), at + 4


@compiled
def _flags(table: np.ndarray, point: np.int64) -> np.int64:
    return np.int64(table[point]) if point < len(table) else np.int64(NEIGHBOURS)


@compiled
def _add(word: np.uint64, point: np.int64) -> np.uint64:
    word = (word ^ np.uint64(point)) * _MULTIPLIER
    return word ^ word >> _SHIFT


@compiled
def cut_and_hash(
    data: np.ndarray, offsets: np.ndarray, table: np.ndarray, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Hash the bare words of texts.

    Args:
        data: the texts' bytes, UTF-8.
        offsets: where each text begins, and the end of the last; int64.
        table: folded code points above, flags in the low bits; uint32.
        out: room for the hash of every word, at least as many as there are bytes; uint64.

    Returns:
        The number of words of each text (int64), and which were left out (they have none).
    """
    texts = len(offsets) - 1
    counts = np.zeros(texts, dtype=np.int64)
    left_out = np.zeros(texts, dtype=np.bool_)
    place = 0
    for text in range(texts):
        at, end, first = offsets[text], offsets[text + 1], place
        state, word = _NONE, _BEGIN
        while at < end:
            point, following = _point(data, at)
            entry = _flags(table, point)
            if entry & NEIGHBOURS:
                left_out[text] = True
                break
            inside = entry & LETTER
            if state == _IN_NUMBER:
                inside = entry & DIGIT
                if entry & CONNECTOR and following < end:
                    inside = _flags(table, _point(data, following)[0]) & DIGIT
            if state != _NONE and not inside:
                out[place] = scramble(word)
                place += 1
                state, word = _NONE, _BEGIN
            if state != _NONE or entry & (LETTER | DIGIT | SPACELESS):
                word = _add(word, entry >> FLAG_BITS)
                if entry & SPACELESS:
                    out[place] = scramble(word)
                    place += 1
                    word = _BEGIN
                elif state == _NONE:
                    state = _IN_NUMBER if entry & DIGIT else _IN_WORD
            at = following
        if left_out[text]:
            place = first
        elif state != _NONE:
            out[place] = scramble(word)
            place += 1
        counts[text] = place - first
    return counts, left_out


@compiled
def hash_each(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """Hash folded words as ``cut_and_hash`` does.

    Args:
        data: the words' bytes, UTF-8.
        offsets: where each word begins, and the end of the last; int64.
        out: room for the hashes, uint64.
    """
    for number in range(len(offsets) - 1):
        at, word = offsets[number], _BEGIN
        while at < offsets[number + 1]:
            point, at = _point(data, at)
            word = _add(word, point)
        out[number] = scramble(word)
