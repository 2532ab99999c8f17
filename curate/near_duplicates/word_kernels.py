"""Words by the byte: cutting texts into words, hashing words and runs of words, compiled.

Canonical texts are what ``canonical_texts`` says with regular expressions. A table made from those
(:mod:`.code_points`) tells for every code point what it is folded to and what part it plays in a
word, so that a text is folded and cut in one pass. Code points whose folding depends on their
neighbours are marked, and a text with one of them is left to the regular expressions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled

FLAG_BITS = 8
DIGIT, WORD, SPACELESS, SYMBOL, MARK, CODE, CONNECTOR, NEIGHBOURS = (1 << bit for bit in range(8))
"""Begins a number; part of a word; a word of its own, being of a script without spaces; a word of
its own; a word of its own in code; tells that a text is code; may stand inside a number; what it is
folded to depends on its neighbours."""

# Of a literal argument numba would compile another version, for each value of it.
_BEGIN: Any = np.int64(0)
_PROSE: Any = np.bool_(False)
_CODE: Any = np.bool_(True)
_NONE, _IN_WORD, _IN_NUMBER = 0, 1, 2
_LEFT_OUT, _DONE, _IS_CODE = 0, 1, 2
_SPACE = np.uint8(0x20)
_HIGH_BITS = np.uint64(0x8080808080808080)
_ALL_BUT_HIGH_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_SPACES = np.uint64(0x2020202020202020)
_BEFORE_A = np.uint64(0x0101010101010101 * (0x80 - ord("a")))
_BEFORE_AFTER_Z = np.uint64(0x0101010101010101 * (0x80 - ord("z") - 1))
"""What carries a letter from ``a`` on, and what lies behind ``z``, into the highest bit."""
_BYTE, _LAST_BYTE, _CASE = np.uint64(8), np.uint64(56), np.uint64(2)
_BYTE_MASK = np.uint64(0xFF)
_ONES = np.uint64(0x0101010101010101)
_PLACES = np.uint64(0x0001020304050607)
"""Times a power of 256, it has the exponent in the highest byte."""
_BIT, _TOP_BYTE_SHIFT = np.uint64(7), np.uint64(56)
_WORD_BEGIN = np.uint64(0xCBF29CE484222325)
_WORD_SHIFT, _LONG_SHIFT = np.uint64(29), np.uint64(32)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX_ONE, _MIX_TWO = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_MIX_SHIFT = np.uint64(33)
_ALL_BUT_TOP = np.uint64((1 << 63) - 1)


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
    place = _BEGIN
    for text in range(texts):
        place, done = _cut_text(data, offsets[text], offsets[text + 1], table, out, place)
        left_out[text] = not done
        written[text + 1] = place
    return written, left_out


@compiled
def cut_and_hash_words(
    data: np.ndarray, offsets: np.ndarray, table: np.ndarray, notes: np.ndarray, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Do what ``cut_words`` and then ``hash_words`` do, without keeping the canonical texts.

    Args:
        data: the texts' bytes, UTF-8.
        offsets: where each text begins, and the end of the last; int64.
        table: of :func:`.code_points.code_point_table`.
        notes: room for a canonical text, at least twice the bytes of the longest text.
        out: room for the hash of every word, at least as many as there are bytes; uint64.

    Returns:
        The number of words (int64) and the hash (uint64) of each text, and which were left out.
    """
    texts = len(offsets) - 1
    counts = np.zeros(texts, dtype=np.int64)
    wholes = np.zeros(texts, dtype=np.uint64)
    left_out = np.zeros(texts, dtype=np.bool_)
    place = _BEGIN
    for text in range(texts):
        end, done = _cut_text(data, offsets[text], offsets[text + 1], table, notes, _BEGIN)
        left_out[text] = not done
        if end > 0:
            counts[text], wholes[text] = _hash_text(notes, _BEGIN, end, out, place)
            place += counts[text]
    return counts, wholes, left_out


@compiled
def _cut_text(
    data: np.ndarray, first: int, end: int, table: np.ndarray, out: np.ndarray, begin: int
) -> tuple[int, bool]:
    """Cut one text as prose or as code; return the end of what was written, and if it was."""
    place, status = _cut(data, first, end, table, out, begin, _PROSE)
    if status == _IS_CODE:
        place, status = _cut(data, first, end, table, out, begin, _CODE)
    if status == _LEFT_OUT or (place == begin and end > first):
        return begin, False
    return place, True


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
        The end of what was written, and how it went.
    """
    place = begin
    state = _NONE
    while at < end:
        entry, following = _entry(data, at, table)
        if entry & NEIGHBOURS:
            return begin, _LEFT_OUT
        if state == _IN_WORD and entry & WORD:
            place = _put(out, place, entry >> FLAG_BITS)
            at = following
            # Most text is ASCII letters and single spaces.
            while at + 8 <= end:
                lowered, spaces = _lower_eight(load_eight(data, at))
                if not lowered:
                    break
                _store_eight(out, place, lowered)
                at += 8
                place += 8
                if spaces >> _LAST_BYTE:
                    place -= 1
                    state = _NONE
                    break
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
            return begin, _IS_CODE
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
    return place, _DONE


@compiled
def _lower_eight(eight: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Lower eight ASCII characters at once if they are letters and single spaces.

    Returns:
        The lowered characters, and a bit where there is a space; 0 and 0 where they are not.
    """
    others = eight ^ _SPACES
    letters = (eight | _SPACES) + _BEFORE_A & ~((eight | _SPACES) + _BEFORE_AFTER_Z) & _HIGH_BITS
    spaces = ~(others + _ALL_BUT_HIGH_BITS) & _HIGH_BITS
    plain = eight & _HIGH_BITS == 0 and letters | spaces == _HIGH_BITS
    if not plain or spaces & spaces << _BYTE:
        return np.uint64(0), np.uint64(0)
    return eight | letters >> _CASE, spaces


@compiled
def _store_eight(out: np.ndarray, place: int, eight: np.uint64) -> None:
    at = np.uint64(place)
    for number in range(8):
        out[at + np.uint64(number)] = np.uint8(eight >> np.uint64(8 * number) & _BYTE_MASK)


@compiled
def _entry(data: np.ndarray, at: int, table: np.ndarray) -> tuple[np.int64, int]:
    """Look the code point up that begins at a byte; also return where the next one begins."""
    byte = np.int64(data[at])
    if byte < 0x80:
        return np.int64(table[byte]), at + 1
    if byte < 0xE0:
        point, length = (byte & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), 2
    else:
        point = (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F)
        if byte < 0xF0:
            point, length = (byte & 0x0F) << 12 | point, 3
        else:
            point, length = (byte & 0x07) << 18 | point << 6 | (np.int64(data[at + 3]) & 0x3F), 4
    return (np.int64(table[point]) if point < len(table) else np.int64(NEIGHBOURS)), at + length


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


@compiled
def load_eight(data: np.ndarray, at: int) -> np.uint64:
    """Return the eight bytes from a place on, the first of them lowest."""
    first = np.uint64(at)
    eight = np.uint64(0)
    for number in range(8):
        eight |= np.uint64(data[first + np.uint64(number)]) << np.uint64(8 * number)
    return eight


@compiled
def scramble(value: np.uint64) -> np.uint64:
    """Spread the bits (the finaliser of MurmurHash3), so that any 32 of them are a good hash."""
    value = (value ^ (value >> _MIX_SHIFT)) * _MIX_ONE
    value = (value ^ (value >> _MIX_SHIFT)) * _MIX_TWO
    return value ^ (value >> _MIX_SHIFT)


@compiled
def hash_words(
    data: np.ndarray, offsets: np.ndarray, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Hash the words of canonical texts, and each text as the sequence of its words.

    A word is taken eight bytes at a time; different words of up to eight bytes never have the same
    hash.

    Args:
        data: the texts' bytes.
        offsets: where each text begins, and the end of the last.
        out: room for the hash of every word, uint64.

    Returns:
        The number of words (int64) and the hash (uint64) of each text.
    """
    texts = len(offsets) - 1
    counts = np.zeros(texts, dtype=np.int64)
    wholes = np.zeros(texts, dtype=np.uint64)
    place = _BEGIN
    for text in range(texts):
        if offsets[text] < offsets[text + 1]:
            counts[text], wholes[text] = _hash_text(
                data, offsets[text], offsets[text + 1], out, place
            )
            place += counts[text]
    return counts, wholes


@compiled
def _hash_text(
    data: np.ndarray, at: Any, end: int, out: np.ndarray, begin: int
) -> tuple[int, np.uint64]:
    """Hash the words of one canonical text; return their number and the hash of the whole."""
    place = begin
    word = _WORD_BEGIN
    whole = np.uint64(0)
    while at <= end:
        eight = load_eight(data, at) if at + 8 <= len(data) else _load_last(data, at)
        # The highest bit of each byte that is a space; above the first one it may be wrong.
        others = eight ^ _SPACES
        space = (others - _ONES) & ~others & _HIGH_BITS
        if end - at < 8:
            space |= np.uint64(0x80) << np.uint64(8 * (end - at))
        if not space:
            word = (word ^ eight) * _MULTIPLIER
            word ^= word >> _LONG_SHIFT
            at += 8
            continue
        first = (space & (~space + np.uint64(1))) >> _BIT
        word = (word ^ (eight & (first - np.uint64(1)))) * _MULTIPLIER
        word ^= word >> _WORD_SHIFT
        out[place] = word
        place += 1
        whole = whole * _MULTIPLIER + word
        word = _WORD_BEGIN
        at += np.int64((first * _PLACES) >> _TOP_BYTE_SHIFT) + 1
    return place - begin, scramble(whole + np.uint64(place - begin))


@compiled
def _load_last(data: np.ndarray, at: int) -> np.uint64:
    """Do what ``load_eight`` does where fewer than eight bytes are left."""
    eight = np.uint64(0)
    for number in range(len(data) - at):
        eight |= np.uint64(data[at + number]) << np.uint64(8 * number)
    return eight


@compiled
def combine_words(
    words: np.ndarray, counts: np.ndarray, chosen: np.ndarray, size: int, out: np.ndarray
) -> int:
    """Hash every run of ``size`` words of the chosen texts; a shorter text is one run.

    Args:
        words: the hashes of the words of all texts.
        counts: words of each text, at least 1 in a chosen one.
        chosen: for each text whether it is wanted.
        size: words a run.
        out: room for the runs, uint64; the highest bit stays free.

    Returns:
        The number of runs written.
    """
    lead = np.uint64(1)
    for _ in range(size):
        lead *= _MULTIPLIER
    place = 0
    begin = 0
    for text in range(len(counts)):
        end = begin + counts[text]
        if chosen[text]:
            run = np.uint64(0)
            for step in range(size):
                run *= _MULTIPLIER
                run += words[begin + step] if begin + step < end else np.uint64(step)
            out[place] = scramble(run) & _ALL_BUT_TOP
            place += 1
            for at in range(begin + size, end):
                run = run * _MULTIPLIER + words[at] - words[at - size] * lead
                out[place] = scramble(run) & _ALL_BUT_TOP
                place += 1
        begin = end
    return place
