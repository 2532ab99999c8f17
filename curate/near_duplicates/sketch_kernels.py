"""MinHash signatures: the loop over shingles and permutations, compiled."""

from __future__ import annotations

import numpy as np

from .compiled import compiled
from .shingle_kernels import TEMPLATE
from .word_kernels import scramble

_MIX_ONE, _MIX_TWO = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_SHIFT_ONE, _SHIFT_TWO = np.uint32(16), np.uint32(13)
_LOW_BITS = np.uint64(0xFFFFFFFF)
_LARGEST = np.uint32(0xFFFFFFFF)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@compiled
def sign(
    shingles: np.ndarray,
    lengths: np.ndarray,
    multipliers: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    """Return for each text the smallest value of each permutation over its shingles.

    Template shingles are left out, except in texts that have no others.

    Args:
        shingles: of all texts, one after the other, uint64; their low 32 bits are permuted.
        lengths: shingles of each text.
        multipliers: of the permutations, uint32.
        offsets: of the permutations, uint32.
    """
    signatures = np.full((len(lengths), len(multipliers)), _LARGEST, dtype=np.uint32)
    begin = 0
    for text in range(len(lengths)):
        end = begin + lengths[text]
        signature = signatures[text]
        signed = False
        for at in range(begin, end):
            if not shingles[at] & TEMPLATE:
                _sign_one(shingles[at], multipliers, offsets, signature)
                signed = True
        if not signed:
            for at in range(begin, end):
                _sign_one(shingles[at], multipliers, offsets, signature)
        begin = end
    return signatures


@compiled
def _sign_one(
    shingle: np.uint64, multipliers: np.ndarray, offsets: np.ndarray, signature: np.ndarray
) -> None:
    value = np.uint32(shingle & _LOW_BITS)
    value = np.uint32((value ^ (value >> _SHIFT_ONE)) * _MIX_ONE)
    value = np.uint32((value ^ (value >> _SHIFT_TWO)) * _MIX_TWO)
    value = np.uint32(value ^ (value >> _SHIFT_ONE))
    for number in range(len(multipliers)):
        permuted = np.uint32(np.uint32(value * multipliers[number]) + offsets[number])
        signature[number] = min(signature[number], permuted)


@compiled
def hash_bands(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """Return for each band (a row of the result) and text one hash of the band's values."""
    keys = np.empty((bands, len(signatures)), dtype=np.uint64)
    for text in range(len(signatures)):
        for band in range(bands):
            key = np.uint64(0)
            for number in range(band * rows, (band + 1) * rows):
                key = key * _MULTIPLIER + np.uint64(signatures[text, number])
            keys[band, text] = scramble(key)
    return keys
