"""The proof that nothing leaks: a fresh search of written files for what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.errors import UsageError
from ...workspace.events import Emit, ignore
from ..near_duplicates.pairs import THRESHOLD
from ..reading.read import open_source, read_pieces
from .direct_ties import numbered
from .ties import EXACT, GROUP, NEAR, NORMALISED, PROMPT, TakenPiece, Ties, tie_records

CROSSING_SCHEMA = pl.Schema(
    {
        "by": pl.String,
        "left_part": pl.String,
        "left_row": pl.Int64,
        "right_part": pl.String,
        "right_row": pl.Int64,
        "jaccard": pl.Float64,
    }
)
_UNSEEN = (
    "rewording that shares few runs of words, translations",
    "a short text inside a much longer one (an audit does: duplicates/contained)",
    "fields outside of the messages, and files that rows name",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What files have in common.

    Attributes:
        exact_across: contents that occur in more than one file.
        normalised_across: texts of the same words that occur in more than one file, the exact
            ones not counted again.
        near_across: further pairs of near-duplicates with their rows in different files.
        prompt_across: prompts that occur in more than one file.
        group_across: values of group columns that occur in more than one file.
        threshold: the Jaccard similarity from which pairs are near.
        rows: how many records of each file were compared.
        method: how was searched.
        not_searched: what the search could not see, sentences for the reader.
        crossings: the evidence, one line a pair: frame of :data:`CROSSING_SCHEMA`.
    """

    exact_across: int
    normalised_across: int
    near_across: int
    prompt_across: int
    group_across: int
    threshold: float
    rows: dict[str, int]
    method: str
    not_searched: tuple[str, ...]
    crossings: pl.DataFrame

    @property
    def leaks(self) -> bool:
        """Whether anything crosses."""
        return self.crossings.height > 0

    def to_json(self) -> dict[str, Any]:
        """Return the certificate without its evidence as JSON values."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del fields["crossings"]
        return {**fields, "not_searched": list(self.not_searched)}


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file to be searched: where it lies, and how its rows are to be understood.

    Attributes:
        path: a file, or whatever else can be read.
        shape: the rows' shape; detected by default.
        mapping: which source field plays which part.
        encoding: of text files; told from their bytes by default.
    """

    path: str | Path
    shape: str | None = None
    mapping: Mapping[str, str] | None = None
    encoding: str | None = None


def check_files(
    files: Mapping[str, PartFile],
    *,
    threshold: float = THRESHOLD,
    groups: Sequence[str] = (),
    emit: Emit = ignore,
) -> Certificate:
    """Search anybody's files for what leaks from one into another.

    The files are read anew, piece by piece, and every record is compared with every other.

    Args:
        files: the parts by name.
        threshold: the Jaccard similarity from which pairs are near.
        groups: fields whose values must not occur in two files.
        emit: told about progress.

    Raises:
        UsageError: fewer than two files, or no record has a field that ``groups`` names.
        DataError: a file cannot be read.
    """
    if len(files) < 2:
        raise UsageError(
            "leaks are searched between files, and fewer than two were named",
            fix="name two or more, such as train.jsonl and test.jsonl",
        )
    sources = {
        name: open_source(
            file.path, shape=file.shape, mapping=file.mapping or None, encoding=file.encoding
        )
        for name, file in files.items()
    }
    unread: Counter[str] = Counter()

    def pieces() -> Iterator[TakenPiece]:
        for name, source in sources.items():
            for piece in read_pieces(source, emit):
                unread[name] += piece.set_aside.height
                yield TakenPiece(piece.records, piece.detection, name)

    ties = tie_records(pieces(), threshold=threshold, groups=groups)
    notes = [
        f"rows of {name} that could not be read: {count:,}"
        for name, count in unread.items()
        if count
    ]
    counts = dict(ties.rows.group_by("part").len().iter_rows())
    rows = {name: counts.get(name, 0) for name in files}
    return _certificate(ties, rows, threshold, notes)


def _certificate(
    ties: Ties, rows: Mapping[str, int], threshold: float, notes: Sequence[str]
) -> Certificate:
    places = ties.rows.select("part", "row").with_row_index("position")
    crossings: list[pl.DataFrame] = []
    counts: dict[str, int] = {}
    for name in ties.keys.columns:
        stricter = ties.keys[EXACT] if name == NORMALISED else None
        counts[name], found = _crossing_keys(name, ties.keys[name], places, but=stricter)
        crossings.append(found)
    near = _crossing_pairs(ties, places)
    groups = sum(count for name, count in counts.items() if name.startswith(GROUP))
    return Certificate(
        exact_across=counts[EXACT],
        normalised_across=counts[NORMALISED],
        near_across=near.height,
        prompt_across=counts[PROMPT],
        group_across=groups,
        threshold=threshold,
        rows=dict(rows),
        method=f"a fresh reading of the written files; {ties.method}",
        not_searched=(*notes, *ties.notes, *_UNSEEN),
        crossings=pl.concat([*crossings, near]),
    )


def _crossing_keys(
    name: str, key: pl.Series, places: pl.DataFrame, but: pl.Series | None = None
) -> tuple[int, pl.DataFrame]:
    """Count the keys that occur in several parts; a pair of rows stands for each.

    Args:
        name: what kind of key it is.
        key: the key of every record.
        places: the part and row of every record.
        but: a stricter key; keys that cross by it as well are not counted again.
    """
    keyed = places.with_columns(key.alias("key")).drop_nulls("key")
    if but is not None:
        stricter = places.with_columns(key.alias("key"), but.alias("but"))
        known = stricter.group_by("but").agg(pl.col("part").n_unique(), pl.col("key").first())
        keyed = keyed.join(known.filter(pl.col("part") > 1), on="key", how="anti")
    firsts = keyed.sort("position").unique(["key", "part"], keep="first", maintain_order=True)
    crossing = (
        firsts.group_by("key", maintain_order=True)
        .agg("part", "row")
        .filter(pl.col("part").list.len() > 1)
    )
    pairs = crossing.select(
        by=pl.lit(name),
        left_part=pl.col("part").list.get(0),
        left_row=pl.col("row").list.get(0),
        right_part=pl.col("part").list.get(1),
        right_row=pl.col("row").list.get(1),
        jaccard=pl.lit(None, dtype=pl.Float64),
    )
    return crossing.height, pairs


def _crossing_pairs(ties: Ties, places: pl.DataFrame) -> pl.DataFrame:
    """The near pairs across parts that do not have the same words."""
    words = numbered(ties.keys[NORMALISED])
    left, right = ties.pairs["left"], ties.pairs["right"]
    pairs = pl.DataFrame(
        {
            "by": pl.repeat(NEAR, len(left), eager=True),
            "left_part": places["part"].gather(left),
            "left_row": places["row"].gather(left),
            "right_part": places["part"].gather(right),
            "right_row": places["row"].gather(right),
            "jaccard": ties.pairs["jaccard"],
            "same": words[left.to_numpy()] == words[right.to_numpy()],
        }
    )
    crossing = (pl.col("left_part") != pl.col("right_part")) & ~pl.col("same")
    return pairs.filter(crossing).select(CROSSING_SCHEMA.names())
