"""What every Unicode code point is to the words of canonical texts, as a table for compiled code.

The table is made from the regular expressions and the folding of :mod:`.comparison_text`, which
stay the only definition. A code point whose folding depends on its neighbours, or becomes several
code points, is marked as such.
"""

from __future__ import annotations

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

ALL_POINTS = 0x20000
ASCII_POINTS = 0x80
_BYTES_FOR_ALL = 2_000_000
_SURROGATES = range(0xD800, 0xE000)
_UNASSIGNED = r"\p{Cn}"
_COMBINING = r"[\p{M}--[\u{FE00}-\u{FE0F}]]"
"""Marks may change their order or melt into a letter; all but the selectors of a variant."""
_HANGUL_VOWEL_OR_FINAL = r"[\u{1160}-\u{11FF}]"
_CONTEXTUAL = "Σ"
"""Its lower case depends on whether a word ends there."""


def table_for(text_bytes: int) -> np.ndarray:
    """Return the table that is worth its time for so many bytes of text."""
    return code_point_table(ALL_POINTS if text_bytes > _BYTES_FOR_ALL else ASCII_POINTS)


@cache
def code_point_table(count: int = ALL_POINTS) -> np.ndarray:
    """Return for code points their flags and what they fold to.

    Args:
        count: how many, from 0 on. Making the table of the first two planes takes as long as the
            regular expressions need for some megabytes of text, that of ASCII no time.

    Returns:
        uint32: the flags of :mod:`.word_kernels` in the low ``FLAG_BITS`` bits, the folded code
        point in the rest.
    """
    points = np.array([point for point in range(count) if point not in _SURROGATES])
    characters = pl.Series([chr(point) for point in points])
    folded = fold(characters)
    targets = folded.set(folded.str.len_chars() != 1, "")
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
        (NEIGHBOURS, _depends_on_neighbours(characters, targets)),
    ):
        flags |= np.where(holds.to_numpy(), np.uint32(flag), np.uint32(0))
    table = np.full(count, NEIGHBOURS, dtype=np.uint32)
    values = np.array([ord(text) if text else 0 for text in targets.to_list()], dtype=np.uint32)
    table[points] = flags | values << np.uint32(FLAG_BITS)
    return table


def _depends_on_neighbours(sources: pl.Series, targets: pl.Series) -> pl.Series:
    """Tell which characters may be folded otherwise where others stand around them.

    Args:
        sources: single characters.
        targets: what each of them is folded to alone, or nothing where that is not one character.
    """
    depends = (targets == "") | sources.str.contains(JOINERS) | sources.str.contains(_UNASSIGNED)
    decomposed = sources.str.normalize("NFD")
    following = decomposed.str.slice(1).filter(decomposed.str.len_chars() > 1)
    # What NFKC may melt into the character before it.
    seconds = following.str.split("").explode().unique()
    for characters in (sources, targets):
        first = characters.str.normalize("NFKD").str.slice(0, 1)
        for some in (characters, first):
            depends |= some.str.contains(_COMBINING) | some.str.contains(_HANGUL_VOWEL_OR_FINAL)
            depends |= some.is_in(seconds.implode())
    room = sources.str.len_bytes() + (sources.str.len_bytes() > 1).cast(pl.UInt32)
    upper = sources.str.normalize("NFKC").str.to_uppercase()
    return depends | (targets.str.len_bytes() > room) | upper.str.contains(_CONTEXTUAL)
