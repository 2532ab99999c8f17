"""What every Unicode code point is to the words of canonical texts, as a table for compiled code.

The table is made from the regular expressions and the folding of :mod:`.comparison_text`, which
stay the only definition. A code point whose folding depends on its neighbours, or becomes several
code points, is marked as such.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import polars as pl

from .comparison_text import (
    CODE_SIGN,
    CONNECTOR_SIGN,
    JOINERS,
    SPACELESS_CHARACTER,
    SYMBOL_IN_CODE,
    SYMBOL_IN_PROSE,
    WORD_CHARACTER,
    fold,
)
from .word_kernels import (
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

_POINTS = 0x20000
_SURROGATES = range(0xD800, 0xE000)
_HANGUL_VOWELS_AND_FINALS = range(0x1160, 0x1200)
_CONTEXTUAL = "Σ"
"""Its lower case depends on whether a word ends there."""


@cache
def code_point_table() -> np.ndarray:
    """Return for the code points of the first two planes their flags and what they fold to.

    Returns:
        uint32: the flags of :mod:`.word_kernels` in the low ``FLAG_BITS`` bits, the folded code
        point in the rest.
    """
    points = np.array([point for point in range(_POINTS) if point not in _SURROGATES])
    characters = pl.Series([chr(point) for point in points])
    folded = fold(characters)
    alone = folded.str.len_chars() == 1
    targets = pl.Series([text if one else "" for text, one in zip(folded, alone, strict=True)])
    seconds = _second_in_a_composition()
    plain = [
        one and _stands_alone(source, target, seconds)
        for source, target, one in zip(characters, targets, alone, strict=True)
    ]
    flags = np.zeros(len(points), dtype=np.uint32)
    in_prose = targets.str.contains(SYMBOL_IN_PROSE)
    for flag, holds in (
        (DIGIT, targets.str.contains(r"\d")),
        (WORD, targets.str.contains(WORD_CHARACTER)),
        (SPACELESS, targets.str.contains(SPACELESS_CHARACTER)),
        (SYMBOL, in_prose),
        (MARK, targets.str.contains(SYMBOL_IN_CODE) & ~in_prose),
        (CODE, targets.str.contains(CODE_SIGN)),
        (CONNECTOR, targets.str.contains(CONNECTOR_SIGN)),
        (NEIGHBOURS, ~pl.Series(plain) | characters.str.contains(JOINERS)),
    ):
        flags |= np.where(holds.to_numpy(), np.uint32(flag), np.uint32(0))
    table = np.full(_POINTS, NEIGHBOURS, dtype=np.uint32)
    values = np.array([ord(text) if text else 0 for text in targets], dtype=np.uint32)
    table[points] = flags | values << np.uint32(FLAG_BITS)
    return table


def _second_in_a_composition() -> frozenset[str]:
    """Return the characters that NFKC may melt into the one before them."""
    seconds = {chr(point) for point in _HANGUL_VOWELS_AND_FINALS}
    for point in range(_POINTS):
        parts = unicodedata.decomposition(chr(point)).split()
        if parts and not parts[0].startswith("<"):
            seconds.update(chr(int(part, 16)) for part in parts[1:])
    return frozenset(seconds)


def _stands_alone(source: str, target: str, seconds: frozenset[str]) -> bool:
    """Tell whether a character is folded the same whatever stands around it."""
    if unicodedata.category(source) == "Cn":
        return False
    if source == target and not unicodedata.decomposition(source):
        return not unicodedata.combining(source) and source not in seconds and source not in "Σσς"
    for character in (source, target):
        first = unicodedata.normalize("NFKD", character)[0]
        if unicodedata.combining(character) or unicodedata.combining(first):
            return False
        if character in seconds or first in seconds:
            return False
    grows = len(target.encode()) > len(source.encode()) + (len(source.encode()) > 1)
    return not grows and _CONTEXTUAL not in unicodedata.normalize("NFKC", source).upper()
