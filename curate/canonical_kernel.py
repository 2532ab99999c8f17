"""Canonical texts by the byte: what ``canonical_texts`` says with regular expressions, compiled.

A table made from those regular expressions tells for every code point what it is folded to and
what part it plays in a word, so that a text is folded and cut in one pass. Code points whose
folding depends on their neighbours are marked, and a text with one of them is left to the regular
expressions.
"""

from __future__ import annotations

import numpy as np

from .code_points import (
    CODE,
    CONNECTOR,
    DIGIT,
    FLAG_BITS,
    MARK,
    NEIGHBOURS,
    SPACELESS,
    SYMBOL,
    WORD,
)
from .compiled import compiled

_NONE, _IN_WORD, _IN_NUMBER = 0, 1, 2
_SPACE = np.uint8(32)


@compiled
def cut_words(
    data: np.ndarray, offsets: np.ndarray, table: np.ndarray, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Write the canonical form of texts.

    Args:
        data: the texts' bytes, UTF-8.
        offsets: where each text begins, and the end of the last; int64.
        table: of :func:`.code_points.code_point_table`.
        out: room for the result, at least twice the bytes of the texts.

    Returns:
        The offsets of the texts written, and which texts were left out (empty in ``out``).
    """
    texts = len(offsets) - 1
    written = np.zeros(texts + 1, dtype=np.int64)
    left_out = np.zeros(texts, dtype=np.bool_)
    place = 0
    for text in range(texts):
        first, end = offsets[text], offsets[text + 1]
        begin = place
        status = 1
        for code in range(2):
            place, status = _cut(data, first, end, table, out, begin, code == 1)
            if status != 2:
                break
        if status == 0 or (place == begin and end > first):
            left_out[text] = True
            place = begin
        written[text + 1] = place
    return written, left_out


@compiled
def _cut(
    data: np.ndarray,
    at: int,
    end: int,
    table: np.ndarray,
    out: np.ndarray,
    begin: int,
    code: bool,
) -> tuple[int, int]:
    """Cut one text.

    Returns:
        The end of what was written, and 1; or 0 where the text has to be left out, or 2 where it
        turned out to be code.
    """
    place = begin
    state = _NONE
    while at < end:
        entry, following = _entry(data, at, table)
        if entry & NEIGHBOURS:
            return begin, 0
        if state == _IN_WORD and entry & WORD:
            place = _put(out, place, entry >> FLAG_BITS)
            at = following
            # Most text is ASCII letters.
            while at < end and data[at] < 0x80 and table[data[at]] & WORD:
                out[place] = table[data[at]] >> FLAG_BITS
                place += 1
                at += 1
            continue
        if state == _IN_NUMBER:
            inside = entry & DIGIT
            if entry & CONNECTOR and following < end:
                inside = _entry(data, following, table)[0] & DIGIT
            if inside:
                place = _put(out, place, entry >> FLAG_BITS)
                at = following
                continue
        if entry & CODE and not code:
            return begin, 2
        state = _NONE
        if entry & DIGIT:
            state = _IN_NUMBER
        elif entry & WORD:
            state = _IN_WORD
        if entry & (DIGIT | WORD | SPACELESS | SYMBOL) or (code and entry & MARK):
            if place > begin:
                out[place] = _SPACE
                place += 1
            place = _put(out, place, entry >> FLAG_BITS)
        at = following
    return place, 1


@compiled
def _entry(data: np.ndarray, at: int, table: np.ndarray) -> tuple[np.int64, int]:
    """Look the code point up that begins at a byte; also return where the next one begins."""
    byte = np.int64(data[at])
    if byte < 0x80:
        return np.int64(table[byte]), at + 1
    if byte < 0xE0:
        point = (byte & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F)
        return np.int64(table[point]), at + 2
    point = (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F)
    if byte < 0xF0:
        return np.int64(table[(byte & 0x0F) << 12 | point]), at + 3
    point = (byte & 0x07) << 18 | point << 6 | (np.int64(data[at + 3]) & 0x3F)
    return (np.int64(table[point]) if point < len(table) else np.int64(NEIGHBOURS)), at + 4


@compiled
def _put(out: np.ndarray, place: int, point: np.int64) -> int:
    """Write a code point as UTF-8; return the place after it."""
    if point < 0x80:
        out[place] = point
        return place + 1
    if point < 0x800:
        out[place] = 0xC0 | point >> 6
        out[place + 1] = 0x80 | point & 0x3F
        return place + 2
    if point < 0x10000:
        out[place] = 0xE0 | point >> 12
        out[place + 1] = 0x80 | point >> 6 & 0x3F
        out[place + 2] = 0x80 | point & 0x3F
        return place + 3
    out[place] = 0xF0 | point >> 18
    out[place + 1] = 0x80 | point >> 12 & 0x3F
    out[place + 2] = 0x80 | point >> 6 & 0x3F
    out[place + 3] = 0x80 | point & 0x3F
    return place + 4
