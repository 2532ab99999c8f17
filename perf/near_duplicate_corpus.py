"""Rows to search for near-duplicates in: real ones, variations of them, and planted copies.

Every row is canonical text, so that all tools cut it into the same words at its spaces. Of the
rows that are not real, four in five are a real row with 10 to 60 % of its words replaced, one in
ten the beginning of one real row and the end of another, and one in ten a near-duplicate: a row of
any kind with up to four words replaced or left out. Which rows are true pairs is not known from how
they were made but counted (see ``near_duplicate_truth``).

The one thing that more than a twentieth of the rows share, gsm8k's ``####`` before each answer, is
left out: tunewise would let it weigh little, and the other tools would not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from tunewise.curate.near_duplicates.comparison_text import canonical_texts

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "instructions"
PLANTED_SHARE = 0.1
MIXED_SHARE = 0.1

_ROWS_AT_ONCE = 50_000
_MOST_EDITS = 4


def real_texts(folder: Path = SHARED_DATA) -> pl.Series:
    """Read the distinct canonical texts of all instruction rows in a folder."""
    texts: list[str] = []
    for path in sorted(folder.rglob("*.json*")):
        content = path.read_text(encoding="utf-8")
        rows = (
            [json.loads(line) for line in content.splitlines()]
            if path.suffix == ".jsonl"
            else json.loads(content)
        )
        texts += ["\n".join(_strings(row)) for row in rows if isinstance(rows, list)]
    for path in sorted(folder.rglob("*.csv")):
        texts += pl.read_csv(path)["text"].to_list()
    canonical = canonical_texts(pl.Series("text", texts).str.replace_all("####", "", literal=True))
    return canonical.filter(canonical != "").unique(maintain_order=True)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def corpus_pieces(rows: int, seed: int = 0) -> Iterator[pl.Series]:
    """Make the rows, a piece at a time; the same for the same number and seed."""
    real = real_texts().head(rows)
    split = real.str.split(" ")
    lengths = split.list.len().to_numpy().astype(np.int64)
    words = split.explode()
    vocabulary = words.unique(maintain_order=True)
    numbers = words.to_frame("word").join(
        vocabulary.to_frame("word").with_row_index("number"), on="word", maintain_order="left"
    )
    base = Rows(numbers["number"].to_numpy().astype(np.int64), lengths)
    # A word left out is empty.
    vocabulary = pl.concat([vocabulary, pl.Series([""]).alias("word")])
    chance = np.random.default_rng(seed)
    yield real
    made = len(real)
    while made < rows:
        count = min(_ROWS_AT_ONCE, rows - made)
        varied = _written(_varied(base, count, len(vocabulary) - 1, chance), vocabulary)
        # Where a bracket was left out, a text may no longer look like code, and marks go too.
        yield canonical_texts(varied)
        made += count


class Rows:
    """Rows of word numbers, one after the other."""

    def __init__(self, words: np.ndarray, lengths: np.ndarray) -> None:
        """Remember where each row begins."""
        self.words = words
        self.lengths = lengths
        self.starts = np.cumsum(lengths) - lengths

    def take(self, rows: np.ndarray, first: np.ndarray, last: np.ndarray) -> Rows:
        """Cut words ``first`` to ``last`` out of some rows."""
        lengths = last - first
        owners = np.repeat(np.arange(len(rows)), lengths)
        places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return Rows(self.words[self.starts[rows][owners] + first[owners] + places], lengths)


def _varied(base: Rows, count: int, nothing: int, chance: np.random.Generator) -> Rows:
    planted = int(count * PLANTED_SHARE)
    mixed = int(count * MIXED_SHARE)
    one, other = chance.integers(0, len(base.lengths), (2, count))
    zero = np.zeros(count, dtype=np.int64)
    share = chance.random(count)
    share[mixed:] = 1
    begins = base.take(one, zero, np.ceil(base.lengths[one] * share).astype(np.int64))
    other_first = np.where(share < 1, np.floor(base.lengths[other] * share), base.lengths[other])
    ends = base.take(other, other_first.astype(np.int64), base.lengths[other])
    rows = _joined(begins, ends)
    replaced = chance.random(len(rows.words)) < np.repeat(
        np.where(np.arange(count) < mixed, 0.0, chance.uniform(0.1, 0.6, count)), rows.lengths
    )
    rows.words[replaced] = base.words[chance.integers(0, len(base.words), replaced.sum())]
    # The planted ones take the place of the last rows.
    kept = count - planted
    edited = chance.integers(0, kept, planted)
    real = chance.integers(0, len(base.lengths), planted)
    from_real = chance.random(planted) < 0.3
    all_rows = _joined_rows(rows, base)
    source = np.where(from_real, count + real, edited)
    order = np.r_[np.arange(kept), source]
    result = all_rows.take(order, np.zeros(count, dtype=np.int64), all_rows.lengths[order])
    for _ in range(_MOST_EDITS):
        touched = np.arange(kept, count)[chance.random(planted) < 0.6]
        at = result.starts[touched] + (
            chance.random(len(touched)) * result.lengths[touched]
        ).astype(np.int64)
        new = base.words[chance.integers(0, len(base.words), len(touched))]
        result.words[at] = np.where(chance.random(len(touched)) < 0.3, nothing, new)
    return result


def _joined(begins: Rows, ends: Rows) -> Rows:
    """Put two pieces of every row together."""
    count = len(begins.lengths)
    owners = np.r_[
        np.repeat(np.arange(count), begins.lengths), np.repeat(np.arange(count), ends.lengths)
    ]
    words = np.r_[begins.words, ends.words]
    return Rows(words[np.argsort(owners, kind="stable")], begins.lengths + ends.lengths)


def _joined_rows(first: Rows, second: Rows) -> Rows:
    return Rows(np.r_[first.words, second.words], np.r_[first.lengths, second.lengths])


def _written(rows: Rows, vocabulary: pl.Series) -> pl.Series:
    owners = np.repeat(np.arange(len(rows.lengths)), rows.lengths)
    return (
        pl.DataFrame({"row": owners, "text": vocabulary.gather(rows.words)})
        .filter(pl.col("text") != "")
        .group_by("row", maintain_order=True)
        .agg(pl.col("text").str.join(" "))["text"]
    )


def write_corpus(path: Path, rows: int, seed: int = 0) -> None:
    """Write the rows as an Arrow file with one column, ``text``."""
    unfinished = path.with_suffix(".part")
    with pa.ipc.new_file(unfinished, pa.schema([("text", pa.large_string())])) as file:
        for piece in corpus_pieces(rows, seed):
            file.write_table(piece.to_frame("text").to_arrow(compat_level=pl.CompatLevel.oldest()))
    unfinished.rename(path)
