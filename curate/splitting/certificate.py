"""The proof that nothing leaks: a fresh search of written files for what they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...workspace.errors import UsageError
from ...workspace.events import Emit, ignore
from ..near_duplicates.pairs import THRESHOLD
from ..reading.read import read_dataset
from .ties import Ties, tie_records

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
_EXACT, _NORMALISED, _NEAR, _PROMPT = "exact", "normalised", "near", "prompt"


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


def check_files(
    files: Mapping[str, str | Path],
    *,
    threshold: float = THRESHOLD,
    groups: Sequence[str] = (),
    shape: str | None = None,
    mapping: Mapping[str, str] | None = None,
    emit: Emit = ignore,
) -> Certificate:
    """Search anybody's files for what leaks from one into another.

    The files are read anew and every record is compared with every other.

    Args:
        files: the parts by name, such as ``{"train": "train.jsonl", "test": "test.jsonl"}``.
        threshold: the Jaccard similarity from which pairs are near.
        groups: fields whose values must not occur in two files.
        shape: the rows' shape; detected by default.
        mapping: which source field plays which part.
        emit: told about progress.

    Raises:
        UsageError: fewer than two files.
        DataError: a file cannot be read.
    """
    if len(files) < 2:
        raise UsageError("leaks are searched between files, and only one was named")
    datasets = {
        name: read_dataset(path, shape=shape, mapping=mapping, emit=emit)
        for name, path in files.items()
    }
    records = pl.concat([dataset.records for dataset in datasets.values()])
    part = pl.Series(
        "part", [name for name, dataset in datasets.items() for _ in range(dataset.records.height)]
    )
    first = next(iter(datasets.values()))
    # Every file counts its rows from 0; records are compared under numbers of their own.
    numbered = records.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    ties = tie_records(numbered, first.detection, threshold=threshold, groups=groups)
    unread = sum(dataset.set_aside.height for dataset in datasets.values())
    notes = [f"{unread:,} rows could not be read"] if unread else []
    return _certificate(ties, part, records["row"], threshold, notes)


def _certificate(
    ties: Ties, part: pl.Series, row: pl.Series, threshold: float, notes: Sequence[str]
) -> Certificate:
    places = pl.DataFrame({"part": part, "row": row}).with_row_index("position")
    crossings: list[pl.DataFrame] = []
    counts: dict[str, int] = {}
    for name in ties.keys.columns:
        key = ties.keys[name]
        if name == _NORMALISED:
            counts[name], found = _crossing_keys(name, key, places, but=ties.keys[_EXACT])
        else:
            counts[name], found = _crossing_keys(name, key, places)
        crossings.append(found)
    near = _crossing_pairs(ties, places)
    groups = sum(count for name, count in counts.items() if name.startswith("group "))
    return Certificate(
        exact_across=counts[_EXACT],
        normalised_across=counts[_NORMALISED],
        near_across=near.height,
        prompt_across=counts[_PROMPT],
        group_across=groups,
        threshold=threshold,
        method=f"a fresh reading of the written files; {ties.method}",
        not_searched=(*notes, *ties.notes, "rewording that shares few runs of words, translations"),
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
    words = ties.keys["normalised"]
    left, right = ties.pairs["left"], ties.pairs["right"]
    pairs = pl.DataFrame(
        {
            "by": pl.repeat(_NEAR, len(left), eager=True),
            "left_part": places["part"].gather(left),
            "left_row": places["row"].gather(left),
            "right_part": places["part"].gather(right),
            "right_row": places["row"].gather(right),
            "jaccard": ties.pairs["jaccard"],
            "same": words.gather(left).eq_missing(words.gather(right)),
        }
    )
    crossing = (pl.col("left_part") != pl.col("right_part")) & ~pl.col("same")
    return pairs.filter(crossing).select(CROSSING_SCHEMA.names())
