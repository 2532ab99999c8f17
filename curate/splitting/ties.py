"""Which records belong together, so that no split may separate them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..near_duplicates.comparison_text import comparison_columns
from ..near_duplicates.components import component_labels
from ..near_duplicates.pairs import near_duplicate_pairs
from ..records import Detection
from .columns import column_values

COMMON_PROMPT_SHARE = 0.05
COMMON_PROMPT_RECORDS = 50


@dataclass(frozen=True, slots=True)
class Ties:
    """Records tied into components.

    Attributes:
        components: for every record the position of the first of its component, int64.
        keys: ``exact``, ``normalised``, ``prompt`` and the group columns of every record; null
            where a key ties nothing.
        pairs: the near-duplicates (``left, right, jaccard``; positions).
        method: how near-duplicates were searched.
        notes: what was not tied or not searched, sentences for the reader.
    """

    components: np.ndarray
    keys: pl.DataFrame
    pairs: pl.DataFrame
    method: str
    notes: tuple[str, ...]


def tie_records(
    records: pl.DataFrame, detection: Detection, *, threshold: float, groups: Sequence[str] = ()
) -> Ties:
    """Tie records with the same content, words, prompt or group, and near-duplicates.

    A prompt shared by more than a twentieth of the records (and at least fifty) is a form rather
    than a question; it ties nothing and is noted.

    Args:
        records: frame of ``RECORD_SCHEMA``.
        detection: how the source was understood.
        threshold: the Jaccard similarity from which texts are near-duplicates.
        groups: fields whose equal values stay together.

    Raises:
        UsageError: no record has a field that ``groups`` names.
    """
    columns = comparison_columns(records)
    prompts, notes = _telling_prompts(columns["prompt"])
    group_keys = {f"group {name}": column_values(records, detection, name) for name in groups}
    keys = pl.DataFrame(
        {
            "exact": columns["exact"],
            "normalised": columns["normalised"],
            "prompt": prompts,
            **group_keys,
        }
    )
    search = near_duplicate_pairs(columns["spoken"], threshold=threshold)
    if search.skipped:
        notes.append(
            f"{search.bounded_buckets} very frequent runs of words were searched in part: up to "
            f"{search.skipped:,} candidate pairs were not compared"
        )
    wordless = int((columns["spoken"] == "").sum())
    if wordless:
        notes.append(f"{wordless:,} records without words were compared exactly only")
    edges = [_edges_of_key(keys[name]) for name in keys.columns]
    left = np.concatenate([search.pairs["left"].to_numpy(), *(edge[0] for edge in edges)])
    right = np.concatenate([search.pairs["right"].to_numpy(), *(edge[1] for edge in edges)])
    return Ties(
        components=component_labels(records.height, left, right),
        keys=keys,
        pairs=search.pairs,
        method=search.method,
        notes=tuple(notes),
    )


def _edges_of_key(key: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Tie each record to the first one with the same key."""
    tied = (
        key.alias("key")
        .to_frame()
        .with_row_index("position")
        .drop_nulls("key")
        .with_columns(first=pl.col("position").min().over("key"))
        .filter(pl.col("position") != pl.col("first"))
    )
    return tied["first"].to_numpy().astype(np.int64), tied["position"].to_numpy().astype(np.int64)


def _telling_prompts(prompts: pl.Series) -> tuple[pl.Series, list[str]]:
    limit = max(COMMON_PROMPT_RECORDS, COMMON_PROMPT_SHARE * len(prompts))
    frame = prompts.alias("prompt").to_frame()
    common = pl.len().over("prompt") > limit
    frame = frame.with_columns(common=common & pl.col("prompt").is_not_null())
    number = frame.filter("common")["prompt"].n_unique()
    notes = (
        [f"{number} prompts that more than {limit:,.0f} records share tie nothing"]
        if number
        else []
    )
    told = frame.select(pl.when(~pl.col("common")).then("prompt").alias("prompt")).to_series()
    return told, notes
