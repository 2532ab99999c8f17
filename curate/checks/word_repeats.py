"""Letters and words that come again within a text, found over many texts at once.

Words are compared as hashes. Whether a run of words occurs twice in its text is told by sorting the
hashes of all runs together with their text's number; a loop of period p is a run of words each of
which equals the word p places later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff"
"""Kana and Han characters, each of which counts as a word: their scripts have no blanks."""

WORD = rf"[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}]+"

_HAS_IDEOGRAPHS = f"[{IDEOGRAPHS}]{{4}}"
_LONGEST_CHARACTER = 4
_LEAST_RUN = 5
_LETTERS = "abcdefghijklmnopqrstuvwxyz!?"
_WHITE_SPACE = r"[\t\n\r]"
# An odd number with well mixed bits (the golden ratio); products wrap around.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HASH_BITS = np.uint64(40)
_LOOP_SCHEMA = pl.Schema(
    {"text": pl.UInt32, "first": pl.Int64, "last": pl.Int64, "period": pl.Int64}
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of several texts, one after the other.

    Attributes:
        text: the number of the text that each word belongs to, ascending.
        code: a hash of each word.
        counts: words by text.
    """

    text: np.ndarray
    code: np.ndarray
    counts: np.ndarray


def words_of(texts: pl.Series) -> Words:
    """Return the words of texts in small letters."""
    return _numbered(texts.str.to_lowercase().str.extract_all(WORD))


def rough_words_of(texts: pl.Series) -> Words:
    """Return the words of texts for a first look, several times faster.

    Letters' case counts, and of blanks in a row each but the first is an empty word.
    """
    has_ideographs = texts.str.contains(_HAS_IDEOGRAPHS)
    spaced = pl.when(~has_ideographs).then(texts).str.replace_all(_WHITE_SPACE, " ").str.split(" ")
    found = pl.when(has_ideographs).then(texts).str.extract_all(WORD)
    return _numbered(pl.select(pl.coalesce(spaced, found).alias("word")).to_series())


def _numbered(words: pl.Series) -> Words:
    counts = words.list.len().to_numpy().astype(np.int64)
    text = np.repeat(np.arange(len(words), dtype=np.uint64), counts)
    return Words(text, words.explode(empty_as_null=False).hash().to_numpy(), counts)


def repeated_runs(words: Words, length: int) -> np.ndarray:
    """Return for each text how many of its runs of so many words occurred in it before."""
    total = len(words.counts)
    if len(words.code) < length:
        return np.zeros(total, dtype=np.int64)
    last = len(words.code) - length + 1
    code = words.code[:last].copy()
    for place in range(1, length):
        code = code * _FACTOR + words.code[place : last + place]
    is_whole = words.text[length - 1 :] == words.text[:last]
    run = np.sort((words.text[:last] << _HASH_BITS | code >> np.uint64(24))[is_whole])
    again = run[1:][run[1:] == run[:-1]] >> _HASH_BITS
    return np.bincount(again.astype(np.int64), minlength=total)


def may_hold_letter_run(texts: pl.Series, least: int) -> pl.Series:
    """Tell which texts may hold the same character so often in a row.

    Of other than English texts, bytes are compared with those one character's length later, at few
    enough places that a run has three in a row at which they are equal.

    Args:
        texts: without nulls.
        least: how often; where fewer than five do, every text may.

    Returns:
        True for every text in which a letter or one of !? does, and for a few others.
    """
    if least < _LEAST_RUN:
        return pl.Series([True] * len(texts), dtype=pl.Boolean)
    letters = [letter * least for letter in _LETTERS]
    is_ascii = texts.str.len_bytes() == texts.str.len_chars()
    holds = texts.str.contains_any(letters, ascii_case_insensitive=True).to_numpy().copy()
    others = np.flatnonzero(~is_ascii.to_numpy())
    holds[others] |= _holds_equal_bytes(texts.gather(others), least)
    return pl.Series(holds)


def _holds_equal_bytes(texts: pl.Series, least: int) -> np.ndarray:
    ends = (texts.str.len_bytes().cast(pl.Int64) + 1).cum_sum().to_numpy()
    joined = np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)
    holds = np.zeros(len(texts), dtype=bool)
    for size in range(1, _LONGEST_CHARACTER + 1):
        step = (least - 1) * size // 4
        places = np.arange(0, len(joined) - size, step)
        is_same = joined[places] == joined[places + size]
        hits = places[:-2][is_same[:-2] & is_same[1:-1] & is_same[2:]]
        holds[np.searchsorted(ends, hits, side="right")] = True
    return holds


def longest_loops(
    words: Words, *, longest_period: int, least_times: int, least_words: int
) -> pl.DataFrame:
    """Find runs of words that come again with a period.

    Args:
        words: of all texts.
        longest_period: in words.
        least_times: how often the same words must come.
        least_words: how many words a loop must have in all.

    Returns:
        For each text with one, its longest loop: the first and the last word (numbers within the
        text) and the period.
    """
    text, code = words.text, words.code
    found = [pl.DataFrame(schema=_LOOP_SCHEMA)]
    for period in range(1, min(longest_period, len(code) - 1) + 1):
        same = np.flatnonzero(code[period:] == code[:-period])
        same = same[text[same + period] == text[same]]
        if not len(same):
            continue
        breaks = np.flatnonzero((np.diff(same) != 1) | (np.diff(text[same]) != 0)) + 1
        first = same[np.concatenate(([0], breaks))]
        length = np.diff(np.concatenate(([0], breaks, [len(same)]))) + period
        is_loop = (length >= least_times * period) & (length >= least_words)
        first, length = first[is_loop], length[is_loop]
        inside = first - np.searchsorted(text, text[first])
        found.append(
            pl.DataFrame(
                {
                    "text": text[first],
                    "first": inside,
                    "last": inside + length - 1,
                    "period": np.full(len(first), period),
                },
                schema=_LOOP_SCHEMA,
            )
        )
    # Of equally long loops the one with the shortest period says it best.
    return (
        pl.concat(found)
        .with_columns(length=pl.col("last") - pl.col("first"))
        .sort("text", "length", "period", descending=[False, True, False])
        .unique("text", keep="first", maintain_order=True)
    )
